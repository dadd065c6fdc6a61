import { TemplateFault } from "./_faults.ts";
import { percentFormatted } from "./_formatting.ts";
import { floatOf } from "./_number_values.ts";
import type { OwnTools } from "./_tools.ts";
import { intOf, isNumber, List, Tuple, typeName, Undefined, type Value } from "./_values.ts";

/** Operators between two values that make a third. */
export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

/** Bits of the largest int: far more than a conversation needs, and quick to compute with. */
const BITS_LIMIT = 100_000;

function bitLength(value: bigint): number {
  return value.toString(16).length * 4;
}

/** Python's floor division and remainder of ints: the remainder has the sign of the divisor. */
export function divided(left: bigint, right: bigint): { readonly quotient: bigint; readonly rest: bigint } {
  const rest = left % right, quotient = left / right;
  return rest !== 0n && (rest < 0n) !== (right < 0n)
    ? { quotient: quotient - 1n, rest: rest + right }
    : { quotient, rest };
}

/** The same of floats, with Python's signs of zero and its correction of what rounding left. */
function dividedFloats(left: number, right: number): { readonly quotient: number; readonly rest: number } {
  let rest = left % right, ratio = (left - rest) / right;
  if (rest === 0) rest = right < 0 ? -0 : 0;
  else if ((rest < 0) !== (right < 0)) {
    rest += right;
    ratio -= 1;
  }
  if (ratio === 0) return { quotient: Math.sign(left / right) < 0 ? -0 : 0, rest };
  const floor = Math.floor(ratio);
  return { quotient: ratio - floor > 0.5 ? floor + 1 : floor, rest };
}

/** Computes as Python's operators do. */
export class Arithmetic {
  readonly #tools: OwnTools;

  constructor(tools: OwnTools) {
    this.#tools = tools;
  }

  /** The result of an operator between two values. */
  binary(operator: BinaryOperator, operands: readonly [Value, Value]): Value {
    const [left, right] = operands, { work } = this.#tools;
    if (left instanceof Undefined) left.fail();
    if (operator === "%" && typeof left === "string") return percentFormatted(left, right, this.#tools);
    if (right instanceof Undefined) right.fail();
    if (isNumber(left) && isNumber(right)) return this.#numbers(operator, [left, right]);
    if (operator === "+") {
      if (typeof left === "string" && typeof right === "string") {
        work.letters(left.length + right.length);
        return left + right;
      }
      if (left instanceof List && right instanceof List) {
        work.elements(left.items.length + right.items.length);
        return new List([...left.items, ...right.items]);
      }
      if (left instanceof Tuple && right instanceof Tuple) {
        work.elements(left.items.length + right.items.length);
        return new Tuple([...left.items, ...right.items]);
      }
    }
    if (operator === "*") {
      const repeated = this.#repeated(left, right) ?? this.#repeated(right, left);
      if (repeated !== null) return repeated;
    }
    const shown = operator === "**" ? "** or pow()" : operator;
    throw new TemplateFault(
      `unsupported operand type(s) for ${shown}: '${typeName(left)}' and '${typeName(right)}'`,
    );
  }

  /** A text or list so many times in a row; null where the two are not such a pair. */
  #repeated(value: Value, count: Value): Value | null {
    const times = intOf(count);
    if (times === null) return null;
    // No list or text is longer than the steps allow, so a larger count is one that is refused.
    const turns = times < 0n ? 0 : Number(times);
    if (typeof value === "string") {
      if (value === "") return "";
      this.#tools.work.letters(value.length * turns);
      return value.repeat(turns);
    }
    if (!(value instanceof List || value instanceof Tuple)) return null;
    if (value.items.length === 0) return value;
    this.#tools.work.elements(value.items.length * turns);
    const items = Array.from({ length: turns }, () => value.items).flat();
    return value instanceof List ? new List(items) : new Tuple(items);
  }

  #numbers(
    operator: BinaryOperator,
    [left, right]: readonly [boolean | bigint | number, boolean | bigint | number],
  ): Value {
    const a = intOf(left), b = intOf(right);
    if (a !== null && b !== null && operator !== "/") return this.#integers(operator, [a, b]);
    const x = floatOf(left), y = floatOf(right);
    switch (operator) {
      case "+":
        return x + y;
      case "-":
        return x - y;
      case "*":
        return x * y;
      case "**":
        return power(x, y);
    }
    if (y === 0) {
      const kind = operator === "/" ? "division" : operator === "%" ? "modulo" : "floor division";
      throw new TemplateFault(operator === "/" ? "division by zero" : `float ${kind} by zero`);
    }
    if (operator === "/") return a !== null && b !== null ? quotientOf(a, b) : x / y;
    const { quotient, rest } = dividedFloats(x, y);
    return operator === "%" ? rest : quotient;
  }

  #integers(operator: Exclude<BinaryOperator, "/">, [a, b]: readonly [bigint, bigint]): Value {
    switch (operator) {
      case "+":
        return a + b;
      case "-":
        return a - b;
      case "*": {
        const bits = bitLength(a) + bitLength(b);
        if (bits > BITS_LIMIT) this.#tools.work.charge(Infinity);
        this.#tools.work.charge(bits / 64);
        return a * b;
      }
      case "**": {
        if (b < 0n) {
          if (a === 0n) throw new TemplateFault("0.0 cannot be raised to a negative power");
          return power(floatOf(a), floatOf(b));
        }
        const bits = a === 0n || a === 1n || a === -1n ? 0 : bitLength(a) * Number(b);
        if (bits > BITS_LIMIT) this.#tools.work.charge(Infinity);
        this.#tools.work.charge(bits / 64);
        return bits === 0 ? (a === -1n && b % 2n === 0n ? 1n : b === 0n ? 1n : a) : a ** b;
      }
      default: {
        if (b === 0n) {
          throw new TemplateFault(`integer ${operator === "%" ? "modulo" : "division or modulo"} by zero`);
        }
        const { quotient, rest } = divided(a, b);
        return operator === "%" ? rest : quotient;
      }
    }
  }

  /** The result of a sign before a value. */
  unary(operator: "+" | "-", value: Value): Value {
    if (value instanceof Undefined) value.fail();
    if (!isNumber(value)) {
      throw new TemplateFault(`bad operand type for unary ${operator}: '${typeName(value)}'`);
    }
    const number = typeof value === "boolean" ? (value ? 1n : 0n) : value;
    return operator === "-" ? -number : number;
  }
}

/** The float nearest to a quotient of ints, also where they are too large to be floats themselves. */
function quotientOf(a: bigint, b: bigint): number {
  if (bitLength(a) <= 52 && bitLength(b) <= 52) return Number(a) / Number(b);
  const negative = (a < 0n) !== (b < 0n), x = a < 0n ? -a : a, y = b < 0n ? -b : b;
  // 64 more bits than a float holds, and a last one that says whether something was left: then rounding is exact.
  const shift = BigInt(Math.max(0, 120 + bitLength(y) - bitLength(x)));
  const scaledUp = x << shift, whole = (scaledUp / y << 1n) | (scaledUp % y === 0n ? 0n : 1n);
  const size = Number(whole) / 2 ** (Number(shift) + 1);
  return negative ? -size : size;
}

function power(x: number, y: number): number {
  if (x === 0 && y < 0) throw new TemplateFault("0.0 cannot be raised to a negative power");
  if (x < 0 && !Number.isInteger(y) && Number.isFinite(y)) {
    throw new TemplateFault("complex numbers are not supported");
  }
  if (x === 1 || y === 0) return 1; // also where the other is no number
  const result = x ** y;
  if (!Number.isFinite(result) && Number.isFinite(x) && Number.isFinite(y)) {
    throw new TemplateFault("Numerical result out of range");
  }
  return result;
}
