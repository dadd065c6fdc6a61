import { bound, countArgument, optionalCount, REQUIRED, textArgument } from "./_arguments.ts";
import { roundedFloat, scaled } from "./_decimals.ts";
import { TemplateFault } from "./_faults.ts";
import { percentFormatted } from "./_formatting.ts";
import type { OperationCall } from "./_operation.ts";
import { jsonText } from "./_json_text.ts";
import { capitalized, lengthOf, lettersOf, linesOf, SPACE, stripped } from "./_letters.ts";
import { floatFormatted } from "./_number_format.ts";
import { floatOf, wholePart } from "./_number_values.ts";
import { centred, joinedTexts, replaced } from "./_text_methods.ts";
import { Dict, intOf, isNumber, isTrue, Markup, Tuple, typeName, Undefined, type Value } from "./_values.ts";

type Filter = (call: OperationCall) => Value;

/** The operand as text, its letters counted. */
function textOf({ value, tools }: OperationCall): string {
  const text = tools.printer.text(value);
  tools.work.letters(text.length);
  return text;
}

/** A filter without arguments that makes a text of one. */
function plain(name: string, make: (text: string) => string): Filter {
  return (call) => {
    bound(call.args, `${name}()`, {});
    return make(textOf(call));
  };
}

/** jinja2's own capitals: after white space, brackets, `<` and hyphens. */
function titleWords(text: string): string {
  return text.split(new RegExp(`([-${SPACE}({\\[<]+)`)).map((part) => {
    const first = lettersOf(part.slice(0, 2))[0] ?? "";
    return first.toUpperCase() + part.slice(first.length).toLowerCase();
  }).join("");
}

function indent({ value, args, tools }: OperationCall): Value {
  const { width, first, blank } = bound(args, "indent()", { width: 4n, first: false, blank: false });
  if (value instanceof Undefined) value.fail();
  if (typeof value !== "string") throw new TemplateFault(`indent() takes a str, not ${typeName(value)}`);
  const spaces = typeof width === "string" ? 0 : Math.max(countArgument(width, "width"), 0);
  tools.work.letters(spaces);
  const step = typeof width === "string" ? width : " ".repeat(spaces);
  tools.work.letters(value.length);
  const lines = linesOf(`${value}\n`);
  tools.work.letters(value.length + lines.length * step.length);
  const [head = "", ...rest] = lines;
  const made = rest.map((line) => line !== "" || isTrue(blank) ? step + line : line);
  return (isTrue(first) ? step : "") + [head, ...made].join("\n");
}

function truncate({ value, args }: OperationCall): Value {
  const { length, killwords, end, leeway } = bound(args, "truncate()", {
    length: 255n,
    killwords: false,
    end: "...",
    leeway: null,
  });
  if (value instanceof Undefined) return value;
  const text = textArgument(value, "truncate() operand"), mark = textArgument(end, "end");
  const most = countArgument(length, "length"), room = optionalCount(leeway, { what: "leeway", absent: 5 });
  if (most < lengthOf(mark)) throw new TemplateFault(`expected length >= ${lengthOf(mark)}, got ${most}`);
  if (room < 0) throw new TemplateFault(`expected leeway >= 0, got ${room}`);
  if (lengthOf(text) <= most + room) return text;
  const kept = lettersOf(text).slice(0, most - lengthOf(mark)).join("");
  if (isTrue(killwords)) return kept + mark;
  const cut = kept.lastIndexOf(" ");
  return (cut < 0 ? kept : kept.slice(0, cut)) + mark;
}

/** A text that says an int, in Python's spelling; null for any other. */
function intFrom(text: string, base: number): bigint | null {
  const bare = stripped(text, { side: "both" }).toLowerCase();
  const parts = /^([+-]?)(0[xob])?_?([0-9a-z]+(?:_[0-9a-z]+)*)$/.exec(
    bare.replace(/\p{Nd}/gu, (digit) => String(decimalValue(digit))),
  );
  if (parts === null) return null;
  const [, sign, prefix = "", grouped = ""] = parts, digits = grouped.replaceAll("_", "");
  const meant = { "0x": 16, "0o": 8, "0b": 2 }[prefix] ?? null;
  if (base === 0 && prefix === "" && /^0+[1-9]/.test(digits)) return null;
  if (base !== 0 && meant !== null && meant !== base) {
    // Such as 0b1 in base 16: the letter is a digit there.
    return sign === "-" ? negated(digitsValue(prefix + digits, base)) : digitsValue(prefix + digits, base);
  }
  if (prefix === "" && bare.includes("__")) return null;
  const found = digitsValue(digits, base === 0 ? meant ?? 10 : base);
  return sign === "-" ? negated(found) : found;
}

function negated(value: bigint | null): bigint | null {
  return value === null ? null : -value;
}

function digitsValue(digits: string, base: number): bigint | null {
  if (digits.length > 4300) {
    throw new TemplateFault("Exceeds the limit (4300 digits) for integer string conversion");
  }
  let value = 0n;
  for (const digit of digits) {
    const own = parseInt(digit, 36);
    if (!(own < base)) return null;
    value = value * BigInt(base) + BigInt(own);
  }
  return value;
}

/** The value of a decimal digit of any script: their blocks begin with a zero. */
function decimalValue(digit: string): number {
  const code = digit.codePointAt(0) as number;
  let zero = code;
  while (code - zero < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero--;
  return code - zero;
}

/** A text that says a float, in Python's spelling; null for any other. */
function floatFrom(text: string): number | null {
  const bare = stripped(text, { side: "both" }).toLowerCase();
  const named = /^([+-]?)(inf|infinity|nan)$/.exec(bare);
  if (named !== null) return named[2] === "nan" ? NaN : named[1] === "-" ? -Infinity : Infinity;
  const digits = "\\d+(?:_\\d+)*";
  const pattern = new RegExp(`^[+-]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[+-]?${digits})?$`);
  const ascii = bare.replace(/\p{Nd}/gu, (digit) => String(decimalValue(digit)));
  return pattern.test(ascii) ? Number(ascii.replaceAll("_", "")) : null;
}

/** Python's `int(value, base)`; null where it would raise. */
function intValue(value: Value, base: Value): bigint | null {
  if (typeof value === "string") {
    const radix = intOf(base);
    return radix !== null && (radix === 0n || (radix >= 2n && radix <= 36n))
      ? intFrom(value, Number(radix))
      : null;
  }
  if (typeof value === "number") return Number.isNaN(value) ? null : wholePart(value);
  return intOf(value);
}

function toInt({ value, args }: OperationCall): Value {
  const { default: absent, base } = bound(args, "int()", { default: 0n, base: 10n });
  if (value instanceof Undefined) value.fail();
  const found = intValue(value, base);
  if (found !== null) return found;
  const float = typeof value === "string" ? floatFrom(value) : null;
  return float !== null && Number.isFinite(float) ? wholePart(float) : absent;
}

function toFloat({ value, args }: OperationCall): Value {
  const { default: absent } = bound(args, "float()", { default: 0 });
  if (value instanceof Undefined) value.fail();
  if (typeof value === "string") return floatFrom(value) ?? absent;
  return isNumber(value) ? floatOf(value) : absent;
}

function round({ value, args }: OperationCall): Value {
  const { precision, method } = bound(args, "round()", { precision: 0n, method: "common" });
  if (method !== "common" && method !== "ceil" && method !== "floor") {
    throw new TemplateFault("method must be common, ceil or floor");
  }
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value)) throw new TemplateFault(`type ${typeName(value)} doesn't define __round__ method`);
  const whole = intOf(value);
  if (precision === null && method === "common") return whole ?? scaled(value as number, 0);
  const places = countArgument(precision, "precision");
  if (Math.abs(places) > 400) throw new TemplateFault("a precision above 400 is not supported");
  if (method === "common") {
    if (whole !== null) return places >= 0 ? whole : scaled(whole, places) * 10n ** BigInt(-places);
    return roundedFloat(value as number, places);
  }
  const factor = 10 ** places, up = floatOf(value) * factor;
  // Without a factor below 1, Python computes with ints where the value is one.
  const cut = whole !== null && places >= 0
    ? floatOf(whole) * factor
    : method === "ceil"
    ? Math.ceil(up)
    : Math.floor(up);
  return Number(wholePart(cut)) / factor;
}

function absolute({ value, args }: OperationCall): Value {
  bound(args, "abs()", {});
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value)) throw new TemplateFault(`bad operand type for abs(): '${typeName(value)}'`);
  const whole = intOf(value);
  return whole === null ? Math.abs(value as number) : whole < 0n ? -whole : whole;
}

function format(call: OperationCall): Value {
  const { positional, named } = call.args;
  if (positional.length > 0 && named.size > 0) {
    throw new TemplateFault("can't handle positional and keyword arguments at the same time");
  }
  return percentFormatted(textOf(call), named.size > 0 ? new Dict(named) : new Tuple(positional), call.tools);
}

function fileSize({ value, args }: OperationCall): Value {
  const { binary } = bound(args, "filesizeformat()", { binary: false });
  const size = typeof value === "string" ? floatFrom(value) : isNumber(value) ? floatOf(value) : null;
  if (size === null) throw new TemplateFault("could not convert to float");
  const base = isTrue(binary) ? 1024 : 1000;
  if (size === 1) return "1 Byte";
  if (size < base) return `${wholePart(size)} Bytes`;
  const names = isTrue(binary)
    ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
  const step = names.findIndex((_, place) => size < base ** (place + 2)),
    place = step < 0 ? names.length - 1 : step;
  const shown = floatFormatted(base * size / base ** (place + 2), { kind: "f", layout: { precision: 1 } });
  return `${shown} ${names[place]}`;
}

/** Letters that a part of an address keeps. */
function quotedAddress(text: string, options: { readonly query: boolean }): string {
  const bytes = new TextEncoder().encode(text);
  const quoted = Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte);
    if (/[A-Za-z0-9_.~-]/.test(letter) || (!options.query && letter === "/")) return letter;
    return options.query && letter === " " ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return quoted.join("");
}

function urlencode({ value, args, tools }: OperationCall): Value {
  bound(args, "urlencode()", {});
  const quote = (part: Value, query: boolean): string => {
    const text = tools.printer.text(part);
    tools.work.letters(text.length * 4);
    return quotedAddress(text, { query });
  };
  const atom = typeof value === "string" || value === null || isNumber(value);
  if (atom) return quote(value, false);
  const pairs = value instanceof Dict ? value.items() : tools.comparer.list(value);
  return joinedTexts(
    pairs.map((pair) => {
      const parts = tools.comparer.list(pair);
      if (parts.length !== 2) throw new TemplateFault("urlencode() takes pairs of two");
      return parts.map((part) => quote(part, true)).join("=");
    }),
    { mark: "&", tools },
  );
}

const HTML: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

function escapedHtml(call: OperationCall): Markup {
  const { value } = call;
  if (value instanceof Markup) return value;
  return new Markup(textOf(call).replace(/[&<>'"]/g, (letter) => HTML[letter] as string));
}

function orDefault({ value, args }: OperationCall): Value {
  const { default_value, boolean } = bound(args, "default()", { default_value: "", boolean: false });
  return value instanceof Undefined || (isTrue(boolean) && !isTrue(value)) ? default_value : value;
}

function unsupported(name: string): Filter {
  return () => {
    throw new TemplateFault(`the filter '${name}' is not supported`);
  };
}

/** Filters whose operand is one value: texts and numbers. */
export const TEXT_FILTERS: Readonly<Record<string, Filter>> = {
  abs: absolute,
  capitalize: plain("capitalize", capitalized),
  center(call) {
    const { width } = bound(call.args, "center()", { width: 80n });
    return centred(textOf(call), { width: countArgument(width, "width"), tools: call.tools });
  },
  d: orDefault,
  default: orDefault,
  e: escapedHtml,
  escape: escapedHtml,
  filesizeformat: fileSize,
  float: toFloat,
  forceescape: (call) => escapedHtml({ ...call, value: textOf(call) }),
  format,
  indent,
  int: toInt,
  lower: plain("lower", (text) => text.toLowerCase()),
  pprint: unsupported("pprint"),
  random: unsupported("random"),
  replace(call) {
    const { old, new: put, count } = bound(call.args, "replace()", {
      old: REQUIRED,
      new: REQUIRED,
      count: null,
    });
    const { printer } = call.tools;
    return replaced(textOf(call), {
      old: printer.text(old),
      put: printer.text(put),
      most: optionalCount(count, { what: "count", absent: -1 }),
      tools: call.tools,
    });
  },
  round,
  safe: (call) => call.value instanceof Markup ? call.value : new Markup(textOf(call)),
  string: (call) => call.value instanceof Markup ? call.value : textOf(call),
  striptags: unsupported("striptags"),
  title: plain("title", titleWords),
  tojson: ({ value, args, tools }) => jsonText(value, args, tools),
  trim(call) {
    const { chars } = bound(call.args, "trim()", { chars: null });
    const letters = chars === null ? null : textArgument(chars, "strip arg must be None or str, and it");
    return stripped(textOf(call), { side: "both", letters });
  },
  truncate,
  upper: plain("upper", (text) => text.toUpperCase()),
  urlencode,
  urlize: unsupported("urlize"),
  wordcount(call) {
    bound(call.args, "wordcount()", {});
    return BigInt(textOf(call).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0);
  },
  wordwrap: unsupported("wordwrap"),
  xmlattr: unsupported("xmlattr"),
};
