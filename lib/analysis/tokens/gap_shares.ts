import {
  type BenchmarkOutcomes,
  type BootstrapOptions,
  bootstrapSettings,
  type Interval,
  percentileInterval,
  requireSameProblems,
  resampleAccuracy,
} from "../accuracy/_bootstrap.ts";
import {
  type AccuracyDifference,
  differenceOf,
  type RecoveredShare,
  shareOfGap,
} from "../accuracy/_resampled.ts";

/** One run with part of the attention patched. */
export interface PatchedRun {
  /** What was patched: a projection (q, k, v), a head's output, or a route. */
  readonly part: string;
  /** Index of the head, query heads for q and outputs, key-value heads for k and v; null when all of them were. */
  readonly head: number | null;
  /** Outcomes on the same problems as both ends of the gap. */
  readonly outcomes: BenchmarkOutcomes;
}

/** The gap and the runs that may fill it. */
export interface GapInput {
  /** The lower end, say Skip-Attn. */
  readonly floor: BenchmarkOutcomes;
  /** The upper end, say the whole penultimate vector. */
  readonly ceiling: BenchmarkOutcomes;
  /** The patched runs. */
  readonly runs: readonly PatchedRun[];
}

/** Where one patched run lies in the gap. */
export interface GapShare extends Interval {
  /** What was patched. */
  readonly part: string;
  /** Which head; null for all. */
  readonly head: number | null;
  /** Its accuracy in percent. */
  readonly percent: number;
  /** Run minus floor, in points. */
  readonly aboveFloor: AccuracyDifference;
  /** Ceiling minus run, in points. */
  readonly belowCeiling: AccuracyDifference;
  /** 100 · (run − floor) / (ceiling − floor); null with a reason where there is no established gap. */
  readonly share: RecoveredShare;
}

/** A gap and how much of it each run fills. */
export interface GapReading {
  /** Ceiling minus floor, in points. */
  readonly gap: AccuracyDifference;
  /** The runs in the order given. */
  readonly runs: readonly GapShare[];
}

/**
 * How much of an accuracy gap each patched head or projection fills, with paired bootstrap intervals over problems and
 * seeds. Both ends are resampled once, and every run is paired with them draw by draw.
 *
 * Steering one projection on top of Skip-Attn asks what it adds to the floor; leaving it unsteered in the full run
 * asks what the ceiling loses, where a share of 0 means that everything was lost.
 *
 * Source: Figures 5, 20 and 21, with the published share (Skip-Attn − s_31) / (s_30 − s_31) (class: code); the
 * published error bars are standard deviations over evaluation seeds, the intervals are ours.
 *
 * @throws RangeError when a run does not answer the same problems.
 */
export function gapShares(input: GapInput, options: BootstrapOptions = {}): GapReading {
  const settings = bootstrapSettings(options), { level } = settings;
  requireSameProblems(input.floor, input.ceiling);
  const floor = resampleAccuracy(input.floor, settings), ceiling = resampleAccuracy(input.ceiling, settings);
  const runs = input.runs.map(({ part, head, outcomes }): GapShare => {
    requireSameProblems(input.floor, outcomes);
    const run = resampleAccuracy(outcomes, settings);
    return {
      part,
      head,
      percent: run.percent,
      ...percentileInterval(run.draws, level),
      aboveFloor: differenceOf(run, floor, level),
      belowCeiling: differenceOf(ceiling, run, level),
      share: shareOfGap({ from: floor, part: run, to: ceiling }, level),
    };
  });
  return { gap: differenceOf(ceiling, floor, level), runs };
}
