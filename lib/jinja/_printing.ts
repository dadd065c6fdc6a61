import { TemplateFault } from "./_faults.ts";
import { escapeOf } from "./_letters.ts";
import {
  Callable,
  Dict,
  DictView,
  List,
  Markup,
  NumberRange,
  Stream,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./_values.ts";
import type { Work } from "./_work.ts";

/** A float as Python writes it: the shortest digits that name it, with an exponent below 1e-4 and from 1e16 on. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", power = ""] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", ""), exponent = Number(power), sign = value < 0 ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits[0]}${rest}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** Letters that Python writes as escapes: those without a form of their own on paper. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}\\]/gu;

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\\": "\\\\",
};

function escaped(letter: string): string {
  return letter === " " ? letter : NAMED_ESCAPES[letter] ?? escapeOf(letter);
}

/** A text as Python's `repr` writes it. */
function quotedText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(UNPRINTABLE, escaped);
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote;
}

/** Writes values as Python's `str` and `repr` do. */
export class Printer {
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  /** `str(value)`: texts as they are, what is undefined as nothing. */
  text(value: Value): string {
    if (typeof value === "string") return value;
    if (value instanceof Undefined) return "";
    if (value instanceof Markup) return value.text;
    return this.repr(value);
  }

  /** `repr(value)`. `TemplateFault` where Python would print an address in memory. */
  repr(value: Value): string {
    this.#work.charge(1);
    if (value === null) return "None";
    if (typeof value === "boolean") return value ? "True" : "False";
    if (typeof value === "bigint") return this.#integer(value);
    if (typeof value === "number") return floatText(value);
    if (typeof value === "string") {
      this.#work.letters(value.length);
      return quotedText(value);
    }
    if (value instanceof List) return `[${this.#parts(value.items)}]`;
    if (value instanceof Tuple) {
      return value.items.length === 1
        ? `(${this.repr(value.items[0] as Value)},)`
        : `(${this.#parts(value.items)})`;
    }
    if (value instanceof Dict) return `{${this.#pairs(value)}}`;
    if (value instanceof DictView) return `dict_${value.kind}([${this.#parts(value.items)}])`;
    if (value instanceof NumberRange) {
      const step = value.step === 1n ? "" : `, ${value.step}`;
      return `range(${value.start}, ${value.stop}${step})`;
    }
    if (value instanceof Undefined) return "Undefined";
    if (value instanceof Markup) return `Markup(${quotedText(value.text)})`;
    const own = value instanceof Callable || value instanceof Stream
      ? null
      : value.printed((part) => this.repr(part));
    if (own !== null) return own;
    throw new TemplateFault(`a ${typeName(value)} has no text: Python prints where it is in memory`);
  }

  #integer(value: bigint): string {
    const text = String(value);
    // Python refuses to write longer ones, since that takes time with the square of the length.
    if (text.length > 4300) {
      throw new TemplateFault("Exceeds the limit (4300 digits) for integer string conversion");
    }
    return text;
  }

  #parts(items: readonly Value[]): string {
    return items.map((item) => this.repr(item)).join(", ");
  }

  #pairs(dict: Dict): string {
    return dict.entries().map(([key, value]) => `${this.repr(key)}: ${this.repr(value)}`).join(", ");
  }
}
