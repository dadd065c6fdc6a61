import { RandomStream } from "../../core/mod.ts";
import { norm } from "../residual/_vectors.ts";
import { NON_ENGLISH_LANGUAGES, TOKEN_LANGUAGES, type TokenLanguage } from "./token_language.ts";
import { lensTokens, type TokenLens } from "./token_lens.ts";

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

/**
 * Shares of languages among tokens, labelled by {@link vocabularyLanguages}.
 *
 * Source: figure 16 (class: review).
 *
 * @throws RangeError for no tokens or an id without a label.
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
  for (const token of tokens) {
    const label = languages[token];
    if (label === undefined) {
      throw new RangeError(
        `Cannot label a token as its id must be < ${languages.length}: current value is ${token}`,
      );
    }
    counts[label]++;
  }
  const nonEnglish = [...NON_ENGLISH_LANGUAGES].reduce((sum, label) => sum + counts[label], 0);
  const lettered = nonEnglish + counts.latin;
  return {
    count: tokens.length,
    counts,
    nonEnglish: nonEnglish / tokens.length,
    nonEnglishOfLettered: lettered === 0 ? null : nonEnglish / lettered,
  };
}

/** Uniform on a sphere: normal numbers in every direction, brought to one length. */
function randomDirection(stream: RandomStream, options: { embed: number; radius: number }): Float64Array {
  const vector = Float64Array.from({ length: options.embed }, () => stream.normal());
  const length = norm(vector);
  return vector.map((value) => options.radius * value / length);
}

/** Which lists of tokens random directions give. */
export interface RandomSharesOptions {
  /** Reads the directions. */
  readonly lens: TokenLens;
  /** Labels of the vocabulary. */
  readonly languages: readonly TokenLanguage[];
  /** Euclidean norm of the directions. */
  readonly norm: number;
  /** How many tokens each direction lists. */
  readonly count: number;
  /** How many directions. */
  readonly draws: number;
}

/**
 * Languages of the tokens at the lower end of the lens for random directions, uniform on a sphere, one entry per
 * direction: what the shares of what a layer pushes down are held against. Rows without a token are never listed.
 *
 * Source: the control of figure 16 that reviewers asked for (class: review).
 *
 * @throws RangeError for a lens on another vocabulary, a norm that is not positive, a count below 1.
 */
export function randomLanguageShares(options: RandomSharesOptions): readonly LanguageShares[] {
  const { lens, languages, norm: radius, count, draws } = options;
  if (lens.vocab !== languages.length || !(radius > 0 && radius < Infinity)) {
    throw new RangeError(
      `Cannot compare with random directions as the lens must have ${languages.length} tokens and the norm be ` +
        `positive: current values are ${lens.vocab}, ${radius}`,
    );
  }
  const stream = new RandomStream(0, "languages of random directions", count);
  return Array.from({ length: draws }, () => {
    const reading = lens.read(randomDirection(stream, { embed: lens.embed, radius }));
    const eligible = (token: number) => languages[token] !== "none";
    const listed = lensTokens(reading, { side: "bottom", count, eligible });
    return languageShares(listed.map(({ token }) => token), languages);
  });
}
