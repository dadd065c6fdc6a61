/**
 * An exact rational number; the denominator is positive, the fraction not always in lowest terms. fraction.js would not
 * do: it reduces every result, knows no bound on bits and reads no exponents.
 */
export interface Rational {
  readonly top: bigint;
  readonly bottom: bigint;
}

/** Bits a numerator or denominator may have: enough for 3000!, little enough to multiply in microseconds. */
const BIT_LIMIT = 1 << 16;

/** Powers of two below which fractions are brought to lowest terms, since that costs the square of the bits. */
const REDUCE_BITS = 2048;

const FACTORIAL_LIMIT = 3000;

function bits(value: bigint): number {
  return (value < 0n ? -value : value).toString(16).length * 4;
}

/** The greatest common divisor. */
export function commonDivisor(left: bigint, right: bigint): bigint {
  let a = left < 0n ? -left : left, b = right < 0n ? -right : right;
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** `top / bottom` with a positive denominator; null for a zero denominator or a number beyond the bound. */
export function rational(top: bigint, bottom: bigint = 1n): Rational | null {
  if (bottom === 0n) return null;
  if (bottom < 0n) return rational(-top, -bottom);
  const size = Math.max(bits(top), bits(bottom));
  if (size > BIT_LIMIT) return null;
  if (bottom === 1n || size > REDUCE_BITS) return { top, bottom };
  const divisor = commonDivisor(top, bottom);
  return { top: top / divisor, bottom: bottom / divisor };
}

/** The number a literal spells: digits, a fraction, a repeating part in parentheses, an exponent. */
export function literalValue(text: string): Rational | null {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:\((\d+)\))?(?:e([+-]?\d+))?$/i.exec(text);
  if (parts === null) return null;
  const [, sign = "", whole = "", fraction = "", repeated = "", exponent = "0"] = parts;
  const power = Number(exponent);
  if (whole + fraction + repeated === "" || Math.abs(power) > 4000) return null;
  let value = rational(BigInt(whole + fraction || "0"), 10n ** BigInt(fraction.length));
  if (repeated !== "" && value !== null) {
    const nines = 10n ** BigInt(repeated.length) - 1n;
    value = addRational(value, rational(BigInt(repeated), nines * 10n ** BigInt(fraction.length)));
  }
  const scale = power < 0 ? rational(1n, 10n ** BigInt(-power)) : rational(10n ** BigInt(power));
  const scaled = multiplyRational(value, scale);
  return sign === "-" ? multiplyRational(scaled, { top: -1n, bottom: 1n }) : scaled;
}

/** Sum; null when a term is. */
export function addRational(left: Rational | null, right: Rational | null): Rational | null {
  if (left === null || right === null) return null;
  return rational(left.top * right.bottom + right.top * left.bottom, left.bottom * right.bottom);
}

/** Product; null when a factor is. */
export function multiplyRational(left: Rational | null, right: Rational | null): Rational | null {
  return left === null || right === null ? null : rational(left.top * right.top, left.bottom * right.bottom);
}

/** Quotient; null when a part is, or the divisor is zero. */
export function divideRational(left: Rational | null, right: Rational | null): Rational | null {
  return left === null || right === null ? null : rational(left.top * right.bottom, left.bottom * right.top);
}

/** Power with an integer exponent; null for another exponent, for 0 to a negative power, and beyond the bound. */
export function powerRational(base: Rational | null, exponent: Rational | null): Rational | null {
  if (base === null || exponent === null || exponent.bottom !== 1n) return null;
  const times = exponent.top < 0n ? -exponent.top : exponent.top;
  const small = (base.top === 0n || base.top === 1n || base.top === -1n) && base.bottom === 1n;
  if (small) {
    if (base.top === 0n && exponent.top <= 0n) return null;
    return rational(base.top === -1n && times % 2n === 0n ? 1n : base.top);
  }
  if (times > BigInt(BIT_LIMIT)) return null;
  if ((Math.max(bits(base.top), bits(base.bottom)) - 4) * Number(times) > BIT_LIMIT) return null;
  const raised = rational(base.top ** times, base.bottom ** times);
  return exponent.top < 0n ? divideRational({ top: 1n, bottom: 1n }, raised) : raised;
}

/** n! of a small non-negative integer; else null. */
export function factorialRational(value: Rational | null): Rational | null {
  if (value === null || value.bottom !== 1n || value.top < 0n || value.top > BigInt(FACTORIAL_LIMIT)) {
    return null;
  }
  let product = 1n;
  for (let factor = 2n; factor <= value.top; factor++) product *= factor;
  return rational(product);
}

/** Binomial coefficient of small integers 0 <= k <= n; else null. */
export function binomialRational(n: Rational | null, k: Rational | null): Rational | null {
  if (n === null || k === null || n.bottom !== 1n || k.bottom !== 1n) return null;
  if (k.top < 0n || k.top > n.top) return null;
  const less: Rational = { top: n.top - k.top, bottom: 1n };
  const below = multiplyRational(factorialRational(k), factorialRational(less));
  return divideRational(factorialRational(n), below);
}

/** Whether two rational numbers are one. */
export function sameRational(left: Rational, right: Rational): boolean {
  return left.top * right.bottom === right.top * left.bottom;
}

/** Whether the number has a finite decimal spelling; null when it is too long to tell cheaply. */
export function isTerminating(value: Rational): boolean | null {
  if (Math.max(bits(value.top), bits(value.bottom)) > REDUCE_BITS) return null;
  let rest = value.bottom / commonDivisor(value.top, value.bottom);
  for (const prime of [2n, 5n]) while (rest % prime === 0n) rest /= prime;
  return rest === 1n;
}

/** The nearest double, also where numerator and denominator alone would overflow. */
export function toDouble(value: Rational): number {
  const sign = value.top < 0n ? -1 : 1;
  const top = value.top < 0n ? -value.top : value.top;
  const shift = bits(top) - bits(value.bottom) - 64;
  const quotient = shift > 0 ? top / (value.bottom << BigInt(shift)) : (top << BigInt(-shift)) / value.bottom;
  // Two steps, since 2^shift alone may leave the range of a double where the product does not.
  const half = Math.trunc(shift / 2);
  return sign * Number(quotient) * 2 ** half * 2 ** (shift - half);
}
