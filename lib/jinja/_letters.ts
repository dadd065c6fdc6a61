/** White space of Python's `str`, for classes of patterns: not that of JavaScript, which has U+FEFF and lacks U+0085. */
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const SPACES = new RegExp(`[${SPACE}]`);

/** Whether a letter is white space to Python. */
export function isSpace(letter: string): boolean {
  return SPACES.test(letter);
}

/** A text without white space, or letters of a set, at its ends. */
export function stripped(
  text: string,
  options: { readonly side: "left" | "right" | "both"; readonly letters?: string | null },
): string {
  const { side, letters = null } = options;
  const set = letters === null ? null : new Set(letters);
  const drops = (letter: string): boolean => set === null ? isSpace(letter) : set.has(letter);
  let from = 0, to = text.length;
  if (side !== "right") {
    while (from < to) {
      const letter = String.fromCodePoint(text.codePointAt(from) as number);
      if (!drops(letter)) break;
      from += letter.length;
    }
  }
  if (side !== "left") {
    while (to > from) {
      const pair = to - from > 1 && /[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(to - 2, to));
      const letter = text.slice(pair ? to - 2 : to - 1, to);
      if (!drops(letter)) break;
      to -= letter.length;
    }
  }
  return text.slice(from, to);
}

const SURROGATES = /[\ud800-\udfff]/;

/** Letters of a text as Python counts them: code points. */
export function lengthOf(text: string): number {
  if (!SURROGATES.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The letters of a text, one code point each. */
export function lettersOf(text: string): readonly string[] {
  return Array.from(text);
}

/** Where the code point of a number begins in a text, in JavaScript's count; both counts end alike. */
export function unitIndex(text: string, letter: number): number {
  if (!SURROGATES.test(text)) return Math.min(letter, text.length);
  let at = 0;
  for (let done = 0; done < letter && at < text.length; done++) {
    at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
  }
  return at;
}

/** Order of two texts by code points: below, equal to or above 0. */
export function compareText(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  // Halves of a pair stand for code points above all others, though their own numbers are lower.
  const rank = (unit: number): number =>
    unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
  for (let at = 0; at < shared; at++) {
    const a = left.charCodeAt(at), b = right.charCodeAt(at);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

const LINE_ENDS = new RegExp(`\\r\\n|[\\n\\r\\v\\f${"\x1c\x1d\x1e"}\\x85\\u2028\\u2029]`, "g");

/** A letter as an escape of Python: `\xe9`, `\u4e2d`, `\U0001f642`. */
export function escapeOf(letter: string): string {
  const code = letter.codePointAt(0) as number;
  const [mark, width] = code < 0x100
    ? ["x", 2] as const
    : code < 0x10000
    ? ["u", 4] as const
    : ["U", 8] as const;
  return `\\${mark}${code.toString(16).padStart(width, "0")}`;
}

/** Lines of a text as `splitlines` sees them, their ends kept where asked for. */
export function linesOf(text: string, options: { readonly keepEnds?: boolean } = {}): string[] {
  const lines: string[] = [];
  let from = 0;
  for (const { 0: end, index } of text.matchAll(LINE_ENDS)) {
    lines.push(text.slice(from, options.keepEnds ? index + end.length : index));
    from = index + end.length;
  }
  if (from < text.length) lines.push(text.slice(from));
  return lines;
}

/** Letters whose form at the start of a word is not their capital: ǆ, ᾳ and their kin. */
const TITLE_FORMS: ReadonlyMap<string, string> = new Map(
  [...titleLetters()].flatMap((title) =>
    [title, title.toLowerCase(), title.toUpperCase()].map((form) => [form, title])
  ),
);

function* titleLetters(): Generator<string> {
  yield* ["\u01c5", "\u01c8", "\u01cb", "\u01f2", "\u1fbc", "\u1fcc", "\u1ffc"];
  for (const row of [0x1f88, 0x1f98, 0x1fa8]) {
    for (let place = 0; place < 8; place++) yield String.fromCodePoint(row + place);
  }
}

/** One letter as it begins a word: `ß` gives `Ss`. */
function titleLetter(letter: string): string {
  const known = TITLE_FORMS.get(letter);
  if (known !== undefined) return known;
  const [first = "", ...rest] = Array.from(letter.toUpperCase());
  return first + rest.join("").toLowerCase();
}

/** Python's `capitalize`: the first letter as it begins a word, the rest small. */
export function capitalized(text: string): string {
  const first = Array.from(text.slice(0, 2))[0] ?? "";
  return titleLetter(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

const CASED = /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u;

/** The small form of the letter at a place: that of Σ depends on whether it ends its word. */
function smallAt(text: string, place: { readonly letter: string; readonly at: number }): string {
  const { letter, at } = place;
  if (letter !== "Σ") return letter.toLowerCase();
  return text.toLowerCase()[text.slice(0, at).toLowerCase().length] as string;
}

/** A text letter by letter, each made anew from itself and its place. */
function mapped(
  text: string,
  make: (place: { readonly letter: string; readonly at: number }) => string,
): string {
  const out: string[] = [];
  let at = 0;
  for (const letter of text) {
    out.push(make({ letter, at }));
    at += letter.length;
  }
  return out.join("");
}

/** Python's `title`: every letter after one that has no case begins a word. */
export function titled(text: string): string {
  let inWord = false;
  return mapped(text, (place) => {
    const made = inWord ? smallAt(text, place) : titleLetter(place.letter);
    inWord = CASED.test(place.letter);
    return made;
  });
}

/** Python's `swapcase`. */
export function swapped(text: string): string {
  return mapped(text, (place) => {
    if (/\p{Uppercase}/u.test(place.letter)) return smallAt(text, place);
    return /\p{Lowercase}/u.test(place.letter) ? place.letter.toUpperCase() : place.letter;
  });
}

/** Digits that are no decimal ones to Python, such as `²` and `①`. */
const DIGITS =
  /^[\p{Nd}\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792]$/u;

/** The questions that a text answers with yes where it has a letter and every letter does. */
export const LETTER_TESTS: Readonly<Record<string, (letter: string) => boolean>> = {
  isalpha: (letter) => /\p{L}/u.test(letter),
  isdecimal: (letter) => /\p{Nd}/u.test(letter),
  isdigit: (letter) => DIGITS.test(letter),
  isnumeric: (letter) => /\p{N}/u.test(letter),
  isalnum: (letter) => /[\p{L}\p{N}]/u.test(letter),
  isspace: isSpace,
};

/** Whether a text has letters of one case, and none of the other. */
export function hasCase(text: string, wanted: "lower" | "upper"): boolean {
  const [yes, no] = wanted === "lower"
    ? [/\p{Lowercase}/u, /[\p{Uppercase}\p{Lt}]/u]
    : [/\p{Uppercase}/u, /[\p{Lowercase}\p{Lt}]/u];
  return yes.test(text) && !no.test(text);
}
