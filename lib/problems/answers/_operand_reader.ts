import { spellingOf } from "./_answer_tokens.ts";
import type { Token } from "./_token_scanner.ts";
import { call, CONSTANTS, type Expression, integer, literal, negated, symbol } from "./_expression.ts";
import type { Matrix } from "./_matrix.ts";
import {
  ACCENTS,
  FUNCTION_LETTER,
  FUNCTIONS,
  GREEK,
  INVERSES,
  LISTED,
  LONG_SIGN,
} from "./_function_names.ts";
import { isMatrix, type Quantity, TokenRun } from "./_token_run.ts";

/** Reads what operators stand between: numbers, names, brackets, roots, fractions, functions, matrices. */
export abstract class OperandReader extends TokenRun {
  /** Reads an operand with its powers. */
  protected abstract factor(): Quantity | null;

  /** Reads what stands raised. */
  protected abstract exponent(): Expression | null;

  /** Whether what comes next is another factor of a product. */
  protected abstract startsFactor(): boolean;

  /** Reads factors side by side. */
  protected abstract run(): Quantity | null;

  /** The product of two quantities, where it has one. */
  protected abstract product(left: Quantity | null, right: Quantity | null): Quantity | null;

  /** A letter that takes no argument, though brackets may follow. */
  protected bareName(): Quantity | null {
    const next = this.next;
    if (next?.kind !== "letter") return null;
    this.at++;
    return this.name(next.text, false);
  }

  protected primary(): Quantity | null {
    const token = this.next;
    if (token === undefined) return null;
    switch (token.kind) {
      case "number": {
        this.at++;
        return this.isMark("_") ? null : literal(token.text);
      }
      case "letter":
        this.at++;
        return this.name(token.text);
      case "word":
        this.at++;
        return this.letters(token.text);
      case "command":
        return this.command(token.text);
      case "begin":
        return this.matrix();
      case "open":
        return this.group(token.text);
      case "mark":
        return token.text === "|" ? this.bar() : null;
      default:
        return null;
    }
  }

  protected group(open: string): Quantity | null {
    const close = this.closes[this.at] as number;
    const middle = open === "{" ? this.middleOf(this.at, close) : null;
    if (middle !== null) return this.stacked([this.at + 1, close], middle);
    if (open === "\\{") return null;
    const inside = this.bracket();
    if (inside === null || "{[(".includes(open)) return inside;
    if (isMatrix(inside)) return null;
    return call(open === "⌊" ? "Floor" : open === "⌈" ? "Ceil" : "Abs", inside);
  }

  /** Bars without sides: one where an operand is due opens, the next one behind an operand closes. */
  protected bar(): Quantity | null {
    this.at++;
    this.bars++;
    const inside = this.sum();
    this.bars--;
    if (inside === null || isMatrix(inside) || !this.isMark("|")) return null;
    this.at++;
    return call("Abs", inside);
  }

  /** A run of letters is their product; the last one may have a subscript or an argument. */
  protected letters(word: string): Quantity | null {
    const letters = [...word];
    let product: Quantity | null = null;
    for (const [place, letter] of letters.entries()) {
      const factor = place + 1 < letters.length ? symbol(letter) : this.name(letter);
      product = product === null ? factor : this.product(product, factor);
      if (product === null) return null;
    }
    return product;
  }

  /** A name with its subscript, primes and arguments. */
  protected name(letter: string, isApplied = true): Quantity | null {
    let name = letter;
    for (let turn = 0; turn < 8; turn++) {
      if (this.isMark("'")) {
        name += "'";
        this.at++;
      } else if (this.isMark("_")) {
        const subscript = this.subscript();
        if (subscript === null) return null;
        name += `_${subscript}`;
      } else if (this.isMark("^") && this.isPrime()) name += "'";
      else break;
    }
    return isApplied ? this.applied(name, symbol(name)) : symbol(name);
  }

  protected subscript(): string | null {
    this.at++;
    const next = this.next;
    if (next === undefined || next.kind === "mark" || next.kind === "close") return null;
    const from = this.at, close = next.kind === "open" ? this.closes[from] as number : from;
    if (next.kind === "open" && next.text !== "{") return null;
    this.at = close + 1;
    return spellingOf(
      this.tokens.slice(next.kind === "open" ? from + 1 : from, next.kind === "open" ? close : close + 1),
    );
  }

  /** Passes `^{\prime}`. */
  protected isPrime(): boolean {
    const next = this.tokens[this.at + 1];
    const isBraced = next?.text === "{";
    const inside = isBraced ? this.tokens.slice(this.at + 2, this.closes[this.at + 1]) : [next];
    if (inside.length === 0 || inside.some((token) => token?.text !== "'")) return false;
    this.at += isBraced ? inside.length + 3 : 2;
    return true;
  }

  /** `f(x)`: a name applied to what stands in brackets. `k(k+1)` is a product, and `x(0)` the value of a function. */
  protected applied(name: string, value: Expression): Quantity | null {
    const next = this.next;
    if (next?.kind !== "open" || next.text !== "(" || CONSTANTS.has(name)) return value;
    const from = this.at, close = this.closes[from] as number;
    if (this.tokens[close]?.text !== ")") return null;
    const parts = this.arguments(from, close);
    if (parts === null) {
      this.at = from;
      return value;
    }
    const only = parts.length === 1 ? parts[0] as Expression : null;
    if (only !== null && only.kind === "call" && !FUNCTION_LETTER.test(name)) {
      this.at = from;
      return value;
    }
    return call(`${name}()`, ...parts);
  }

  /** Expressions that commas part, between two brackets. */
  protected arguments(open: number, close: number): Expression[] | null {
    const parts: Expression[] = [];
    let from = open + 1;
    for (let place = open + 1; place <= close; place++) {
      const token = this.tokens[place] as Token;
      if (token.kind === "open" || token.kind === "begin") place = this.closes[place] as number;
      else if (place === close || (token.kind === "mark" && token.text === ",")) {
        const part = this.within(from, place);
        if (part === null || isMatrix(part) || parts.length > 20) return null;
        parts.push(part);
        from = place + 1;
      }
    }
    this.at = close + 1;
    return parts;
  }

  protected command(name: string): Quantity | null {
    this.at++;
    if (name === "frac") return this.fraction();
    if (name === "sqrt" || name === "surd") return this.root(name === "surd");
    if (name === "cbrt" || name === "qdrt") {
      const inside = this.radicand(true);
      return inside === null ? null : call("Root", inside, integer(name === "cbrt" ? 3 : 4));
    }
    if (name === "binom") {
      const top = this.operand(), bottom = top === null ? null : this.operand();
      return top === null || bottom === null ? null : call("Binomial", top, bottom);
    }
    if (Object.hasOwn(FUNCTIONS, name)) return this.function(FUNCTIONS[name] as string);
    if (Object.hasOwn(LISTED, name)) {
      const next = this.next;
      if (next?.kind !== "open") return null;
      const parts = this.arguments(this.at, this.closes[this.at] as number);
      return parts === null ? null : call(LISTED[name] as string, ...parts);
    }
    if (LONG_SIGN.test(name)) return this.longOperation(name);
    if (name === "pi") return symbol("Pi");
    if (name === "infty") return symbol("PositiveInfinity");
    if (ACCENTS.has(name)) {
      const next = this.next;
      if (next === undefined) return null;
      const close = next.kind === "open" ? this.closes[this.at] as number : this.at;
      const inside = this.tokens.slice(
        next.kind === "open" ? this.at + 1 : this.at,
        close + (next.kind === "open" ? 0 : 1),
      );
      if (
        inside.length === 0 ||
        inside.some(({ kind }) => kind !== "letter" && kind !== "word" && kind !== "command")
      ) {
        return null;
      }
      this.at = close + 1;
      return this.name(`${name} ${spellingOf(inside)}`);
    }
    return GREEK.has(name) || name.startsWith("mathbb{") ? this.name(name) : null;
  }

  /** A sum, product, integral or limit: a function nobody knows of its bound and of what stands behind it. */
  protected longOperation(name: string): Quantity | null {
    let below = "", above: Expression | null = integer(0);
    for (let turn = 0; turn < 2; turn++) {
      if (this.isMark("_")) {
        const subscript = this.subscript();
        if (subscript === null) return null;
        below = subscript;
      } else if (this.isMark("^")) {
        this.at++;
        above = this.exponent();
        if (above === null) return null;
      }
    }
    const body = this.run();
    return body === null || isMatrix(body) ? null : call(`${name} ${below}`, above, body);
  }

  /** An argument of a command: a group, or one digit, name or command. */
  protected operand(): Expression | null {
    const next = this.next;
    if (next === undefined) return null;
    const value = next.text === "{" ? this.bracket() : next.kind === "open" ? null : this.primary();
    return value === null || isMatrix(value) ? null : value;
  }

  protected fraction(): Expression | null {
    const next = this.next;
    // Two digits are two arguments; of more nobody can say where one ends.
    if (next?.kind === "number" && /^\d\d$/.test(next.text) && this.tokens[this.at + 1]?.text !== "{") {
      this.at++;
      return call("Divide", integer(next.text[0] as string), integer(next.text[1] as string));
    }
    const derivative = this.derivative();
    if (derivative !== undefined) return derivative;
    const top = this.part(), bottom = top === null ? null : this.part();
    return top === null || bottom === null ? null : call("Divide", top, bottom);
  }

  protected part(): Expression | null {
    const next = this.next;
    return next?.kind === "number" && next.text.length > 1 ? null : this.operand();
  }

  /**
   * `\frac{d x}{d t}`, `\frac{d^2 y}{d x^2}`: a derivative is no quotient, and d is no factor. Null for `\frac{d}{d x}`,
   * which waits for what it derives; undefined for any other fraction.
   */
  protected derivative(): Expression | null | undefined {
    if (this.next?.text !== "{") return undefined;
    const middle = this.closes[this.at] as number;
    if (this.tokens[middle + 1]?.text !== "{") return undefined;
    const end = this.closes[middle + 1] as number;
    const top = withoutD(this.tokens.slice(this.at + 1, middle));
    const bottom = withoutD(this.tokens.slice(middle + 2, end));
    if (top === null || bottom === null || !isVariable(bottom)) return undefined;
    this.at = end + 1;
    const [above, below] = [top, bottom].map((run) =>
      spellingOf(run.filter(({ text }) => text !== "{" && text !== "}"))
    );
    return top.length === 0 ? null : symbol(`d ${above} / d ${below}`);
  }

  protected root(isPlain: boolean): Expression | null {
    const next = this.next;
    let degree: Expression | null = null;
    if (next?.text === "[") {
      const close = this.closes[this.at] as number;
      const isDegree = !isPlain || this.tokens[close + 1]?.kind === "open";
      if (isDegree) {
        const inside = this.bracket();
        if (inside === null || isMatrix(inside)) return null;
        degree = inside;
      }
    }
    const inside = this.radicand(isPlain);
    if (inside === null) return null;
    return degree === null ? call("Sqrt", inside) : call("Root", inside, degree);
  }

  /**
   * What a radical sign stands over: a bracket, or one whole number or name. Behind a plain `√`, whether `x` of `√2x`
   * still belongs to it cannot be told.
   */
  protected radicand(isPlain: boolean): Expression | null {
    const next = this.next;
    if (next === undefined) return null;
    if (next.kind === "open") {
      const inside = next.text === "\\{" ? null : this.group(next.text);
      return inside === null || isMatrix(inside) ? null : inside;
    }
    if (next.kind === "mark" || next.kind === "text" || (next.kind === "word" && isPlain)) return null;
    const value = this.primary();
    if (value === null || isMatrix(value)) return null;
    if (!isPlain) return value;
    const after = this.next;
    const isOpen = after !== undefined && (after.text === "^" || after.text === "!" ||
      (this.startsFactor() && !after.spaced && after.text !== "surd" &&
        !Object.hasOwn(FUNCTIONS, after.text)));
    return isOpen ? null : value;
  }

  /** A function: its base or power, then an argument in brackets, or as far as no operator parts it. */
  protected function(name: string): Expression | null {
    let base: Expression | null = null, power: Expression | null = null;
    for (let turn = 0; turn < 2; turn++) {
      if (this.isMark("_") && base === null) {
        this.at++;
        const bare = this.bareName() ?? this.operand();
        if (bare === null || isMatrix(bare) || name !== "Log") return null;
        base = bare;
      } else if (this.isMark("^") && power === null) {
        this.at++;
        power = this.exponent();
        if (power === null) return null;
      }
    }
    const inside = this.argument();
    // Whether `\sin \pi/6` is the sine of thirty degrees or a sixth of zero, cannot be told.
    const isBare = this.tokens[this.at - 1]?.kind === "command" && this.tokens[this.at - 1]?.text === "pi";
    if (inside === null || (isBare && this.isMark("/"))) return null;
    if (name === "Lg") return call("Log", inside, integer(10));
    const inverse = power !== null && isMinusOne(power) ? INVERSES[name] : undefined;
    const value = call(inverse ?? name, inside, ...(base === null ? [] : [base]));
    return power === null || inverse !== undefined ? value : call("Power", value, power);
  }

  protected argument(): Expression | null {
    const next = this.next;
    if (next === undefined) return null;
    if (next.kind === "open" && next.text !== "\\{") {
      const isBraced = next.text === "{";
      const inside = isBraced || next.text === "(" || next.text === "["
        ? this.bracket(true)
        : this.group(next.text);
      if (inside === null || isMatrix(inside)) return null;
      // Braces do not show: `\ln{2}x` reads as `\ln 2x` does.
      return isBraced && this.startsFactor() && !this.isFunctionNext() ? null : inside;
    }
    const saved = this.isArgument;
    this.isArgument = true;
    const value = this.bareArgument();
    this.isArgument = saved;
    return value === null || isMatrix(value) ? null : value;
  }

  protected isFunctionNext(): boolean {
    const next = this.next;
    return next?.kind === "command" && (Object.hasOwn(FUNCTIONS, next.text) || next.text === "mod");
  }

  /** A number and names side by side; what else stands close by could belong to it or not, and is not read. */
  protected bareArgument(): Quantity | null {
    const sign = this.signs(), isNested = this.isFunctionNext();
    let value: Quantity | null = this.factor();
    while (value !== null && !isNested && this.startsFactor() && this.isNameNext()) {
      value = this.product(value, this.factor());
    }
    if (value === null || isMatrix(value) || (this.startsFactor() && !this.isFunctionNext())) return null;
    return sign === 1 ? value : negated(value);
  }

  protected isNameNext(): boolean {
    const next = this.next;
    return next?.kind === "letter" || next?.kind === "word" ||
      (next?.kind === "command" && (GREEK.has(next.text) || ACCENTS.has(next.text) || next.text === "pi"));
  }

  /** Where `\choose` or `\over` parts what a brace holds; null where it does not. */
  protected middleOf(open: number, close: number): number | null {
    for (let place = open + 1; place < close; place++) {
      const { kind, text } = this.tokens[place] as Token;
      if (kind === "open" || kind === "begin") place = this.closes[place] as number;
      else if (kind === "command" && (text === "choose" || text === "over")) return place;
    }
    return null;
  }

  protected stacked([from, to]: readonly [number, number], middle: number): Expression | null {
    const above = this.within(from, middle), below = above === null ? null : this.within(middle + 1, to);
    if (above === null || below === null || isMatrix(above) || isMatrix(below)) return null;
    return call(this.tokens[middle]?.text === "over" ? "Divide" : "Binomial", above, below);
  }

  protected matrix(): Matrix | null {
    const from = this.at, close = this.closes[from] as number, name = this.tokens[from]?.text ?? "";
    if (!/^(?:[pbB]?|small)matrix$|^array$/.test(name)) return null;
    const rows: Expression[][] = [[]];
    let start = from + 1;
    for (let place = from + 1; place <= close; place++) {
      const token = this.tokens[place] as Token;
      if (token.kind === "open" || token.kind === "begin") {
        place = this.closes[place] as number;
        continue;
      }
      const isRow = place === close || token.text === "\\\\";
      if (!isRow && token.text !== "&") continue;
      // A break behind the last row opens no other.
      if (place === close && start === close && rows.at(-1)?.length === 0) rows.pop();
      else {
        const cell = this.within(start, place);
        if (cell === null || isMatrix(cell)) return null;
        (rows.at(-1) as Expression[]).push(cell);
        if (isRow && place !== close) rows.push([]);
      }
      start = place + 1;
    }
    this.at = close + 1;
    const width = rows[0]?.length ?? 0;
    return width > 0 && rows.every((row) => row.length === width) ? { kind: "matrix", rows } : null;
  }
}

function isMinusOne(power: Expression): boolean {
  const inside = power.kind === "call" && power.name === "Negate" ? power.parts[0] : undefined;
  return inside?.kind === "number" && inside.literal === "1";
}

/** What stands behind the d of a derivative's top or bottom; null where there is none. */
function withoutD(group: readonly Token[]): readonly Token[] | null {
  const [first, ...rest] = group;
  if (first?.kind === "word" && /^d[a-zA-Z]$/.test(first.text)) {
    return [{ ...first, kind: "letter", text: first.text.slice(1) }, ...rest];
  }
  return first?.text === "d" && first.kind === "letter" || first?.text === "partial" ? rest : null;
}

/** Whether a run is one name, raised to a number or not. */
function isVariable([name, caret, ...rest]: readonly Token[]): boolean {
  const isName = name?.kind === "letter" || (name?.kind === "command" && GREEK.has(name.text));
  return isName && (caret === undefined ||
    (caret.text === "^" &&
      rest.every(({ kind, text }) => kind === "number" || text === "{" || text === "}")));
}
