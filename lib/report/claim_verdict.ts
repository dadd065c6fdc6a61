/**
 * The verdict on several parts that must all hold: false when one fails, else null (open) when one is, else true.
 *
 * @example
 * ```ts
 * import { jointVerdict } from "./mod.ts";
 * const verdicts = [[true, true], [true, null], [false, null]].map(jointVerdict);
 * if (verdicts.join() !== "true,,false") throw new Error("one that fails decides, one that is open leaves open");
 * ```
 */
export function jointVerdict(parts: readonly (boolean | null)[]): boolean | null {
  return parts.includes(false) ? false : parts.includes(null) ? null : true;
}

/** An effect with its interval, in one unit. */
export interface EffectInterval {
  /** Lower end; null when the effect is not applicable. */
  readonly low: number | null;
  /** Upper end; null when the effect is not applicable. */
  readonly high: number | null;
}

/** Where a claim puts an effect; one end or both. */
export interface ClaimedRange {
  /** The effect lies above this. @default {no lower end} */
  readonly above?: number;
  /** The effect lies below this. @default {no upper end} */
  readonly below?: number;
}

/**
 * Whether an effect lies where a claim puts it, as `ClaimResult.holds` says it: true when the whole interval lies
 * inside the range, false when it lies wholly outside, null (open) when it reaches over an end or there is none.
 *
 * An interval that is wide for want of data leaves a claim open; it does not refute it. A claim that must be
 * established to count takes open as failed: `intervalVerdict(…) === true`.
 *
 * @throws RangeError for a range without an end or with its ends the wrong way round, and for an interval whose ends
 * are not finite or the wrong way round.
 *
 * @example
 * ```ts
 * import { intervalVerdict } from "./mod.ts";
 * const verdicts = [[0.2, 1], [-0.5, 1], [-2, -1]].map(([low, high]) =>
 *   intervalVerdict({ low: low!, high: high! }, { above: 0 })
 * );
 * if (verdicts.join() !== "true,,false") throw new Error("holds, open, fails");
 * ```
 */
export function intervalVerdict(effect: EffectInterval, range: ClaimedRange): boolean | null {
  const { above = -Infinity, below = Infinity } = range;
  if (!(above < below) || (above === -Infinity && below === Infinity)) {
    throw new RangeError(
      `Cannot judge an effect as the range must have an end: current range is (${above}, ${below})`,
    );
  }
  const { low, high } = effect;
  if (low === null || high === null) return null;
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high) {
    throw new RangeError(
      `Cannot judge an effect as its interval must ascend: current interval is [${low}, ${high}]`,
    );
  }
  if (low > above && high < below) return true;
  return high <= above || low >= below ? false : null;
}
