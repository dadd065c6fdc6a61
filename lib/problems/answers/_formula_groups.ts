/** Where in a text something stands that may be its answer. */
export interface Place {
  readonly from: number;
  readonly to: number;
  /** The answer, without what sets it off. */
  readonly text: string;
  /** Whether it is a plain number outside of formulas. */
  readonly isNumber: boolean;
}

/** Formulas that may be joined to one answer. */
const JOINED = 6;

const PERCENT = /^\s*(?:\\?%|[Pp]ercentage|[Pp]ercent|[Pp]ct)/;

const SIMPLE_FRACTION = /-?\\frac\{-?\d+(?:[.,]\d+)?\}\{-?\d+(?:[.,]\d+)?\}/y;

/** The end of a formula that begins at `from` with `open`; -1 where `close` does not follow, or not in the same line. */
function endOf(
  text: string,
  from: number,
  { close, isLine }: { readonly close: string; readonly isLine: boolean },
): number {
  for (let at = text.indexOf(close, from); at >= 0; at = text.indexOf(close, at + 1)) {
    if (isLine && text.slice(from, at).includes("\n")) return -1;
    if (text[at - 1] !== "\\" || text[at - 2] === "\\") return at > from ? at : -1;
  }
  return -1;
}

interface Opening {
  readonly open: string;
  readonly close: string;
  readonly isLine: boolean;
}

const OPENINGS: readonly Opening[] = [
  { open: "$$", close: "$$", isLine: false },
  { open: "\\[", close: "\\]", isLine: false },
  { open: "$", close: "$", isLine: true },
  { open: "\\(", close: "\\)", isLine: true },
];

/** The formula that begins at a place; null where none does. */
function formulaAt(text: string, from: number): Place | null {
  for (const { open, close, isLine } of OPENINGS) {
    if (!text.startsWith(open, from)) continue;
    const before = text[from - 1] ?? "";
    // A stroke before it makes a sign of money, a digit a price.
    if (before === "\\" || (open === "$" && /\d/.test(before))) continue;
    const end = endOf(text, from + open.length, { close, isLine });
    if (end < 0) continue;
    return { from, to: end + close.length, text: text.slice(from + open.length, end), isNumber: false };
  }
  const bracket = /^\[([^\n\][]+)\](?=\s)/.exec(text.slice(from, from + 400));
  if (bracket !== null && /\s/.test(text[from - 1] ?? "")) {
    return { from: from - 1, to: from + bracket[0].length + 1, text: bracket[1] as string, isNumber: false };
  }
  SIMPLE_FRACTION.lastIndex = from;
  const fraction = SIMPLE_FRACTION.exec(text)?.[0];
  return fraction === undefined
    ? null
    : { from, to: from + fraction.length, text: fraction, isNumber: false };
}

/** The formula with a percent sign or word behind it. */
function withPercent(text: string, formula: Place): Place {
  const percent = PERCENT.exec(text.slice(formula.to, formula.to + 16))?.[0];
  return percent === undefined
    ? formula
    : { ...formula, to: formula.to + percent.length, text: `${formula.text}\\%` };
}

/** Every formula of a text from left to right; formulas that a comma, "and" or "or" joins are one place. */
export function formulaGroups(text: string): Place[] {
  const groups: Place[] = [];
  for (let at = 0; at < text.length;) {
    const first = /[$\\[-]/.test(text[at] as string) ? formulaAt(text, at) : null;
    if (first === null) {
      at++;
      continue;
    }
    const parts = [withPercent(text, first)];
    while (parts.length < JOINED) {
      const { to } = parts.at(-1) as Place;
      const joint = /^\s*(?:,?\s*and\b|,?\s*or\b|,)\s*/.exec(text.slice(to, to + 20));
      const next = joint === null ? null : formulaAt(text, to + joint[0].length);
      if (next === null) break;
      parts.push(withPercent(text, next));
    }
    const { to } = parts.at(-1) as Place;
    groups.push({
      from: parts[0]?.from ?? at,
      to,
      text: parts.map((part) => part.text.trim()).join(", "),
      isNumber: false,
    });
    at = Math.max(to, at + 1);
  }
  return groups;
}
