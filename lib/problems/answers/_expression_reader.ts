import type { Token } from "./_token_scanner.ts";
import { call, type Expression, integer, negated } from "./_expression.ts";
import { addMatrices, multiplyMatrices, scaleMatrix, transposed } from "./_matrix.ts";
import { FUNCTIONS, isOperand } from "./_function_names.ts";
import { OperandReader } from "./_operand_reader.ts";
import { isMatrix, type Quantity } from "./_token_run.ts";

/** Factors of one answer that are read. */
const STEP_LIMIT = 3000;

/** Words behind a number that are units and no products of letters. */
const UNIT_WORD =
  /^(?:pct|per|of|[cmkdnp]m|[km]?g|[mkc]?L|ml|mg|lb|lbs|oz|ft|yd|mi|hr|hrs|min|sec|kph|kmh|mph|Hz|kHz|[kM]?eV|[kM]?J|[kM]?W|[kM]?V|rad|deg|pts|cc|sq|cu|in|amu|mol|Pa|kPa|ms|ns)$/;

function isInteger(token: Token | undefined): token is Token {
  return token?.kind === "number" && /^\d+$/.test(token.text);
}

/** Reads runs of tokens as expressions; null stands for whatever is none, or cannot be decided. */
export class ExpressionReader extends OperandReader {
  #lettersAreUnits: boolean;
  #steps = 0;
  /** Whether a degree sign stood outside of arguments. */
  #degrees = false;

  constructor(
    tokens: readonly Token[],
    closes: readonly number[],
    options: { readonly lettersAreUnits: boolean },
  ) {
    super(tokens, closes);
    this.#lettersAreUnits = options.lettersAreUnits;
  }

  /** Reads the run as far as it is an expression; `at` is where it ends, `degrees` whether it is in degrees. */
  read(
    from: number,
    to: number,
    sign: 1 | -1,
  ): { readonly value: Quantity; readonly at: number; readonly degrees: boolean } | null {
    this.at = from;
    this.end = to;
    this.bars = 0;
    this.sign = sign;
    this.#degrees = false;
    this.isArgument = false;
    const value = this.sum();
    return value === null ? null : { value, at: this.at, degrees: this.#degrees };
  }

  protected signed(read: () => Quantity | null): Quantity | null {
    const sign = this.signs(), value = read();
    if (value === null || sign === 1) return value;
    return isMatrix(value) ? scaleMatrix(integer(-1), value) : negated(value);
  }

  protected sum(): Quantity | null {
    let left = this.signed(() => this.term());
    while (
      left !== null && (this.isMark("+") || this.isMark("-") || this.isMark("±") || this.isMark("∓"))
    ) {
      const right = this.signed(() => this.term());
      if (right === null) return null;
      if (isMatrix(left) || isMatrix(right)) {
        left = isMatrix(left) && isMatrix(right) ? addMatrices(left, right) : null;
      } else left = call("Add", left, right);
    }
    return left;
  }

  protected term(): Quantity | null {
    let left = this.run(), isQuotient = false;
    while (left !== null) {
      const next = this.next;
      if (next === undefined) return left;
      const isMod = next.kind === "command" && next.text === "mod";
      if (next.kind === "mark" && next.text === "*") {
        this.at++;
        left = this.product(left, this.signed(() => this.run()));
      } else if (next.kind === "mark" && next.text === "/") {
        this.at++;
        left = this.quotient(left, this.divisor(next.spaced));
        isQuotient = true;
      } else if (isMod) {
        this.at++;
        const right = this.run();
        if (right === null || isMatrix(right) || isMatrix(left)) return null;
        left = call("Mod", left, right);
      } else if (isQuotient && this.startsFactor()) left = this.product(left, this.run());
      else return left;
    }
    return null;
  }

  protected product(left: Quantity | null, right: Quantity | null): Quantity | null {
    if (left === null || right === null) return null;
    if (isMatrix(left)) return isMatrix(right) ? multiplyMatrices(left, right) : scaleMatrix(right, left);
    return isMatrix(right) ? scaleMatrix(left, right) : call("Multiply", left, right);
  }

  protected quotient(left: Quantity, right: Quantity | null): Quantity | null {
    if (right === null || isMatrix(right)) return null;
    return isMatrix(left)
      ? scaleMatrix(call("Divide", integer(1), right), left)
      : call("Divide", left, right);
  }

  /**
   * One factor behind a stroke. Of `1/2x` nobody can say whether x is divided too, so it is not read; `1/2 x` is a
   * half of x, since its writer set the fraction close and x apart.
   */
  protected divisor(isSpaced: boolean): Quantity | null {
    const divisor = this.signed(() => this.factor());
    if (divisor === null || !this.startsFactor()) return divisor;
    const next = this.next as Token;
    const isApart = next.spaced && !isSpaced &&
      (next.kind === "letter" || next.kind === "open" || Object.hasOwn(FUNCTIONS, next.text));
    return isApart ? divisor : null;
  }

  /** Factors side by side: a mixed number, or a product. */
  protected run(): Quantity | null {
    let left = this.mixed() ?? this.factor();
    while (left !== null && this.startsFactor()) {
      const last = this.tokens[this.at - 1] as Token, next = this.next as Token;
      // `12 3` are two numbers, and nobody can say what `x2` is.
      if (next.kind === "number" && (last.kind === "number" || (!next.spaced && last.text !== "}"))) {
        return null;
      }
      left = this.product(left, this.factor());
    }
    return left;
  }

  /** `1\frac{4}{5}`, `1 4/5`: a whole number before a proper fraction of whole numbers is their sum. */
  protected mixed(): Quantity | null {
    const whole = this.next;
    if (!isInteger(whole)) return null;
    const rest = this.tokens.slice(this.at + 1, Math.min(this.at + 8, this.end));
    const parts = fractionOf(rest);
    if (parts === null || parts.top.text === "0" || BigInt(parts.top.text) >= BigInt(parts.bottom.text)) {
      return null;
    }
    this.at += 1 + parts.length;
    return call(
      "Add",
      integer(whole.text),
      call("Divide", integer(parts.top.text), integer(parts.bottom.text)),
    );
  }

  /** Whether what comes next is another factor of a product. */
  protected startsFactor(): boolean {
    const next = this.next, last = this.tokens[this.at - 1];
    if (next === undefined) return false;
    switch (next.kind) {
      case "number":
        return true;
      case "letter":
        // `20°C`: of which kind the degrees are.
        return !(this.#lettersAreUnits && last?.kind === "number") &&
          !(last?.text === "°" && /^[CF]$/.test(next.text));
      case "open":
        return next.text !== "\\{";
      case "begin":
        return true;
      case "mark":
        return next.text === "|" && this.bars === 0;
      case "word":
        return [...next.text].length < 4 && !(last?.kind === "number" && UNIT_WORD.test(next.text));
      case "command":
        if (next.text === "min" || next.text === "sec") {
          // Minutes and seconds, not functions: nothing stands behind them.
          return this.tokens[this.at + 1] !== undefined && this.at + 1 < this.end;
        }
        return isOperand(next.text);
      default:
        return false;
    }
  }

  protected factor(): Quantity | null {
    if (++this.#steps > STEP_LIMIT) return null;
    let base = this.primary();
    while (base !== null) {
      if (this.isMark("!")) {
        if (isMatrix(base)) return null;
        this.at++;
        const isDouble = this.isMark("!");
        if (isDouble) this.at++;
        base = call(isDouble ? "Factorial2" : "Factorial", base);
      } else if (this.isMark("^")) base = this.power(base);
      else if (this.isMark("°")) {
        this.at++;
        base = this.degree(base);
      } else if (this.isMark("%") && this.at + 1 < this.end && !this.isUnitNext(this.at + 1)) {
        this.at++;
        base = this.quotient(base, integer(100));
      } else return base;
    }
    return null;
  }

  /** Whether only words follow: then a percent sign is the unit of the whole. */
  protected isUnitNext(from: number): boolean {
    const next = this.tokens[from];
    return next?.kind === "text" || next?.kind === "word";
  }

  protected degree(base: Quantity): Quantity | null {
    if (isMatrix(base)) return null;
    if (this.isArgument) return call("Degrees", base);
    this.#degrees = true;
    return base;
  }

  protected power(base: Quantity): Quantity | null {
    this.at++;
    const next = this.next;
    if (next === undefined) return null;
    if (next.kind === "mark" && next.text === "°") {
      this.at++;
      return this.degree(base);
    }
    const inside = next.text === "{" ? this.tokens.slice(this.at + 1, this.closes[this.at]) : [next];
    const only = inside.length === 1 ? inside[0] as Token : null;
    if (only !== null && next.text === "{" && only.kind === "mark" && only.text === "°") {
      this.at += 3;
      return this.degree(base);
    }
    if (isMatrix(base)) {
      if (only === null || (only.text !== "T" && only.text !== "top")) return null;
      this.at += next.text === "{" ? 3 : 1;
      return transposed(base);
    }
    if (only?.kind === "text" && /^(?:st|nd|rd|th)$/.test(only.text)) {
      this.at += next.text === "{" ? 3 : 1;
      return base;
    }
    const exponent = this.exponent();
    return exponent === null ? null : call("Power", base, exponent);
  }

  /** What stands raised: all of a bracket, or a sign and a whole number, name or root. */
  protected exponent(): Expression | null {
    const next = this.next;
    if (next === undefined) return null;
    if (next.kind === "open") {
      const inside = this.bracket();
      return inside === null || isMatrix(inside) ? null : inside;
    }
    const sign = this.signs(), atom = this.next, from = this.at;
    if (atom === undefined || atom.kind === "word" || atom.kind === "text" || atom.kind === "mark") {
      return null;
    }
    const bare = this.bareName() ?? this.primary();
    if (bare === null || isMatrix(bare)) return null;
    let value: Expression = bare;
    const after = this.next;
    // Whether `x^1/2` has an exponent of one half, and what `2^n!` raises, cannot be told.
    if (after?.text === "!" || (atom.text === "1" && after?.text === "/" && !after.spaced)) return null;
    if (this.isMark("^") && this.at > from) {
      this.at++;
      const higher = this.exponent();
      if (higher === null) return null;
      value = call("Power", value, higher);
    }
    return sign === 1 ? value : negated(value);
  }
}

/** A fraction of two whole numbers at the front of a run: `\frac{1}{2}`, `\frac12`, or ` 1/2` set apart. */
function fractionOf(
  rest: readonly Token[],
): { readonly top: Token; readonly bottom: Token; readonly length: number } | null {
  const [first, second] = rest;
  if (isInteger(first) && first.spaced && second?.text === "/" && isInteger(rest[2])) {
    const after = rest[3];
    if (after?.kind === "letter" || after?.kind === "open" || after?.text === "^") return null;
    return { top: first, bottom: rest[2], length: 3 };
  }
  if (first?.kind !== "command" || first.text !== "frac") return null;
  const parts: Token[] = [];
  let at = 1;
  if (isInteger(second) && /^\d\d$/.test(second.text) && rest[2]?.text !== "{") {
    const [top, bottom] = [...second.text].map((text): Token => ({ ...second, text }));
    return { top: top as Token, bottom: bottom as Token, length: 2 };
  }
  for (let turn = 0; turn < 2; turn++) {
    const isBraced = rest[at]?.text === "{", part = rest[at + (isBraced ? 1 : 0)];
    if (!isInteger(part) || (isBraced ? rest[at + 2]?.text !== "}" : part.text.length > 1)) return null;
    parts.push(part);
    at += isBraced ? 3 : 1;
  }
  return { top: parts[0] as Token, bottom: parts[1] as Token, length: at };
}
