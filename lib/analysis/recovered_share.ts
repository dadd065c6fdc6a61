import { quantile } from "../core/mod.ts";
import { bootstrapSettings, pointsBetween, requireSameProblems, resampleAccuracy } from "./_bootstrap.ts";
import type { BenchmarkOutcomes, BootstrapOptions } from "./accuracy.ts";

/** The three conditions of a recovered share, measured on the same problems. */
export interface RecoveredShareInput {
  /** The unsteered model. */
  readonly base: BenchmarkOutcomes;
  /** The unsteered model with the opener put after the prompt. */
  readonly prefix: BenchmarkOutcomes;
  /** The steered model. */
  readonly steered: BenchmarkOutcomes;
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
}

/**
 * The share of a steered model's gain that the prefix alone recovers. A ratio over a gain that may be nothing has no
 * meaning: when the paired interval of steered − base touches 0 the share is null.
 *
 * Source: the paper's recovered gain (class: code).
 *
 * @throws RangeError when the conditions do not answer the same problems.
 *
 * @example
 * ```ts
 * import { recoveredShare } from "./mod.ts";
 * const table = (right: number) => ({ sums: [[Array.from({ length: 40 }, (_, i) => [i < right ? 1 : 0])]] });
 * const share = recoveredShare({ base: table(0), prefix: table(15), steered: table(30) });
 * if (share.percent !== 50) throw new Error(`expected 50, got ${share.percent}`);
 * ```
 */
export function recoveredShare(input: RecoveredShareInput, options: BootstrapOptions = {}): RecoveredShare {
  requireSameProblems(input.base, input.prefix);
  requireSameProblems(input.base, input.steered);
  const settings = bootstrapSettings(options), { level } = settings;
  const base = resampleAccuracy(input.base, settings);
  const prefix = resampleAccuracy(input.prefix, settings);
  const steered = resampleAccuracy(input.steered, settings);
  const tail = (1 - level) / 2;
  const gains = steered.draws.map((value, draw) => pointsBetween(value, base.draws[draw] as number));
  const gain = pointsBetween(steered.percent, base.percent);
  const established = gain > 0 ? quantile(gains, tail) > 0 : gain < 0 && quantile(gains, 1 - tail) < 0;
  if (!established) return { percent: null, low: null, high: null, level, droppedDraws: 0 };
  const shares: number[] = [];
  gains.forEach((value, draw) => {
    if (value * gain <= 0) return;
    shares.push(100 * ((prefix.draws[draw] as number) - (base.draws[draw] as number)) / value);
  });
  return {
    percent: 100 * (prefix.percent - base.percent) / gain,
    low: quantile(shares, tail),
    high: quantile(shares, 1 - tail),
    level,
    droppedDraws: gains.length - shares.length,
  };
}
