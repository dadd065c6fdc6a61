import { RandomStream } from "../../core/mod.ts";
import { call, exactValue, type Expression, integer, mentions, variablesOf } from "./_expression.ts";
import { isTerminating, type Rational, sameRational, toDouble } from "./_rational.ts";
import { type Evaluation, modulus, type Sample, sampleValue } from "./_sample_value.ts";

/** Whether two expressions are one: yes, no, or not to be told within the bounds. */
export type Sameness = "same" | "different" | "unknown";

/**
 * When a decimal stands for a number that it only rounds: with six digits or more; with any digits, where the answer
 * rounds the gold answer; or where both agree in the first six places behind the point.
 */
export type Decimals = "six digits" | "any digits" | "six places";

/** How values are compared, and what comparing may still cost. */
export interface Comparison {
  readonly work: { left: number };
  readonly decimals: Decimals;
}

/** Points at which expressions with variables are compared. */
const POINTS = 24;

/** Points at which both must have a value before they count as one. */
const POINTS_NEEDED = 6;

/** Operations that are only compared at whole numbers. */
const WHOLE_OPERATIONS: ReadonlySet<string> = new Set([
  "Factorial",
  "Factorial2",
  "Binomial",
  "Mod",
  "GCD",
  "LCM",
]);

const JUMPS: ReadonlySet<string> = new Set(["Floor", "Ceil"]);

/** Names that by custom are whole numbers. */
const WHOLE_NAME = /^[i-nNMKpqrd](?:_|$)/;

const IMAGINARY: ReadonlySet<string> = new Set(["i"]);

/** A decimal must have this many digits before it stands for a number it only rounds. */
const ROUNDED_DIGITS = 6;

/** Digits beyond this one are noise of whatever machine computed them. */
const NOISE_DIGITS = 12;

interface Decimal {
  readonly value: number;
  /** Significant digits written. */
  readonly digits: number;
}

function decimalOf(expression: Expression): Decimal | null {
  if (expression.kind === "call" && expression.name === "Negate") {
    const inside = decimalOf(expression.parts[0] as Expression);
    return inside === null ? null : { ...inside, value: -inside.value };
  }
  if (expression.kind !== "number" || !/[.]|e-/i.test(expression.literal)) return null;
  if (expression.literal.includes("(")) return null;
  const digits = expression.literal.replace(/e.*$/i, "").replace(/[^\d]/g, "").replace(/^0+/, "").length;
  return { value: toDouble(expression.value), digits };
}

/** Whether a decimal is the rounding of a number to the digits it has. */
function isRoundingOf(decimal: Decimal, target: number): boolean {
  if (decimal.value === 0 || decimal.digits === 0 || !Number.isFinite(target)) return false;
  const digits = Math.min(decimal.digits, NOISE_DIGITS);
  const step = 10 ** (Math.floor(Math.log10(Math.abs(decimal.value))) - digits + 1);
  return Math.abs(decimal.value - target) <= 0.5000001 * step;
}

/** Relative difference from which on two small numbers differ, though they agree in their first six places. */
const SMALL_DIFFERENCE = 0.01;

function agreesInPlaces(a: number, b: number): boolean {
  const places = (value: number): number => Math.round(value * 1e6 * (1 + Math.sign(value) * 1e-15));
  return places(a) === places(b) && Math.abs(a - b) <= SMALL_DIFFERENCE * Math.max(Math.abs(a), Math.abs(b));
}

/** Whether one of two numbers is a decimal that stands for the other. */
function isRounded(
  [gold, given]: readonly [Expression, Expression],
  [a, b]: readonly [number, number],
  decimals: Decimals,
): boolean {
  const expected = decimalOf(gold), answer = decimalOf(given);
  if (expected === null && answer === null) return false;
  if (decimals === "six places") return agreesInPlaces(a, b);
  if (answer !== null && decimals === "any digits" && isRoundingOf(answer, a)) return true;
  return (answer !== null && answer.digits >= ROUNDED_DIGITS && isRoundingOf(answer, a)) ||
    (expected !== null && expected.digits >= ROUNDED_DIGITS && isRoundingOf(expected, b));
}

function sameExact(
  pair: readonly [Expression, Expression],
  [a, b]: readonly [Rational, Rational],
  decimals: Decimals,
): Sameness {
  if (sameRational(a, b)) return "same";
  // A number with a decimal spelling of its own is not the rounding of another, unless roundings are asked for.
  if (decimals === "six digits" && isTerminating(a) !== false && isTerminating(b) !== false) {
    return "different";
  }
  return isRounded(pair, [toDouble(a), toDouble(b)], decimals) ? "same" : "different";
}

function sameSample(a: Sample, b: Sample): boolean {
  // Error bounds are worst cases to first order; twice their sum is the margin for the higher orders.
  return Math.hypot(a.re - b.re, a.im - b.im) <= 2 * (a.error + b.error);
}

function isFinite(z: Sample): boolean {
  return Number.isFinite(z.re) && Number.isFinite(z.im) && Number.isFinite(z.error);
}

/** A value whose error is as large as itself says nothing. */
function isUsable(z: Sample): boolean {
  return isFinite(z) && z.error <= 1e-6 * Math.max(modulus(z), 1e-3);
}

function sameConstant(left: Expression, right: Expression, { work, decimals }: Comparison): Sameness {
  const run: Evaluation = { at: new Map(), work, complex: false };
  const a = sampleValue(left, run), b = sampleValue(right, run);
  if (a === null || b === null) return "unknown";
  if (!isFinite(a) || !isFinite(b)) {
    const parts = [a.re, a.im, b.re, b.im];
    // No value, or a finite one whose error knows no bound.
    if (parts.some(Number.isNaN) || parts.every(Number.isFinite)) return "unknown";
    const infinite = Math.abs(a.re) === Infinity && a.re === b.re && a.im === b.im;
    const named = [left, right].every((side) => mentions(side, new Set(["PositiveInfinity"])));
    if (infinite && named) return "same";
    return isFinite(a) || isFinite(b) || named ? "different" : "unknown";
  }
  if (a.im === 0 && b.im === 0 && isRounded([left, right], [a.re, b.re], decimals)) return "same";
  if (!sameSample(a, b)) return "different";
  return isUsable(a) && isUsable(b) ? "same" : "unknown";
}

/** The values of the variables at one of the points: positive at the first third, of both signs at the others. */
function pointOf(
  names: readonly string[],
  options: { index: number; whole: boolean; jumps: boolean },
): Map<string, number> {
  const { index, whole, jumps } = options;
  return new Map(names.map((name) => {
    const random = new RandomStream(0, "sample point", index, name);
    if (whole || (jumps && WHOLE_NAME.test(name))) return [name, random.integer({ from: 1, below: 25 })];
    const sign = index >= POINTS / 3 && random.uniform() < 0.5 ? -1 : 1;
    return [name, sign * (0.2 + 2.6 * random.uniform())];
  }));
}

/** Both values at every point where both have one; ends with a null when the work allowed is used up. */
function* samplePairs(
  left: Expression,
  right: Expression,
  work: { left: number },
): Generator<readonly [Sample, Sample] | null> {
  const names = [...new Set([...variablesOf(left), ...variablesOf(right)])].sort();
  const either = (set: ReadonlySet<string>): boolean => mentions(left, set) || mentions(right, set);
  const whole = either(WHOLE_OPERATIONS), jumps = either(JUMPS), imaginary = either(IMAGINARY);
  for (let index = 0; index < POINTS; index++) {
    const run: Evaluation = { at: pointOf(names, { index, whole, jumps }), work, complex: false };
    const a = sampleValue(left, run), b = sampleValue(right, run);
    if (a === null || b === null) return yield null;
    // Variables are real: where one side leaves the reals the point lies outside what the answer is about.
    if (run.complex && !imaginary) continue;
    if (isUsable(a) && isUsable(b)) yield [a, b];
  }
}

/** Whether two expressions are written alike: then they say one thing even where they have no value. */
function isSameTree(left: Expression, right: Expression): boolean {
  if (left.kind !== right.kind) return false;
  if (left.kind === "number" || right.kind === "number") {
    return left.kind === "number" && right.kind === "number" && left.literal === right.literal;
  }
  if (left.name !== right.name) return false;
  if (left.kind === "symbol" || right.kind === "symbol") return true;
  return left.parts.length === right.parts.length &&
    left.parts.every((part, index) => isSameTree(part, right.parts[index] as Expression));
}

/** The expression with logarithms of no stated base in this one. */
function withLogBase(expression: Expression, base: number | null): Expression {
  if (expression.kind !== "call") return expression;
  const parts = expression.parts.map((part) => withLogBase(part, base));
  if (expression.name !== "Log" || parts.length !== 1) return call(expression.name, ...parts);
  return base === null ? call("Ln", ...parts) : call("Log", ...parts, integer(base));
}

function hasOpenBase(expression: Expression): boolean {
  return expression.kind === "call" &&
    ((expression.name === "Log" && expression.parts.length === 1) || expression.parts.some(hasOpenBase));
}

/** Whether an answer has the value of the gold answer, for every value of their variables. */
export function sameValue(gold: Expression, given: Expression, comparison: Comparison): Sameness {
  if (!hasOpenBase(gold) && !hasOpenBase(given)) return sameClosed(gold, given, comparison);
  // `\log` is natural to some and to others of base 10: the gold answer decides.
  const natural = sameClosed(withLogBase(gold, null), withLogBase(given, null), comparison);
  return natural === "same" ? natural : sameClosed(withLogBase(gold, 10), withLogBase(given, 10), comparison);
}

function sameClosed(left: Expression, right: Expression, comparison: Comparison): Sameness {
  if (isSameTree(left, right)) return "same";
  const a = exactValue(left), b = exactValue(right);
  if (a !== null && b !== null) return sameExact([left, right], [a, b], comparison.decimals);
  if (variablesOf(left).length + variablesOf(right).length === 0) {
    return sameConstant(left, right, comparison);
  }
  let compared = 0;
  for (const pair of samplePairs(left, right, comparison.work)) {
    if (pair === null) return "unknown";
    if (!sameSample(pair[0], pair[1])) return "different";
    compared++;
  }
  return compared >= POINTS_NEEDED ? "same" : "unknown";
}

/** Whether `left = 0` and `right = 0` say one thing: one is a constant times the other, `sign` fixing its sign. */
export function sameZeros(
  left: Expression,
  right: Expression,
  options: { readonly work: { left: number }; readonly positive: boolean },
): Sameness {
  if (isSameTree(left, right)) return "same";
  let ratio: { re: number; im: number; error: number } | null = null, compared = 0;
  for (const pair of samplePairs(left, right, options.work)) {
    if (pair === null) return "unknown";
    const [p, q] = pair;
    const size = modulus(p), other = modulus(q);
    if (size <= 2 * p.error || other <= 2 * q.error) {
      if (size <= 2 * p.error && other <= 2 * q.error) continue;
      return "different";
    }
    // In two steps, since the square of the size may leave the range of a double.
    const unit = { re: q.re / other, im: q.im / other };
    const re = (p.re * unit.re + p.im * unit.im) / other, im = (p.im * unit.re - p.re * unit.im) / other;
    if (re === 0 && im === 0) return "unknown";
    const error = (size / other) * (p.error / size + q.error / other) + 1e-14 * size / other;
    if (ratio === null) ratio = { re, im, error };
    else if (Math.hypot(ratio.re - re, ratio.im - im) > 4 * (ratio.error + error)) return "different";
    compared++;
  }
  if (ratio === null || compared < POINTS_NEEDED) return "unknown";
  return options.positive && !(ratio.re > 0) ? "different" : "same";
}
