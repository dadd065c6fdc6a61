import { quantile, RandomStream } from "../../core/mod.ts";
import { type BootstrapOptions, bootstrapSettings } from "../accuracy/_bootstrap.ts";
import { norm } from "../residual/_vectors.ts";
import { NON_ENGLISH_LANGUAGES, TOKEN_LANGUAGES, type TokenLanguage } from "./token_language.ts";
import { lensTokens, type LensTokensOptions, type TokenLens } from "./token_lens.ts";

/** What a list of tokens is written in. */
export interface LanguageShares {
  /** Number of tokens. */
  readonly count: number;
  /** Tokens of each label. */
  readonly counts: Readonly<Record<TokenLanguage, number>>;
  /** Non-English tokens by the number of all tokens, in [0, 1]. */
  readonly nonEnglish: number;
  /** Non-English tokens by the number of tokens with letters of a script; null when there is none. */
  readonly nonEnglishOfLettered: number | null;
}

function labelOf(token: number, languages: readonly TokenLanguage[]): TokenLanguage {
  const label = languages[token];
  if (label === undefined) {
    throw new RangeError(
      `Cannot label a token as its id must be < ${languages.length}: current value is ${token}`,
    );
  }
  return label;
}

/**
 * Shares of languages among tokens, labelled by {@link vocabularyLanguages}.
 *
 * Source: figure 16 (class: review).
 *
 * @throws RangeError for no tokens or an id without a label.
 *
 * @example
 * ```ts
 * import { languageShares } from "../mod.ts";
 * const { nonEnglish, nonEnglishOfLettered } = languageShares([0, 1, 2, 2], ["latin", "han", "digits"]);
 * if (nonEnglish !== 0.25 || nonEnglishOfLettered !== 0.5) throw new Error("one of four, one of two with letters");
 * ```
 */
export function languageShares(
  tokens: readonly number[],
  languages: readonly TokenLanguage[],
): LanguageShares {
  if (tokens.length === 0) {
    throw new RangeError("Cannot take shares as there must be a token: current count is 0");
  }
  const counts = Object.fromEntries(TOKEN_LANGUAGES.map((label) => [label, 0])) as Record<
    TokenLanguage,
    number
  >;
  for (const token of tokens) counts[labelOf(token, languages)]++;
  const nonEnglish = [...NON_ENGLISH_LANGUAGES].reduce((sum, label) => sum + counts[label], 0);
  const lettered = nonEnglish + counts.latin;
  return {
    count: tokens.length,
    counts,
    nonEnglish: nonEnglish / tokens.length,
    nonEnglishOfLettered: lettered === 0 ? null : nonEnglish / lettered,
  };
}

/** What the share of a list of tokens is held against. */
export type LanguageControl =
  /** As many tokens drawn from the whole vocabulary without replacement; rows without a token are never drawn. */
  | { readonly kind: "vocabulary" }
  /** Another list, such as that of the last layer. */
  | { readonly kind: "tokens"; readonly tokens: readonly number[] }
  /**
   * The tokens at the same end of the lens for random directions, uniform on the sphere of radius `norm`; as many
   * directions as `draws`. Radius changes no cosine and no ranking; it is kept for directions whose product matters.
   */
  | {
    readonly kind: "directions";
    readonly lens: TokenLens;
    readonly norm: number;
    readonly side: "top" | "bottom";
    readonly rankBy?: LensTokensOptions["rankBy"];
  };

/** The non-English share of a list of tokens next to a control. */
export interface LanguageComparison {
  /** Share of the list, in [0, 1]. */
  readonly share: number;
  /** Share of the control: of the whole vocabulary, of the other list, mean over the random directions. */
  readonly control: number;
  /** The first minus the second. */
  readonly difference: number;
  /** Lower end of the interval of the difference. */
  readonly low: number;
  /** Upper end of the interval of the difference. */
  readonly high: number;
  /** Coverage of the interval. */
  readonly level: number;
  /** How often the control alone gives as large a difference, one-sided, counting the list itself: never 0. */
  readonly pValue: number;
}

/** Uniform on a sphere: normal numbers in every direction, brought to one length. */
function randomDirection(stream: RandomStream, options: { embed: number; radius: number }): Float64Array {
  const vector = Float64Array.from({ length: options.embed }, () => stream.normal());
  const length = norm(vector);
  return vector.map((value) => options.radius * value / length);
}

/** The first `count` of a random order of `pool`, which is left in that order: equally likely subsets. */
function drawFirst(stream: RandomStream, options: { pool: number[]; count: number }): readonly number[] {
  const { pool, count } = options;
  for (let place = 0; place < count; place++) {
    const other = stream.integer({ from: place, below: pool.length });
    [pool[place], pool[other]] = [pool[other] as number, pool[place] as number];
  }
  return pool.slice(0, count);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean of as many picks with replacement. */
function resampled(stream: RandomStream, values: readonly number[]): number {
  let sum = 0;
  for (let time = 0; time < values.length; time++) sum += stream.pick(values);
  return sum / values.length;
}

/** A draw counts as large when it reaches the value up to what rounding of a mean of zeros and ones may cost. */
function rankValue(draws: readonly number[], value: number): number {
  return (1 + draws.filter((draw) => draw >= value - 1e-12).length) / (1 + draws.length);
}

/** Which lists of tokens random directions give. */
export interface RandomSharesOptions extends Pick<BootstrapOptions, "seed"> {
  /** Reads the directions. */
  readonly lens: TokenLens;
  /** Labels of the vocabulary. */
  readonly languages: readonly TokenLanguage[];
  /** Euclidean norm of the directions. */
  readonly norm: number;
  /** Which end of a reading is listed. */
  readonly side: "top" | "bottom";
  /** How many tokens each direction lists. */
  readonly count: number;
  /** How many directions. */
  readonly draws: number;
  /** The reading that ranks. @default {"cosine"} */
  readonly rankBy?: LensTokensOptions["rankBy"];
}

function randomShares(stream: RandomStream, options: RandomSharesOptions): readonly LanguageShares[] {
  const { lens, languages, norm: radius, side, count, draws, rankBy = "cosine" } = options;
  if (lens.vocab !== languages.length || !(radius > 0 && radius < Infinity)) {
    throw new RangeError(
      `Cannot compare with random directions as the lens must have ${languages.length} tokens and the norm be ` +
        `positive: current values are ${lens.vocab}, ${radius}`,
    );
  }
  return Array.from({ length: draws }, () => {
    const reading = lens.read(randomDirection(stream, { embed: lens.embed, radius }));
    const eligible = (token: number) => languages[token] !== "none";
    const listed = lensTokens(reading, { side, count, rankBy, eligible });
    return languageShares(listed.map(({ token }) => token), languages);
  });
}

/**
 * Languages of the tokens at one end of the lens for random directions, uniform on a sphere, one entry per direction:
 * what the shares of a layer's shift are held against. Rows without a token are never listed.
 *
 * Source: the control of figure 16 that reviewers asked for (class: review).
 *
 * @throws RangeError for a lens on another vocabulary, a norm that is not positive, a count below 1.
 *
 * @example
 * ```ts
 * import { randomLanguageShares, TokenLens } from "../mod.ts";
 * import { tensor } from "../../core/mod.ts";
 * const lens = new TokenLens(tensor("float32", [2, 1], [1, -1])); // [vocab, embed]
 * const end = { lens, languages: ["han", "latin"] as const, norm: 1, side: "top", count: 1, draws: 400 } as const;
 * const han = randomLanguageShares(end).filter(({ nonEnglish }) => nonEnglish === 1).length;
 * if (han < 150 || han > 250) throw new Error("either of the two, as often");
 * ```
 */
export function randomLanguageShares(options: RandomSharesOptions): readonly LanguageShares[] {
  const stream = new RandomStream(options.seed ?? 0, "languages of random directions", options.count);
  return randomShares(stream, options);
}

/**
 * Whether a list of tokens (those a layer's propagated shift pushes down) is less English than a control.
 *
 * - `vocabulary`: interval from a bootstrap of the list, p from lists of the same length drawn from the vocabulary.
 *   It takes tokens as independent. Rows of similar tokens are alike, so p is too small; `directions` has that
 *   likeness built in and is the sounder control.
 * - `tokens`: interval from a bootstrap of both lists, p from permutations of their tokens between them.
 * - `directions`: interval and p from the shares of the random directions themselves.
 *
 * Source: the controls of figure 16 that reviewers asked for (class: review); the statistics are ours.
 *
 * @throws RangeError for an empty list, an id without a label, a vocabulary smaller than the list, a lens on another
 * vocabulary, a norm that is not positive, or bootstrap options out of range.
 *
 * @example
 * ```ts
 * import { compareNonEnglish } from "../mod.ts";
 * const languages = Array.from({ length: 100 }, (_, token) => token < 10 ? "han" as const : "latin" as const);
 * const suppressed = [0, 1, 2, 3, 4]; // all Han, where a tenth of the vocabulary is
 * const { difference, pValue } = compareNonEnglish(suppressed, { languages, control: { kind: "vocabulary" } });
 * if (Math.abs(difference - 0.9) > 1e-15 || pValue > 0.01) throw new Error(`got ${difference}, ${pValue}`);
 * ```
 */
export function compareNonEnglish(
  tokens: readonly number[],
  options: BootstrapOptions & {
    readonly languages: readonly TokenLanguage[];
    readonly control: LanguageControl;
  },
): LanguageComparison {
  const { languages, control } = options, { draws, level, seed } = bootstrapSettings(options);
  const share = languageShares(tokens, languages).nonEnglish, tail = (1 - level) / 2;
  const indicator = (token: number) => NON_ENGLISH_LANGUAGES.has(labelOf(token, languages)) ? 1 : 0;
  const marks = tokens.map(indicator);
  const stream = new RandomStream(seed, "languages", control.kind, tokens.length);
  const times = <T>(make: () => T): T[] => Array.from({ length: draws }, make);
  const result = (controlShare: number, differences: readonly number[], pValue: number) => ({
    share,
    control: controlShare,
    difference: share - controlShare,
    low: quantile(differences, tail),
    high: quantile(differences, 1 - tail),
    level,
    pValue,
  });
  if (control.kind === "tokens") {
    const others = control.tokens.map(indicator);
    const other = languageShares(control.tokens, languages).nonEnglish;
    const differences = times(() => resampled(stream, marks) - resampled(stream, others));
    const pool = [...marks, ...others];
    const swapped = times(() => {
      const mixed = stream.shuffled(pool);
      return average(mixed.slice(0, marks.length)) - average(mixed.slice(marks.length));
    });
    return result(other, differences, rankValue(swapped, share - other));
  }
  const named = languages.flatMap((label, token) => label === "none" ? [] : [token]);
  if (named.length < tokens.length) {
    throw new RangeError(
      `Cannot compare with the vocabulary as it must have at least ${tokens.length} tokens: current count is ${named.length}`,
    );
  }
  if (control.kind === "vocabulary") {
    const whole = languageShares(named, languages).nonEnglish;
    const drawn = times(() =>
      average(drawFirst(stream, { pool: named, count: tokens.length }).map(indicator))
    );
    return result(whole, times(() => resampled(stream, marks) - whole), rankValue(drawn, share));
  }
  const { kind: _, ...end } = control;
  const shares = randomShares(stream, { ...end, languages, count: tokens.length, draws }).map((drawn) =>
    drawn.nonEnglish
  );
  return result(average(shares), shares.map((value) => share - value), rankValue(shares, share));
}
