import { exponentDigits, fixedDigits } from "./_decimals.ts";
import { TemplateFault } from "./_faults.ts";
import { lengthOf } from "./_letters.ts";
import { floatText } from "./_printing.ts";

/** How a number or a text is laid out; what Python's format specifications and `%` formats have in common. */
export interface Layout {
  /** Letter that fills the width. @default {" "} */
  readonly fill?: string;
  /** Where the value stands in it; `=` fills between sign and digits. */
  readonly align?: "<" | ">" | "^" | "=";
  /** What stands before numbers from 0 on. @default {""} */
  readonly sign?: "" | "+" | " ";
  /** Bases are named, and points and zeros kept. @default {false} */
  readonly alternate?: boolean;
  /** Letters at least. @default {0} */
  readonly width?: number;
  /** What stands between groups of digits. @default {""} */
  readonly grouping?: "" | "," | "_";
  /** Digits after the point, or in all for `g`. @default {null} */
  readonly precision?: number | null;
}

/** No layout is wider or more precise: a bound on what one letter of a template can ask for. */
const LAYOUT_LIMIT = 10_000;

/** A text within the width of a layout. */
export function padded(text: string, layout: Layout): string {
  const { fill = " ", align = "<", width = 0 } = layout, missing = width - lengthOf(text);
  if (missing <= 0) return text;
  if (align === "<") return text + fill.repeat(missing);
  if (align === "^") return fill.repeat(missing >> 1) + text + fill.repeat(missing - (missing >> 1));
  return fill.repeat(missing) + text;
}

interface Digits {
  readonly negative: boolean;
  /** What stands between the sign and the digits, such as `0x`. @default {""} */
  readonly prefix?: string;
  /** Digits before the point. */
  readonly whole: string;
  /** The point and what follows. */
  readonly rest: string;
}

function grouped(
  whole: string,
  options: { readonly mark: string; readonly size: number; readonly least: number },
): string {
  const { mark, size, least } = options;
  if (mark === "") return whole.padStart(least, "0");
  let digits = whole;
  const write = (): string => {
    const first = digits.length % size || size;
    const parts = [digits.slice(0, first)];
    for (let at = first; at < digits.length; at += size) parts.push(digits.slice(at, at + size));
    return parts.join(mark);
  };
  // Zeros that fill the width are grouped as well.
  while (write().length < least) digits = `0${digits}`;
  return write();
}

function laidOut(digits: Digits, options: { readonly layout: Layout; readonly group?: number }): string {
  const { layout, group = 3 } = options, { fill = " ", align = ">", width = 0, grouping = "" } = layout;
  const before = (digits.negative ? "-" : layout.sign ?? "") + (digits.prefix ?? "");
  const zeros = align === "=" && fill === "0" ? width - before.length - digits.rest.length : 0;
  const whole = grouped(digits.whole, { mark: grouping, size: group, least: Math.max(zeros, 0) });
  const text = whole + digits.rest;
  if (align !== "=") return padded(before + text, { ...layout, align });
  return before + fill.repeat(Math.max(width - lengthOf(before) - text.length, 0)) + text;
}

const BASES = { b: 2, o: 8, x: 16, X: 16, d: 10 } as const;

/** An int in base 2, 8, 10 or 16. */
export function integerFormatted(
  value: bigint,
  options: { readonly kind: keyof typeof BASES; readonly layout: Layout },
): string {
  const { kind, layout } = options, negative = value < 0n;
  const digits = (negative ? -value : value).toString(BASES[kind]).padStart(layout.precision ?? 0, "0");
  return laidOut({
    negative,
    prefix: layout.alternate && kind !== "d" ? `0${kind}` : "",
    whole: kind === "X" ? digits.toUpperCase() : digits,
    rest: "",
  }, { layout, group: kind === "d" ? 3 : 4 });
}

function split(text: string): { readonly whole: string; readonly rest: string } {
  const end = /[^0-9]/.exec(text)?.index ?? text.length;
  return { whole: text.slice(0, end), rest: text.slice(end) };
}

function exponentText(
  parts: { readonly digits: string; readonly power: number },
  alternate: boolean,
): string {
  const { digits, power } = parts, point = alternate && !digits.includes(".") ? "." : "";
  return `${digits}${point}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function general(
  value: number,
  options: { readonly precision: number; readonly keep: boolean; readonly dot: boolean },
): string {
  const { keep, dot } = options, precision = options.precision || 1;
  const { digits, power } = exponentDigits(value, precision - 1);
  const bare = (text: string): string => keep || !text.includes(".") ? text : text.replace(/\.?0+$/, "");
  const fixed = power >= -4 && power < (dot ? Math.max(precision - 1, 1) : precision);
  if (!fixed) return exponentText({ digits: bare(digits), power }, keep);
  const text = bare(fixedDigits(value, Math.max(precision - 1 - power, 0)));
  return dot && !text.includes(".") ? `${text}.0` : keep && !text.includes(".") ? `${text}.` : text;
}

/** A float by one of the letters `e f g %` (capital: letters capital), or as it prints (`""`). */
export function floatFormatted(
  value: number,
  options: { readonly kind: string; readonly layout: Layout },
): string {
  const { kind, layout } = options, { precision = null, alternate = false } = layout;
  const negative = value < 0 || Object.is(value, -0), size = Math.abs(value), lower = kind.toLowerCase();
  let text: string;
  if (!Number.isFinite(value)) text = Number.isNaN(value) ? "nan" : "inf";
  else if (lower === "f" || kind === "%") {
    const digits = fixedDigits(kind === "%" ? size * 100 : size, precision ?? 6);
    text = digits + (alternate && precision === 0 ? "." : "");
  } else if (lower === "e") text = exponentText(exponentDigits(size, precision ?? 6), alternate);
  else if (lower === "g") text = general(size, { precision: precision ?? 6, keep: alternate, dot: false });
  else if (precision === null) text = floatText(size);
  else text = general(size, { precision, keep: alternate, dot: true });
  if (kind === "%") text += "%";
  if (kind !== lower) text = text.toUpperCase();
  return laidOut({ negative: negative && !Number.isNaN(value), ...split(text) }, { layout });
}

/** A width or precision as digits say it, bounded. */
export function boundedCount(digits: string): number {
  const count = Number(digits);
  if (!(count <= LAYOUT_LIMIT)) {
    throw new TemplateFault(`a width or precision above ${LAYOUT_LIMIT} is not supported`);
  }
  return count;
}
