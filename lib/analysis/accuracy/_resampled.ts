import { type Interval, percentileInterval, pointsBetween, type Resamples } from "./_bootstrap.ts";

/** A difference of two accuracies in percentage points with its paired bootstrap interval. */
export interface AccuracyDifference extends Interval {
  /** First minus second. */
  readonly points: number;
  /** Share of the draws in which the first is strictly above the second. */
  readonly shareAbove: number;
}

/** What part of the steered gain another condition recovers, in percent; all null when it is not applicable. */
export interface RecoveredShare {
  /** 100 · (prefix − base) / (steered − base). */
  readonly percent: number | null;
  /** Lower end of the interval. */
  readonly low: number | null;
  /** Upper end of the interval. */
  readonly high: number | null;
  /** Coverage of the interval. */
  readonly level: number;
  /** Draws left out because their steered gain is zero or of the other sign. */
  readonly droppedDraws: number;
  /** Why the share is null; null when it is a number. */
  readonly reason: string | null;
}

/** a − b in points with its paired interval. */
export function differenceOf(a: Resamples, b: Resamples, level: number): AccuracyDifference {
  const differences = a.draws.map((value, draw) => pointsBetween(value, b.draws[draw] as number));
  return {
    points: pointsBetween(a.percent, b.percent),
    ...percentileInterval(differences, level),
    shareAbove: differences.filter((value) => value > 0).length / differences.length,
  };
}

/** 100 · (part − from) / (to − from) with its paired interval; null where to − from is not established. */
export function shareOfGap(
  conditions: { readonly from: Resamples; readonly part: Resamples; readonly to: Resamples },
  level: number,
): RecoveredShare {
  const { from, part, to } = conditions;
  const gaps = to.draws.map((value, draw) => pointsBetween(value, from.draws[draw] as number));
  const gap = pointsBetween(to.percent, from.percent);
  const { low, high } = percentileInterval(gaps, level);
  if (!(gap > 0 ? low > 0 : gap < 0 && high < 0)) {
    const points = (value: number) => Number(value.toFixed(2));
    const reason = `the gain of ${points(gap)} points is not established, its interval is [${points(low)}, ${
      points(high)
    }]`;
    return { percent: null, low: null, high: null, level, droppedDraws: 0, reason };
  }
  const shares: number[] = [];
  gaps.forEach((value, draw) => {
    if (value * gap <= 0) return;
    shares.push(100 * (pointsBetween(part.draws[draw] as number, from.draws[draw] as number) / value));
  });
  return {
    percent: 100 * (pointsBetween(part.percent, from.percent) / gap),
    ...percentileInterval(shares, level),
    droppedDraws: gaps.length - shares.length,
    reason: null,
  };
}
