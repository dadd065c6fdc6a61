import {
  type FeatureFirings,
  featureFrequencies,
  gapShares,
  pairComposition,
  recoveredShare,
  type SegmentRange,
  type ShiftRow,
  similarityBlocks,
  TOKEN_CLASSES,
  type TokenClass,
} from "../lib/analysis/mod.ts";
import type { TextClassShift } from "../lib/experiment/mod.ts";
import type { ClaimResult } from "../lib/report/mod.ts";
import { pairClaim, singleLayerClaims, transferClaims, tuningClaim } from "./_accuracy_claims.ts";
import { finalDifferenceClaims } from "./_final_differences.ts";
import { languageClaim } from "./_language_claims.ts";
import { suppression } from "./_languages.ts";
import { lastLayerClaims } from "./_last_layer_claims.ts";
import { attentionClaim } from "./_penultimate_attention.ts";
import { alikeClaim, classClaim, penultimateClaims } from "./_penultimate_claims.ts";
import { persistenceClaims } from "./_persistence.ts";
import { type PlantedDraw, plantedOutcomes, streamOf } from "./_planted_outcomes.ts";
import {
  plantedFinalDifferences,
  plantedPersistence,
  plantedSuppression,
  plantedVocabulary,
} from "./_planted_differences.ts";
import { featureClaims, magnitudeClaims } from "./_trace_claims.ts";

/** Texts, problems or answers of a study, and far too few. */
const countOf = ({ kind }: PlantedDraw, counts: { readonly study: number; readonly weak: number }) =>
  counts[kind === "weak" ? "weak" : "study"];

/** Vectors that gain nearly what full tuning does; hardly anything of it; both hardly anything. */
function tuning(at: PlantedDraw): readonly ClaimResult[] {
  const { base, vectors, full } = plantedOutcomes({
    base: 0.4,
    vectors: { there: 0.85, absent: 0.44, weak: 0.45 }[at.kind],
    full: at.kind === "weak" ? 0.5 : 0.9,
  }, at);
  return ["a", "b", "a_instruct"].map((role) =>
    tuningClaim({ base, vectors, full }, {
      claim: `vectors_recover_most_of_full_tuning_${role}`,
      statement: "Planted.",
    })
  );
}

const OPENER = 7;
const NOTHING = { source: 0, baseToken: 0, steeredToken: 0, minToken: 0, minShift: 0, klNats: 0 };

/** What a last-layer vector does to the probabilities along answers: the opener at the first position, or any token anywhere. */
function openerRows(at: PlantedDraw): readonly ShiftRow[] {
  const stream = streamOf(at, "rows"), texts = countOf(at, { study: 48, weak: 4 });
  return Array.from({ length: texts }, (_, sample) => {
    // Weak evidence: one text of two shows it.
    const acts = at.kind === "there" || (at.kind === "weak" && sample % 2 === 0);
    return Array.from({ length: 8 }, (_, position): ShiftRow => {
      const small = 0.02 * stream.uniform(), large = 0.5 + 0.2 * stream.uniform();
      const boosts = acts && position === 0;
      return {
        ...NOTHING,
        sample,
        position,
        maxToken: boosts ? OPENER : stream.integer({ from: OPENER + 1, below: 40 }),
        maxShift: boosts || at.kind === "absent" ? large : small,
        followed: [boosts ? large : -small],
      };
    });
  }).flat();
}

/**
 * A last-layer vector that moves the opener alone, which is worth most of its gain; one that moves any token at any
 * place, where the opener is worth nothing. `baseOpens` is how often the base model opens with the token already.
 */
export function plantedLastLayer(
  at: PlantedDraw,
  options: { readonly baseOpens?: number } = {},
): readonly ClaimResult[] {
  const { baseOpens = 0.2 } = options, stream = streamOf(at, "openers");
  const { base, prefix, steered } = plantedOutcomes({
    base: 0.4,
    prefix: { there: 0.72, absent: 0.42, weak: 0.44 }[at.kind],
    steered: at.kind === "weak" ? 0.48 : 0.8,
  }, at);
  return lastLayerClaims({
    rows: openerRows(at),
    opener: OPENER,
    openerLabel: "planted",
    baseOpens: Array.from({ length: 48 }, () => baseOpens + 0.02 * (stream.uniform() - 0.5)),
    base,
    prefix,
    steered,
  });
}

/** A penultimate vector that enters through the values alone; one that enters through the queries, by moving attention. */
function penultimate(at: PlantedDraw): readonly ClaimResult[] {
  const there = at.kind === "there", weak = at.kind === "weak";
  const [floor, ceiling] = weak ? [0.45, 0.5] : there ? [0.75, 0.9] : [0.42, 0.9];
  const through = (part: "q" | "k" | "v") => (there ? part === "v" : part === "q") ? ceiling : floor;
  const parts = (["q", "k", "v"] as const).flatMap((part) => {
    const filled = through(part);
    return [
      { part: `steer_${part}`, head: null, accuracy: filled },
      { part: `unsteer_${part}`, head: null, accuracy: floor + ceiling - filled },
      ...[0, 1].map((head) => ({
        part: `steer_${part}`,
        head,
        accuracy: part === "v" && head === 1 ? filled : floor,
      })),
    ];
  });
  const outcomes = plantedOutcomes({
    base: 0.35,
    last_layer: 0.4,
    skip_layer: weak ? 0.43 : 0.42,
    skip_attn: floor,
    whole: ceiling,
    ...Object.fromEntries(parts.map(({ accuracy }, place) => [`part_${place}`, accuracy])),
  } as Readonly<Record<"base" | "last_layer" | "skip_layer" | "skip_attn" | "whole", number>>, at);
  const { base, last_layer, skip_layer: skipLayer, skip_attn: skipAttn, whole } = outcomes;
  const gap = gapShares({
    floor: skipAttn,
    ceiling: whole,
    runs: parts.map(({ part, head }, place) => ({
      part,
      head,
      outcomes: (outcomes as Readonly<Record<string, typeof base>>)[`part_${place}`] as typeof base,
    })),
  });
  const kept = recoveredShare({ base: last_layer, prefix: skipAttn, steered: whole });
  const stream = streamOf(at, "attention"), centre = there ? 0.04 : weak ? 0.1 : 0.4;
  const moved = Array.from(
    { length: countOf(at, { study: 48, weak: 4 }) },
    (_, text) => centre + (weak ? 0.06 * (text % 2 === 0 ? 1 : -1) : 0.02 * (stream.uniform() - 0.5)),
  );
  return [
    ...penultimateClaims({ gap, kept, skipAttn, skipLayer }),
    attentionClaim(moved, { base, whole }),
  ];
}

/** A vector that raises process words and structure symbols around the attention; one that raises numbers through it. */
function penultimateWords(at: PlantedDraw): readonly ClaimResult[] {
  const stream = streamOf(at, "words"), weak = at.kind === "weak";
  const raised: readonly TokenClass[] = at.kind === "absent"
    ? ["number"]
    : ["process word", "structure symbol"];
  const texts = countOf(at, { study: 48, weak: 4 });
  const shifts = (text: number) =>
    Object.fromEntries(TOKEN_CLASSES.map((name) => {
      const rise = !raised.includes(name) ? 0 : weak && text % 2 === 0 ? -0.01 : 0.02;
      return [name, rise + 0.01 * (stream.uniform() - 0.5)];
    })) as Record<TokenClass, number>;
  const classes = Array.from(
    { length: texts },
    (_, text): TextClassShift => ({ first: shifts(text), later: shifts(text) }),
  );
  const around = { there: 0.1, absent: 1.1, weak: 0.5 }[at.kind];
  const pairs = Array.from(
    { length: texts },
    (_, text) => [around + (weak ? 0.4 * (text % 2 === 0 ? 1 : -1) : 0.1 * stream.uniform()), 1] as const,
  );
  return [classClaim(classes), alikeClaim(pairs)];
}

/** Shifts against one script in every layer but the last; in none. */
function languages(at: PlantedDraw): readonly ClaimResult[] {
  const study = suppression(plantedSuppression(at), plantedVocabulary(at));
  return (["middle_layers", "pre_final_layers"] as const).map((layers) => languageClaim(study, layers));
}

const FEATURES = 24, SHOWN = 8, TIED = 5;

/** Answers to problems; one feature fires more often in right ones, or, in every other draw, in wrong ones; or none does. */
function firings(at: PlantedDraw, purpose: string): readonly FeatureFirings[] {
  const stream = streamOf(at, purpose);
  const problems = countOf(at, { study: 40, weak: 4 }), tokens = countOf(at, { study: 60, weak: 8 });
  const tied = { there: 0.1, absent: 0, weak: 0.02 }[at.kind] * (at.draw % 2 === 0 ? 1 : -1);
  return Array.from({ length: 6 * problems }, (_, place): FeatureFirings => {
    const correct = place % 2 === 0;
    const counts = Array.from({ length: FEATURES }, (_, feature) => {
      const rate = 0.15 + (feature === TIED && correct ? tied : 0);
      return Array.from({ length: tokens }, () => stream.uniform() < rate ? 1 : 0)
        .reduce<number>((total, fired) => total + fired, 0);
    });
    const fired = counts.flatMap((count, feature) => count > 0 ? [feature] : []);
    return {
      correct,
      tokens,
      stratum: Math.floor(place / 6),
      features: Int32Array.from(fired),
      counts: Int32Array.from(fired, (feature) => counts[feature] as number),
    };
  });
}

function features(at: PlantedDraw): readonly ClaimResult[] {
  const read = (purpose: string) =>
    featureFrequencies(firings(at, purpose), { features: FEATURES, first: SHOWN });
  return featureClaims({ all: read("all positions"), early: read("before a result") });
}

/** Vectors that gain nearly as much in the other model; that gain nothing there. */
function transfer(at: PlantedDraw): readonly ClaimResult[] {
  const { base, own, other } = plantedOutcomes({
    base: 0.4,
    own: at.kind === "weak" ? 0.45 : 0.85,
    other: { there: 0.75, absent: 0.4, weak: 0.42 }[at.kind],
  }, at);
  return transferClaims([
    { recipient: "a", base, donors: { a: own, a_instruct: other } },
    { recipient: "a_instruct", base, donors: { a: other, a_instruct: own } },
  ]);
}

/** Pairs that do better than the better of both; that do as well as the worse one. */
function pairs(at: PlantedDraw): readonly ClaimResult[] {
  const weak = at.kind === "weak", layers = weak ? 2 : 4;
  const single = (layer: number) => weak ? 0.45 + 0.1 * layer : 0.5 + 0.05 * layer;
  const places = Array.from({ length: layers }, (_, i) => i).flatMap((i) =>
    Array.from({ length: layers - i }, (_, step) => [i, i + step] as const)
  );
  const reached = (i: number, j: number) =>
    i === j ? single(i) : weak ? 0.58 : at.kind === "there" ? single(j) + 0.12 : single(i);
  const outcomes = plantedOutcomes<string>({
    all: weak ? 0.6 : 0.85,
    ...Object.fromEntries(places.map(([i, j]) => [`${i},${j}`, reached(i, j)])),
  }, at);
  type Outcomes = typeof outcomes[string];
  const composition = pairComposition({
    layers,
    runs: places.map(([i, j]) => ({ i, j, outcomes: outcomes[`${i},${j}`] as Outcomes })),
    allLayers: outcomes["all"] as Outcomes,
  });
  return ["isolated_vectors_combine", "isolated_vectors_combine_b"].map((claim) =>
    pairClaim(composition, { claim, model: "planted" })
  );
}

const SEGMENTS: readonly SegmentRange[] = [
  { segment: "system", from: 0, to: 6 },
  { segment: "template", from: 6, to: 12 },
  { segment: "question", from: 12, to: 24 },
  { segment: "template", from: 24, to: 30 },
  { segment: "answer", from: 30, to: 50 },
];

/** Adapters that write on instructions; that write everywhere alike. */
function magnitudes(at: PlantedDraw): readonly ClaimResult[] {
  const stream = streamOf(at, "magnitudes"), texts = countOf(at, { study: 48, weak: 4 });
  const traces = Array.from({ length: texts }, (_, text) => {
    const salient = at.kind === "there" || (at.kind === "weak" && text % 2 === 0) ? 4 : 1;
    return {
      segments: SEGMENTS,
      magnitudes: SEGMENTS.flatMap(({ segment, from, to }) =>
        Array.from({ length: to - from }, () => {
          const factor = segment === "system" || segment === "question" ? salient : 1;
          return factor * (1 + 0.4 * (stream.uniform() - 0.5));
        })
      ),
    };
  });
  return magnitudeClaims([{ traces }, { traces }]);
}

/** Middle layers that gain most, and all layers together more; the ends that gain all there is, alone. */
function singleLayers(at: PlantedDraw): readonly ClaimResult[] {
  const layers = 8, weak = at.kind === "weak";
  const gain = (layer: number) => {
    const middle = layer >= 2 && layer < 6;
    return weak ? (middle ? 0.03 : 0.02) : at.kind === "there" ? (middle ? 0.3 : 0.15) : middle ? 0 : 0.3;
  };
  const { base, all, ...alone } = plantedOutcomes<string>({
    base: 0.4,
    all: weak ? 0.48 : at.kind === "there" ? 0.9 : 0.7,
    ...Object.fromEntries(
      Array.from({ length: layers }, (_, layer) => [`layer_${layer}`, 0.4 + gain(layer)]),
    ),
  }, at);
  type Outcomes = typeof alone[string];
  return singleLayerClaims({ base: base as Outcomes, all: all as Outcomes, layers: Object.values(alone) });
}

/** Shifts of vectors that share an aim, but for the last; that share none. */
function finalDifferences(at: PlantedDraw): readonly ClaimResult[] {
  return finalDifferenceClaims(similarityBlocks(plantedFinalDifferences(at), { draws: 1000 }), "");
}

/** By item: what its decisions say of planted evidence. */
export const PLANTED_EVIDENCE: Readonly<Record<string, (at: PlantedDraw) => readonly ClaimResult[]>> = {
  table1: transfer,
  table2: tuning,
  fig1: singleLayers,
  fig2: (at) => persistenceClaims(plantedPersistence(at)),
  fig3: (at) => plantedLastLayer(at),
  fig4: finalDifferences,
  fig5: penultimate,
  fig6: penultimateWords,
  fig7: features,
  fig13: pairs,
  fig16: languages,
  fig20: penultimate,
  fig22: magnitudes,
};
