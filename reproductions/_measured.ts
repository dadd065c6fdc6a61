import type { AccuracyDifference, AccuracyInterval, AccuracyStatistic } from "../lib/analysis/mod.ts";
import type { MeanInterval, MeanRatio, RecoveredShare, TextInterval } from "../lib/analysis/mod.ts";
import { type ClaimedRange, type ClaimResult, intervalVerdict } from "../lib/report/mod.ts";
import type { MetricValue, Uncertainty } from "../lib/report/mod.ts";

/** An interval; the ends of one that is not known are null. */
interface Ends {
  readonly low: number | null;
  readonly high: number | null;
  readonly level: number;
}

/** A number with its interval, by whatever name the analysis gives it. */
export type Measured =
  & Ends
  & (
    | Pick<MeanInterval, "mean">
    | Pick<AccuracyInterval | RecoveredShare, "percent">
    | Pick<AccuracyDifference, "points">
    | Pick<MeanRatio, "ratio">
    | Pick<AccuracyStatistic | TextInterval, "value">
  );

/** The number; null where there is none. */
function numberOf(found: Measured | null): number | null {
  if (found === null) return null;
  if ("mean" in found) return found.mean;
  if ("percent" in found) return found.percent;
  if ("points" in found) return found.points;
  return "ratio" in found ? found.ratio : found.value;
}

/** The interval of a claim's effect; null where it is not known. */
export function endsOf(found: Ends | null): ClaimResult["interval"] {
  if (found === null || found.low === null || found.high === null) return null;
  return { level: found.level, low: found.low, high: found.high };
}

/** An interval as the uncertainty of a metric. */
export function intervalOf(found: Ends | null): Uncertainty | undefined {
  const ends = endsOf(found);
  return ends === null ? undefined : { kind: "interval", ...ends };
}

/** A number with its interval as a metric; `why` says why there is none. */
export function intervalMetric(
  found: Measured | null,
  metric: Pick<MetricValue, "name" | "unit" | "note"> & { readonly why?: string },
): MetricValue {
  const { name, unit, note, why } = metric, value = numberOf(found);
  return { name, value, unit, uncertainty: intervalOf(found), note: value === null ? why : note };
}

/** A claim that holds when the interval of its effect lies in a range; `why` says why there is no effect. */
export function intervalClaim(
  found: Measured | null,
  words: {
    readonly claim: string;
    readonly statement: string;
    /** What the effect is. */
    readonly name: string;
    /** @default {"points"} */
    readonly unit?: string;
    readonly range: ClaimedRange;
    readonly note: string;
    readonly why?: string;
  },
): ClaimResult {
  const { claim, statement, name, unit = "points", range, note, why = note } = words, value = numberOf(found);
  return {
    claim,
    statement,
    holds: found === null ? null : intervalVerdict(found, range),
    effect: { name, value, unit },
    interval: endsOf(found),
    note: value === null ? why : note,
  };
}
