import { mean, standardDeviation } from "../core/mod.ts";
import { studentQuantile } from "./_student_t.ts";
import type { MetricValue } from "./metrics.ts";
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
  /** The content of `expected/<id>.json`. */
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

/**
 * Expected values from k runs that differ in their evaluation seeds: the mean, and as tolerance the half width of the
 * prediction interval of one more run, t · s · √(1 + 1/k) with the sample standard deviation s and Student's t of
 * k − 1 degrees of freedom, but never below the metric's floor. A metric that is null in every run is expected to be
 * null; one that is null in some is left out.
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
  const { id, madeBy, floors, leaveOut = [], level = 0.99 } = options;
  const seeds = runs.map(({ seed }) => seed);
  if (new Set(seeds).size !== seeds.length || seeds.length < 2) {
    throw new RangeError(
      `Cannot record expected values as at least two runs of different seeds are needed: current seeds are [${seeds}]`,
    );
  }
  const percent = digits(100 * level);
  const factor = studentQuantile((1 + level) / 2, runs.length - 1) * Math.sqrt(1 + 1 / runs.length);
  const checks: Expectation[] = [], leftOut: LeftOutMetric[] = [];
  const metrics = new Map(
    runs.flatMap(({ values }) => values.map(({ name, unit }) => [name, unit] as const)),
  );
  for (const [metric, unit] of metrics) {
    const pattern = leaveOut.find((candidate) => fits(metric, candidate));
    if (pattern !== undefined) {
      leftOut.push({ metric, reason: `left out by "${pattern}"` });
      continue;
    }
    const measured = runs.map(({ values }) => values.find(({ name }) => name === metric)?.value);
    const numbers = measured.filter((value) => typeof value === "number");
    if (measured.every((value) => value === null)) {
      const reason = `not applicable at each of the evaluation seeds ${seeds.join(", ")}`;
      checks.push({ metric, expected: null, tolerance: 0, reason });
      continue;
    }
    if (numbers.length < runs.length) {
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
    const spread = standardDeviation(numbers, { ddof: 1 }), halfWidth = factor * spread;
    const interval = `${percent} % prediction interval over evaluation seeds ${seeds.join(", ")}: s = ${
      Number(spread.toPrecision(3))
    }`;
    checks.push({
      metric,
      expected: digits(mean(numbers)),
      tolerance: roundedUp(Math.max(halfWidth, floor.least)),
      reason: halfWidth >= floor.least ? interval : `${floor.reason} (wider than the ${interval} ${unit})`,
    });
  }
  return { file: { schemaVersion: 1, id, madeBy, checks }, leftOut };
}
