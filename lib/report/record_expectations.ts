import { mean, standardDeviation } from "../core/mod.ts";
import { studentQuantile } from "./_student_t.ts";
import type { MetricValue } from "./metric_value.ts";
import type { Expectation, ExpectationFile } from "./tolerance.ts";

/** What one run measured. */
export interface RecordedRun {
  /** First evaluation seed of the run. */
  readonly seed: number;
  /** The item's values. */
  readonly values: readonly MetricValue[];
}

/** A tolerance that metrics have at least: equal seeds need not give equal numbers on every processor. */
export interface ToleranceFloor {
  /** Metrics it is for: a name in which `*` stands for any text. The first floor that fits counts. */
  readonly metrics: string;
  /** Unit that the metric must have. */
  readonly unit: string;
  /** Smallest tolerance, in the unit. */
  readonly least: number;
  /** Where it comes from. */
  readonly reason: string;
}

/** How expected values are made from runs. */
export interface RecordExpectationsOptions {
  /** Id of the table or figure. */
  readonly id: string;
  /** How the runs were made: command, seeds, hashes, versions. */
  readonly madeBy: string;
  /** Smallest tolerances; every unit that is checked needs one. */
  readonly floors: readonly ToleranceFloor[];
  /** Names of metrics that are not worth a check; `*` stands for any text. @default {[]} */
  readonly leaveOut?: readonly string[];
  /**
   * What kind of measurement a metric is, for a spread that metrics of one kind have in common: few runs say little of
   * one metric's spread, and much of twenty's. @default each metric is a kind of its own
   */
  readonly kindOf?: (metric: string, unit: string) => string;
  /** Coverage of the prediction interval. @default {0.99} */
  readonly level?: number;
}

/** A metric without an expected value, and why. */
export interface LeftOutMetric {
  /** Its name. */
  readonly metric: string;
  /** Why it has none. */
  readonly reason: string;
}

/** Expected values, and what has none. */
export interface RecordedExpectations {
  /** The content of `expected/full/<id>.json`. */
  readonly file: ExpectationFile;
  /** Metrics that were left out. */
  readonly leftOut: readonly LeftOutMetric[];
}

function fits(name: string, pattern: string): boolean {
  const escaped = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`).test(name);
}

function digits(value: number): number {
  return Number(value.toPrecision(6));
}

/** Six digits, never below the value: a rounded tolerance must not be a narrower one. */
function roundedUp(value: number): number {
  if (value === 0) return 0;
  const unit = 10 ** (Math.floor(Math.log10(value)) - 5);
  return digits(Math.ceil(value / unit) * unit);
}

/** The numbers of metrics that have one in every run. */
function numbersOf(runs: readonly RecordedRun[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const { name, value } of runs.flatMap(({ values }) => values)) {
    if (value !== null) found.set(name, [...found.get(name) ?? [], value]);
  }
  return new Map([...found].filter(([, numbers]) => numbers.length === runs.length));
}

/** A standard deviation that several metrics have in common. */
interface PooledSpread {
  readonly metrics: number;
  readonly sumOfSquares: number;
}

/** Spreads by kind, of the metrics that differ between runs at all. */
function pooledSpreads(
  numbers: ReadonlyMap<string, readonly number[]>,
  kindOf: (metric: string) => string,
): ReadonlyMap<string, PooledSpread> {
  const spreads = new Map<string, PooledSpread>();
  for (const [metric, values] of numbers) {
    if (new Set(values).size === 1) continue;
    const square = (values.length - 1) * standardDeviation(values, { ddof: 1 }) ** 2;
    const kind = kindOf(metric),
      { metrics, sumOfSquares } = spreads.get(kind) ?? { metrics: 0, sumOfSquares: 0 };
    spreads.set(kind, { metrics: metrics + 1, sumOfSquares: sumOfSquares + square });
  }
  return spreads;
}

/**
 * Expected values from k runs that differ in their evaluation seeds: the mean, and as tolerance the half width of the
 * prediction interval of one more run, t · s · √(1 + 1/k) with the sample standard deviation s, pooled over the m
 * metrics of a kind, and Student's t of m · (k − 1) degrees of freedom, but never below the metric's floor, and never
 * so narrow that one of the runs would fail. A metric that is null in every run is expected to be null; one that is
 * null in some is left out.
 *
 * @throws RangeError for fewer than two runs, runs of one seed, or a metric without a floor.
 *
 * @example
 * ```ts
 * import { recordExpectations } from "./mod.ts";
 * const run = (seed: number, value: number) => ({ seed, values: [{ name: "accuracy.base", value, unit: "%" }] });
 * const floors = [{ metrics: "*", unit: "%", least: 1, reason: "near-ties" }];
 * const { file } = recordExpectations([run(0, 38), run(10, 40), run(20, 42)], { id: "fig1", madeBy: "by hand", floors });
 * const [check] = file.checks; // t(0.995, 2) = 9.925, s = 2
 * if (check?.expected !== 40 || Math.abs(check.tolerance - 9.925 * 2 * Math.sqrt(4 / 3)) > 1e-3) throw new Error("?");
 * ```
 */
export function recordExpectations(
  runs: readonly RecordedRun[],
  options: RecordExpectationsOptions,
): RecordedExpectations {
  const { id, madeBy, floors, leaveOut = [], kindOf = (metric) => metric, level = 0.99 } = options;
  const seeds = runs.map(({ seed }) => seed);
  if (new Set(seeds).size !== seeds.length || seeds.length < 2) {
    throw new RangeError(
      `Cannot record expected values as at least two runs of different seeds are needed: current seeds are [${seeds}]`,
    );
  }
  const percent = digits(100 * level);
  const checks: Expectation[] = [], leftOut: LeftOutMetric[] = [];
  const metrics = new Map(
    runs.flatMap(({ values }) => values.map(({ name, unit }) => [name, unit] as const)),
  );
  const patternOf = (metric: string) => leaveOut.find((candidate) => fits(metric, candidate));
  const numbers = new Map([...numbersOf(runs)].filter(([metric]) => patternOf(metric) === undefined));
  const kind = (metric: string) => kindOf(metric, metrics.get(metric) as string);
  const spreads = pooledSpreads(numbers, kind);
  for (const [metric, unit] of metrics) {
    const pattern = patternOf(metric);
    if (pattern !== undefined) {
      leftOut.push({ metric, reason: `left out by "${pattern}"` });
      continue;
    }
    const measured = runs.map(({ values }) => values.find(({ name }) => name === metric)?.value);
    const known = numbers.get(metric);
    if (measured.every((value) => value === null)) {
      const reason = `not applicable at each of the evaluation seeds ${seeds.join(", ")}`;
      checks.push({ metric, expected: null, tolerance: 0, reason });
      continue;
    }
    if (known === undefined) {
      const without = seeds.filter((_, run) => typeof measured[run] !== "number");
      leftOut.push({ metric, reason: `without a value at the evaluation seeds ${without.join(", ")}` });
      continue;
    }
    const floor = floors.find((candidate) => candidate.unit === unit && fits(metric, candidate.metrics));
    if (floor === undefined) {
      throw new RangeError(
        `Cannot record "${metric}" as its unit must have a floor: current unit is ${unit}`,
      );
    }
    const expected = digits(mean(known)),
      farthest = Math.max(...known.map((value) => Math.abs(value - expected)));
    // What never differs has no part in the spread of its kind.
    const pooled = new Set(known).size === 1 ? undefined : spreads.get(kind(metric));
    const { metrics: alike, sumOfSquares } = pooled ?? { metrics: 1, sumOfSquares: 0 };
    const degrees = alike * (runs.length - 1), deviation = Math.sqrt(sumOfSquares / degrees);
    const halfWidth = studentQuantile((1 + level) / 2, degrees) * deviation * Math.sqrt(1 + 1 / runs.length);
    const interval = `${percent} % prediction interval over evaluation seeds ${seeds.join(", ")}: s = ${
      Number(deviation.toPrecision(3))
    }${alike === 1 ? "" : `, of ${alike} metrics of its kind`}`;
    const widest = Math.max(halfWidth, floor.least, farthest);
    checks.push({
      metric,
      expected,
      tolerance: roundedUp(widest),
      reason: widest === halfWidth
        ? interval
        : widest === floor.least
        ? `${floor.reason} (wider than the ${interval} ${unit})`
        : `the farthest of the recorded runs (outside the ${interval} ${unit})`,
    });
  }
  return { file: { schemaVersion: 1, id, madeBy, checks }, leftOut };
}
