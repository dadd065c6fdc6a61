import {
  ANSWER_CHARACTERS,
  ANSWER_DEPTH,
  answerText,
  bracketDepth,
  splitTop,
  wrapped,
} from "./_answer_text.ts";
import type { Expression } from "./_expression.ts";
import { measured } from "./_unit.ts";

/** An answer as far as its outer form says what it is. */
export type AnswerForm =
  | { readonly kind: "value"; readonly value: Expression; readonly unit: string | null }
  | { readonly kind: "text"; readonly words: string }
  | { readonly kind: "based"; readonly digits: string; readonly base: string }
  | { readonly kind: "ratio"; readonly parts: readonly string[] }
  | { readonly kind: "list"; readonly items: readonly AnswerForm[] }
  | {
    readonly kind: "tuple";
    readonly open: string;
    readonly close: string;
    readonly items: readonly AnswerForm[];
  }
  | { readonly kind: "union"; readonly items: readonly AnswerForm[] }
  | { readonly kind: "matrix"; readonly rows: readonly (readonly AnswerForm[])[] }
  | NamedForm
  | RelationForm;

/** `x = 5`, `f(x) = 2x`, `x \in [1, 2]`: a value and what it is the value of. */
export interface NamedForm {
  readonly kind: "named";
  readonly name: string;
  /** Whether the name is one letter, so that the value alone answers too. */
  readonly pure: boolean;
  readonly value: AnswerForm;
  /** Left side minus right side, for equations that can be read so. */
  readonly zero: Expression | null;
}

/** An equation or inequality between expressions. */
export interface RelationForm {
  readonly kind: "relation";
  readonly operators: readonly string[];
  readonly sides: readonly Expression[];
  /** The interval that an inequality of one name describes. */
  readonly interval: AnswerForm | null;
}

/** Reads one expression; null when it cannot. */
export type ExpressionReader = (latex: string) => Expression | null;

/** Items of one list, tuple or matrix that are read. */
const ITEM_LIMIT = 40;

const RELATION = /<=|>=|:=|=|<|>|\\(?:le|ge|lt|gt|ne|approx|equiv)(?![A-Za-z])/;

const RELATION_SPELLING: Readonly<Record<string, string>> = {
  "\\le": "<=",
  "\\ge": ">=",
  "\\lt": "<",
  "\\gt": ">",
  ":=": "=",
  "\\approx": "=",
};

const LETTER = String
  .raw`(?:[A-Za-z]|\\(?!(?:frac|sqrt|text|pi|sin|cos|tan|log|ln|exp|infty|begin|binom|pm|lfloor|lceil)(?![A-Za-z]))[A-Za-z]+)`;

const SUBSCRIPT = String
  .raw`(?:\s*(?:'|_\s*(?:\{[^{}]*(?:\{[^{}]*\})?[^{}]*\}|\\?[A-Za-z0-9]+)|\^\s*\{?\s*\\prime\s*\}?))*`;

const PURE_NAME = new RegExp(String.raw`^${LETTER}\s*${SUBSCRIPT}\s*(?:\([A-Za-z0-9,\s]*\))?$`);

const NAME_PART = new RegExp(
  String.raw`\\angle|\\text\{[^{}]*\}|\\overline\{[A-Z]+\}|\s|${LETTER}${SUBSCRIPT}`,
  "y",
);

/** Whether a text is names alone, side by side. Part by part: one pattern for all of it could try 2^n splits. */
function isLongName(text: string): boolean {
  for (let at = 0; at < text.length;) {
    NAME_PART.lastIndex = at;
    const part = NAME_PART.exec(text);
    if (part === null) return false;
    at += part[0].length;
  }
  return true;
}

const MATRIX = /^\\begin\{([pbBv]|small)?(matrix|array)\}(?:\{[lcr| ]*\})?(.*)\\end\{\1\2\}$/;

/** Text as words alone: no case, no brackets around one letter, no mark at the end. */
export function wordsOf(text: string): string {
  const inside = text.replace(/\\text(?![A-Za-z])/g, "").replace(/[{}$\\]/g, "").replace(/\s+/g, " ").trim()
    .replace(/[.,;:!]+$/, "");
  return inside.replace(/^\(\s*([A-Za-z])\s*\)$/, "$1").toLowerCase();
}

interface Reader {
  readonly expression: ExpressionReader;
  /** Forms that may still be read. */
  left: number;
}

function readAll(texts: readonly string[], reader: Reader): AnswerForm[] | null {
  if (texts.length > ITEM_LIMIT) return null;
  const items: AnswerForm[] = [];
  for (const text of texts) {
    const item = readItem(text, reader);
    if (item === null) return null;
    items.push(item);
  }
  return items;
}

/** `1 \pm \sqrt{2}` is two answers; signs of one item change together. */
function withoutPlusMinus(text: string): string[] {
  if (!/\\(?:pm|mp)(?![A-Za-z])/.test(text)) return [text];
  const choose = (pm: string, mp: string): string =>
    text.replace(/\\pm(?![A-Za-z])/g, pm).replace(/\\mp(?![A-Za-z])/g, mp).replace(/^\s*\+/, "");
  return [choose("+", "-"), choose("-", "+")];
}

function readList(text: string, reader: Reader): AnswerForm | null {
  const parts = splitTop(text, /[,;]/).filter((part) => part !== "");
  const named = /^([^=]*)=([^=]*)$/.exec(parts[0] ?? "");
  const texts = parts.flatMap((part) => {
    // A pair of signs in the value of a name gives the name two values.
    const at = part.indexOf("=");
    const isNamed = at > 0 && PURE_NAME.test(part.slice(0, at).trim());
    if (!isNamed) return withoutPlusMinus(part);
    return withoutPlusMinus(part.slice(at + 1)).map((value) => `${part.slice(0, at)}=${value}`);
  });
  if (texts.length === 1) return readItem(texts[0] as string, reader);
  const items = readAll(texts, reader);
  if (items === null) return null;
  // `n = 2, 3, 4` names the whole list.
  const first = items[0];
  if (
    named !== null && first?.kind === "named" && items.length > 1 &&
    !items.slice(1).some((i) => i.kind === "named")
  ) {
    return { ...first, value: { kind: "list", items: [first.value, ...items.slice(1)] }, zero: null };
  }
  return { kind: "list", items };
}

function readMatrix(text: string, reader: Reader): AnswerForm | null {
  const found = MATRIX.exec(text);
  if (found === null || found[1] === "v") return null;
  const rows: AnswerForm[][] = [];
  for (
    const row of (found[3] as string).split(/\\\\/).map((part) => part.trim()).filter((part) => part !== "")
  ) {
    const cells = readAll(row.split("&").map((cell) => cell.trim()), reader);
    if (cells === null || rows.length >= ITEM_LIMIT || cells.length !== (rows[0] ?? cells).length) {
      return null;
    }
    rows.push(cells);
  }
  return rows.length === 0 ? null : { kind: "matrix", rows };
}

function readWrapped(text: string, reader: Reader): AnswerForm | null {
  const shell = wrapped(text);
  if (shell === null) return null;
  const { open, close, inside } = shell;
  if (open === "\\{") {
    if (close !== "\\}") return null;
    if (inside === "") return { kind: "list", items: [] };
    const items = readList(inside, reader);
    return items === null || items.kind === "list" ? items : { kind: "list", items: [items] };
  }
  const parts = splitTop(inside, /,/);
  if (parts.length === 1) return null;
  const items = readAll(parts, reader);
  return items === null ? null : { kind: "tuple", open, close, items };
}

const MINUS_INFINITY: Expression = {
  kind: "call",
  name: "Negate",
  parts: [{ kind: "symbol", name: "PositiveInfinity" }],
};

const PLUS_INFINITY: Expression = { kind: "symbol", name: "PositiveInfinity" };

function interval(low: Expression, high: Expression, ends: readonly [boolean, boolean]): AnswerForm {
  const end = (value: Expression): AnswerForm => ({ kind: "value", value, unit: null });
  return {
    kind: "tuple",
    open: ends[0] ? "[" : "(",
    close: ends[1] ? "]" : ")",
    items: [end(low), end(high)],
  };
}

function intervalOf(operators: readonly string[], sides: readonly Expression[]): AnswerForm | null {
  const flip: Readonly<Record<string, string>> = { "<": ">", ">": "<", "<=": ">=", ">=": "<=" };
  let signs = [...operators], parts = [...sides];
  if (signs.some((sign) => !Object.hasOwn(flip, sign))) return null;
  if ((signs[0] as string).startsWith(">")) {
    signs = signs.reverse().map((sign) => flip[sign] as string);
    parts = parts.reverse();
  }
  if (signs.some((sign) => sign.startsWith(">"))) return null;
  const closed = signs.map((sign) => sign === "<=");
  const [first, second, third] = parts as [Expression, Expression, Expression | undefined];
  if (third !== undefined) {
    return parts.length === 3 && second.kind === "symbol"
      ? interval(first, third, [closed[0] === true, closed[1] === true])
      : null;
  }
  if (first.kind === "symbol") return interval(MINUS_INFINITY, second, [false, closed[0] === true]);
  if (second.kind === "symbol") return interval(first, PLUS_INFINITY, [closed[0] === true, false]);
  return null;
}

function difference(left: Expression | null, right: Expression | null): Expression | null {
  return left === null || right === null ? null : { kind: "call", name: "Subtract", parts: [left, right] };
}

function canonicalName(text: string): string {
  return text.replace(/\\text(?![A-Za-z])|[\s{}]/g, "");
}

function readRelation(text: string, reader: Reader): AnswerForm | null {
  const member = splitTop(text, /\\in(?![A-Za-z])/);
  if (member.length === 2) {
    const [name = "", set = ""] = member;
    const value = PURE_NAME.test(name) ? readItem(set, reader) : null;
    return value === null
      ? null
      : { kind: "named", name: canonicalName(name), pure: true, value, zero: null };
  }
  const texts = splitTop(text, RELATION);
  if (texts.length < 2 || texts.length > 6 || texts.some((side) => side === "")) return null;
  const operators: string[] = [];
  let at = 0;
  for (const side of texts.slice(0, -1)) {
    const rest = text.slice(text.indexOf(side, at) + side.length);
    const sign = RELATION.exec(rest)?.[0] ?? "=";
    operators.push(RELATION_SPELLING[sign] ?? sign);
    at = text.length - rest.length + sign.length;
  }
  if (operators.every((sign) => sign === "=")) {
    const first = texts[0] as string, last = texts[texts.length - 1] as string;
    const read = (name: string, value: string): NamedForm | null => {
      const form = readList(value, reader);
      const zero = texts.length === 2 ? difference(reader.expression(name), reader.expression(value)) : null;
      if (form === null) return null;
      return { kind: "named", name: canonicalName(name), pure: PURE_NAME.test(name), value: form, zero };
    };
    if (PURE_NAME.test(first)) return read(first, last);
    if (texts.length === 2 && PURE_NAME.test(last)) return read(last, first);
    if (isLongName(first)) return read(first, last);
  }
  const sides: Expression[] = [];
  for (const side of texts) {
    const expression = reader.expression(side);
    if (expression === null) return null;
    sides.push(expression);
  }
  return { kind: "relation", operators, sides, interval: intervalOf(operators, sides) };
}

function readItem(text: string, reader: Reader): AnswerForm | null {
  if (reader.left-- <= 0 || text === "") return null;
  const prose = /^\\text\{([^{}]*)\}$/.exec(text);
  if (prose !== null) return { kind: "text", words: wordsOf(prose[1] as string) };
  if (text.startsWith("\\begin")) return readMatrix(text, reader);
  if (RELATION.test(text) || /\\in(?![A-Za-z])/.test(text)) return readRelation(text, reader);
  const union = splitTop(text, /\\cup(?![A-Za-z])/);
  if (union.length > 1) {
    const items = readAll(union, reader);
    return items === null ? null : { kind: "union", items };
  }
  const ratio = splitTop(text, /:/);
  if (ratio.length > 1) {
    return ratio.every((part) => /^\d+$/.test(part)) ? { kind: "ratio", parts: ratio } : null;
  }
  const { rest, unit } = measured(text);
  const based = /^(?:\\text\{)?\(?([0-9A-Fa-f]+)\)?\}?\s*_\s*\{?\s*(?:\\text\{)?\(?(\d+)\)?\}?\s*\}?$/.exec(
    rest,
  );
  if (based !== null) {
    return { kind: "based", digits: (based[1] as string).toUpperCase(), base: based[2] as string };
  }
  if (/^\\mathbb\s*\{?\s*R\s*\}?$/.test(rest)) return interval(MINUS_INFINITY, PLUS_INFINITY, [false, false]);
  if (rest === "\\emptyset") return { kind: "list", items: [] };
  const shell = readWrapped(rest, reader);
  if (shell !== null) return shell;
  const value = reader.expression(rest);
  if (value !== null) return { kind: "value", value, unit };
  // `t(0,4]` is an interval for t whose sign was lost: brackets of two kinds hold no arguments.
  const set = /^[A-Za-z]\s*(?=[([])/.exec(rest)?.[0];
  const ends = set === undefined ? null : readWrapped(rest.slice(set.length), reader);
  if (set === undefined || ends?.kind !== "tuple" || (ends.open === "(") === (ends.close === ")")) {
    return null;
  }
  return { kind: "named", name: set.trim(), pure: true, value: ends, zero: null };
}

/** What was read of an answer. */
export interface ReadAnswer {
  /** The text in one spelling. */
  readonly text: string;
  /** Null when it is no mathematics that can be read; then only equal text is equal. */
  readonly form: AnswerForm | null;
  /** Whether the text is longer or deeper than what is read. */
  readonly beyond: boolean;
}

/** Reads an answer as far as its form goes; never throws, and reads a bounded number of forms. */
export function readAnswer(raw: string, expression: ExpressionReader): ReadAnswer {
  if (raw.length > ANSWER_CHARACTERS) return { text: raw, form: null, beyond: true };
  const text = answerText(raw), depth = bracketDepth(text.replace(/[[\]()]/g, ""));
  if (text.length > 2 * ANSWER_CHARACTERS || (depth > ANSWER_DEPTH && depth !== Infinity)) {
    return { text, form: null, beyond: true };
  }
  if (depth === Infinity || bracketDepth(text) > ANSWER_DEPTH) return { text, form: null, beyond: false };
  return { text, form: readList(text, { expression, left: 200 }), beyond: false };
}
