import {
  differenceIntervals,
  type LanguageShares,
  languageShares,
  type LensReading,
  lensTokens,
  type MeanInterval,
  NON_ENGLISH_LANGUAGES,
  percentileInterval,
  randomLanguageShares,
  type TextDifferences,
  type TokenLanguage,
  type TokenLens,
} from "../lib/analysis/mod.ts";
import { mean } from "../lib/core/mod.ts";
import {
  type Laboratory,
  type Propagation,
  propagation,
  type VocabularyLens,
  vocabularyLens,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { meanDifference, readPropagated } from "./_lens.ts";
import type { MetricValue } from "../lib/report/mod.ts";
import { middleLayers } from "./_layers.ts";
import { intervalMetric } from "./_measured.ts";

/** Tokens that count as suppressed, or boosted: the published tables list as many. */
const LISTED = 50;
/** Of a small vocabulary no more than this share is listed. */
const MOST_LISTED = 0.1;
const DRAWS = 300;
const RANDOM_DIRECTIONS = 2000;
const LEVEL = 0.95;

/** Labels of tokens as figures group them, those that count as non-English first. */
export const LANGUAGE_GROUPS: readonly {
  readonly name: string;
  readonly labels: readonly TokenLanguage[];
}[] = [
  { name: "Cyrillic", labels: ["cyrillic"] },
  { name: "Han, Kana, Hangul", labels: ["han", "kana", "hangul"] },
  {
    name: "Other letters",
    labels: [
      ...["latin_extended", "arabic", "devanagari"] as const,
      ...["greek", "hebrew", "thai", "other_script"] as const,
    ],
  },
  { name: "Plain Latin", labels: ["latin"] },
  { name: "LaTeX", labels: ["latex"] },
  { name: "Digits, symbols", labels: ["digits", "symbols"] },
  { name: "Bytes, special", labels: ["bytes", "special", "none"] },
];

/** The group of a label. */
export function groupOf(label: TokenLanguage): string {
  return LANGUAGE_GROUPS.find(({ labels }) => labels.includes(label))?.name ?? "";
}

/** Shares of the groups among tokens, mean over several lists. */
export function groupShares(lists: readonly LanguageShares[]): Readonly<Record<string, number>> {
  return Object.fromEntries(LANGUAGE_GROUPS.map(({ name, labels }) => [
    name,
    mean(lists.map(({ counts, count }) => labels.reduce((sum, label) => sum + counts[label], 0) / count)),
  ]));
}

/** Tokens that have a text and may be listed. */
export function isNamed({ languages }: Pick<VocabularyLens, "languages">): (token: number) => boolean {
  return (token) => languages[token] !== "none";
}

/** How many tokens are listed of this vocabulary. */
export function listedTokens(frame: Pick<VocabularyLens, "languages">): number {
  const named = frame.languages.filter((label) => label !== "none").length;
  return Math.max(1, Math.min(LISTED, Math.floor(MOST_LISTED * named)));
}

/** Shares of non-English tokens among those that each layer's shift lies lowest to, and controls. */
export interface Suppression {
  /** Tokens per list. */
  readonly count: number;
  readonly middle: readonly number[];
  /** Share of non-English among the lowest tokens, by layer. */
  readonly suppressedShares: readonly (MeanInterval | null)[];
  /** Share of non-English among the highest tokens, by layer. */
  readonly boostedShares: readonly (MeanInterval | null)[];
  /** Mean of the middle layers' shares of suppressed tokens. */
  readonly middleShare: MeanInterval | null;
  /** This minus the last layer's, in the same draws. */
  readonly overLast: MeanInterval | null;
  /** Mean of the shares of all layers before the last. */
  readonly preFinalShare: MeanInterval | null;
  /** This minus the last layer's, in the same draws. */
  readonly preFinalOverLast: MeanInterval | null;
  /** Lists of random directions as long as the shifts. */
  readonly random: readonly LanguageShares[];
  /** Their mean share of non-English, and where 95 % of them lie. */
  readonly randomShare: MeanInterval;
  /** The whole vocabulary. */
  readonly vocabulary: LanguageShares;
  /** Why a null is null. */
  readonly why: string;
}

/** Languages of what vectors push down and up, next to their controls. */
interface LanguageStudy extends Suppression {
  readonly frame: VocabularyLens;
  readonly found: readonly (readonly Propagation[])[];
  /** Lists of the lowest tokens by layer, one per training seed; null where a vector shifts nothing. */
  readonly suppressed: readonly (readonly LanguageShares[] | null)[];
  /** The same by the published positions, of all training seeds. */
  readonly suppressedAsPublished: readonly (readonly LanguageShares[] | null)[];
  /** The middle layers' mean by the published positions. */
  readonly middleAsPublished: number | null;
  /** Shares among the tokens whose logits fall most, which no constant added to all rows can move. */
  readonly byLogits: { readonly middle_layers: number | null; readonly last_layer: number | null };
}

function listed(
  lens: TokenLens,
  options: {
    readonly direction: ArrayLike<number>;
    readonly side: "top" | "bottom";
    readonly count: number;
    readonly frame: Pick<VocabularyLens, "languages">;
  },
): LanguageShares | null {
  const { direction, side, count, frame } = options;
  if (Array.from(direction).every((value) => value === 0)) return null;
  const tokens = lensTokens(lens.read(direction), { side, count, eligible: isNamed(frame) });
  return languageShares(tokens.map(({ token }) => token), frame.languages);
}

/** Measures the languages of suppressed and boosted tokens of every layer of a model. */
export async function languageStudy(lab: Laboratory, zoo: ZooModel): Promise<LanguageStudy> {
  const found = await propagation(lab, zoo), frame = await vocabularyLens(zoo);
  return lab.reading(zoo, "languages", () => readLanguages(zoo, { found, frame }));
}

/**
 * Languages of the tokens that shifts push down and up: [training seed][steered layer] shifts behind the last block,
 * read through a lens on the vocabulary.
 */
export function suppression(
  shifts: readonly (readonly TextDifferences[])[],
  frame: Pick<VocabularyLens, "lens" | "languages">,
): Suppression {
  const { lens, languages } = frame, count = listedTokens(frame), layers = shifts[0]?.length ?? 0;
  const middle = middleLayers(layers), last = layers - 1;
  const share = (direction: ArrayLike<number>, side: "top" | "bottom") =>
    listed(lens, { direction, side, count, frame })?.nonEnglish ?? null;
  const { intervals } = differenceIntervals(shifts, (totals) => {
    const low = totals.map((total) => share(total, "bottom"));
    const high = totals.map((total) => share(total, "top"));
    const own = low[last] ?? null;
    const inner = average(middle.map((layer) => low[layer] ?? null)), before = average(low.slice(0, last));
    const over = (other: number | null) => other === null || own === null ? null : other - own;
    return [...low, ...high, inner, over(inner), before, over(before)];
  }, { draws: DRAWS });
  const nonZero = shifts.flat().filter(({ sums }) => sums.some((sum) => sum.some((value) => value !== 0)));
  const random = randomLanguageShares({
    lens,
    languages,
    norm: nonZero.length === 0 ? 1 : mean(nonZero.map((of) => Math.hypot(...meanDifference(of)))),
    count,
    draws: RANDOM_DIRECTIONS,
  });
  const randomShares = random.map(({ nonEnglish }) => nonEnglish);
  const [middleShare = null, overLast = null, preFinalShare = null, preFinalOverLast = null] = intervals
    .slice(2 * layers);
  return {
    count,
    middle,
    suppressedShares: intervals.slice(0, layers),
    boostedShares: intervals.slice(layers, 2 * layers),
    middleShare,
    overLast,
    preFinalShare,
    preFinalOverLast,
    random,
    randomShare: { mean: mean(randomShares), ...percentileInterval(randomShares, LEVEL) },
    vocabulary: languageShares(
      languages.flatMap((label, token) => label === "none" ? [] : [token]),
      languages,
    ),
    why: middle.length === 0
      ? `Not applicable: a model of ${layers} layers has none between its first quarter and its last two.`
      : "Not applicable: a vector shifts nothing.",
  };
}

/** Mean of values; null where there is none, or one is not there. */
function average(values: readonly (number | null)[]): number | null {
  return values.length === 0 || values.includes(null) ? null : mean(values as number[]);
}

function readLanguages(
  zoo: ZooModel,
  { found, frame }: Pick<LanguageStudy, "found" | "frame">,
): LanguageStudy {
  const { lens, languages } = frame;
  const read = suppression(found.map((seed) => seed.map(({ finalDifferences }) => finalDifferences)), frame);
  const { count, middle } = read;
  const propagated = readPropagated(lens, found);
  const bottom = (reading: LensReading, rankBy: "cosine" | "dot") =>
    languageShares(
      lensTokens(reading, { side: "bottom", count, rankBy, eligible: isNamed(frame) }).map(({ token }) =>
        token
      ),
      languages,
    );
  const fallen = propagated.map(({ logits }) =>
    logits === null ? null : mean(logits.perSeed.map((reading) => bottom(reading, "dot").nonEnglish))
  );
  const published = (layer: number) =>
    average(found.map((seed) =>
      listed(lens, {
        direction: (seed[layer] as Propagation).published.finalDifference,
        side: "bottom",
        count,
        frame,
      })?.nonEnglish ?? null
    ));
  return {
    ...read,
    frame,
    found,
    suppressed: propagated.map(({ raw }) => raw?.perSeed.map((reading) => bottom(reading, "cosine")) ?? null),
    suppressedAsPublished: propagated.map(({ published }) =>
      published?.perSeed.map((reading) => bottom(reading, "cosine")) ?? null
    ),
    middleAsPublished: average(middle.map(published)),
    byLogits: {
      middle_layers: average(middle.map((layer) => fallen[layer] ?? null)),
      last_layer: fallen[zoo.layers - 1] ?? null,
    },
  };
}

/** The difference of a share from that of random directions; its interval is that of the directions. */
export function overRandom(share: number, random: MeanInterval): MeanInterval {
  return {
    mean: share - random.mean,
    low: share - random.high,
    high: share - random.low,
    level: random.level,
  };
}

/** A share with its interval as a metric; `why` says what a share that is not there means. */
export function shareMetric(name: string, found: MeanInterval | null, why: string): MetricValue {
  return intervalMetric(found, { name, unit: "share", why });
}

/** Tokens of letters that are not English, and tokens of plain Latin letters. */
export function letteredTokens(
  { languages }: VocabularyLens,
): { readonly nonEnglish: readonly number[]; readonly latin: readonly number[] } {
  const where = (test: (label: TokenLanguage) => boolean) =>
    languages.flatMap((label, token) => test(label) ? [token] : []);
  return {
    nonEnglish: where((label) => NON_ENGLISH_LANGUAGES.has(label)),
    latin: where((label) => label === "latin"),
  };
}
