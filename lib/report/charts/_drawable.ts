const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Spaces other than the plain one, controls, and marks that only change what stands beside them. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufffc]/u;

/** Letters that the font of the figures has. Those of other scripts would all be drawn as the same empty box. */
const KNOWN_LETTER =
  /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Hebrew}\p{Script=Armenian}]/u;

/** Characters of no script beyond the first plane, or between the scripts of East Asia: missing in the font as well. */
const MISSING_SIGN =
  /[\u2e80-\u303f\u3200-\u33ff\ufe10-\ufe1f\ufe30-\ufe4f\uff01-\uffef]|[\u{10000}-\u{10ffff}]/u;

function escaped(character: string): string {
  const code = (character.codePointAt(0) as number).toString(16).padStart(4, "0");
  return ESCAPES[character] ?? `\\u${code.length > 4 ? `{${code}}` : code}`;
}

/**
 * A text with everything that the font of the figures cannot show written as \u and its code: controls and other
 * invisible characters, Han, Kana, Hangul and further scripts, emoji. A figure then reads the same wherever it is drawn;
 * the metrics beside it hold the characters themselves.
 */
export function drawable(text: string): string {
  return [...text].map((character) => {
    const unknown = /\p{L}|\p{M}/u.test(character) && !KNOWN_LETTER.test(character) &&
      !/\p{Script=Common}/u.test(character);
    return unknown || INVISIBLE.test(character) || MISSING_SIGN.test(character)
      ? escaped(character)
      : character;
  }).join("");
}
