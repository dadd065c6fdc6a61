import { bound, REQUIRED } from "./_arguments.ts";
import type { Comparer } from "./_comparer.ts";
import { TemplateFault } from "./_faults.ts";
import {
  Callable,
  type CallArguments,
  Dict,
  Instance,
  List,
  NumberRange,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./_values.ts";

/** Pairs of key and value from what Python's `dict(…)` takes. */
export function dictFrom(args: CallArguments, comparer: Comparer): Dict {
  if (args.positional.length > 1) {
    throw new TemplateFault(`dict expected at most 1 argument, got ${args.positional.length}`);
  }
  const [source] = args.positional, entries: (readonly [Value, Value])[] = [];
  if (source instanceof Dict) {
    entries.push(...source.entries());
  } else if (source !== undefined) {
    comparer.list(source).forEach((pair, place) => {
      const [key, value, ...more] = comparer.list(pair);
      if (key === undefined || value === undefined || more.length > 0) {
        throw new TemplateFault(`dictionary update sequence element #${place} has another length than 2`);
      }
      entries.push([key, value]);
    });
  }
  return new Dict([...entries, ...args.named]);
}

/** `dict.fromkeys(…)`: a value for every key. */
export function dictFromKeys(args: CallArguments, comparer: Comparer): Dict {
  const { iterable, value } = bound(args, "fromkeys()", { iterable: REQUIRED, value: null });
  return new Dict(comparer.list(iterable).map((key) => [key, value] as const));
}

/** What `namespace(…)` gives: the one thing whose fields a template can set. */
export class Namespace extends Instance {
  readonly typeName = "Namespace";
  #fields: Dict;

  constructor(fields: Dict) {
    super();
    for (const name of fields.keys()) this.#check(name);
    this.#fields = fields;
  }

  #check(name: Value): void {
    if (typeof name === "string" && name.startsWith("_")) {
      throw new TemplateFault(`a namespace takes no field that begins with an underscore: '${name}'`);
    }
  }

  override attribute(name: string): Value | undefined {
    return this.#fields.get(name);
  }

  /** Sets a field. */
  set(name: string, value: Value): void {
    this.#check(name);
    this.#fields = new Dict([...this.#fields.entries(), [name, value]]);
  }

  override printed(repr: (value: Value) => string): string {
    return `<Namespace ${repr(this.#fields)}>`;
  }
}

/** What `cycler(…)` gives: one of its values after another, again and again. */
export class Cycler extends Instance {
  readonly typeName = "Cycler";
  #place = 0;

  constructor(readonly items: readonly Value[]) {
    super();
    if (items.length === 0) throw new TemplateFault("at least one item has to be provided");
  }

  #current(): Value {
    return this.items[this.#place] as Value;
  }

  override attribute(name: string): Value | undefined {
    if (name === "current") return this.#current();
    if (name === "items") return new Tuple(this.items);
    if (name === "next") {
      return new Callable("next", () => {
        const found = this.#current();
        this.#place = (this.#place + 1) % this.items.length;
        return found;
      });
    }
    if (name !== "reset") return undefined;
    return new Callable("reset", () => {
      this.#place = 0;
      return null;
    });
  }
}

/** What `joiner(…)` gives: nothing the first time it is called, its mark from then on. */
export class Joiner extends Instance {
  readonly typeName = "Joiner";
  #used = false;

  constructor(readonly mark: Value) {
    super();
  }

  override attribute(name: string): Value | undefined {
    return name === "sep" ? this.mark : name === "used" ? this.#used : undefined;
  }

  override callable(): Callable {
    return new Callable("joiner", () => {
      const first = !this.#used;
      this.#used = true;
      return first ? "" : this.mark;
    });
  }
}

/** The variable `loop`. It looks ahead no further than it is asked to, as that of jinja2. */
export class LoopState extends Instance {
  readonly typeName = "LoopContext";
  readonly #depth: number;
  readonly #comparer: Comparer;
  readonly #recurse: ((iterable: Value) => Value) | null;
  #rest: Iterator<Value>;
  #length: number | null;
  #index = -1;
  #before: Value = null;
  #current: Value = null;
  /** The next element where it was asked for already; null when it was not. */
  #ahead: IteratorResult<Value> | null = null;
  #seen: Value | null = null;

  constructor(
    iterable: Value,
    options: {
      readonly comparer: Comparer;
      readonly depth: number;
      /** Renders the loop's body for other elements, where the loop may call itself. */
      readonly recurse: ((iterable: Value) => Value) | null;
    },
  ) {
    super();
    this.#comparer = options.comparer;
    this.#depth = options.depth;
    this.#recurse = options.recurse;
    this.#rest = options.comparer.iterate(iterable);
    this.#length = knownLength(iterable);
  }

  /** The next element, or undefined at the end. */
  next(): Value | undefined {
    const step = this.#ahead ?? this.#rest.next();
    this.#ahead = null;
    if (step.done === true) return undefined;
    this.#index++;
    this.#before = this.#current;
    this.#current = step.value;
    return step.value;
  }

  #peek(): Value | undefined {
    this.#ahead ??= this.#rest.next();
    return this.#ahead.done === true ? undefined : this.#ahead.value;
  }

  #size(): number {
    if (this.#length === null) {
      const ahead = this.#peek(), rest: Value[] = [];
      if (ahead !== undefined) {
        for (let step = this.#rest.next(); step.done !== true; step = this.#rest.next()) {
          rest.push(step.value);
        }
      }
      this.#rest = rest.values();
      this.#length = this.#index + 1 + (ahead === undefined ? 0 : 1) + rest.length;
    }
    return this.#length;
  }

  override attribute(name: string): Value | undefined {
    const index = this.#index;
    switch (name) {
      case "index":
        return BigInt(index + 1);
      case "index0":
        return BigInt(index);
      case "revindex":
        return BigInt(this.#size() - index);
      case "revindex0":
        return BigInt(this.#size() - index - 1);
      case "length":
        return BigInt(this.#size());
      case "first":
        return index === 0;
      case "last":
        return this.#peek() === undefined;
      case "previtem":
        return index === 0 ? new Undefined("there is no previous item") : this.#before;
      case "nextitem":
        return this.#peek() ?? new Undefined("there is no next item");
      case "depth":
        return BigInt(this.#depth + 1);
      case "depth0":
        return BigInt(this.#depth);
      case "cycle":
        return new Callable("cycle", ({ positional }) => {
          if (positional.length === 0) throw new TemplateFault("no items for cycling given");
          return positional[index % positional.length] as Value;
        });
      case "changed":
        return new Callable("changed", ({ positional }) => {
          const values = new Tuple(positional);
          const same = this.#seen !== null && this.#comparer.equal(this.#seen, values);
          this.#seen = values;
          return !same;
        });
    }
    return undefined;
  }

  override printed(): string {
    return `<LoopContext ${this.#index + 1}/${this.#size()}>`;
  }

  override callable(): Callable | null {
    return new Callable("loop", (args) => {
      const { iterable } = bound(args, "loop()", { iterable: REQUIRED });
      if (this.#recurse === null) {
        throw new TemplateFault("The loop must have the 'recursive' marker to be called recursively.");
      }
      return this.#recurse(iterable);
    });
  }
}

/** How many elements a value has, where Python's `len` says so without walking through it. */
function knownLength(value: Value): number | null {
  if (value instanceof List || value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof NumberRange) return value.length;
  return value instanceof Undefined ? 0 : null;
}

/** A macro: a part of the template that can be called. */
export class Macro extends Instance {
  readonly typeName = "Macro";

  constructor(
    readonly name: string | null,
    readonly details: {
      readonly parameters: readonly string[];
      readonly catches: ReadonlySet<string>;
      readonly call: (args: CallArguments) => Value;
    },
  ) {
    super();
  }

  override attribute(name: string): Value | undefined {
    const { parameters, catches } = this.details;
    switch (name) {
      case "name":
        return this.name;
      case "arguments":
        return new Tuple(parameters);
      case "catch_kwargs":
        return catches.has("kwargs");
      case "catch_varargs":
        return catches.has("varargs");
      case "caller":
        return catches.has("caller");
    }
    return undefined;
  }

  override printed(): string {
    return `<Macro ${this.name === null ? "anonymous" : `'${this.name}'`}>`;
  }

  override callable(): Callable {
    return new Callable(this.name ?? "caller", this.details.call);
  }
}

/** What a value of a template can be called as; `TemplateFault` for what cannot. */
export function callableOf(value: Value): Callable {
  if (value instanceof Undefined) value.fail();
  const found = value instanceof Callable ? value : value instanceof Instance ? value.callable() : null;
  if (found === null) throw new TemplateFault(`'${typeName(value)}' object is not callable`);
  return found;
}

/** Whether `is callable` holds. */
export function isCallable(value: Value): boolean {
  return value instanceof Callable || value instanceof Undefined ||
    (value instanceof Instance && value.callable() !== null);
}
