import { bound, countArgument, REQUIRED } from "./_arguments.ts";
import { TemplateFault } from "./_faults.ts";
import type { FieldAccess } from "./_formatting.ts";
import { dictFromKeys } from "./_instances.ts";
import { lengthOf, lettersOf } from "./_letters.ts";
import { TEXT_METHODS } from "./_text_methods.ts";
import type { Methods, OwnTools } from "./_tools.ts";
import {
  Callable,
  Dict,
  DictView,
  Instance,
  intOf,
  isNumber,
  List,
  Markup,
  NamedTuple,
  NumberRange,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./_values.ts";

/** A value of which `items` can be counted and compared. */
type Sequence = List | Tuple | NumberRange;

function elements(sequence: Sequence): readonly Value[] {
  return sequence instanceof NumberRange
    ? Array.from({ length: sequence.length }, (_, place) => sequence.at(place))
    : sequence.items;
}

/** A method without arguments. */
function own<T>(name: string, make: (self: T) => Value): Methods<T>[string] {
  return ({ self, args }) => {
    bound(args, `${name}()`, {});
    return make(self);
  };
}

const SEQUENCE_METHODS: Methods<Sequence> = {
  count({ self, args, tools }) {
    const { value } = bound(args, "count()", { value: REQUIRED });
    return BigInt(elements(self).filter((item) => tools.comparer.equal(item, value)).length);
  },
  index({ self, args, tools }) {
    const { value, start, stop } = bound(args, "index()", { value: REQUIRED, start: 0n, stop: null });
    const items = elements(self);
    const place = (given: Value, absent: number): number => {
      const at = given === null ? absent : countArgument(given, "slice indices");
      return at < 0 ? Math.max(at + items.length, 0) : Math.min(at, items.length);
    };
    for (let at = place(start, 0); at < place(stop, items.length); at++) {
      if (tools.comparer.equal(items[at] as Value, value)) return BigInt(at);
    }
    throw new TemplateFault(`${tools.printer.repr(value)} is not in ${typeName(self)}`);
  },
};

const LIST_METHODS: Methods<List> = { ...SEQUENCE_METHODS, copy: own("copy", (self) => self) };

const DICT_METHODS: Methods<Dict> = {
  copy: own("copy", (self) => self),
  fromkeys: ({ args, tools }) => dictFromKeys(args, tools.comparer),
  get({ self, args }) {
    const { key, default: absent } = bound(args, "get()", { key: REQUIRED, default: null });
    return self.get(key) ?? absent;
  },
  items: own("items", (self) => new DictView("items", self)),
  keys: own("keys", (self) => new DictView("keys", self)),
  values: own("values", (self) => new DictView("values", self)),
};

/** Methods that would change what they belong to: the sandbox lets nobody have them. */
const CHANGING: Readonly<Record<string, readonly string[]>> = {
  list: ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"],
  dict: ["clear", "pop", "popitem", "setdefault", "update"],
};

const NUMBER_METHODS: Methods<boolean | bigint | number> = {
  is_integer: own("is_integer", (self) => typeof self !== "number" || Number.isInteger(self)),
};

/** The values that attributes of plain objects have, methods aside. */
function plainAttribute(value: Value, name: string): Value | undefined {
  if (value instanceof NumberRange && (name === "start" || name === "stop" || name === "step")) {
    return value[name];
  }
  if (value instanceof NamedTuple) {
    const place = value.names.indexOf(name);
    return place < 0 ? undefined : value.items[place];
  }
  if (typeof value === "number") return name === "real" ? value : name === "imag" ? 0 : undefined;
  const whole = intOf(value);
  if (whole === null) return undefined;
  return name === "real" || name === "numerator"
    ? whole
    : name === "imag"
    ? 0n
    : name === "denominator"
    ? 1n
    : undefined;
}

/** What Python calls an object in jinja2's messages about what it lacks. */
function objectName(value: Value): string {
  return value === null ? "None" : `${typeName(value)} object`;
}

/** Reaches into values as jinja2's sandbox does. */
export class Access implements FieldAccess {
  readonly #tools: OwnTools;

  constructor(tools: OwnTools) {
    this.#tools = tools;
  }

  /** `value.name`: an attribute or method, else what stands under that key. */
  attribute(value: Value, name: string): Value {
    if (value instanceof Undefined) value.fail();
    const own = this.#own(value, name);
    if (own !== undefined) return own;
    if (value instanceof Dict) {
      const found = value.get(name);
      if (found !== undefined) return found;
    }
    return new Undefined(`'${objectName(value)}' has no attribute '${name}'`);
  }

  /** An attribute or method, without what stands under keys; undefined where there is none. */
  #own(value: Value, name: string): Value | undefined {
    const type = typeName(value);
    if (/^__\w+__$/.test(name) || CHANGING[type]?.includes(name)) {
      return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`);
    }
    if (value instanceof Instance) return value.attribute(name);
    const method = typeof value === "string"
      ? this.#method(value, { name, methods: TEXT_METHODS })
      : value instanceof List
      ? this.#method(value, { name, methods: LIST_METHODS })
      : value instanceof Tuple || value instanceof NumberRange
      ? this.#method(value, { name, methods: SEQUENCE_METHODS })
      : value instanceof Dict
      ? this.#method(value, { name, methods: DICT_METHODS })
      : isNumber(value)
      ? this.#method(value, { name, methods: NUMBER_METHODS })
      : undefined;
    if (value instanceof Markup) throw new TemplateFault("methods of text marked as HTML are not supported");
    return plainAttribute(value, name) ?? method;
  }

  #method<T extends Value>(
    self: T,
    options: { readonly name: string; readonly methods: Methods<T> },
  ): Callable | undefined {
    const { name, methods } = options;
    if (!Object.hasOwn(methods, name)) return undefined;
    const method = methods[name] as Methods<T>[string];
    return new Callable(name, (args) => method({ self, args, tools: { ...this.#tools, access: this } }));
  }

  /** `value[key]`: an element or what stands under a key, else an attribute of that name. */
  item(value: Value, key: Value): Value {
    if (value instanceof Undefined) value.fail();
    const found = this.#element(value, key);
    if (found !== undefined) return found;
    if (typeof key === "string") {
      const own = this.#own(value, key);
      if (own !== undefined) return own;
      return new Undefined(`'${objectName(value)}' has no attribute '${key}'`);
    }
    return new Undefined(`${objectName(value)} has no element ${this.#tools.printer.repr(key)}`);
  }

  #element(value: Value, key: Value): Value | undefined {
    if (value instanceof Dict) {
      // A key that cannot be one, such as a list, is one that is not there.
      return key instanceof List || key instanceof Dict ? undefined : value.get(key);
    }
    const whole = intOf(key);
    if (whole === null) return undefined;
    const at = (length: number): number => Number(whole < 0n ? whole + BigInt(length) : whole);
    if (value instanceof List || value instanceof Tuple) return value.items[at(value.items.length)];
    if (value instanceof NumberRange) {
      const place = at(value.length);
      return place >= 0 && place < value.length ? value.at(place) : undefined;
    }
    if (typeof value !== "string") return undefined;
    this.#tools.work.letters(value.length);
    const place = at(lengthOf(value));
    return place < 0 ? undefined : lettersOf(value)[place];
  }

  /** `value[start:stop:step]`. */
  slice(value: Value, limits: { readonly start: Value; readonly stop: Value; readonly step: Value }): Value {
    if (value instanceof Undefined) value.fail();
    const letters = typeof value === "string" ? lettersOf(value) : null;
    const length = letters?.length ??
      (value instanceof List || value instanceof Tuple
        ? value.items.length
        : value instanceof NumberRange
        ? value.length
        : -1);
    if (length < 0) throw new TemplateFault(`'${typeName(value)}' object is not subscriptable`);
    const places = placesOf(length, limits);
    if (typeof value === "string") this.#tools.work.letters(value.length);
    this.#tools.work.elements(places.length);
    if (letters !== null) return places.map((place) => letters[place]).join("");
    if (value instanceof NumberRange) {
      const step = value.step * BigInt(places.step), start = value.at(places[0] ?? 0);
      return new NumberRange(start, start + step * BigInt(places.length), step);
    }
    const items = places.map((place) => (value as List | Tuple).items[place] as Value);
    return value instanceof List ? new List(items) : new Tuple(items);
  }
}

/** The places that a slice of Python picks, and its step. */
function placesOf(
  length: number,
  limits: { readonly start: Value; readonly stop: Value; readonly step: Value },
): number[] & { step: number } {
  const whole = (value: Value, absent: number): number => {
    if (value === null) return absent;
    if (intOf(value) === null) {
      throw new TemplateFault("slice indices must be integers or None or have an __index__ method");
    }
    return countArgument(value, "slice indices");
  };
  const step = whole(limits.step, 1);
  if (step === 0) throw new TemplateFault("slice step cannot be zero");
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const place = (value: Value, absent: number): number => {
    const index = whole(value, absent);
    const from = value !== null && index < 0 ? index + length : index;
    return Math.min(Math.max(from, low), high);
  };
  const start = place(limits.start, step > 0 ? low : high), stop = place(limits.stop, step > 0 ? high : low);
  const count = Math.max(Math.ceil((stop - start) / step), 0);
  return Object.assign(Array.from({ length: count }, (_, turn) => start + turn * step), { step });
}
