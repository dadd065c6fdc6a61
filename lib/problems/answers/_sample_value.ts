import { RandomStream } from "../../core/mod.ts";
import type { Expression } from "./_expression.ts";
import { type Rational, toDouble } from "./_rational.ts";

/** A complex number and a bound on the rounding error of both its parts. */
export interface Sample {
  readonly re: number;
  readonly im: number;
  readonly error: number;
}

/** What an evaluation may still do, and whether a real argument has left the reals on the way. */
export interface Evaluation {
  /** Values of the variables. */
  readonly at: ReadonlyMap<string, number>;
  /** Operations left; at zero every value is null. */
  readonly work: { left: number };
  /** Set when an operation on real numbers gave a number that is not real. */
  complex: boolean;
}

/** Relative error of one operation on doubles: 2^-53 for arithmetic, a few times that for functions. */
const UNIT = 8 * 2 ** -53;

function sample(re: number, im = 0, error = 0): Sample {
  return { re, im, error: error + UNIT * (Math.abs(re) + Math.abs(im)) };
}

/** |z|. */
export function modulus(z: Sample): number {
  return z.im === 0 ? Math.abs(z.re) : Math.hypot(z.re, z.im);
}

function add(a: Sample, b: Sample): Sample {
  return sample(a.re + b.re, a.im + b.im, a.error + b.error);
}

function negate(a: Sample): Sample {
  return { re: -a.re, im: a.im === 0 ? 0 : -a.im, error: a.error };
}

/** Doubles below this one lose digits or vanish, and an error relative to them says nothing. */
const LEAST = 2 ** -1022;

/** A number other than zero that has become too small for a double has no value here: it is not zero. */
function notVanished(z: Sample): Sample {
  return Math.abs(z.re) + Math.abs(z.im) < LEAST ? { re: NaN, im: NaN, error: NaN } : z;
}

function multiply(a: Sample, b: Sample): Sample {
  const isZero = (a.re === 0 && a.im === 0) || (b.re === 0 && b.im === 0);
  return isZero ? product(a, b) : notVanished(product(a, b));
}

function product(a: Sample, b: Sample): Sample {
  const error = modulus(a) * b.error + modulus(b) * a.error;
  if (a.im === 0 && b.im === 0) return sample(a.re * b.re, 0, error);
  return sample(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, error);
}

function divide(a: Sample, b: Sample): Sample {
  const isZero = (a.re === 0 && a.im === 0) || !Number.isFinite(modulus(b));
  return isZero ? quotient(a, b) : notVanished(quotient(a, b));
}

function quotient(a: Sample, b: Sample): Sample {
  const size = modulus(b);
  const error = (a.error + (modulus(a) / size) * b.error) / size;
  if (a.im === 0 && b.im === 0) return sample(a.re / b.re, 0, error);
  const square = size * size;
  return sample((a.re * b.re + a.im * b.im) / square, (a.im * b.re - a.re * b.im) / square, error);
}

function exponential(a: Sample): Sample {
  const size = Math.exp(a.re);
  if (size < LEAST && a.re !== -Infinity) return sample(NaN);
  if (a.im === 0) return sample(size, 0, size * a.error);
  return sample(size * Math.cos(a.im), size * Math.sin(a.im), size * a.error);
}

function logarithm(a: Sample): Sample {
  const size = modulus(a);
  return sample(Math.log(size), a.re < 0 || a.im !== 0 ? Math.atan2(a.im, a.re) : 0, a.error / size);
}

function power(a: Sample, b: Sample): Sample {
  const size = modulus(a);
  if (size === 0) return b.im === 0 && b.re > 0 ? sample(0) : sample(NaN);
  if (a.im === 0 && b.im === 0 && (a.re > 0 || Number.isInteger(b.re))) {
    const value = a.re ** b.re;
    const relative = Math.abs(b.re) * a.error / size + Math.abs(Math.log(size)) * b.error;
    const isLimit = !Number.isFinite(size) || !Number.isFinite(b.re);
    const found = sample(value, 0, Math.abs(value) * relative);
    return isLimit ? found : notVanished(found);
  }
  if (b.im === 0 && b.re === 0.5 && a.im === 0) return sample(0, Math.sqrt(-a.re), a.error / Math.sqrt(size));
  return exponential(multiply(logarithm(a), b));
}

const HALF = sample(0.5), ONE = sample(1), I = sample(0, 1), MINUS_I = sample(0, -1);

function sineOf(a: Sample): Sample {
  if (a.im === 0) return sample(Math.sin(a.re), 0, a.error);
  const grown = exponential(multiply(I, a)), shrunk = exponential(multiply(MINUS_I, a));
  return divide(add(grown, negate(shrunk)), sample(0, 2));
}

function cosineOf(a: Sample): Sample {
  if (a.im === 0) return sample(Math.cos(a.re), 0, a.error);
  const grown = exponential(multiply(I, a)), shrunk = exponential(multiply(MINUS_I, a));
  return multiply(add(grown, shrunk), HALF);
}

function real(change: (value: number) => number, slope: (value: number) => number): (a: Sample) => Sample {
  return (a) => a.im === 0 ? sample(change(a.re), 0, Math.abs(slope(a.re)) * a.error) : sample(NaN);
}

/** Rounding to an integer is a jump: a value within its error of one may fall on either side, so snap it. */
function rounded(change: (value: number) => number): (a: Sample) => Sample {
  return (a) => {
    if (a.im !== 0) return sample(NaN);
    const nearest = Math.round(a.re);
    return sample(Math.abs(a.re - nearest) <= a.error ? nearest : change(a.re));
  };
}

/** n! for integers, by its product; other arguments have no value here. */
function factorial(a: Sample): Sample {
  if (a.im !== 0 || !Number.isInteger(a.re) || a.re < 0 || a.re > 170) return sample(NaN);
  let product = 1;
  for (let factor = 2; factor <= a.re; factor++) product *= factor;
  return sample(product, 0, UNIT * a.re * product);
}

function binomial(n: Sample, k: Sample): Sample {
  if (n.im !== 0 || k.im !== 0 || !Number.isInteger(k.re) || k.re < 0 || k.re > 170) return sample(NaN);
  let product = 1;
  for (let index = 0; index < k.re; index++) product *= (n.re - index) / (index + 1);
  return sample(product, 0, UNIT * k.re * Math.abs(product));
}

function modulo(a: Sample, b: Sample): Sample {
  if (a.im !== 0 || b.im !== 0) return sample(NaN);
  const rest = a.re % b.re;
  return sample(rest < 0 ? rest + Math.abs(b.re) : rest, 0, a.error + b.error);
}

function realRoot(a: Sample, degree: Sample): Sample {
  const odd = degree.im === 0 && Number.isInteger(degree.re) && Math.abs(degree.re % 2) === 1;
  if (odd && a.im === 0 && a.re < 0) return negate(power(negate(a), divide(ONE, degree)));
  return power(a, divide(ONE, degree));
}

const UNARY: Readonly<Record<string, (a: Sample) => Sample>> = {
  Negate: negate,
  Sqrt: (a) => power(a, HALF),
  Exp: exponential,
  Ln: logarithm,
  Log: logarithm,
  Lb: (a) => divide(logarithm(a), sample(Math.LN2)),
  Sin: sineOf,
  Cos: cosineOf,
  Tan: (a) => divide(sineOf(a), cosineOf(a)),
  Cot: (a) => divide(cosineOf(a), sineOf(a)),
  Sec: (a) => divide(ONE, cosineOf(a)),
  Csc: (a) => divide(ONE, sineOf(a)),
  Sinh: real(Math.sinh, Math.cosh),
  Cosh: real(Math.cosh, Math.sinh),
  Tanh: real(Math.tanh, () => 1),
  Arsinh: real(Math.asinh, () => 1),
  Arcosh: real(Math.acosh, (x) => 1 / Math.sqrt(Math.max(x * x - 1, 1e-16))),
  Artanh: real(Math.atanh, (x) => 1 / Math.max(1 - x * x, 1e-16)),
  Arcsin: real(Math.asin, (x) => 1 / Math.sqrt(Math.max(1 - x * x, 1e-16))),
  Arccos: real(Math.acos, (x) => 1 / Math.sqrt(Math.max(1 - x * x, 1e-16))),
  Arctan: real(Math.atan, () => 1),
  Degrees: (a) => multiply(a, sample(Math.PI / 180)),
  Factorial: factorial,
  Floor: rounded(Math.floor),
  Ceil: rounded(Math.ceil),
  Abs: (a) => sample(modulus(a), 0, a.error),
};

const BINARY: Readonly<Record<string, (a: Sample, b: Sample) => Sample>> = {
  Divide: divide,
  Power: power,
  Root: realRoot,
  Log: (a, b) => divide(logarithm(a), logarithm(b)),
  Binomial: binomial,
  Mod: modulo,
};

const NARY: Readonly<Record<string, (a: Sample, b: Sample) => Sample>> = {
  Add: add,
  Subtract: (a, b) => add(a, negate(b)),
  Multiply: multiply,
  Max: (a, b) => a.re >= b.re ? a : b,
  Min: (a, b) => a.re <= b.re ? a : b,
};

/** A name that is not known here stands for some function: a fixed random number for each of its arguments. */
function unknownFunction(name: string, parts: readonly Sample[]): Sample {
  const words = parts.flatMap((part) => [part.re.toPrecision(9), part.im.toPrecision(9)]);
  return sample(0.5 + 2 * new RandomStream(0, "unknown function", name, ...words).uniform());
}

/** A number that is one double, or the double nearest to one: no operation has added to its error yet. */
function nearest(value: number): Sample {
  return { re: value, im: 0, error: Number.isSafeInteger(value) ? 0 : Math.abs(value) * 2 ** -53 };
}

function symbolValue(name: string, run: Evaluation): Sample {
  if (name === "Pi") return nearest(Math.PI);
  if (name === "e") return nearest(Math.E);
  if (name === "i") return I;
  if (name === "PositiveInfinity") return nearest(Infinity);
  return sample(run.at.get(name) ?? NaN);
}

function numberValue(value: Rational): Sample {
  const double = toDouble(value);
  if (value.top !== 0n && Math.abs(double) < LEAST) return sample(NaN);
  // A large quotient may round to a whole number that it is not.
  return value.bottom === 1n ? nearest(double) : sample(double);
}

function apply(name: string, parts: readonly Sample[]): Sample {
  const first = parts[0] as Sample;
  const nary = Object.hasOwn(NARY, name) ? NARY[name] : undefined;
  if (nary !== undefined) return parts.slice(1).reduce((sum, part) => nary(sum, part), first);
  const unary = parts.length === 1 && Object.hasOwn(UNARY, name) ? UNARY[name] : undefined;
  if (unary !== undefined) return unary(first);
  const binary = parts.length === 2 && Object.hasOwn(BINARY, name) ? BINARY[name] : undefined;
  if (binary !== undefined) return binary(first, parts[1] as Sample);
  return unknownFunction(name, parts);
}

/** The value of an expression at one point; null when the work allowed is used up. */
export function sampleValue(expression: Expression, run: Evaluation): Sample | null {
  if (run.work.left <= 0) return null;
  run.work.left--;
  if (expression.kind === "number") return numberValue(expression.value);
  if (expression.kind === "symbol") return symbolValue(expression.name, run);
  const parts: Sample[] = [];
  for (const part of expression.parts) {
    const value = sampleValue(part, run);
    if (value === null) return null;
    parts.push(value);
  }
  const value = apply(expression.name, parts);
  if (value.im !== 0 && parts.every((part) => part.im === 0)) run.complex = true;
  return value;
}

/** The real number that an expression without names is, infinite ones included; null where it is none. */
export function constantValue(expression: Expression, work: { left: number }): number | null {
  const value = sampleValue(expression, { at: new Map(), work, complex: false });
  return value === null || value.im !== 0 || Number.isNaN(value.re) ? null : value.re;
}
