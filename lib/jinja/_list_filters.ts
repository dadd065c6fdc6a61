import { bound, countArgument, REQUIRED, textArgument } from "./_arguments.ts";
import { Arithmetic, divided } from "./_arithmetic.ts";
import { TemplateFault } from "./_faults.ts";
import type { OperationCall } from "./_operation.ts";
import { lengthOf, lettersOf } from "./_letters.ts";
import { joinedTexts } from "./_text_methods.ts";
import type { Tools } from "./_tools.ts";
import {
  Dict,
  DictView,
  Instance,
  isTrue,
  keyOf,
  List,
  Markup,
  NamedTuple,
  NumberRange,
  Stream,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./_values.ts";

type Filter = (call: OperationCall) => Value;

/** Texts compare without regard to capitals where a filter says no more. */
function withoutCase(value: Value): Value {
  return typeof value === "string" ? value.toLowerCase() : value;
}

/** How a filter reaches what its `attribute` names: `address.city`, `0.name`. */
function getter(
  attribute: Value,
  options: { readonly tools: Tools; readonly absent?: Value; readonly foldCase?: boolean },
): (item: Value) => Value {
  const { tools, absent = null, foldCase = false } = options;
  const parts: Value[] = attribute === null
    ? []
    : typeof attribute === "string"
    ? attribute.split(".").map((part) => /^\d+$/.test(part) ? BigInt(part) : part)
    : [attribute];
  return (item) => {
    let found = item;
    for (const part of parts) {
      found = tools.access.item(found, part);
      if (found instanceof Undefined && absent !== null) found = absent;
    }
    return foldCase ? withoutCase(found) : found;
  };
}

/** Python's `len`. */
export function countOf(value: Value): number {
  if (typeof value === "string") return lengthOf(value);
  if (value instanceof Undefined) return 0;
  if (value instanceof List || value instanceof Tuple || value instanceof DictView) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof NumberRange) return value.length;
  if (value instanceof Markup) return lengthOf(value.text);
  const own = value instanceof Instance ? value.attribute("length") : undefined;
  if (typeof own === "bigint") return Number(own);
  throw new TemplateFault(`object of type '${typeName(value)}' has no len()`);
}

/** Elements from the last to the first; null for what Python cannot walk through backwards. */
function backwards({ value, tools }: OperationCall): Value[] | null {
  const walkable = typeof value === "string" || value instanceof List || value instanceof Tuple ||
    value instanceof Dict || value instanceof DictView || value instanceof NumberRange ||
    value instanceof Undefined;
  return walkable ? tools.comparer.list(value).reverse() : null;
}

function batch(call: OperationCall): Value {
  const { linecount, fill_with } = bound(call.args, "batch()", { linecount: REQUIRED, fill_with: null });
  return new Stream("batch", batches(call, { linecount, fill_with }));
}

function* batches(
  { value, tools }: OperationCall,
  { linecount, fill_with }: { readonly linecount: Value; readonly fill_with: Value },
): Generator<Value> {
  const size = countArgument(linecount, "linecount");
  let batch: Value[] = [];
  for (const item of tools.comparer.iterate(value)) {
    if (batch.length === size) {
      yield new List(batch);
      batch = [];
    }
    batch.push(item);
  }
  if (batch.length === 0) return;
  const missing = fill_with === null ? 0 : Math.max(size - batch.length, 0);
  tools.work.elements(missing);
  yield new List([...batch, ...Array.from({ length: missing }, () => fill_with)]);
}

function slice(call: OperationCall): Value {
  const { slices, fill_with } = bound(call.args, "slice()", { slices: REQUIRED, fill_with: null });
  return new Stream("slice", parts(call, { slices, fill_with }));
}

function* parts(
  { value, tools }: OperationCall,
  { slices, fill_with }: { readonly slices: Value; readonly fill_with: Value },
): Generator<Value> {
  const items = tools.comparer.list(value), count = countArgument(slices, "slices");
  if (count === 0) throw new TemplateFault("integer division or modulo by zero");
  const { quotient, rest } = divided(BigInt(items.length), BigInt(count));
  const [size, longer] = [Number(quotient), Number(rest)];
  let from = 0;
  for (let number = 0; number < count; number++) {
    tools.work.charge(1);
    const to = from + size + (number < longer ? 1 : 0), part = items.slice(from, to);
    yield new List(fill_with !== null && number >= longer ? [...part, fill_with] : part);
    from = to;
  }
}

function* mapped(call: OperationCall): Generator<Value> {
  const { value, args, tools, library } = call;
  if (!isTrue(value)) return;
  let make: (item: Value) => Value;
  if (args.positional.length === 0 && args.named.has("attribute")) {
    const { attribute, default: absent } = bound(args, "map()", { attribute: REQUIRED, default: null });
    make = getter(attribute, { tools, absent });
  } else {
    const [name, ...positional] = args.positional;
    if (name === undefined) throw new TemplateFault("map requires a filter argument");
    const filter = textArgument(name, "the name of a filter");
    make = (item) => library.filter(filter, { value: item, args: { positional, named: args.named } });
  }
  for (const item of tools.comparer.iterate(value)) yield make(item);
}

/** `select`, `reject` and their kin: elements that, or of which an attribute, passes a test or is true. */
function* chosen(
  call: OperationCall,
  options: { readonly keep: boolean; readonly ofAttribute: boolean },
): Generator<Value> {
  const { value, args, tools, library } = call, { keep, ofAttribute } = options;
  if (!isTrue(value)) return;
  const positional = [...args.positional];
  if (ofAttribute && positional.length === 0) throw new TemplateFault("Missing parameter for attribute name");
  const read = ofAttribute ? getter(positional.shift() as Value, { tools }) : (item: Value) => item;
  const name = positional.shift();
  const passes = name === undefined
    ? isTrue
    : (item: Value) =>
      library.test(textArgument(name, "the name of a test"), {
        value: item,
        args: { positional, named: args.named },
      });
  for (const item of tools.comparer.iterate(value)) if (passes(read(item)) === keep) yield item;
}

function unique({ value, args, tools }: OperationCall): Value {
  const { case_sensitive, attribute } = bound(args, "unique()", { case_sensitive: false, attribute: null });
  const read = getter(attribute, { tools, foldCase: !isTrue(case_sensitive) });
  return new Stream("unique", firstOfEach(tools.comparer.iterate(value), read));
}

function* firstOfEach(items: Iterable<Value>, read: (item: Value) => Value): Generator<Value> {
  const seen = new Set<unknown>();
  for (const item of items) {
    const key = keyOf(read(item));
    if (seen.has(key)) continue;
    seen.add(key);
    yield item;
  }
}

function sort({ value, args, tools }: OperationCall): Value {
  const { reverse, case_sensitive, attribute } = bound(args, "sort()", {
    reverse: false,
    case_sensitive: false,
    attribute: null,
  });
  const parts: Value[] = typeof attribute === "string" ? attribute.split(",") : [attribute];
  const readers = parts.map((part) => getter(part, { tools, foldCase: !isTrue(case_sensitive) }));
  return new List(tools.comparer.sorted(tools.comparer.list(value), {
    key: (item) => new List(readers.map((read) => read(item))),
    reverse: countArgument(reverse, "reverse") !== 0,
  }));
}

function extreme({ value, args, tools }: OperationCall, wanted: "min" | "max"): Value {
  const { case_sensitive, attribute } = bound(args, `${wanted}()`, {
    case_sensitive: false,
    attribute: null,
  });
  const read = getter(attribute, { tools, foldCase: !isTrue(case_sensitive) });
  const [first, ...rest] = tools.comparer.list(value);
  if (first === undefined) return new Undefined("No aggregated item, sequence was empty.");
  let best = first, key = read(first);
  for (const item of rest) {
    const own = read(item);
    if (wanted === "min" ? tools.comparer.before(own, key) : tools.comparer.before(key, own)) {
      [best, key] = [item, own];
    }
  }
  return best;
}

function sum({ value, args, tools }: OperationCall): Value {
  const { attribute, start } = bound(args, "sum()", { attribute: null, start: 0n });
  const read = getter(attribute, { tools }), arithmetic = new Arithmetic(tools);
  if (typeof start === "string") {
    throw new TemplateFault("sum() can't sum strings [use ''.join(seq) instead]");
  }
  let total: Value = start;
  for (const item of tools.comparer.iterate(value)) total = arithmetic.binary("+", [total, read(item)]);
  return total;
}

function groupby({ value, args, tools }: OperationCall): Value {
  const { attribute, default: absent, case_sensitive } = bound(args, "groupby()", {
    attribute: REQUIRED,
    default: null,
    case_sensitive: false,
  });
  const exact = isTrue(case_sensitive);
  const key = getter(attribute, { tools, absent, foldCase: !exact }),
    shown = getter(attribute, { tools, absent });
  const groups: { readonly key: Value; readonly items: Value[] }[] = [];
  for (const item of tools.comparer.sorted(tools.comparer.list(value), { key })) {
    const own = key(item), last = groups.at(-1);
    if (last !== undefined && tools.comparer.equal(last.key, own)) last.items.push(item);
    else groups.push({ key: own, items: [item] });
  }
  return new List(
    groups.map(({ key: own, items }) =>
      new NamedTuple(["grouper", "list"], [exact ? own : shown(items[0] as Value), new List(items)])
    ),
  );
}

function dictsort({ value, args, tools }: OperationCall): Value {
  const { case_sensitive, by, reverse } = bound(args, "dictsort()", {
    case_sensitive: false,
    by: "key",
    reverse: false,
  });
  if (by !== "key" && by !== "value") throw new TemplateFault('You can only sort by either "key" or "value"');
  if (value instanceof Undefined) value.fail();
  if (!(value instanceof Dict)) {
    throw new TemplateFault(`'${typeName(value)}' object has no attribute 'items'`);
  }
  const place = by === "key" ? 0 : 1;
  return new List(tools.comparer.sorted(value.items(), {
    key: (pair) => {
      const own = (pair as Tuple).items[place] as Value;
      return isTrue(case_sensitive) ? own : withoutCase(own);
    },
    reverse: countArgument(reverse, "reverse") !== 0,
  }));
}

function join({ value, args, tools }: OperationCall): Value {
  const { d, attribute } = bound(args, "join()", { d: "", attribute: null });
  const read = getter(attribute, { tools });
  const parts = tools.comparer.list(value).map((item) => tools.printer.text(read(item)));
  return joinedTexts(parts, { mark: tools.printer.text(d), tools });
}

function first({ value, args, tools }: OperationCall): Value {
  bound(args, "first()", {});
  for (const item of tools.comparer.iterate(value)) return item;
  return new Undefined("No first item, sequence was empty.");
}

function last(call: OperationCall): Value {
  bound(call.args, "last()", {});
  const items = backwards(call);
  if (items === null) throw new TemplateFault(`'${typeName(call.value)}' object is not reversible`);
  return items[0] ?? new Undefined("No last item, sequence was empty.");
}

function reverse(call: OperationCall): Value {
  bound(call.args, "reverse()", {});
  const { value, tools } = call;
  if (typeof value === "string") {
    tools.work.letters(value.length);
    return [...lettersOf(value)].reverse().join("");
  }
  const items = backwards(call);
  // What cannot be walked through backwards is made a list first.
  return items === null
    ? new List(tools.comparer.list(value).reverse())
    : new Stream("reversed", items.values());
}

function* pairs(value: Value): Generator<Value> {
  if (value instanceof Undefined) return;
  if (!(value instanceof Dict)) throw new TemplateFault("Can only get item pairs from a mapping.");
  yield* value.items();
}

function attr({ value, args, tools }: OperationCall): Value {
  const { name } = bound(args, "attr()", { name: REQUIRED });
  if (value instanceof Undefined) value.fail();
  const found = tools.access.attribute(value, textArgument(name, "name"));
  // Unlike a dot, it does not look for keys.
  const ofKey = value instanceof Dict && value.get(name) === found;
  return ofKey ? new Undefined(`'dict object' has no attribute '${String(name)}'`) : found;
}

function length({ value, args }: OperationCall): Value {
  bound(args, "length()", {});
  return BigInt(countOf(value));
}

/** Filters whose operand has elements. */
export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  attr,
  batch,
  count: length,
  dictsort,
  first,
  groupby,
  items({ value, args }) {
    bound(args, "items()", {});
    return new Stream("items", pairs(value));
  },
  join,
  last,
  length,
  list({ value, args, tools }) {
    bound(args, "list()", {});
    return new List(tools.comparer.list(value));
  },
  map: (call) => new Stream("map", mapped(call)),
  max: (call) => extreme(call, "max"),
  min: (call) => extreme(call, "min"),
  reject: (call) => new Stream("reject", chosen(call, { keep: false, ofAttribute: false })),
  rejectattr: (call) => new Stream("rejectattr", chosen(call, { keep: false, ofAttribute: true })),
  reverse,
  select: (call) => new Stream("select", chosen(call, { keep: true, ofAttribute: false })),
  selectattr: (call) => new Stream("selectattr", chosen(call, { keep: true, ofAttribute: true })),
  slice,
  sort,
  sum,
  unique,
};
