import { TemplateFault } from "./_faults.ts";
import { escapeOf, lettersOf } from "./_letters.ts";
import { boundedCount, floatFormatted, integerFormatted, type Layout, padded } from "./_number_format.ts";
import { floatOf, wholePart } from "./_number_values.ts";
import type { Printer } from "./_printing.ts";
import {
  type CallArguments,
  Dict,
  intOf,
  isNumber,
  keyOf,
  List,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./_values.ts";
import type { Work } from "./_work.ts";

/** What formatting needs of the rendering it is part of. */
export interface FormattingTools {
  readonly work: Work;
  readonly printer: Printer;
}

/** Letters that Python's `ascii` leaves as they are. */
function asciiOnly(text: string): string {
  return text.replace(/\P{ASCII}/gu, escapeOf);
}

/** One value by a format specification, as `format(value, spec)` writes it. */
function formatted(value: Value, spec: string, tools: FormattingTools): string {
  if (spec === "") return tools.printer.text(value);
  const parts = /^(?:(.)?([<>=^]))?([ +-])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/su.exec(
    spec,
  );
  if (parts === null) throw new TemplateFault(`Invalid format specifier '${spec}'`);
  const [, fill, align, sign, z, alternate, zero, width, grouping, precision, kind = ""] = parts;
  if (z !== undefined || kind === "n") {
    throw new TemplateFault(`the format specifier '${spec}' is not supported`);
  }
  const layout: Layout = {
    fill: fill ?? (zero === undefined ? " " : "0"),
    sign: sign === "+" || sign === " " ? sign : "",
    alternate: alternate !== undefined,
    width: boundedCount(width ?? "0"),
    grouping: (grouping ?? "") as "" | "," | "_",
    precision: precision === undefined ? null : boundedCount(precision),
  };
  tools.work.letters((layout.width ?? 0) + (layout.precision ?? 0));
  if (typeof value === "string") {
    if (kind !== "" && kind !== "s") {
      throw new TemplateFault(`Unknown format code '${kind}' for object of type 'str'`);
    }
    if (align === "=") throw new TemplateFault("'=' alignment not allowed in string format specifier");
    if (sign !== undefined) throw new TemplateFault("Sign not allowed in string format specifier");
    if (alternate !== undefined) {
      throw new TemplateFault("Alternate form (#) not allowed in string format specifier");
    }
    if (grouping !== undefined) throw new TemplateFault(`Cannot specify '${grouping}' with 's'.`);
    const text = layout.precision === null
      ? value
      : lettersOf(value).slice(0, layout.precision as number).join("");
    return padded(text, { ...layout, align: (align ?? "<") as "<" | ">" | "^" });
  }
  if (!isNumber(value)) {
    throw new TemplateFault(`unsupported format string passed to ${typeName(value)}.__format__`);
  }
  const numeric: Layout = { ...layout, align: (align ?? (zero === undefined ? ">" : "=")) as ">" };
  const whole = intOf(value);
  if (whole !== null && (kind === "" || "bcdoxX".includes(kind))) {
    if (layout.precision !== null) {
      throw new TemplateFault("Precision not allowed in integer format specifier");
    }
    if (kind === "c") return padded(letterOf(whole), numeric);
    if (grouping === "," && "boxX".includes(kind || "d")) {
      throw new TemplateFault(`Cannot specify ',' with '${kind}'.`);
    }
    return integerFormatted(whole, { kind: (kind || "d") as "d", layout: numeric });
  }
  if (kind !== "" && !"eEfFgG%".includes(kind)) {
    throw new TemplateFault(`Unknown format code '${kind}' for object of type '${typeName(value)}'`);
  }
  return floatFormatted(floatOf(value), { kind, layout: numeric });
}

function letterOf(code: bigint): string {
  if (code < 0n || code > 0x10ffffn) throw new TemplateFault("%c arg not in range(0x110000)");
  return String.fromCodePoint(Number(code));
}

/** Where the values of a `%` format come from, one after another or by name. */
class PercentValues {
  readonly #given: Value;
  readonly #list: readonly Value[] | null;
  #next = 0;

  constructor(given: Value) {
    this.#given = given;
    this.#list = given instanceof Tuple ? given.items : null;
  }

  next(): Value {
    const list = this.#list ?? [this.#given];
    if (this.#next >= list.length) throw new TemplateFault("not enough arguments for format string");
    return list[this.#next++] as Value;
  }

  named(key: string): Value {
    if (!(this.#given instanceof Dict)) throw new TemplateFault("format requires a mapping");
    const value = this.#given.get(key);
    if (value === undefined) throw new TemplateFault(`'${key}'`);
    return value;
  }

  /** A value that was not asked for is a fault, unless it is a container to choose from. */
  checkUsed(): void {
    const container = this.#given instanceof Dict || this.#given instanceof List ||
      this.#given instanceof Undefined;
    if (!container && this.#next < (this.#list?.length ?? 1)) {
      throw new TemplateFault("not all arguments converted during string formatting");
    }
  }
}

/** `text % given`, as Python formats. */
export function percentFormatted(text: string, given: Value, tools: FormattingTools): string {
  const values = new PercentValues(given), out: string[] = [];
  const pattern = /%(?:\(((?:[^()]|\([^()]*\))*)\))?([#0 +-]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?(.)?/gsu;
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const [all, key, flags = "", wide, exact, kind] = match;
    out.push(text.slice(from, match.index));
    from = match.index + all.length;
    if (kind === undefined) throw new TemplateFault("incomplete format");
    if (kind === "%") {
      out.push("%");
      continue;
    }
    const counted = (digits: string): number =>
      digits === "*" ? Number(starOf(values.next())) : boundedCount(digits || "0");
    const width = wide === undefined ? 0 : counted(wide);
    const layout: Layout = {
      fill: flags.includes("0") && !flags.includes("-") && width >= 0 ? "0" : " ",
      sign: flags.includes("+") ? "+" : flags.includes(" ") ? " " : "",
      alternate: flags.includes("#"),
      width: Math.abs(width),
      align: flags.includes("-") || width < 0 ? "<" : flags.includes("0") ? "=" : ">",
      precision: exact === undefined ? null : Math.max(counted(exact), 0),
    };
    tools.work.letters((layout.width ?? 0) + (layout.precision ?? 0));
    const value = key === undefined ? values.next() : values.named(key);
    const made = percentValue(value, { kind, layout, tools });
    tools.work.letters(made.length);
    out.push(made);
  }
  values.checkUsed();
  tools.work.letters(text.length);
  return out.join("") + text.slice(from);
}

function starOf(value: Value): bigint {
  const count = intOf(value);
  if (count === null) throw new TemplateFault("* wants int");
  boundedCount(String(count < 0n ? -count : count));
  return count;
}

function percentValue(
  value: Value,
  options: { readonly kind: string; readonly layout: Layout; readonly tools: FormattingTools },
): string {
  const { kind, layout, tools: { printer } } = options, { precision = null } = layout;
  const asText: Layout = { ...layout, fill: " ", align: layout.align === "<" ? "<" : ">" };
  if (kind === "s" || kind === "r" || kind === "a") {
    const whole = kind === "s" ? printer.text(value) : printer.repr(value);
    const text = kind === "a" ? asciiOnly(whole) : whole;
    return padded(precision === null ? text : lettersOf(text).slice(0, precision).join(""), asText);
  }
  if (kind === "c") {
    const code = intOf(value);
    if (code === null && !(typeof value === "string" && lettersOf(value).length === 1)) {
      throw new TemplateFault("%c requires int or char");
    }
    return padded(code === null ? value as string : letterOf(code), asText);
  }
  if (!"diuoxXeEfFgG".includes(kind)) {
    throw new TemplateFault(
      `unsupported format character '${kind}' (0x${kind.codePointAt(0)?.toString(16)})`,
    );
  }
  if (value instanceof Undefined) value.fail();
  if (!isNumber(value)) {
    const needed = "oxX".includes(kind) ? "an integer is" : "a real number is";
    throw new TemplateFault(`%${kind} format: ${needed} required, not ${typeName(value)}`);
  }
  if ("eEfFgG".includes(kind)) return floatFormatted(floatOf(value), { kind, layout });
  const whole = intOf(value) ?? ("oxX".includes(kind) ? null : wholePart(value as number));
  if (whole === null) throw new TemplateFault(`%${kind} format: an integer is required, not float`);
  return integerFormatted(whole, { kind: ("oxX".includes(kind) ? kind : "d") as "d", layout });
}

/** How a field of `str.format` reaches into a value. */
export interface FieldAccess {
  attribute(value: Value, name: string): Value;
  item(value: Value, key: Value): Value;
}

/** `text.format(…)`, as Python formats; attributes are reached as templates reach them. */
export function braceFormatted(
  text: string,
  args: CallArguments,
  tools: FormattingTools & { readonly access: FieldAccess },
): string {
  const numbering = { next: 0, kind: "" as "" | "automatic" | "manual" };
  return braced(text, { args, tools, numbering, depth: 2 });
}

interface BraceState {
  readonly args: CallArguments;
  readonly tools: FormattingTools & { readonly access: FieldAccess };
  readonly numbering: { next: number; kind: "" | "automatic" | "manual" };
  /** Levels of fields that may still be opened. */
  readonly depth: number;
}

function braced(text: string, state: BraceState): string {
  if (state.depth < 0) throw new TemplateFault("Max string recursion exceeded");
  const out: string[] = [];
  state.tools.work.letters(text.length);
  for (let at = 0; at < text.length;) {
    const letter = text[at] as string;
    if (letter !== "{" && letter !== "}") {
      const end = text.slice(at).search(/[{}]/), stop = end < 0 ? text.length : at + end;
      out.push(text.slice(at, stop));
      at = stop;
    } else if (text[at + 1] === letter) {
      out.push(letter);
      at += 2;
    } else if (letter === "}") {
      throw new TemplateFault("Single '}' encountered in format string");
    } else {
      const end = closing(text, at);
      const made = field(text.slice(at + 1, end), state);
      state.tools.work.letters(made.length);
      out.push(made);
      at = end + 1;
    }
  }
  return out.join("");
}

/** Where the field that opens at a place is closed. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  throw new TemplateFault(
    open === text.length - 1
      ? "Single '{' encountered in format string"
      : "expected '}' before end of string",
  );
}

function field(source: string, state: BraceState): string {
  const parts = /^((?:[^!:[]|\[[^\]]*\])*)(?:!([^:]*))?(?::(.*))?$/s.exec(source);
  if (parts === null) throw new TemplateFault("expected '}' before end of string");
  const [, name = "", conversion, spec = ""] = parts, { printer } = state.tools;
  let value = named(name, state);
  if (conversion !== undefined) {
    if (!["s", "r", "a"].includes(conversion)) {
      throw new TemplateFault(`Unknown conversion specifier '${conversion}'`);
    }
    value = conversion === "s" ? printer.text(value) : printer.repr(value);
    if (conversion === "a") value = asciiOnly(value);
  }
  return formatted(value, braced(spec, { ...state, depth: state.depth - 1 }), state.tools);
}

function named(name: string, { args, tools: { access }, numbering }: BraceState): Value {
  const first = /^[^.[]*/.exec(name)?.[0] ?? "", number = /^\d*$/.test(first);
  let value: Value | undefined;
  if (number) {
    const kind = first === "" ? "automatic" : "manual";
    if (numbering.kind !== "" && numbering.kind !== kind) {
      throw new TemplateFault(
        kind === "automatic"
          ? "cannot switch from manual field specification to automatic field numbering"
          : "cannot switch from automatic field numbering to manual field specification",
      );
    }
    numbering.kind = kind;
    const place = kind === "automatic" ? numbering.next++ : Number(first);
    value = args.positional[place];
    if (value === undefined) {
      throw new TemplateFault(`Replacement index ${place} out of range for positional args tuple`);
    }
  } else {
    value = args.named.get(first);
    if (value === undefined) throw new TemplateFault(`'${first}'`);
  }
  const rest = name.slice(first.length);
  let read = 0;
  for (const { 0: all, 1: attribute, 2: key } of rest.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    read += all.length;
    value = attribute !== undefined
      ? access.attribute(value, attribute)
      : access.item(value, /^\d+$/.test(key as string) ? BigInt(key as string) : key as string);
  }
  if (read !== rest.length) throw new TemplateFault("Empty attribute in format string");
  return value;
}

/** The values of `str.format_map`: those of one dict. */
export function mappingArguments(value: Value): CallArguments {
  if (!(value instanceof Dict)) throw new TemplateFault("format_map() takes a dict");
  const entries = value.entries().filter(([key]) => typeof keyOf(key) === "string");
  return { positional: [], named: new Map(entries.map(([key, part]) => [String(key), part])) };
}
