import {
  type AccuracyDifference,
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
  type PairComposition,
  recoveredShare,
  type TransferRow,
} from "../lib/analysis/mod.ts";
import { type ClaimResult, intervalVerdict, jointVerdict } from "../lib/report/mod.ts";
import { pooled } from "./_accuracy.ts";
import { layerRange, middleLayers } from "./_layers.ts";
import { intervalClaim } from "./_measured.ts";

/** What "most of a gain" is taken to mean, in percent of it. */
export const MOST = 50;
/** A difference of accuracies that counts, in points; a smaller one is none. The line is ours. */
export const COUNTS = 2;

/** Whether vectors gain most of what full tuning gains. */
export function tuningClaim(
  outcomes: {
    readonly base: BenchmarkOutcomes;
    readonly vectors: BenchmarkOutcomes;
    readonly full: BenchmarkOutcomes;
  },
  words: { readonly claim: string; readonly statement: string },
): ClaimResult {
  const { base, vectors, full } = outcomes;
  const share = recoveredShare({ base, prefix: vectors, steered: full });
  return intervalClaim(share, {
    ...words,
    name: "share of the full-tuning gain",
    unit: "%",
    range: { above: MOST },
    note: `Holds when the interval lies above ${MOST} %, fails when it lies below, open otherwise.`,
    why: `Open: ${share.reason}.`,
  });
}

/** A claim on several differences of accuracies, all of which must lie above a line; the smallest is shown. */
function allAbove(
  differences: readonly AccuracyDifference[],
  words: { readonly claim: string; readonly statement: string; readonly name: string; readonly note: string },
  above: number,
): ClaimResult {
  const range = { above };
  const weakest = differences.reduce((least, gain) => gain.low < least.low ? gain : least);
  return {
    ...intervalClaim(weakest, { ...words, range }),
    holds: jointVerdict(differences.map((gain) => intervalVerdict(gain, range))),
  };
}

/**
 * What transfer says of a family: whether every donor's vectors gain something in every other model, whether those of
 * the first model do, which is the base model, and whether a model's own vectors do better.
 */
export function transferClaims(rows: readonly TransferRow[]): readonly ClaimResult[] {
  const base = rows[0]?.recipient as string;
  const foreign = rows.flatMap(({ recipient, base: unsteered, donors }) =>
    Object.keys(donors).filter((donor) => donor !== recipient).map((donor) => ({
      donor,
      gain: accuracyDifference(donors[donor] as BenchmarkOutcomes, unsteered),
      lead: accuracyDifference(
        donors[recipient] as BenchmarkOutcomes,
        donors[donor] as BenchmarkOutcomes,
      ),
    }))
  );
  const gains = foreign.map(({ gain }) => gain);
  return [
    allAbove(gains, {
      claim: "transfer_within_family",
      statement: "Vectors transfer to other models of the same family.",
      name: "smallest gain of another model's vectors over base",
      note:
        `Holds when the interval of every donor in every other model lies above ${COUNTS}, fails when one ` +
        "lies below; smallest by its lower end.",
    }, COUNTS),
    allAbove(foreign.filter(({ donor }) => donor === base).map(({ gain }) => gain), {
      claim: "base_vectors_transfer",
      statement: "Vectors of the base model transfer to the others of its family.",
      name: "smallest gain of the base model's vectors in another model",
      note: `Holds when the interval in every other model lies above ${COUNTS}, fails when one lies below; ` +
        "smallest by its lower end.",
    }, COUNTS),
    allAbove(foreign.map(({ lead }) => lead), {
      claim: "own_vectors_do_best",
      statement: "Vectors of another model, trained with another template, give less than a model's own.",
      name: "smallest lead of a model's own vectors over another model's",
      note: "Holds when the interval of every such lead lies above 0; smallest by its lower end.",
    }, 0),
  ];
}

/** Whether pairs of vectors do better than the better one of each. */
export function pairClaim(
  { meanGain, pairCount }: Pick<PairComposition, "meanGain" | "pairCount">,
  words: { readonly claim: string; readonly model: string },
): ClaimResult {
  return intervalClaim(meanGain, {
    claim: words.claim,
    statement: `Vectors trained in isolation combine across layers (${words.model}).`,
    name: `mean over ${pairCount} pairs of the pair minus its better vector`,
    range: { above: COUNTS },
    note:
      `Holds when the interval lies above ${COUNTS}, fails when it lies below; the better vector is chosen anew in every draw.`,
  });
}

/** What single layers gain, among themselves and beside all layers together. */
export function singleLayerClaims(
  outcomes: {
    readonly base: BenchmarkOutcomes;
    readonly all: BenchmarkOutcomes;
    readonly layers: readonly BenchmarkOutcomes[];
  },
): readonly ClaimResult[] {
  const { base, all, layers } = outcomes, count = layers.length;
  // The first quarter and the last two blocks are the ends; the paper's best layers lie between them.
  const between = middleLayers(count);
  const part = (inside: boolean) => layers.filter((_, layer) => between.includes(layer) === inside);
  const middle = between.length === 0 ? null : accuracyDifference(pooled(part(true)), pooled(part(false)));
  const means = layers.map((layer) => accuracyInterval(layer).percent);
  const best = means.indexOf(Math.max(...means));
  const gap = accuracyDifference(all, layers[best] as BenchmarkOutcomes);
  const gains = layers.map((layer) => accuracyDifference(layer, base));
  const notAbove = gains.filter(({ low }) => !(low > 0)).length;
  const none = gains.filter(({ high }) => high < COUNTS).length;
  return [
    intervalClaim(middle, {
      claim: "middle_layers_gain_most",
      statement: "Middle layers give the largest gains.",
      name: middle === null
        ? "mean of middle layers minus mean of the others"
        : `mean of layers ${layerRange(between)} minus mean of the others`,
      range: { above: COUNTS },
      note: `Holds when the interval lies above ${COUNTS}, fails when it lies below.`,
      why: `Not applicable: a model of ${count} layers has none between its first quarter and its last two.`,
    }),
    intervalClaim(gap, {
      claim: "no_layer_reaches_all_layer",
      statement: "No single layer reaches all-layer steering.",
      name: `all layers minus the best layer (${best})`,
      range: { above: COUNTS },
      note:
        `Holds when the interval lies above ${COUNTS}, fails when it lies below. The best layer is chosen on ` +
        "the same problems, which shrinks the gap.",
    }),
    {
      claim: "all_but_two_layers_above_base",
      statement: "All but at most two layers lie above the base model.",
      holds: notAbove <= 2 ? true : none > 2 ? false : null,
      effect: { name: "layers whose paired interval over base reaches 0", value: notAbove, unit: "layers" },
      interval: { level: gap.level, low: none, high: notAbove },
      note:
        `Holds when at most two do, fails when the intervals of more than two end below ${COUNTS} points ` +
        `(${none} do), open otherwise.`,
    },
  ];
}
