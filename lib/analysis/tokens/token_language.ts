/** Every label of a token, in the order of tables and legends. */
export const TOKEN_LANGUAGES = [
  "latin",
  "latin_extended",
  "cyrillic",
  "han",
  "kana",
  "hangul",
  "arabic",
  "devanagari",
  "greek",
  "hebrew",
  "thai",
  "other_script",
  "latex",
  "digits",
  "symbols",
  "bytes",
  "special",
  "none",
] as const;

/**
 * What a token is written in. Scripts: `latin` (letters a to z alone: English, or what cannot be told from it),
 * `latin_extended` (Latin letters beyond a to z), `cyrillic`, `han` (Chinese, or Japanese and Korean in Han), `kana`,
 * `hangul`, `arabic`, `devanagari`, `greek` (two letters or more), `hebrew`, `thai`, `other_script`. Without letters: `latex` (a command), `digits`, `symbols`
 * (punctuation, operators, spaces, one Greek letter), `bytes` (part of a character). Named by their place and not
 * their text: `special`, and `none` for a row of the unembedding that has no token.
 */
export type TokenLanguage = typeof TOKEN_LANGUAGES[number];

/** Labels that count as non-English: letters that English is not written with. */
export const NON_ENGLISH_LANGUAGES: ReadonlySet<TokenLanguage> = new Set<TokenLanguage>([
  "latin_extended",
  "cyrillic",
  "han",
  "kana",
  "hangul",
  "arabic",
  "devanagari",
  "greek",
  "hebrew",
  "thai",
  "other_script",
]);

const SCRIPTS: readonly (readonly [TokenLanguage, RegExp])[] = [
  ["latin", /\p{Script=Latin}/u],
  ["cyrillic", /\p{Script=Cyrillic}/u],
  ["han", /\p{Script=Han}/u],
  ["kana", /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ["hangul", /\p{Script=Hangul}/u],
  ["arabic", /\p{Script=Arabic}/u],
  ["devanagari", /\p{Script=Devanagari}/u],
  ["greek", /\p{Script=Greek}/u],
  ["hebrew", /\p{Script=Hebrew}/u],
  ["thai", /\p{Script=Thai}/u],
  ["other_script", /[^\p{Script=Common}\p{Script=Inherited}]/u],
];

/** A letter, or a mark that belongs to one: some scripts write vowels as marks, and a token may hold nothing else. */
const LETTER = /[\p{L}\p{M}]/u;

/** Letters of each script in a text, in the order in which the scripts first appear. */
function countScripts(text: string): Map<TokenLanguage, number> {
  const counts = new Map<TokenLanguage, number>();
  for (const character of text) {
    if (!LETTER.test(character)) continue;
    const script = SCRIPTS.find(([, pattern]) => pattern.test(character))?.[0];
    // Common and inherited characters (ℝ, µ, combining accents) belong to no script.
    if (script !== undefined) counts.set(script, (counts.get(script) ?? 0) + 1);
  }
  // One Greek letter is a symbol of mathematics, two are a word.
  if (counts.get("greek") === 1) counts.delete("greek");
  return counts;
}

/**
 * What a token's text is written in, by Unicode script: the script of most of its letters, of the first one when two
 * have as many. A script is certain and a language is not: a token is a piece of a word, most pieces of plain Latin
 * letters occur in a dozen languages, and lists of function words would decide for few of them and often wrongly. So
 * plain Latin letters stay `latin` and count as English. A share of non-English tokens is therefore a lower bound,
 * the same bound for a layer and for its controls.
 *
 * Left on the English side for the same reason: punctuation of other languages, digits, and bytes that are no whole
 * character (U+FFFD), unless a whole letter stands beside them. On the other side stand English words with an accent.
 *
 * Source: figure 16 (class: review; labelled by a language model there, by this rule here).
 */
export function tokenLanguage(text: string): TokenLanguage {
  if (text === "") return "none";
  // Composed first: e and a combining accent are one letter beyond a to z.
  const composed = text.normalize("NFC");
  if (/^\s*\\[A-Za-z]+[\s{}[\]()]*$/.test(composed)) return "latex";
  let label: TokenLanguage | undefined, most = 0;
  for (const [script, count] of countScripts(composed)) {
    if (count > most) [label, most] = [script, count];
  }
  if (label === "latin" && /(?![A-Za-z])\p{Script=Latin}/u.test(composed)) return "latin_extended";
  if (label !== undefined) return label;
  if (composed.includes("\ufffd")) return "bytes";
  return /\p{N}/u.test(composed) ? "digits" : "symbols";
}

/**
 * Labels of a whole vocabulary: one per row of the unembedding, from the text of each token ("" for a row without a
 * token, as models have beyond their tokenizer). `special` are the ids of special tokens, whatever their text.
 */
export function vocabularyLanguages(
  texts: readonly string[],
  options: { readonly special: ReadonlySet<number> },
): readonly TokenLanguage[] {
  return texts.map((text, token) => options.special.has(token) ? "special" : tokenLanguage(text));
}
