/** What a token does in a worked answer. */
export type TokenClass =
  | "special"
  | "process word"
  | "structure symbol"
  | "operator"
  | "number"
  | "word"
  | "other";

/** All classes, in the order in which they are tried, "other" last. */
export const TOKEN_CLASSES: readonly TokenClass[] = [
  "special",
  "process word",
  "structure symbol",
  "operator",
  "number",
  "word",
  "other",
];

// Words that announce, order or justify a step, whatever the problem is about.
const PROCESS_WORDS = new Set(
  ("first second third then next now finally lastly so therefore thus hence since because as if when let let's " +
    "to step steps we we'll need needs must can should start begin follow following follows find solve solving solution " +
    "calculate compute determine evaluate simplify simplifying substitute substituting divide multiply add subtract " +
    "check verify given give gives get gets got means implies recall consider note notice understand identify write " +
    "rewrite use using apply combine combining rearrange isolate set call express know wait however but " +
    "answer result")
    .split(" "),
);

// Marks that lay a text out or open and close its parts, LaTeX's among them.
const STRUCTURE =
  /^(?:[\s.,:;!?()[\]{}"'`#*_|$&~\-–—•…]|\\(?:boxed|begin|end|text|quad|left|right|[()[\]{},;!\\]))+$/u;
const OPERATOR =
  /^(?:[+−×÷=<>≤≥≠±·^/%*\\]|\\(?:frac|times|cdot|div|sqrt|pm|le|ge|leq|geq|neq|sum|prod|approx))+$/u;

/**
 * The class of a token by its spelling alone, surrounding spaces set aside. Deterministic rules, tried in the order
 * of `TOKEN_CLASSES`: special tokens are spelled `<|…|>` or `<…>` without spaces; process words stand in a fixed list
 * (case does not matter); structure symbols are made of white space with a line break, punctuation, brackets, Markdown
 * and LaTeX marks; then operators, digits, anything with a letter. Bytes that are no whole character are "other".
 *
 * Source: the paper says that the penultimate vector up-weights process words and structure symbols (class: caption);
 * the list and the rules are ours.
 */
export function tokenClass(text: string): TokenClass {
  if (/^<\|?[^\s<>]+\|?>$/.test(text) && /[\p{L}]/u.test(text)) return "special";
  const core = text.trim();
  if (PROCESS_WORDS.has(core.toLowerCase())) return "process word";
  // A lone hyphen, star or slash between spaces calculates; in a row, or at a line's start, it lays out.
  if (/^[-*]$/.test(core) && !text.includes("\n")) return "operator";
  if (STRUCTURE.test(text)) return "structure symbol";
  if (OPERATOR.test(core)) return "operator";
  if (/^\p{N}+$/u.test(core)) return "number";
  if (/\p{L}/u.test(core)) return "word";
  return "other";
}

/** Mean Δp of all tokens of one class. */
export interface ClassShift {
  /** The class. */
  readonly class: TokenClass;
  /** Vocabulary tokens in it. */
  readonly tokens: number;
  /** Sum of their positive mean Δp. */
  readonly rising: number;
  /** Sum of their negative mean Δp. */
  readonly falling: number;
  /** The sum of both: what the class gains from all others. */
  readonly net: number;
}

/**
 * Adds the mean Δp of a vocabulary up by class of token. The net sums of all classes cancel, since probabilities sum
 * to one under both models.
 *
 * Source: the claim on process words and structure symbols, Figure 6 (class: caption); the measure is ours.
 *
 * @throws RangeError when an entry is not finite.
 */
export function classShifts(
  meanShifts: ArrayLike<number>,
  options: { readonly text: (token: number) => string },
): readonly ClassShift[] {
  const sums = new Map(TOKEN_CLASSES.map((name) => [name, { tokens: 0, rising: 0, falling: 0 }]));
  for (let token = 0; token < meanShifts.length; token++) {
    const value = meanShifts[token] as number;
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot add shifts up as they must be finite: token ${token} has ${value}`);
    }
    const sum = sums.get(tokenClass(options.text(token))) as {
      tokens: number;
      rising: number;
      falling: number;
    };
    sum.tokens++;
    if (value > 0) sum.rising += value;
    else sum.falling += value;
  }
  return [...sums].map(([name, sum]) => ({ class: name, ...sum, net: sum.rising + sum.falling }));
}
