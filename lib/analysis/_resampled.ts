import { quantile } from "../core/mod.ts";
import { pointsBetween, type Resamples } from "./_bootstrap.ts";
import type { AccuracyDifference } from "./accuracy.ts";
import type { RecoveredShare } from "./recovered_share.ts";

/** a − b in points with its paired interval. */
export function differenceOf(a: Resamples, b: Resamples, level: number): AccuracyDifference {
  const differences = a.draws.map((value, draw) => pointsBetween(value, b.draws[draw] as number));
  const tail = (1 - level) / 2;
  return {
    points: pointsBetween(a.percent, b.percent),
    low: quantile(differences, tail),
    high: quantile(differences, 1 - tail),
    level,
    shareAbove: differences.filter((value) => value > 0).length / differences.length,
  };
}

/** 100 · (part − from) / (to − from) with its paired interval; null where to − from is not established. */
export function shareOfGap(
  conditions: { readonly from: Resamples; readonly part: Resamples; readonly to: Resamples },
  level: number,
): RecoveredShare {
  const { from, part, to } = conditions;
  const tail = (1 - level) / 2;
  const gaps = to.draws.map((value, draw) => pointsBetween(value, from.draws[draw] as number));
  const gap = pointsBetween(to.percent, from.percent);
  const low = quantile(gaps, tail), high = quantile(gaps, 1 - tail);
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
    low: quantile(shares, tail),
    high: quantile(shares, 1 - tail),
    level,
    droppedDraws: gaps.length - shares.length,
    reason: null,
  };
}
