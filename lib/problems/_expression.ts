import type { MathJsonExpression } from "@cortex-js/compute-engine/latex-syntax";
import {
  addRational,
  binomialRational,
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

/** Nodes of one expression that are read. */
const NODE_LIMIT = 600;

/** Names that stand for one number and are never applied to an argument. */
export const CONSTANTS: ReadonlySet<string> = new Set([
  "Pi",
  "e",
  "ExponentialE",
  "i",
  "ImaginaryUnit",
  "PositiveInfinity",
]);

/** What stands for a hole or a fault of the text; an expression with one of them is not read. */
const FAULTS: ReadonlySet<string> = new Set([
  "Error",
  "Nothing",
  "Superscript",
  "Ring",
  "Missing",
]);

function call(name: string, ...parts: readonly Expression[]): Expression {
  return { kind: "call", name, parts };
}

function integerOf(part: Expression): bigint | null {
  if (part.kind === "number") return /^\d+$/.test(part.literal) ? part.value.top : null;
  if (part.kind === "call" && part.name === "Negate" && part.parts.length === 1) {
    const inside = integerOf(part.parts[0] as Expression);
    return inside === null ? null : -inside;
  }
  return null;
}

/** `1\frac{4}{5}` is one and four fifths: an integer before a proper fraction of two integers. */
function mixedNumber(left: Expression, right: Expression): Expression | null {
  const whole = integerOf(left);
  if (whole === null || right.kind !== "call" || right.name !== "Divide" || right.parts.length !== 2) {
    return null;
  }
  const top = integerOf(right.parts[0] as Expression), bottom = integerOf(right.parts[1] as Expression);
  if (top === null || bottom === null || top <= 0n || top >= bottom) return null;
  return call("Add", left, whole < 0n || isNegated(left) ? call("Negate", right) : right);
}

function isNegated(part: Expression): boolean {
  return part.kind === "call" && part.name === "Negate";
}

interface Reading {
  nodes: number;
}

function isDelimiter(json: MathJsonExpression): json is readonly ["Delimiter", MathJsonExpression] {
  return Array.isArray(json) && json[0] === "Delimiter" && json.length >= 2;
}

/** Factors written side by side: a mixed number, names applied to a number or a name, or a product. */
function product(jsons: readonly MathJsonExpression[], reading: Reading): Expression | null {
  const parts: Expression[] = [];
  for (let index = 0; index < jsons.length; index++) {
    const json = jsons[index] as MathJsonExpression, next = jsons[index + 1];
    const part = convert(json, reading);
    if (part === null) return null;
    if (part.kind === "symbol" && !CONSTANTS.has(part.name) && next !== undefined && isDelimiter(next)) {
      const argument = convert(next[1], reading);
      if (argument === null) return null;
      // `x(0)` and `u(t)` name values of a function; `k(k+1)` is a product.
      if (argument.kind !== "call") {
        parts.push(call(`${part.name}()`, argument));
        index++;
        continue;
      }
    }
    parts.push(part);
  }
  if (parts.length === 1) return parts[0] as Expression;
  if (parts.length === 2) {
    const mixed = mixedNumber(parts[0] as Expression, parts[1] as Expression);
    if (mixed !== null) return mixed;
  }
  return call("Multiply", ...parts);
}

function convert(json: MathJsonExpression, reading: Reading): Expression | null {
  if (++reading.nodes > NODE_LIMIT) return null;
  if (typeof json === "number") return literal(String(json));
  if (typeof json === "string") return symbol(json);
  if (Array.isArray(json)) return operation(json as readonly MathJsonExpression[], reading);
  if (typeof json !== "object" || json === null) return null;
  if ("num" in json) return literal(json.num);
  if ("sym" in json) return symbol(json.sym);
  if ("fn" in json) return operation(json.fn as readonly MathJsonExpression[], reading);
  return null;
}

function literal(text: string): Expression | null {
  const value = literalValue(text);
  return value === null ? null : { kind: "number", literal: text, value };
}

function symbol(name: string): Expression | null {
  if (name.startsWith("'") || FAULTS.has(name)) return null;
  return { kind: "symbol", name };
}

function operation(json: readonly MathJsonExpression[], reading: Reading): Expression | null {
  const [head, ...rest] = json;
  if (typeof head !== "string" || FAULTS.has(head) || rest.length === 0) return null;
  // Some factors the parser sets side by side without an operator; between brackets that is a list.
  if (head === "InvisibleOperator" || head === "Sequence") return product(rest, reading);
  if (head === "Delimiter" || (head === "List" && rest.length === 1)) {
    const inside = rest[0] as MathJsonExpression;
    return Array.isArray(inside) && inside[0] === "Sequence"
      ? operation(["Tuple", ...inside.slice(1) as MathJsonExpression[]], reading)
      : convert(inside, reading);
  }
  if (head === "Subscript") return { kind: "symbol", name: JSON.stringify(json) };
  const parts: Expression[] = [];
  for (const part of rest) {
    const converted = convert(part, reading);
    if (converted === null) return null;
    parts.push(converted);
  }
  return call(head, ...parts);
}

/** The expression of the parser's tree; null when the text it came from has a fault or holds words. */
export function expressionOf(json: MathJsonExpression): Expression | null {
  return convert(json, { nodes: 0 });
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
    case "Choose":
      return binomialRational(first, second);
    case "Abs":
      return first !== null && first.top < 0n ? multiplyRational(first, MINUS_ONE) : first;
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
