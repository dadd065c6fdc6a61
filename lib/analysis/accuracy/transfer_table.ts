import {
  type BenchmarkOutcomes,
  type BootstrapOptions,
  bootstrapSettings,
  type Interval,
  percentileInterval,
  requireSameProblems,
  resampleAccuracy,
} from "./_bootstrap.ts";
import { shareOfGap } from "./_resampled.ts";

/** A recipient and what every donor's vectors do to it. */
export interface TransferRow {
  /** The model whose blocks the vectors are added to. */
  readonly recipient: string;
  /** Without vectors. */
  readonly base: BenchmarkOutcomes;
  /** By donor; the recipient's own vectors under its own name. */
  readonly donors: Readonly<Record<string, BenchmarkOutcomes>>;
}

/** One cell of the table: a donor's vectors in a recipient. */
export interface TransferCell extends Interval {
  /** The model that is steered. */
  readonly recipient: string;
  /** The model that the vectors were trained in; null for none (the base column). */
  readonly donor: string | null;
  /** Accuracy in percent. */
  readonly percent: number;
  /** (v − base) / (own − base): 1 for the own vectors, 0 for none; null with a reason where it has no meaning. */
  readonly normalised: {
    readonly value: number | null;
    readonly low: number | null;
    readonly high: number | null;
    readonly reason: string | null;
  };
}

/**
 * Transfer of vectors between models of a family: raw accuracies and, row by row, the share of the recipient's own
 * gain that a donor's vectors give, with paired bootstrap intervals over problems and seeds. Donors come in natural
 * order, base last.
 *
 * Where the own vectors are missing, or their gain is not established, the normalised value is null with a reason.
 * `asPublished` divides whenever own and base differ, and shows the raw percent where they do not, as the published
 * table does: a normalised table with raw cells in it.
 *
 * Source: Table 1 (class: code); its columns are donors, its rows recipients, whatever the axis captions say. The
 * published ± is a standard deviation over evaluation seeds divided by the row's span; the intervals are ours.
 *
 * @throws RangeError when the runs of a recipient answer different problems.
 */
export function transferTable(
  rows: readonly TransferRow[],
  options: BootstrapOptions & {
    /** @default {false} */
    readonly asPublished?: boolean;
  } = {},
): readonly TransferCell[] {
  const settings = bootstrapSettings(options), { level } = settings;
  const natural = new Intl.Collator("en", { numeric: true });
  return rows.flatMap(({ recipient, base, donors }) => {
    const baseDraws = resampleAccuracy(base, settings);
    const names = Object.keys(donors).sort((a, b) => natural.compare(a, b) || (a < b ? -1 : 1));
    const resamples = new Map(names.map((name) => {
      const outcomes = donors[name] as BenchmarkOutcomes;
      requireSameProblems(base, outcomes);
      return [name, resampleAccuracy(outcomes, settings)];
    }));
    const own = resamples.get(recipient);
    return [...names, null].map((donor): TransferCell => {
      const run = donor === null ? baseDraws : resamples.get(donor) as typeof baseDraws;
      const interval = percentileInterval(run.draws, level);
      const cell = { recipient, donor, percent: run.percent, ...interval };
      if (options.asPublished === true) {
        const span = own === undefined ? 0 : own.percent - baseDraws.percent;
        const value = span === 0 ? run.percent : (run.percent - baseDraws.percent) / span;
        return { ...cell, normalised: { value, low: null, high: null, reason: null } };
      }
      if (own === undefined) {
        const reason = `the recipient's own vectors were not measured`;
        return { ...cell, normalised: { value: null, low: null, high: null, reason } };
      }
      const { percent, low, high, reason } = shareOfGap({ from: baseDraws, part: run, to: own }, level);
      const share = (value: number | null) => value === null ? null : value / 100;
      return { ...cell, normalised: { value: share(percent), low: share(low), high: share(high), reason } };
    });
  });
}
