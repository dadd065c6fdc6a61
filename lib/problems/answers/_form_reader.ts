import type { Token } from "./_token_scanner.ts";
import { type AnswerForm, type NamedForm, plainValue } from "./_answer_form.ts";
import {
  CONDITION,
  EMPTY_WORDS,
  LEAD,
  NUMBER_WORDS,
  REAL_WORDS,
  SHORT_WORDS,
  wordsOf,
} from "./_answer_words.ts";
import { call, type Expression, integer, symbol } from "./_expression.ts";
import { ExpressionReader } from "./_expression_reader.ts";
import { labelOf } from "./_label.ts";
import { entryOf } from "./_tex_names.ts";
import { isMatrix } from "./_token_run.ts";
import { MULTIPLIERS, unitOf } from "./_unit_of.ts";

/** Items of one list, tuple or matrix that are read. */
const ITEM_LIMIT = 40;

/** Items of one answer that are read. */
const FORM_LIMIT = 200;

const RELATIONS: ReadonlySet<string> = new Set(["=", "<", ">", "<=", ">=", "!=", "≈", "≡", "∈", "∉"]);

const JOINTS: ReadonlySet<string> = new Set([",", ";", "and", "or", "\\\\"]);

const COLON: ReadonlySet<string> = new Set([":"]), MINUS: ReadonlySet<string> = new Set(["-"]);
const UNDERSCORE: ReadonlySet<string> = new Set(["_"]), COMMAS: ReadonlySet<string> = new Set([",", ";"]);
const SUCH_THAT: ReadonlySet<string> = new Set(["|", ":"]), ROW_END: ReadonlySet<string> = new Set(["\\\\"]);
const COLUMN_END: ReadonlySet<string> = new Set(["&"]);

/** Signs between sets, from the loosest to the closest. */
const SET_OPERATIONS = [
  { marks: new Set(["∖"]), operation: "minus" },
  { marks: new Set(["∪"]), operation: "union" },
  { marks: new Set(["∩"]), operation: "intersection" },
] as const;

type Range = readonly [from: number, to: number];

/** Reads runs of tokens as forms; null stands for whatever is none. */
export class FormReader {
  readonly #expressions: ExpressionReader;
  /** Every mark of the answer: what has none of a set need not be searched for its places. */
  readonly #marks: ReadonlySet<string>;
  #left = FORM_LIMIT;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly closes: readonly number[],
    lettersAreUnits: boolean,
  ) {
    this.#expressions = new ExpressionReader(tokens, closes, { lettersAreUnits });
    this.#marks = new Set(tokens.flatMap(({ kind, text }) => kind === "mark" ? [text] : []));
  }

  /** Where marks of a set stand outside of brackets. */
  #places([from, to]: Range, marks: ReadonlySet<string>): number[] {
    const places: number[] = [];
    if (this.#marks.size === 0 || !hasAny(marks, this.#marks)) return places;
    for (let place = from; place < to; place++) {
      const { kind, text } = this.tokens[place] as Token;
      if (kind === "open" || kind === "begin") place = this.closes[place] as number;
      else if (kind === "mark" && marks.has(text)) places.push(place);
    }
    return places;
  }

  #split(range: Range, marks: ReadonlySet<string>): Range[] {
    const places = this.#places(range, marks);
    return [...places, range[1]].map((
      place,
      index,
    ): Range => [index === 0 ? range[0] : places[index - 1] as number + 1, place]);
  }

  #text(place: number): string {
    return this.tokens[place]?.text ?? "";
  }

  /** Whether a run has a sign of two values outside of sets, which read it for each of their items. */
  #hasTwoSigns([from, to]: Range): boolean {
    if (!this.#marks.has("±") && !this.#marks.has("∓")) return false;
    for (let place = from; place < to; place++) {
      const { kind, text } = this.tokens[place] as Token;
      if (kind === "open" && text === "\\{") place = this.closes[place] as number;
      else if (kind === "mark" && (text === "±" || text === "∓")) return true;
    }
    return false;
  }

  /** Values side by side; of one item the item itself. */
  list(whole: Range): AnswerForm | null {
    const range = this.#withoutCondition(whole),
      joints = this.#places(range, JOINTS).map((place) => this.#text(place));
    const parts = this.#split(range, JOINTS).filter(([from, to]) => from < to);
    if (parts.length > ITEM_LIMIT) return null;
    const items: AnswerForm[] = [];
    for (const part of parts) {
      for (const sign of this.#hasTwoSigns(part) ? [1, -1] as const : [1] as const) {
        const item = this.item(part, sign);
        if (item === null) return null;
        items.push(item);
      }
    }
    const stated = items.filter((item) => !isDomain(item));
    const kept = stated.length === 0 ? items : stated, [first, ...rest] = kept;
    if (first === undefined) return null;
    if (rest.length === 0) return first;
    const joint = joints.includes("or") ? "or" : joints.includes("and") ? "and" : ",";
    // `n = 2, 3, 4` names the whole list.
    if (first.kind === "named" && rest.every((item) => item.kind === "value")) {
      return { ...first, value: { kind: "list", items: [first.value, ...rest], joint }, zero: null };
    }
    return { kind: "list", items: kept, joint };
  }

  /** A run up to the words that say what its names may be. */
  #withoutCondition([from, to]: Range): Range {
    for (let place = from + 1; place < to; place++) {
      const { kind, text } = this.tokens[place] as Token;
      if (kind === "open" || kind === "begin") place = this.closes[place] as number;
      else if ((kind === "text" || kind === "word") && CONDITION.test(text) && this.#isDomain([place, to])) {
        return [from, place];
      }
    }
    return [from, to];
  }

  /** Whether a condition says of which kind names are, and no more: it has no number and no equation. */
  #isDomain([from, to]: Range): boolean {
    return this.tokens.slice(from, to).every(({ kind, text }) =>
      kind !== "number" && !(kind === "mark" && RELATIONS.has(text) && text !== "∈")
    );
  }

  /** Each of several runs as a form. */
  #all(ranges: readonly Range[], sign: 1 | -1): AnswerForm[] | null {
    if (ranges.length > ITEM_LIMIT) return null;
    const items: AnswerForm[] = [];
    for (const range of ranges) {
      const item = this.item(range, sign);
      if (item === null) return null;
      items.push(item);
    }
    return items;
  }

  /** One value with whatever names it. */
  item(range: Range, sign: 1 | -1): AnswerForm | null {
    let [from, to] = range;
    while (from < to && /^[.,;:?]$/.test(this.#text(to - 1)) && this.tokens[to - 1]?.kind === "mark") to--;
    while (from < to && this.#isLead(from)) from++;
    if (from >= to || this.#left-- <= 0) return null;
    return this.#prose([from, to]) ?? this.#labelled([from, to], sign) ?? this.#modular([from, to], sign) ??
      this.#relation([from, to], sign) ?? this.#region([from, to], sign);
  }

  /** What leads up to an answer and says nothing: a sign of equality, "about", "the area is". */
  #isLead(place: number): boolean {
    const { kind, text } = this.tokens[place] as Token;
    if (kind === "mark") return text === "≈" || text === "=";
    return (kind === "text" || kind === "word") && place + 1 < this.tokens.length && LEAD.test(text);
  }

  /** Words alone. */
  #prose([from, to]: Range): AnswerForm | null {
    const tokens = this.tokens.slice(from, to), [first] = tokens;
    if (first?.kind !== "word" && first?.kind !== "text") return null;
    const isWords = tokens.every(({ kind, text }) =>
      kind === "word" || kind === "text" || kind === "letter" || text === "'" || text === "-"
    );
    const isLong =
      tokens.some(({ kind, text }) => kind === "text" || text.length > 3 || SHORT_WORDS.test(text)) ||
      tokens.length > 1;
    if (!isWords || !isLong) return null;
    const words = wordsOf(tokens.map(({ text }) => text).join(" "));
    if (EMPTY_WORDS.test(words)) return { kind: "list", items: [], joint: "," };
    return REAL_WORDS.test(words) ? REALS : { kind: "text", words };
  }

  /** `Answer: 5`, `(C) 12`: what stands behind a word and a colon, or behind the letter of a choice. */
  #labelled([from, to]: Range, sign: 1 | -1): AnswerForm | null {
    const first = this.tokens[from] as Token;
    const letter = first.kind === "text" ? /^\(([A-Z])\)$/.exec(first.text)?.[1] : this.#choiceAt(from);
    const after = first.kind === "text" ? from + 1 : from + 3;
    if (letter !== undefined && after < to) {
      const value = this.item([after, to], sign);
      return value === null ? null : { kind: "choice", letter, value };
    }
    if (first.kind === "text" && first.text.endsWith(":") && from + 1 < to) {
      return this.item([from + 1, to], sign);
    }
    const colon = this.#places([from, to], COLON)[0];
    const isLabel = colon !== undefined && colon > from && colon + 1 < to &&
      this.tokens.slice(from, colon).every(({ kind }) => kind === "word" || kind === "text") &&
      /[a-z]{3}/.test(first.text);
    return isLabel ? this.item([colon + 1, to], sign) : null;
  }

  #choiceAt(from: number): string | undefined {
    const letter = this.tokens[from + 1], after = this.tokens[from + 3];
    const isChoice = this.#text(from) === "(" && this.closes[from] === from + 2 &&
      letter?.kind === "letter" &&
      /^[A-E]$/.test(letter.text) && after?.spaced === true &&
      (after.kind === "number" || after.kind === "text");
    return isChoice ? letter.text : undefined;
  }

  /** `3 \pmod 7`, `x \equiv 3 (\bmod 7)`. */
  #modular([from, to]: Range, sign: 1 | -1): AnswerForm | null {
    let at = to - 1;
    for (; at > from; at--) if (this.tokens[at]?.kind === "command" && /^p?mod$/.test(this.#text(at))) break;
    if (at <= from) return null;
    const isOpen = this.#text(at - 1) === "(" && this.closes[at - 1] === to - 1;
    if (!isOpen && this.#text(at) === "mod") return null;
    const inside: Range = isOpen ? [at + 1, to - 1] : [at + 1, to], modulus = this.#scalar(inside, sign);
    const value = modulus === null ? null : this.item([from, isOpen ? at - 1 : at], sign);
    return value === null || modulus === null ? null : { kind: "modular", value, modulus };
  }

  /** An expression that is all of a run. */
  #scalar([from, to]: Range, sign: 1 | -1): Expression | null {
    const read = from < to ? this.#expressions.read(from, to, sign) : null;
    return read === null || read.at !== to || isMatrix(read.value) ? null : read.value;
  }

  #relation(range: Range, sign: 1 | -1): AnswerForm | null {
    const places = this.#places(range, RELATIONS);
    if (places.length === 0 || places.length > 6) return null;
    const signs = places.map((place) => this.#text(place)), approximate = signs.indexOf("≈");
    // `1/3 \approx 0.33` says a third; what only a name stands before is its value.
    if (
      approximate > 0 || (approximate === 0 && labelOf(this.tokens, [range[0], places[0] as number]) === null)
    ) {
      return this.item([range[0], places[approximate] as number], sign);
    }
    const operators = signs.map((mark) => mark === "≈" || mark === "≡" ? "=" : mark);
    const sides = this.#split(range, RELATIONS);
    if (sides.some(([from, to]) => from >= to)) return null;
    const [first, last] = [sides[0] as Range, sides[sides.length - 1] as Range];
    if (operators.length === 1 && (operators[0] === "∈" || operators[0] === "∉")) {
      return this.#membership(first, last, { isIn: operators[0] === "∈", sign });
    }
    if (operators.every((mark) => mark === "=")) {
      const named = this.#named(first, last, { isPair: sides.length === 2, sign }) ??
        (sides.length === 2 ? this.#named(last, first, { isPair: true, sign }) : null);
      if (named !== null) return named;
    }
    const values: Expression[] = [];
    for (const side of sides) {
      const value = this.#scalar(this.#withoutUnit(side), sign);
      if (value === null) return null;
      values.push(value);
    }
    return { kind: "relation", operators, sides: values };
  }

  /** A side of an inequality without the unit behind it. */
  #withoutUnit([from, to]: Range): Range {
    let end = to;
    while (end > from + 1 && (this.tokens[end - 1]?.kind === "text" || /^[%°]$/.test(this.#text(end - 1)))) {
      end--;
    }
    return [from, end];
  }

  #named(
    left: Range,
    right: Range,
    options: { readonly isPair: boolean; readonly sign: 1 | -1 },
  ): NamedForm | null {
    const label = labelOf(this.tokens, left);
    if (label === null) return null;
    const value = this.item(right, options.sign);
    if (value === null) return null;
    const zeroLeft = options.isPair ? this.#scalar(left, options.sign) : null;
    const zeroRight = zeroLeft === null ? null : this.#scalar(right, options.sign);
    const zero = zeroLeft === null || zeroRight === null ? null : call("Subtract", zeroLeft, zeroRight);
    return { kind: "named", ...label, value, zero };
  }

  #membership(
    left: Range,
    right: Range,
    options: { readonly isIn: boolean; readonly sign: 1 | -1 },
  ): NamedForm | null {
    const label = labelOf(this.tokens, left),
      value = label === null ? null : this.#region(right, options.sign);
    if (label === null || value === null) return null;
    const set: AnswerForm = options.isIn
      ? value
      : { kind: "region", operation: "minus", parts: [REALS, value] };
    return { kind: "named", ...label, value: set, zero: null };
  }

  /** Sets joined, cut or taken away; else a single value. */
  #region(range: Range, sign: 1 | -1): AnswerForm | null {
    for (const { marks, operation } of SET_OPERATIONS) {
      const parts = this.#split(range, marks);
      if (parts.length > 1) {
        const forms: AnswerForm[] = [];
        for (const part of parts) {
          const form = part[0] < part[1] ? this.#region(part, sign) : null;
          if (form === null || forms.length > ITEM_LIMIT) return null;
          forms.push(form);
        }
        return { kind: "region", operation, parts: forms };
      }
    }
    const minus = this.#places(range, MINUS).at(-1);
    const isTaken = minus !== undefined && this.#text(minus + 1) === "\\{" &&
      this.closes[minus + 1] === range[1] - 1 &&
      minus > range[0];
    if (isTaken) {
      const whole = this.#region([range[0], minus], sign), out = this.#region([minus + 1, range[1]], sign);
      return whole === null || out === null
        ? null
        : { kind: "region", operation: "minus", parts: [whole, out] };
    }
    return this.#ratio(range, sign) ?? this.#value(range, sign);
  }

  #ratio(range: Range, sign: 1 | -1): AnswerForm | null {
    const parts = this.#split(range, COLON);
    if (parts.length < 2 || parts.length > 6) return null;
    const values = parts.map((part) => this.#scalar(part, sign));
    return values.includes(null) ? null : { kind: "ratio", parts: values as Expression[] };
  }

  #value(whole: Range, sign: 1 | -1): AnswerForm | null {
    const range = this.#withoutUnitBehind(whole), [from, to] = range, first = this.tokens[from] as Token;
    const based = this.#based(range);
    if (based !== null) return based;
    if (to === from + 1 && first.text === "emptyset") return { kind: "list", items: [], joint: "," };
    if (first.text === "mathbb{R}" && to === from + 1) return REALS;
    if (first.kind === "begin" && this.closes[from] === to - 1) {
      const rows = this.#rows(range);
      if (rows !== null) return rows;
    }
    if (first.kind === "open" && this.closes[from] === to - 1) {
      const inside = this.#wrapped(range, sign);
      if (inside !== null) return inside;
    }
    return this.#measured(range, sign) ?? this.#bareInterval(range, sign);
  }

  /** A tuple, set or number in a base without words behind it, which say of what it is. */
  #withoutUnitBehind([from, to]: Range): Range {
    let end = to;
    while (end > from + 1 && this.tokens[end - 1]?.kind === "text") end--;
    if (end === to || unitOf(this.tokens.slice(end, to)) === null) return [from, to];
    const isTuple = this.tokens[from]?.kind === "open" && this.closes[from] === end - 1 &&
      this.#places([from + 1, end - 1], COMMAS).length > 0;
    return isTuple || this.#based([from, end]) !== null ? [from, end] : [from, to];
  }

  /** `52_8`, `(1A)_{16}`, `52_{\text{eight}}`. */
  #based([from, to]: Range): AnswerForm | null {
    const mark = this.#places([from, to], UNDERSCORE).at(-1);
    if (mark === undefined) return null;
    const bases = this.tokens.slice(mark + 1, to).filter(({ text }) => text !== "{" && text !== "}");
    const digits = this.tokens.slice(from, mark).filter(({ kind }) => kind !== "open" && kind !== "close");
    const [base] = bases, word = base?.text.toLowerCase().replace(/^base /, "") ?? "";
    if (base === undefined || bases.length !== 1) return null;
    const value = base.kind === "number" ? base.text : entryOf(NUMBER_WORDS, word) ?? word;
    const spelled = digits.map(({ text }) => text).join("").toUpperCase();
    const isDigits = /^[0-9A-F]+$/.test(spelled) && digits.some(({ kind }) => kind === "number");
    if (!/^\d{1,2}$/.test(value) || !isDigits || Number(value) < 2 || Number(value) > 36) return null;
    return { kind: "based", digits: spelled, base: String(Number(value)) };
  }

  /** Rows of `cases`, `aligned` and their like, each an item. */
  #rows([from, to]: Range): AnswerForm | null {
    const isArray = this.#text(from) === "array" && hasAny(RELATIONS, this.#marks);
    if (!isArray && !/^(?:cases|aligned|align|gathered|gather|split)$/.test(this.#text(from))) return null;
    const parts = this.#split([from + 1, to - 1], ROW_END).filter(([a, b]) => a < b);
    if (parts.some((part) => this.#places(part, COLUMN_END).length > 0)) return null;
    const items = this.#all(parts, 1);
    return items === null || items.length < 2 ? items?.[0] ?? null : { kind: "list", items, joint: "and" };
  }

  /** A tuple, an interval, a set, or a single value in brackets. */
  #wrapped([from, to]: Range, sign: 1 | -1): AnswerForm | null {
    const open = this.#text(from), close = this.#text(to - 1), inside: Range = [from + 1, to - 1];
    if (open === "\\{") {
      if (inside[0] === inside[1]) return { kind: "list", items: [], joint: "," };
      const items = this.#built(inside) ?? this.list(inside);
      if (items === null || items.kind === "list" || items.kind === "relation" || items.kind === "named") {
        return items;
      }
      return { kind: "list", items: [items], joint: "," };
    }
    if (open === "{") return this.list(inside);
    if (open !== "(" && open !== "[") return null;
    const parts = this.#split(inside, COMMAS);
    if (parts.length === 1) {
      const isPair = (open === "(") === (close === ")");
      const only = isPair ? this.item(inside, sign) : null;
      // A bracket around an expression alone says nothing, save that of a single word.
      return only === null || only.kind === "text" ? null : only;
    }
    const items = parts.some(([a, b]) => a >= b) ? null : this.#all(parts, sign);
    return items === null ? null : { kind: "tuple", open, close, items };
  }

  /** `\{x \mid x > 2\}` says what `x > 2` says. */
  #built(inside: Range): AnswerForm | null {
    const bar = this.#places(inside, SUCH_THAT)[0];
    if (bar === undefined || this.#places([bar, inside[1]], RELATIONS).length === 0) return null;
    const condition = this.list([bar + 1, inside[1]]);
    return condition?.kind === "relation" || condition?.kind === "named" || condition?.kind === "list"
      ? condition
      : null;
  }

  /** An expression and its unit. */
  #measured(range: Range, sign: 1 | -1): AnswerForm | null {
    let [from, to] = range, unit: string | null = null, isNegative = false;
    const isMoney = (place: number): boolean =>
      this.#text(place) === "¤" && this.tokens[place]?.kind === "mark";
    if (this.#text(from) === "-" && isMoney(from + 1)) [isNegative, from] = [true, from + 1];
    if (isMoney(from)) [unit, from] = ["dollar", from + 1];
    else if (to > from + 1 && isMoney(to - 1)) [unit, to] = ["dollar", to - 1];
    const read = from < to ? this.#expressions.read(from, to, sign) : null;
    if (read === null) return null;
    if (isMatrix(read.value)) {
      const cell = read.value.rows[0]?.[0] as Expression;
      if (read.at !== to) return null;
      return read.value.rows.length * (read.value.rows[0]?.length ?? 0) === 1 ? plainValue(cell) : read.value;
    }
    let { value, at } = { value: read.value, at: read.at };
    const word = this.tokens[at], scale = word === undefined ? undefined : multiplierOf(word);
    if (at < to && scale !== undefined) [value, at] = [call("Multiply", value, integer(scale)), at + 1];
    if (isNegative) value = call("Negate", value);
    if (read.degrees) unit = "degree";
    if (at === to) return { kind: "value", value, unit };
    const found = unitOf(this.tokens.slice(at, to));
    if (found === null) return null;
    const units = [found, unit].filter((part) => part !== null && part !== "").join(" ");
    return { kind: "value", value, unit: units === "" ? null : units };
  }

  /** `t(0,4]` is an interval for t whose sign was lost: brackets of two kinds hold no arguments. */
  #bareInterval([from, to]: Range, sign: 1 | -1): AnswerForm | null {
    const [name, open] = [this.tokens[from], this.tokens[from + 1]];
    if (name?.kind !== "letter" || open?.kind !== "open" || this.closes[from + 1] !== to - 1) return null;
    const ends = this.#wrapped([from + 1, to], sign);
    if (ends?.kind !== "tuple" || (ends.open === "(") === (ends.close === ")")) return null;
    return { kind: "named", name: name.text, pure: true, value: ends, zero: null };
  }
}

function hasAny(wanted: ReadonlySet<string>, present: ReadonlySet<string>): boolean {
  for (const mark of wanted) if (present.has(mark)) return true;
  return false;
}

const REALS: AnswerForm = {
  kind: "tuple",
  open: "(",
  close: ")",
  items: [
    plainValue(call("Negate", symbol("PositiveInfinity"))),
    plainValue(symbol("PositiveInfinity")),
  ],
};

/** `k \in \mathbb{Z}` says of which kind a name is, and is no value. */
function isDomain(form: AnswerForm): boolean {
  if (form.kind !== "named" || form.zero !== null) return false;
  return form.value === REALS ||
    (form.value.kind === "value" && form.value.value.kind === "symbol" &&
      form.value.value.name.startsWith("mathbb{"));
}

function multiplierOf(token: Token): number | undefined {
  const word = token.kind === "word" || token.kind === "text" ? token.text.toLowerCase() : "";
  return entryOf(MULTIPLIERS, word);
}
