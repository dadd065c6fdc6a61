import { mean } from "../core/mod.ts";
import type { RecordedRun, ToleranceFloor } from "../report/mod.ts";

/** Units of counts and settings, which no rounding of a model's sums can change. */
const EXACT_UNITS: readonly string[] = [
  "adjoint",
  "bytes",
  "completions",
  "families",
  "norm",
  "operations",
  "parameters",
  "per step",
  "problems",
  "reward",
  "samples",
  "seeds",
  "steps",
  "tokens",
];
/** Settings and counts that are shares. */
const EXACT_SHARES = /^(adam|warmup_share|grader)\./;
/** Expected values are written with six digits: half a unit of the sixth. */
const WRITTEN = 5e-6;

/** Floors of metrics that are exact: as much as is lost in writing the expected value. */
export function exactFloors(runs: readonly RecordedRun[]): readonly ToleranceFloor[] {
  const found = new Map<string, { readonly unit: string; readonly values: number[] }>();
  for (const { name, unit, value } of runs.flatMap(({ values }) => values)) {
    if (!EXACT_UNITS.includes(unit) && !(unit === "share" && EXACT_SHARES.test(name))) continue;
    const kept = found.get(name) ?? { unit, values: [] };
    if (value !== null) kept.values.push(value);
    found.set(name, kept);
  }
  return [...found].filter(([, { values }]) => values.length > 0).map(([metrics, { unit, values }]) => ({
    metrics,
    unit,
    least: WRITTEN * Math.abs(mean(values)),
    reason: "an exact number, written with six digits",
  }));
}
