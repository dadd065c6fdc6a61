import { TemplateFault } from "./_faults.ts";

/**
 * A value of a template: Python's None, bool, int, float and str are null, boolean, bigint, number and string here, so
 * that 1 and 1.0 stay two things; the rest are the classes of this file. Nothing of it can be changed but a namespace.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | List
  | Tuple
  | Dict
  | NumberRange
  | DictView
  | Stream
  | Callable
  | Undefined
  | Markup
  | Instance;

/** A list. */
export class List {
  constructor(readonly items: readonly Value[]) {}
}

/** A tuple. */
export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** A tuple whose elements have names as well, such as the groups of `groupby`. */
export class NamedTuple extends Tuple {
  constructor(readonly names: readonly string[], items: readonly Value[]) {
    super(items);
  }
}

/** What stands for a key in a map: equal keys of Python (1, 1.0 and True) are one. */
type Key = string | number | bigint | null | object;

/** The key of a value; `TemplateFault` for lists and dicts, which Python does not hash. */
export function keyOf(value: Value): Key {
  if (typeof value === "string") return value.startsWith("\0") ? `\0s${value}` : value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (value instanceof Tuple) {
    const parts = value.items.map((item) => {
      const key = keyOf(item);
      if (typeof key === "object" && key !== null) {
        throw new TemplateFault("tuples of functions as keys are not supported");
      }
      const text = String(key);
      return `${typeof key}:${text.length}:${text}`;
    });
    return `\0t${parts.join()}`;
  }
  if (value instanceof Markup) return keyOf(value.text);
  if (value instanceof Undefined) return Undefined;
  if (value instanceof List || value instanceof Dict) {
    throw new TemplateFault(`unhashable type: '${typeName(value)}'`);
  }
  return value;
}

/** A dict: keys in the order they were first set in. */
export class Dict {
  readonly #entries = new Map<Key, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) {
      const place = keyOf(key);
      // As in Python, a key that is set again keeps its first spelling.
      this.#entries.set(place, [this.#entries.get(place)?.[0] ?? key, value]);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value of a key, or undefined. */
  get(key: Value): Value | undefined {
    return this.#entries.get(keyOf(key))?.[1];
  }

  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key);
  }

  values(): Value[] {
    return Array.from(this.#entries.values(), ([, value]) => value);
  }

  /** Pairs of key and value. */
  entries(): (readonly [Value, Value])[] {
    return [...this.#entries.values()];
  }

  /** The same as tuples of the template. */
  items(): Tuple[] {
    return this.entries().map((entry) => new Tuple(entry));
  }
}

/** What `keys()`, `values()` and `items()` of a dict give. */
export class DictView {
  constructor(readonly kind: "keys" | "values" | "items", readonly dict: Dict) {}

  get items(): readonly Value[] {
    return this.dict[this.kind]();
  }
}

/** `range(start, stop, step)`; its numbers are made when it is walked through. */
export class NumberRange {
  readonly length: number;

  constructor(readonly start: bigint, readonly stop: bigint, readonly step: bigint) {
    if (step === 0n) throw new TemplateFault("range() arg 3 must not be zero");
    const span = step > 0n ? stop - start : start - stop, size = step > 0n ? step : -step;
    const length = span <= 0n ? 0n : (span + size - 1n) / size;
    // The sandbox of jinja2 has this bound.
    if (length > 100_000n) {
      throw new TemplateFault("Range too big. The sandbox blocks ranges larger than 100000");
    }
    this.length = Number(length);
  }

  at(index: number): bigint {
    return this.start + BigInt(index) * this.step;
  }
}

/** A generator of Python, such as `map` gives: walked through once, and nothing is worked out before it is asked for. */
export class Stream {
  /** `name` is what it is called in a message. */
  constructor(readonly name: string, readonly iterator: Iterator<Value>) {}
}

/** Text that was marked as HTML. It can be printed and joined; no more is supported. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A name, key or attribute that is not there: prints as nothing, is false and empty; anything else is a fault. */
export class Undefined {
  constructor(readonly message: string) {}

  /** Ends what cannot go on. */
  fail(): never {
    throw new TemplateFault(this.message);
  }
}

/** What a call was given. */
export interface CallArguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A function or method. */
export class Callable {
  constructor(readonly name: string, readonly call: (args: CallArguments) => Value) {}
}

/** Any other object: it has attributes and perhaps a printed form. */
export abstract class Instance {
  /** What Python calls its type. */
  abstract readonly typeName: string;

  /** An attribute, or undefined. */
  abstract attribute(name: string): Value | undefined;

  /** What it prints as, from the printed form of what it holds; null where Python prints an address in memory. */
  printed(_repr: (value: Value) => string): string | null {
    return null;
  }

  /** What a call gives; null where it cannot be called. */
  callable(): Callable | null {
    return null;
  }
}

/** The name of a value's type, as Python's messages have it. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "float";
  if (typeof value === "string") return "str";
  if (value instanceof List) return "list";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Dict) return "dict";
  if (value instanceof DictView) return `dict_${value.kind}`;
  if (value instanceof NumberRange) return "range";
  if (value instanceof Stream) return "generator";
  if (value instanceof Callable) return "function";
  if (value instanceof Undefined) return "Undefined";
  return value instanceof Markup ? "Markup" : value.typeName;
}

/** Python's `bool(value)`. */
export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "bigint") return value !== 0n;
  if (typeof value === "number") return value !== 0; // NaN is true in Python
  if (typeof value === "string") return value !== "";
  if (value instanceof List || value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Dict) return value.size > 0;
  if (value instanceof DictView) return value.dict.size > 0;
  if (value instanceof NumberRange) return value.length > 0;
  return value instanceof Markup ? value.text !== "" : true;
}

/** Whether a value is a number of Python: bool, int or float. */
export function isNumber(value: Value): value is boolean | bigint | number {
  return typeof value === "boolean" || typeof value === "bigint" || typeof value === "number";
}

/** An int (True is 1) as bigint, or null for what is none. */
export function intOf(value: Value): bigint | null {
  return typeof value === "bigint" ? value : typeof value === "boolean" ? (value ? 1n : 0n) : null;
}

/**
 * A value from outside as one of a template: whole numbers become ints, since JSON does not tell 1 from 1.0.
 * `TemplateFault` for what JSON does not have.
 */
export function valueFrom(value: unknown): Value {
  if (
    value === null || typeof value === "boolean" || typeof value === "string" || typeof value === "bigint"
  ) {
    return value;
  }
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  }
  if (Array.isArray(value)) return new List(value.map(valueFrom));
  if (typeof value === "object") {
    // A Map keeps the order of keys that look like numbers, an object does not.
    return new Dict(
      [...value instanceof Map ? value : Object.entries(value)].filter(([, part]) => part !== undefined).map((
        [key, part],
      ) => [key, valueFrom(part)]),
    );
  }
  throw new TemplateFault(`a template takes no value of type ${typeof value}`);
}
