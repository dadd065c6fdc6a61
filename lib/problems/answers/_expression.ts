import {
  addRational,
  binomialRational,
  commonDivisor,
  divideRational,
  factorialRational,
  literalValue,
  multiplyRational,
  powerRational,
  type Rational,
  rational,
} from "./_rational.ts";

/** A mathematical expression: a literal, a name, or an operation on expressions. */
export type Expression =
  | { readonly kind: "number"; readonly literal: string; readonly value: Rational }
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly parts: readonly Expression[] };

/** Names that stand for one number and are never applied to an argument. */
export const CONSTANTS: ReadonlySet<string> = new Set(["Pi", "e", "i", "PositiveInfinity"]);

/** An operation on expressions. */
export function call(name: string, ...parts: readonly Expression[]): Expression & { readonly kind: "call" } {
  return { kind: "call", name, parts };
}

/** A name. */
export function symbol(name: string): Expression {
  return { kind: "symbol", name };
}

/** A whole number. */
export function integer(value: number | string): Expression {
  return { kind: "number", literal: String(value), value: { top: BigInt(value), bottom: 1n } };
}

/** The number that a literal spells; null for one beyond the bounds. */
export function literal(text: string): Expression | null {
  const value = literalValue(text);
  return value === null ? null : { kind: "number", literal: text, value };
}

/** The number or expression with the other sign. */
export function negated(part: Expression): Expression {
  return call("Negate", part);
}

const ZERO: Rational = { top: 0n, bottom: 1n }, ONE: Rational = { top: 1n, bottom: 1n };
const MINUS_ONE: Rational = { top: -1n, bottom: 1n };

function rootOf(value: Rational | null): Rational | null {
  if (value === null || value.top < 0n) return null;
  const root = (of: bigint): bigint | null => {
    if (of > 1n << 512n) return null;
    let guess = BigInt(Math.floor(Math.sqrt(Number(of))));
    for (let step = 0; step < 64; step++) {
      if (guess * guess === of) return guess;
      const next = guess === 0n ? 1n : (guess + of / guess) >> 1n;
      if (next === guess) return null;
      guess = next;
    }
    return null;
  };
  const top = root(value.top), bottom = root(value.bottom);
  return top === null || bottom === null ? null : rational(top, bottom);
}

function floorOf({ top, bottom }: Rational): Rational {
  const quotient = top / bottom;
  return { top: top < 0n && quotient * bottom !== top ? quotient - 1n : quotient, bottom: 1n };
}

function moduloOf(value: Rational | null, modulus: Rational | null): Rational | null {
  if (value === null || modulus === null || modulus.top <= 0n) return null;
  const turns = divideRational(value, modulus);
  if (turns === null) return null;
  return addRational(value, multiplyRational(multiplyRational(floorOf(turns), modulus), MINUS_ONE));
}

/** The greatest common divisor or the least common multiple of positive whole numbers; else null. */
function commonOf(left: Rational | null, right: Rational | null, isDivisor: boolean): Rational | null {
  if (left === null || right === null || left.bottom !== 1n || right.bottom !== 1n) return null;
  if (left.top <= 0n || right.top <= 0n) return null;
  const divisor = commonDivisor(left.top, right.top);
  return isDivisor ? rational(divisor) : rational(left.top / divisor * right.top);
}

/** Exact values found so far: lists compare each of their items with many, and 3000! takes a millisecond. */
const FOUND_VALUES = new WeakMap<Expression, Rational | null>();

/** The exact value of an expression without names or irrational parts; null when it has none within the bounds. */
export function exactValue(expression: Expression): Rational | null {
  if (expression.kind === "number") return expression.value;
  if (expression.kind === "symbol") return null;
  const known = FOUND_VALUES.get(expression);
  if (known !== undefined) return known;
  const value = exactCall(expression);
  FOUND_VALUES.set(expression, value);
  return value;
}

function exactCall(expression: Expression & { readonly kind: "call" }): Rational | null {
  const values: (Rational | null)[] = [];
  for (const part of expression.parts) {
    const value = exactValue(part);
    if (value === null) return null;
    values.push(value);
  }
  const [first = null, second = null] = values;
  switch (expression.name) {
    case "Add":
      return values.reduce(addRational, ZERO);
    case "Subtract":
      return values.slice(1).reduce(
        (sum, value) => addRational(sum, multiplyRational(value, MINUS_ONE)),
        first,
      );
    case "Negate":
      return multiplyRational(first, MINUS_ONE);
    case "Multiply":
      return values.reduce(multiplyRational, ONE);
    case "Divide":
      return divideRational(first, second);
    case "Power":
      return powerRational(first, second);
    case "Sqrt":
      return rootOf(first);
    case "Factorial":
      return factorialRational(first);
    case "Binomial":
      return binomialRational(first, second);
    case "Abs":
      return first !== null && first.top < 0n ? multiplyRational(first, MINUS_ONE) : first;
    case "Floor":
      return first === null ? null : floorOf(first);
    case "Ceil":
      return first === null
        ? null
        : multiplyRational(floorOf({ top: -first.top, bottom: first.bottom }), MINUS_ONE);
    case "Mod":
      return moduloOf(first, second);
    case "GCD":
    case "LCM":
      return values.reduce((found, value) => commonOf(found, value, expression.name === "GCD"));
    case "Max":
    case "Min":
      return values.reduce((found, value) => {
        if (found === null || value === null) return null;
        const isLess = found.top * value.bottom < value.top * found.bottom;
        return isLess === (expression.name === "Max") ? value : found;
      });
    default:
      return null;
  }
}

/** Every name of an expression that stands for no fixed number, sorted. */
export function variablesOf(expression: Expression): string[] {
  const names = new Set<string>();
  const visit = (part: Expression): void => {
    if (part.kind === "symbol" && !CONSTANTS.has(part.name)) names.add(part.name);
    if (part.kind === "call") part.parts.forEach(visit);
  };
  visit(expression);
  return [...names].sort();
}

/** Whether an operation or a name of the set occurs. */
export function mentions(expression: Expression, names: ReadonlySet<string>): boolean {
  if (expression.kind === "number") return false;
  if (names.has(expression.name)) return true;
  return expression.kind === "call" && expression.parts.some((part) => mentions(part, names));
}
