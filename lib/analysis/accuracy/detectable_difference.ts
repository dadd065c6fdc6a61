import { quantile } from "../../core/mod.ts";
import type { Interval } from "./_bootstrap.ts";

/** Quantiles of the normal distribution: 95 % intervals leave 0 out from 1.96 standard errors on; four of five draws lie above −0.84. */
const CRITICAL = 1.959964, POWER = 0.841621;

/**
 * The difference that four of five such measurements would have shown, in the unit of the intervals: (1.96 + 0.84) · se,
 * with the standard error that a 95 % interval says, high − low = 2 · 1.96 · se. Of several intervals the median counts:
 * some are of conditions that hardly differ. Null without an interval.
 *
 * @throws RangeError for intervals of another level.
 */
export function detectableDifference(intervals: readonly Interval[]): number | null {
  if (intervals.length === 0) return null;
  const other = intervals.find(({ level }) => level !== 0.95);
  if (other !== undefined) {
    throw new RangeError(
      `Cannot tell a detectable difference as intervals must cover 0.95: current level is ${other.level}`,
    );
  }
  const errors = intervals.map(({ low, high }) => (high - low) / (2 * CRITICAL));
  return (CRITICAL + POWER) * quantile(errors, 0.5);
}
