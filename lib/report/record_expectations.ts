import { mean, standardDeviation } from "../core/mod.ts";
import { studentQuantile } from "./_student_quantile.ts";
import type { MetricValue } from "./metric_value.ts";
import { METRIC_DIGITS } from "./metrics.ts";
import type { ExpectationFile, ExpectedValue } from "./compare_metrics.ts";

/** What one run measured. */
export interface RecordedRun {
  /** First evaluation seed of the run. */
  readonly seed: number;
  /** Everything that is compared. */
  readonly values: readonly MetricValue[];
}

/** How far a value may move on another processor, where sums round in another order and a few answers fork. */
export interface Rounding {
  /** As a share of the value's standard error: what forked answers move. 0 for what is counted. */
  readonly ofError: number;
  /** As a share of the value's size: what rounding alone moves. */
  readonly ofSize: number;
  /** Whether values say which one and not how much, so that there is no mean of several. `@default false` */
  readonly identity?: boolean;
  /** Where it comes from. */
  readonly reason: string;
}

/** How expected values are made from runs. */
export interface RecordExpectationsOptions {
  /** Id of the table or figure. */
  readonly id: string;
  /** How the runs were made: command, seeds, hashes, versions. */
  readonly madeBy: string;
  /** How far values of a unit may move at equal seeds; null for a unit that is not known. */
  readonly roundingOf: (unit: string) => Rounding | null;
  /**
   * What kind of measurement a metric is, for a spread that metrics of one kind have in common: few runs say little of
   * one metric's spread, and much of twenty's. `@default` each metric is a kind of its own
   */
  readonly kindOf?: (metric: string, unit: string) => string;
  /**
   * Checks of a whole pass. The interval over seeds is so wide that a run from another first seed leaves any one of
   * these by chance in one pass of a hundred. `@default 2500`
   */
  readonly checksOfAPass?: number;
}

/** How much of a value's size a tolerance may be that must not pass 0. */
const SHORT_OF_ZERO = 0.95;

/** What is not applicable has nothing that could move. */
const NOTHING: Rounding = { ofError: 0, ofSize: 0, reason: "not applicable" };

/** Whole numbers as they are, others with the digits of `metrics.json`. */
function written(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(METRIC_DIGITS));
}

/** Three digits, never below the value: a rounded tolerance must not be a narrower one. */
function roundedUp(value: number): number {
  if (value === 0) return 0;
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2);
  return Number((Math.ceil(value / unit) * unit).toPrecision(3));
}

/** A standard deviation between runs that several metrics have in common. */
interface Spread {
  readonly metrics: number;
  readonly deviation: number;
  readonly degrees: number;
}

/** The numbers of metrics that have one in every run. */
function numbersOf(runs: readonly RecordedRun[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const { name, value } of runs.flatMap(({ values }) => values)) {
    if (value !== null) found.set(name, [...found.get(name) ?? [], value]);
  }
  return new Map([...found].filter(([, numbers]) => numbers.length === runs.length));
}

/** Spreads by kind, of the metrics that differ between runs at all. */
function spreadsOf(
  numbers: ReadonlyMap<string, readonly number[]>,
  kindOf: (metric: string) => string,
): ReadonlyMap<string, Spread> {
  const sums = new Map<string, { metrics: number; squares: number; degrees: number }>();
  for (const [metric, values] of numbers) {
    if (new Set(values).size === 1) continue;
    const kind = kindOf(metric), sum = sums.get(kind) ?? { metrics: 0, squares: 0, degrees: 0 };
    const degrees = values.length - 1;
    sums.set(kind, {
      metrics: sum.metrics + 1,
      squares: sum.squares + degrees * standardDeviation(values, { ddof: 1 }) ** 2,
      degrees: sum.degrees + degrees,
    });
  }
  return new Map(
    [...sums].map(([kind, { metrics, squares, degrees }]) => [
      kind,
      { metrics, degrees, deviation: Math.sqrt(squares / degrees) },
    ]),
  );
}

/** The normal distribution's quantile, as Student's with more degrees than matter. */
function normalQuantile(share: number): number {
  return studentQuantile(share, 10_000);
}

/** The standard error that a value's interval says; null where it has no interval. */
function standardError({ uncertainty }: MetricValue): number | null {
  if (uncertainty?.kind !== "interval") return null;
  return (uncertainty.high - uncertainty.low) / (2 * normalQuantile((1 + uncertainty.level) / 2));
}

/** Whether 0 lies within the measurement error of a value: within its 95 % interval, or two spreads between seeds. */
function zeroIsNear(value: MetricValue, spread: Spread | undefined): boolean {
  if (value.uncertainty?.kind === "interval") {
    return value.uncertainty.low <= 0 && value.uncertainty.high >= 0;
  }
  return spread !== undefined && Math.abs(value.value ?? Infinity) <= 2 * spread.deviation;
}

/** A tolerance that passes 0 alone where 0 lies within the measurement error, and says so. */
function awayFromZero(
  found: ExpectedValue & { readonly expected: number },
  options: { readonly near: boolean; readonly least: number },
): ExpectedValue {
  const { expected, tolerance, reason } = found, size = Math.abs(expected);
  if (expected === 0 || tolerance < size) return found;
  if (options.near || options.least >= size) {
    return { ...found, reason: `${reason}; 0 lies within the measurement error` };
  }
  return {
    expected,
    tolerance: roundedUp(Math.max(SHORT_OF_ZERO * size, options.least)),
    reason: `${reason}; narrowed, as 0 does not lie there`,
  };
}

/** At the recorded seed: the value itself, on the floor of a deterministic machine. */
function atRecordedSeed(
  value: MetricValue,
  options: { readonly rounding: Rounding; readonly spread: Spread | undefined },
): ExpectedValue {
  const { rounding: { ofError, ofSize, reason }, spread } = options;
  if (value.value === null) return { expected: null, tolerance: 0, reason };
  const error = standardError(value) ?? spread?.deviation ?? 0;
  const expected = written(value.value), size = Math.abs(expected) * ofSize;
  const tolerance = roundedUp(
    Math.max(ofError * error, Number.isInteger(expected) && ofError === 0 ? 0 : size),
  );
  return awayFromZero({ expected, tolerance, reason }, { near: zeroIsNear(value, spread), least: 0 });
}

/** From other first seeds: the mean of all runs, and how far one more run may lie from it. */
function fromOtherSeeds(
  value: MetricValue,
  options: {
    readonly numbers: readonly number[];
    readonly seeds: readonly number[];
    readonly spread: Spread | undefined;
    readonly least: number;
    readonly outside: number;
  },
): ExpectedValue {
  const { numbers, seeds, least, outside } = options, more = Math.sqrt(1 + 1 / numbers.length);
  const expected = written(mean(numbers));
  const farthest = Math.max(...numbers.map((number) => Math.abs(number - expected)));
  // What never differs has no part in the spread of its kind.
  const spread = farthest === 0 ? undefined : options.spread;
  const ofSeeds = spread === undefined
    ? null
    : studentQuantile(1 - outside / 2, spread.degrees) * spread.deviation * more;
  // The error over problems and seeds is no smaller than that over seeds alone, which are drawn on the same problems.
  const error = spread === undefined ? null : standardError(value);
  const ofError = error === null || error === 0 ? null : normalQuantile(1 - outside / 2) * error * more;
  const bounds = [ofSeeds, ofError].filter((bound) => bound !== null);
  const halfWidth = bounds.length === 0 ? 0 : Math.min(...bounds);
  const from = `first seeds ${seeds.join(", ")}`;
  const reason = spread === undefined
    ? `the same from ${from}`
    : halfWidth === ofSeeds
    ? `spread from ${from}: s = ${Number(spread.deviation.toPrecision(3))}${
      spread.metrics === 1 ? "" : `, of ${spread.metrics} metrics of its kind`
    }`
    : `mean from ${from}; spread at most the standard error ${Number((error ?? 0).toPrecision(3))}`;
  const tolerance = roundedUp(Math.max(halfWidth, least, farthest));
  const near = zeroIsNear({ ...value, value: expected }, spread);
  return awayFromZero({ expected, tolerance, reason }, { near, least: Math.max(least, farthest) });
}

/**
 * Expected values from k runs that differ in their first evaluation seed.
 *
 * The first run's values are expected of its own seed, each with its interval: a deterministic machine gives them again,
 * another processor up to a {@link Rounding}. From other seeds the mean of the runs is expected, within the prediction
 * interval of one more run, t · s · √(1 + 1/k) with the sample standard deviation s, pooled over the m metrics of a kind
 * that differ, and Student's t of m · (k − 1) degrees of freedom; or within the same of the value's own standard error
 * where that is narrower, since problems and seeds together scatter more than seeds alone. No run that was recorded falls
 * outside. A tolerance passes 0 only where 0 lies within the measurement error of the value, and its reason says so. A
 * metric that is null in every run is expected to be; one that is null in some is compared at the recorded seed alone.
 *
 * @throws RangeError for fewer than two runs, runs of one seed, runs of other metrics, or a unit without a rounding.
 *
 * @example
 * ```ts
 * import { recordExpectations } from "./mod.ts";
 * const run = (seed: number, value: number) => ({ seed, values: [{ name: "accuracy.base", value, unit: "%" }] });
 * const { checks: [check], seed } = recordExpectations([run(0, 38), run(10, 40), run(20, 42)], {
 *   id: "fig1", madeBy: "by hand", checksOfAPass: 1,
 *   roundingOf: () => ({ ofError: 0.1, ofSize: 0, reason: "an answer that forks" }),
 * });
 * if (seed !== 0 || check?.expected !== 38 || check.tolerance !== 0.2) throw new Error("a tenth of s = 2");
 * const { expected, tolerance = 0 } = check.others ?? {}; // t(0.995, 2) = 9.925
 * if (expected !== 40 || Math.abs(tolerance - 9.925 * 2 * Math.sqrt(4 / 3)) > 0.1) throw new Error("a mean and its t");
 * ```
 */
export function recordExpectations(
  runs: readonly RecordedRun[],
  options: RecordExpectationsOptions,
): ExpectationFile {
  const { id, madeBy, roundingOf, kindOf = (metric) => metric, checksOfAPass = 2500 } = options;
  const seeds = runs.map(({ seed }) => seed), [first] = runs;
  if (new Set(seeds).size !== seeds.length || seeds.length < 2 || first === undefined) {
    throw new RangeError(
      `Cannot record expected values as at least two runs of different seeds are needed: current seeds are [${seeds}]`,
    );
  }
  const names = first.values.map(({ name }) => name).join(" ");
  const other = runs.find(({ values }) => values.map(({ name }) => name).join(" ") !== names);
  if (other !== undefined) {
    throw new RangeError(
      `Cannot record expected values as every run must have the same metrics: seed ${other.seed} has others`,
    );
  }
  const numbers = numbersOf(runs), units = new Map(first.values.map(({ name, unit }) => [name, unit]));
  const kind = (metric: string) => kindOf(metric, units.get(metric) as string);
  const spreads = spreadsOf(numbers, kind);
  const checks = first.values.map((value) => {
    const { name: metric, unit } = value, rounding = value.value === null ? NOTHING : roundingOf(unit);
    if (rounding === null) {
      throw new RangeError(
        `Cannot record "${metric}" as its unit must have a rounding: current unit is "${unit}"`,
      );
    }
    const known = numbers.get(metric), spread = spreads.get(kind(metric));
    const recorded = atRecordedSeed(value, { rounding, spread });
    const never = runs.every(({ values }) => values.find(({ name }) => name === metric)?.value === null);
    const { uncertainty } = value;
    return {
      metric,
      ...recorded,
      ...(uncertainty?.kind === "interval" && value.value !== null
        ? { interval: [written(uncertainty.low), written(uncertainty.high)] as const }
        : {}),
      others: never
        ? { expected: null, tolerance: 0, reason: `not applicable from first seeds ${seeds.join(", ")}` }
        : known === undefined || rounding.identity === true && new Set(known).size > 1
        ? null
        : fromOtherSeeds(value, {
          numbers: known,
          seeds,
          spread,
          least: recorded.tolerance,
          outside: 0.01 / checksOfAPass,
        }),
    };
  });
  return { schemaVersion: 2, id, seed: first.seed, madeBy, checks };
}
