import { TemplateFault } from "./_faults.ts";
import { compareText } from "./_letters.ts";
import {
  Dict,
  DictView,
  isNumber,
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

/** Operators that compare two values. */
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

/** A number as JavaScript compares it with others exactly: True is 1. */
function magnitude(value: boolean | bigint | number): bigint | number {
  return typeof value === "boolean" ? (value ? 1n : 0n) : value;
}

type Ordered = "<" | "<=" | ">" | ">=";

/** Compares values as Python does, and walks through what can be walked through. */
export class Comparer {
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  /** One comparison. */
  holds(operator: Comparison, operands: readonly [Value, Value]): boolean {
    const [left, right] = operands;
    switch (operator) {
      case "==":
        return this.equal(left, right);
      case "!=":
        return !this.equal(left, right);
      case "in":
        return this.contains(right, left);
      case "not in":
        return !this.contains(right, left);
      default:
        return this.#ordered(operator, operands);
    }
  }

  /** Python's `==`: numbers by value, texts, lists and dicts by what they hold, anything else by being the same. */
  equal(left: Value, right: Value): boolean {
    this.#work.charge(1);
    if (isNumber(left) && isNumber(right)) {
      const a = magnitude(left), b = magnitude(right);
      // Between an int and a float the loose comparison is the exact one.
      return a == b;
    }
    if (left instanceof Markup) return this.equal(left.text, right);
    if (right instanceof Markup) return this.equal(left, right.text);
    if (typeof left === "string" && typeof right === "string") {
      this.#work.letters(Math.min(left.length, right.length));
      return left === right;
    }
    if (left instanceof Undefined || right instanceof Undefined) {
      return left instanceof Undefined && right instanceof Undefined;
    }
    if (
      (left instanceof List && right instanceof List) || (left instanceof Tuple && right instanceof Tuple)
    ) {
      return left.items.length === right.items.length &&
        left.items.every((item, place) => this.equal(item, right.items[place] as Value));
    }
    if (left instanceof Dict && right instanceof Dict) {
      return left.size === right.size && left.entries().every(([key, value]) => {
        const other = right.get(key);
        return other !== undefined && this.equal(value, other);
      });
    }
    if (left instanceof NumberRange && right instanceof NumberRange) {
      return left.length === right.length && (left.length === 0 ||
        left.start === right.start && (left.length === 1 || left.step === right.step));
    }
    if (left instanceof DictView && right instanceof DictView && left !== right) {
      throw new TemplateFault("comparing what keys(), values() and items() give is not supported");
    }
    return left === right;
  }

  /** Whether one value comes before another in a sorted list; `TemplateFault` where Python has no order for them. */
  before(left: Value, right: Value): boolean {
    return this.#ordered("<", [left, right]);
  }

  #ordered(operator: Ordered, [left, right]: readonly [Value, Value]): boolean {
    this.#work.charge(1);
    if (left instanceof Undefined) left.fail();
    if (right instanceof Undefined) right.fail();
    if (isNumber(left) && isNumber(right)) {
      const a = magnitude(left), b = magnitude(right);
      return operator === "<" ? a < b : operator === "<=" ? a <= b : operator === ">" ? a > b : a >= b;
    }
    if (typeof left === "string" && typeof right === "string") {
      this.#work.letters(Math.min(left.length, right.length));
      return bySign(operator, compareText(left, right));
    }
    const lists = left instanceof List && right instanceof List;
    if (lists || (left instanceof Tuple && right instanceof Tuple)) {
      const [a, b] = [left.items, (right as List | Tuple).items];
      const differs = a.findIndex((item, place) => place >= b.length || !this.equal(item, b[place] as Value));
      if (differs < 0 || differs >= b.length) return bySign(operator, a.length - b.length);
      return this.#ordered(operator, [a[differs] as Value, b[differs] as Value]);
    }
    throw new TemplateFault(
      `'${operator}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`,
    );
  }

  /** Python's `item in container`. */
  contains(container: Value, item: Value): boolean {
    if (typeof container === "string") {
      if (item instanceof Markup) return this.contains(container, item.text);
      if (typeof item !== "string") {
        throw new TemplateFault(`'in <string>' requires string as left operand, not ${typeName(item)}`);
      }
      this.#work.letters(container.length + item.length);
      return container.includes(item);
    }
    if (container instanceof Dict) return container.get(item) !== undefined;
    if (container instanceof DictView && container.kind === "keys") {
      return container.dict.get(item) !== undefined;
    }
    for (const part of this.iterate(container, "argument of type")) if (this.equal(part, item)) return true;
    return false;
  }

  /** The elements of a value, one step of work each; `TemplateFault` for what has none. */
  *iterate(value: Value, refusal = ""): Generator<Value> {
    if (value instanceof Undefined) return;
    if (value instanceof Stream) {
      for (let step = value.iterator.next(); step.done !== true; step = value.iterator.next()) {
        this.#work.charge(1);
        yield step.value;
      }
      return;
    }
    if (value instanceof NumberRange) {
      for (let place = 0; place < value.length; place++) {
        this.#work.charge(1);
        yield value.at(place);
      }
      return;
    }
    const items = typeof value === "string"
      ? value
      : value instanceof List || value instanceof Tuple || value instanceof DictView
      ? value.items
      : value instanceof Dict
      ? value.keys()
      : null;
    if (items === null) {
      const what = refusal === "" ? `'${typeName(value)}' object` : `${refusal} '${typeName(value)}'`;
      throw new TemplateFault(`${what} is not iterable`);
    }
    for (const item of items) {
      this.#work.charge(1);
      yield item;
    }
  }

  /** The elements of a value as a list. */
  list(value: Value): Value[] {
    return [...this.iterate(value)];
  }

  /**
   * The elements in Python's stable order, each by its key; with `reverse`, largest first and equal ones still in the
   * order they came in.
   */
  sorted(
    items: readonly Value[],
    options: { readonly key?: (item: Value) => Value; readonly reverse?: boolean } = {},
  ): Value[] {
    const { key = (item) => item, reverse = false } = options;
    const keyed = items.map((item) => ({ item, key: key(item) }));
    keyed.sort((a, b) => {
      const [low, high] = reverse ? [b, a] : [a, b];
      return this.before(low.key, high.key) ? -1 : this.before(high.key, low.key) ? 1 : 0;
    });
    return keyed.map(({ item }) => item);
  }
}

function bySign(operator: Ordered, sign: number): boolean {
  return operator === "<"
    ? sign < 0
    : operator === "<="
    ? sign <= 0
    : operator === ">"
    ? sign > 0
    : sign >= 0;
}
