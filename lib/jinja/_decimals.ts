/** An exact fraction: what a float is. `denominator` is above 0. */
interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** A finite float as the fraction that it is. */
function fractionOf(value: number): Fraction {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0), power = Number((raw >> 52n) & 0x7ffn);
  const mantissa = (raw & 0xfffffffffffffn) | (power === 0 ? 0n : 0x10000000000000n);
  const signed = raw >> 63n === 1n ? -mantissa : mantissa;
  const exponent = (power === 0 ? 1 : power) - 1075;
  return exponent >= 0
    ? { numerator: signed << BigInt(exponent), denominator: 1n }
    : { numerator: signed, denominator: 1n << BigInt(-exponent) };
}

/** The whole number nearest to a fraction; of two as near, the even one. */
function nearest({ numerator, denominator }: Fraction): bigint {
  const negative = numerator < 0n, size = negative ? -numerator : numerator;
  const whole = size / denominator, twice = (size % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && whole % 2n === 1n);
  const rounded = up ? whole + 1n : whole;
  return negative ? -rounded : rounded;
}

/** A number times 10^places, rounded to a whole number as Python rounds: exactly, halves to even. */
export function scaled(value: bigint | number, places: number): bigint {
  const { numerator, denominator } = typeof value === "bigint"
    ? { numerator: value, denominator: 1n }
    : fractionOf(value);
  const factor = 10n ** BigInt(Math.abs(places));
  return places >= 0
    ? nearest({ numerator: numerator * factor, denominator })
    : nearest({ numerator, denominator: denominator * factor });
}

/** The digits of |value| with a fixed count of decimals, as `%.2f` writes them. */
export function fixedDigits(value: bigint | number, places: number): string {
  const whole = scaled(value, places), digits = String(whole < 0n ? -whole : whole).padStart(places + 1, "0");
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** |value| in exponent notation with a fixed count of decimals, as `%.2e` writes it: digits and power of ten. */
export function exponentDigits(
  value: bigint | number,
  places: number,
): { readonly digits: string; readonly power: number } {
  const size = typeof value === "bigint" ? (value < 0n ? -value : value) : Math.abs(value);
  if (size == 0) return { digits: places === 0 ? "0" : `0.${"0".repeat(places)}`, power: 0 };
  let power = typeof size === "bigint" ? String(size).length - 1 : Number(size.toExponential().split("e")[1]);
  let text = String(scaled(size, places - power));
  if (text.length > places + 1) text = String(scaled(size, places - ++power)); // 9.99 became 10.0
  return { digits: places === 0 ? text : `${text[0]}.${text.slice(1)}`, power };
}

/** Python's `round(value, places)` of a float. */
export function roundedFloat(value: number, places: number): number {
  if (!Number.isFinite(value) || value === 0 || places > 323) return value;
  if (places < -309) return 0 * Math.sign(value);
  const whole = scaled(value, places), digits = String(whole < 0n ? -whole : whole);
  const size = Number(`${digits}e${-places}`);
  return Math.sign(value) * size;
}
