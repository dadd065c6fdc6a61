import { bound, countArgument, textArgument } from "./_arguments.ts";
import { TemplateFault } from "./_faults.ts";
import { floatText } from "./_printing.ts";
import type { Tools } from "./_tools.ts";
import { type CallArguments, Dict, isTrue, List, Tuple, typeName, type Value } from "./_values.ts";

const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};

const CONTROLS = "\u0000-\u001f";
const UNSAFE = new RegExp(`["\\\\${CONTROLS}]`, "g");
const ASCII_UNSAFE = new RegExp(`["\\\\${CONTROLS}]|[^ -~]`, "g");

/** A text as Python's json writes it. */
function jsonString(text: string, ascii: boolean): string {
  const body = text.replace(
    ascii ? ASCII_UNSAFE : UNSAFE,
    (unit) => NAMED[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${body}"`;
}

function jsonFloat(value: number): string {
  return Number.isNaN(value)
    ? "NaN"
    : Number.isFinite(value)
    ? floatText(value)
    : value > 0
    ? "Infinity"
    : "-Infinity";
}

interface Style {
  readonly ascii: boolean;
  readonly indent: string | null;
  readonly between: string;
  readonly colon: string;
  readonly sort: boolean;
}

/** The key of a dict as json writes it: all but texts become one. */
function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (typeof key === "number") return jsonFloat(key);
  if (typeof key === "boolean") return key ? "true" : "false";
  if (key === null) return "null";
  if (typeof key === "bigint") return String(key);
  throw new TemplateFault(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

class JsonWriter {
  readonly #tools: Tools;
  readonly #style: Style;

  constructor(style: Style, tools: Tools) {
    this.#style = style;
    this.#tools = tools;
  }

  write(value: Value, depth: number): string {
    const { work, printer } = this.#tools, { ascii, colon } = this.#style;
    work.charge(1);
    if (value === null) return "null";
    if (typeof value === "boolean") return value ? "true" : "false";
    if (typeof value === "bigint") return printer.repr(value);
    if (typeof value === "number") return jsonFloat(value);
    if (typeof value === "string") {
      work.letters(value.length);
      return jsonString(value, ascii);
    }
    if (value instanceof List || value instanceof Tuple) {
      return this.#container("[]", value.items.map((item) => this.write(item, depth + 1)), depth);
    }
    if (!(value instanceof Dict)) {
      throw new TemplateFault(`Object of type ${typeName(value)} is not JSON serializable`);
    }
    const ordered = this.#style.sort
      ? this.#tools.comparer.sorted(value.keys()).map((key) => [key, value.get(key) as Value] as const)
      : value.entries();
    const parts = ordered.map(([key, part]) =>
      `${jsonString(keyText(key), ascii)}${colon}${this.write(part, depth + 1)}`
    );
    return this.#container("{}", parts, depth);
  }

  #container(brackets: string, parts: readonly string[], depth: number): string {
    const { indent, between } = this.#style, [open = "", close = ""] = brackets;
    if (parts.length === 0) return brackets;
    const gap = between.length + (indent === null ? 0 : indent.length * (depth + 1) + 1);
    this.#tools.work.letters(parts.reduce((sum, part) => sum + part.length + gap, 0));
    if (indent === null) return `${open}${parts.join(between)}${close}`;
    const outer = `\n${indent.repeat(depth)}`, inner = outer + indent;
    return `${open}${inner}${parts.join(between + inner)}${outer}${close}`;
  }
}

/** The filter `tojson` as transformers has it: `json.dumps`, letters beyond ASCII kept, nothing escaped for HTML. */
export function jsonText(value: Value, args: CallArguments, tools: Tools): string {
  const { ensure_ascii, indent, separators, sort_keys } = bound(args, "tojson()", {
    ensure_ascii: false,
    indent: null,
    separators: null,
    sort_keys: false,
  });
  const marks = separators === null ? null : tools.comparer.list(separators);
  if (marks !== null && marks.length !== 2) throw new TemplateFault("separators must be two texts");
  const step = indent === null
    ? null
    : typeof indent === "string"
    ? indent
    : repeatedSpace(countArgument(indent, "indent"), tools);
  return new JsonWriter({
    ascii: isTrue(ensure_ascii),
    indent: step,
    between: marks === null ? (indent === null ? ", " : ",") : textArgument(marks[0] as Value, "separators"),
    colon: marks === null ? ": " : textArgument(marks[1] as Value, "separators"),
    sort: isTrue(sort_keys),
  }, tools).write(value, 0);
}

function repeatedSpace(count: number, { work }: Tools): string {
  work.letters(Math.max(count, 0));
  return " ".repeat(Math.max(count, 0));
}
