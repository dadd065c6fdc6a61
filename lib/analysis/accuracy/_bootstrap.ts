import { mean, quantile, RandomStream } from "../../core/mod.ts";

/** Outcomes of one benchmark: [training seed][evaluation seed][problem][sample], each 0 (wrong) or 1 (right). */
export type OutcomeTable = readonly (readonly (readonly (readonly number[])[])[])[];

/**
 * Outcomes of one condition (a model with or without vectors) by benchmark name. All benchmarks have the same
 * training and evaluation seeds; within a benchmark every seed answers the same problems.
 */
export type BenchmarkOutcomes = Readonly<Record<string, OutcomeTable>>;

/** How a bootstrap interval is made. */
export interface BootstrapOptions {
  /** Number of resamples. @default {2000} */
  readonly draws?: number;
  /** Coverage of the percentile interval. @default {0.95} */
  readonly level?: number;
  /** Seed of the picks; equal seeds give equal picks for every condition. @default {0} */
  readonly seed?: number;
}

/** The ends of an interval, in the unit of what it is about. */
export interface Interval {
  /** Lower end. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
  /** Coverage. */
  readonly level: number;
}

/** The percentile interval of draws. */
export function percentileInterval(draws: ArrayLike<number>, level: number): Interval {
  const tail = (1 - level) / 2;
  return { low: quantile(draws, tail), high: quantile(draws, 1 - tail), level };
}

/** Mean score per [training seed][evaluation seed][benchmark][problem], samples averaged out, in [0, 1]. */
interface ScoreTable {
  readonly names: readonly string[];
  readonly scores: readonly (readonly (readonly Float64Array[])[])[];
}

export interface Resamples {
  /** Accuracy in percent of the data themselves. */
  readonly percent: number;
  /** Accuracy in percent of each bootstrap draw. */
  readonly draws: Float64Array;
  /** Accuracy in percent per [training seed][evaluation seed]. */
  readonly perSeed: readonly (readonly number[])[];
  /** Accuracy in percent per benchmark, over all seeds. */
  readonly perBenchmark: Readonly<Record<string, number>>;
}

/** The draws, the level and the seed of a call, defaults filled in and checked. */
export function bootstrapSettings(options: BootstrapOptions): { draws: number; level: number; seed: number } {
  const { draws = 2000, level = 0.95, seed = 0 } = options;
  if (!Number.isInteger(draws) || draws < 1) {
    throw new RangeError(`Cannot bootstrap as draws must be a positive integer: current value is ${draws}`);
  }
  if (!(level > 0 && level < 1)) {
    throw new RangeError(`Cannot bootstrap as level must lie in (0, 1): current value is ${level}`);
  }
  return { draws, level, seed };
}

function scoreTable(outcomes: BenchmarkOutcomes): ScoreTable {
  // Sorted, so that the order in which a caller built the record changes nothing.
  const names = Object.keys(outcomes).sort();
  const first = names[0];
  if (first === undefined) {
    throw new RangeError("Cannot average accuracy as there is no benchmark: current count is 0");
  }
  const shape = (outcomes[first] ?? []).map((run) => run.length);
  const tables = names.map((name) => {
    const table = outcomes[name] ?? [];
    const seeds = table.map((run) => run.length);
    if (seeds.length === 0 || seeds.some((count) => count === 0) || seeds.join() !== shape.join()) {
      throw new RangeError(
        `Cannot average accuracy as every benchmark must have the same training and evaluation seeds: ` +
          `"${first}" has [${shape}] evaluation seeds and "${name}" has [${seeds}]`,
      );
    }
    const problems = table[0]?.[0]?.length ?? 0;
    return table.map((run, training) =>
      run.map((seed, evaluation) => {
        const where = `benchmark "${name}", training seed ${training}, evaluation seed ${evaluation}`;
        if (seed.length === 0 || seed.length !== problems) {
          throw new RangeError(
            `Cannot average accuracy as all seeds must answer the same problems: ` +
              `${where} has ${seed.length} and the first has ${problems}`,
          );
        }
        return Float64Array.from(seed, (samples, problem) => {
          if (samples.length === 0 || samples.some((outcome) => outcome !== 0 && outcome !== 1)) {
            throw new RangeError(
              `Cannot average accuracy as outcomes must be 0 or 1: ${where}, problem ${problem} has [${samples}]`,
            );
          }
          return mean(samples);
        });
      })
    );
  });
  const scores = shape.map((count, training) =>
    Array.from(
      { length: count },
      (_, evaluation) => tables.map((table) => table[training]?.[evaluation] as Float64Array),
    )
  );
  return { names, scores };
}

/** Unweighted mean of the benchmark accuracies of one seed, in percent. */
function seedPercent(benchmarks: readonly Float64Array[]): number {
  return 100 * mean(benchmarks.map((scores) => mean(scores)));
}

/** How often each of `count` units (problems, texts) occurs in a draw of as many with replacement. */
export function drawTimes(stream: RandomStream, count: number): Float64Array {
  const times = new Float64Array(count);
  for (let time = 0; time < count; time++) {
    const drawn = stream.integer({ below: count });
    times[drawn] = (times[drawn] as number) + 1;
  }
  return times;
}

/** Sets of problem draws that are kept: six families and their likes, for a few sizes of a study. */
const KEPT_DRAWS = 48;
const problemDraws = new Map<string, readonly Float64Array[]>();

/**
 * How often each problem of a benchmark occurs in each draw. Every condition is resampled with the same draws, and a
 * figure has dozens of conditions: drawing takes far longer than averaging, so the draws are kept.
 */
function problemTimes(
  name: string,
  options: { readonly count: number; readonly draws: number; readonly seed: number },
): readonly Float64Array[] {
  const { count, draws, seed } = options, key = JSON.stringify([name, count, draws, seed]);
  const known = problemDraws.get(key);
  if (known !== undefined) return known;
  const stream = new RandomStream(seed, "bootstrap", `problems of ${name}`);
  const drawn = Array.from({ length: draws }, () => drawTimes(stream, count));
  for (const oldest of problemDraws.keys()) {
    if (problemDraws.size < KEPT_DRAWS) break;
    problemDraws.delete(oldest);
  }
  problemDraws.set(key, drawn);
  return drawn;
}

function weightedMean(scores: Float64Array, times: Float64Array): number {
  let sum = 0;
  for (let problem = 0; problem < scores.length; problem++) {
    sum += (scores[problem] as number) * (times[problem] as number);
  }
  return sum / scores.length;
}

/**
 * The hierarchical bootstrap: training seeds, then evaluation seeds within each, then problems within each
 * benchmark. Every seed answers the same problems, so a draw picks the problems once for all seeds.
 *
 * Problems and each kind of seed are picked from streams of their own: two conditions on the same problems pick the
 * same problems in each draw, and the same seeds where both have as many, which pairs their draws.
 */
export function resampleAccuracy(
  outcomes: BenchmarkOutcomes,
  settings: { readonly draws: number; readonly seed: number },
): Resamples {
  const known = RESAMPLED.get(outcomes) ?? new Map<string, Resamples>();
  RESAMPLED.set(outcomes, known);
  const key = `${settings.draws} ${settings.seed}`;
  const resamples = known.get(key) ?? resample(outcomes, settings);
  known.set(key, resamples);
  return resamples;
}

/** Draws made before: an item asks for its conditions again with every difference and statistic. */
const RESAMPLED = new WeakMap<BenchmarkOutcomes, Map<string, Resamples>>();

function resample(
  outcomes: BenchmarkOutcomes,
  settings: { readonly draws: number; readonly seed: number },
): Resamples {
  const { names, scores } = scoreTable(outcomes);
  const perSeed = scores.map((run) => run.map(seedPercent));
  const draws = new Float64Array(settings.draws);
  const stream = (what: string) => new RandomStream(settings.seed, "bootstrap", what);
  const trainingStream = stream("training seeds"), evaluationStream = stream("evaluation seeds");
  const timesOf = (scores[0]?.[0] ?? []).map((values, index) =>
    problemTimes(names[index] as string, { ...settings, count: values.length })
  );
  for (let draw = 0; draw < draws.length; draw++) {
    const times = timesOf.map((drawn) => drawn[draw] as Float64Array);
    const accuracies = scores.map((run) =>
      run.map((seed) => mean(seed.map((values, index) => weightedMean(values, times[index] as Float64Array))))
    );
    let sum = 0;
    for (let place = 0; place < scores.length; place++) {
      const run = trainingStream.pick(accuracies);
      let runSum = 0;
      for (let time = 0; time < run.length; time++) runSum += evaluationStream.pick(run);
      sum += runSum / run.length;
    }
    draws[draw] = 100 * sum / scores.length;
  }
  const perBenchmark = Object.fromEntries(names.map((name, index) => [
    name,
    100 * mean(scores.map((run) => mean(run.map((seed) => mean(seed[index] as Float64Array))))),
  ]));
  return { percent: mean(perSeed.map((run) => mean(run))), draws, perSeed, perBenchmark };
}

/**
 * a − b in percentage points. Accuracies are ratios of counts whose sums round differently, so that equal ones may
 * differ by some 1e-14; a difference that small is 0, or the sign of a draw would be a matter of rounding.
 */
export function pointsBetween(a: number, b: number): number {
  return Math.round((a - b) * 1e9) / 1e9;
}

/** Refuses conditions that do not answer the same problems, as their draws would not be paired. */
export function requireSameProblems(a: BenchmarkOutcomes, b: BenchmarkOutcomes): void {
  const sizes = (outcomes: BenchmarkOutcomes) =>
    Object.keys(outcomes).sort().map((name) => `${name}: ${outcomes[name]?.[0]?.[0]?.length ?? 0}`).join(
      ", ",
    );
  if (sizes(a) !== sizes(b)) {
    throw new RangeError(
      `Cannot compare accuracies as both must answer the same problems: one has {${sizes(a)}}, the other {${
        sizes(b)
      }}`,
    );
  }
}
