import {
  type BenchmarkOutcomes,
  type BootstrapOptions,
  bootstrapSettings,
  requireSameProblems,
  resampleAccuracy,
} from "./_bootstrap.ts";
import { type RecoveredShare, shareOfGap } from "./_resampled.ts";

/** The three conditions of a recovered share, measured on the same problems. */
export interface RecoveredShareInput {
  /** The unsteered model. */
  readonly base: BenchmarkOutcomes;
  /** The unsteered model with the opener put after the prompt. */
  readonly prefix: BenchmarkOutcomes;
  /** The steered model. */
  readonly steered: BenchmarkOutcomes;
}

/**
 * The share of a steered model's gain that the prefix alone recovers. A ratio over a gain that may be nothing has no
 * meaning: when the paired interval of steered − base touches 0 the share is null.
 *
 * Source: the paper's recovered gain (class: code).
 *
 * @throws RangeError when the conditions do not answer the same problems.
 */
export function recoveredShare(input: RecoveredShareInput, options: BootstrapOptions = {}): RecoveredShare {
  requireSameProblems(input.base, input.prefix);
  requireSameProblems(input.base, input.steered);
  const settings = bootstrapSettings(options);
  return shareOfGap({
    from: resampleAccuracy(input.base, settings),
    part: resampleAccuracy(input.prefix, settings),
    to: resampleAccuracy(input.steered, settings),
  }, settings.level);
}
