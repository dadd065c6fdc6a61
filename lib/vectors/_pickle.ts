/** A value that the pickle of a PyTorch file may hold; anything else ends its reading. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | { readonly kind: "tuple"; readonly items: readonly PickleValue[] }
  | { readonly kind: "dictionary"; readonly entries: (readonly [PickleValue, PickleValue])[] }
  | { readonly kind: "name"; readonly name: string }
  | StoredNumbers
  | PickledTensor;

/** Numbers that lie in a member of the archive. */
export interface StoredNumbers {
  readonly kind: "storage";
  /** The class that holds them, such as `FloatStorage`. */
  readonly type: string;
  /** The member's name below `data/`. */
  readonly key: string;
  readonly count: number;
}

/** A tensor: a view of stored numbers. */
export interface PickledTensor {
  readonly kind: "tensor";
  readonly storage: StoredNumbers;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

const STORAGE = /^torch (\w+Storage)$/, TENSOR = "torch._utils _rebuild_tensor_v2";
const PARAMETER = "torch._utils _rebuild_parameter", ORDERED = "collections OrderedDict";

/** What a pickle says that is not read; the message of a `PickleFault` names it. */
export class PickleFault extends Error {}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isKind<K extends string>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { readonly kind: K }> {
  return typeof value === "object" && value !== null && value.kind === kind;
}

/** Counts of a tuple, such as a shape. */
function countsOf(value: PickleValue | undefined): readonly number[] {
  if (isKind(value, "tuple") && value.items.every(isCount)) return value.items as readonly number[];
  throw new PickleFault("a tensor whose shape is not a tuple of counts");
}

/** `("storage", torch.FloatStorage, key, device, count)`. */
function storageOf(value: PickleValue | undefined): StoredNumbers {
  const [word, type, key, , count] = isKind(value, "tuple") ? value.items : [];
  const found = isKind(type, "name") ? STORAGE.exec(type.name) : null;
  if (word !== "storage" || found === null || typeof key !== "string" || !isCount(count)) {
    throw new PickleFault("a reference to something else than stored numbers");
  }
  return { kind: "storage", type: found[1] as string, key, count };
}

/** What the four callables that a tensor is written with give; no other is known. */
function called(name: string, items: readonly PickleValue[]): PickleValue {
  if (name === ORDERED && items.length === 0) return { kind: "dictionary", entries: [] };
  if (name === PARAMETER && isKind(items[0], "tensor")) return items[0];
  if (name !== TENSOR) throw new PickleFault(`a call of ${JSON.stringify(name.slice(0, 80))}`);
  const [storage, offset, dims, strides] = items;
  if (!isKind(storage, "storage") || !isCount(offset)) {
    throw new PickleFault("a tensor without stored numbers");
  }
  const shape = countsOf(dims), steps = countsOf(strides);
  if (shape.length !== steps.length) {
    throw new PickleFault("a tensor whose shape and strides differ in length");
  }
  return { kind: "tensor", storage, offset, dims: shape, strides: steps };
}

/** Runs the instructions that a dictionary of tensors is written with, on a stack of its own; nothing is imported. */
class PickleMachine {
  readonly #view: DataView;
  #at = 0;
  #stack: (PickleValue | undefined)[] = [];
  /** Where marks are on the stack. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  #step(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#view.byteLength) throw new PickleFault("an end before its end");
    this.#at += bytes;
    return at;
  }

  #text(length: number): string {
    const at = this.#step(length);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(
        new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length),
      );
    } catch {
      throw new PickleFault("text that is not UTF-8");
    }
  }

  /** Letters up to a line's end, as names stand in version 2. */
  #line(): string {
    let end = this.#at;
    while (end < this.#view.byteLength && this.#view.getUint8(end) !== 0x0a) end++;
    const line = this.#text(end - this.#at);
    this.#step(1);
    return line;
  }

  #pop(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw new PickleFault("an empty stack");
    return this.#stack.pop() as PickleValue;
  }

  /** What lies above the last mark. */
  #marked(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new PickleFault("no mark");
    return this.#stack.splice(mark) as PickleValue[];
  }

  #tuple(length: number): void {
    const items: PickleValue[] = [];
    for (let count = 0; count < length; count++) items.unshift(this.#pop());
    this.#stack.push({ kind: "tuple", items });
  }

  #put(place: number): void {
    const value = this.#pop();
    this.#stack.push(value);
    this.#memo.set(place, value);
  }

  #get(place: number): void {
    const value = this.#memo.get(place);
    if (value === undefined) throw new PickleFault("a value that was never kept");
    this.#stack.push(value);
  }

  #setItems(items: readonly PickleValue[]): void {
    const target = this.#pop();
    if (!isKind(target, "dictionary") || items.length % 2 !== 0) {
      throw new PickleFault("items of no dictionary");
    }
    for (let at = 0; at < items.length; at += 2) {
      target.entries.push([items[at] as PickleValue, items[at + 1] as PickleValue]);
    }
    this.#stack.push(target);
  }

  /** The value before STOP, with nothing left beside it or after it. */
  run(): PickleValue {
    const view = this.#view, stack = this.#stack;
    for (;;) {
      const code = view.getUint8(this.#step(1));
      switch (code) {
        case 0x80: { // PROTO
          const version = view.getUint8(this.#step(1));
          if (version > 5) throw new PickleFault(`version ${version}`);
          break;
        }
        case 0x95: // FRAME
          this.#step(8);
          break;
        case 0x28: // MARK
          this.#marks.push(stack.length);
          break;
        case 0x7d: // EMPTY_DICT
          stack.push({ kind: "dictionary", entries: [] });
          break;
        case 0x29: // EMPTY_TUPLE
          stack.push({ kind: "tuple", items: [] });
          break;
        case 0x74: // TUPLE
          stack.push({ kind: "tuple", items: this.#marked() });
          break;
        case 0x85: // TUPLE1
        case 0x86: // TUPLE2
        case 0x87: // TUPLE3
          this.#tuple(code - 0x84);
          break;
        case 0x4e: // NONE
          stack.push(null);
          break;
        case 0x88: // NEWTRUE
          stack.push(true);
          break;
        case 0x89: // NEWFALSE
          stack.push(false);
          break;
        case 0x4a: // BININT
          stack.push(view.getInt32(this.#step(4), true));
          break;
        case 0x4b: // BININT1
          stack.push(view.getUint8(this.#step(1)));
          break;
        case 0x4d: // BININT2
          stack.push(view.getUint16(this.#step(2), true));
          break;
        case 0x58: // BINUNICODE
          stack.push(this.#text(view.getUint32(this.#step(4), true)));
          break;
        case 0x8c: // SHORT_BINUNICODE
          stack.push(this.#text(view.getUint8(this.#step(1))));
          break;
        case 0x63: // GLOBAL
          stack.push({ kind: "name", name: `${this.#line()} ${this.#line()}` });
          break;
        case 0x93: { // STACK_GLOBAL
          const name = this.#pop(), module = this.#pop();
          if (typeof name !== "string" || typeof module !== "string") {
            throw new PickleFault("a name that is no text");
          }
          stack.push({ kind: "name", name: `${module} ${name}` });
          break;
        }
        case 0x51: // BINPERSID
          stack.push(storageOf(this.#pop()));
          break;
        case 0x52: { // REDUCE
          const given = this.#pop(), callable = this.#pop();
          if (!isKind(given, "tuple") || !isKind(callable, "name")) {
            throw new PickleFault("a call of no function");
          }
          stack.push(called(callable.name, given.items));
          break;
        }
        case 0x62: { // BUILD: an ordered dictionary's attributes, as state_dict() leaves them
          if (!isKind(this.#pop(), "dictionary") || !isKind(stack.at(-1), "dictionary")) {
            throw new PickleFault("a state of no dictionary");
          }
          break;
        }
        case 0x73: { // SETITEM
          const value = this.#pop(), key = this.#pop();
          this.#setItems([key, value]);
          break;
        }
        case 0x75: // SETITEMS
          this.#setItems(this.#marked());
          break;
        case 0x71: // BINPUT
          this.#put(view.getUint8(this.#step(1)));
          break;
        case 0x72: // LONG_BINPUT
          this.#put(view.getUint32(this.#step(4), true));
          break;
        case 0x94: // MEMOIZE
          this.#put(this.#memo.size);
          break;
        case 0x68: // BINGET
          this.#get(view.getUint8(this.#step(1)));
          break;
        case 0x6a: // LONG_BINGET
          this.#get(view.getUint32(this.#step(4), true));
          break;
        case 0x2e: { // STOP
          const value = this.#pop();
          if (stack.length > 0 || this.#at < view.byteLength) {
            throw new PickleFault("values beside the first");
          }
          return value;
        }
        default:
          throw new PickleFault(`the instruction 0x${code.toString(16).padStart(2, "0")}`);
      }
    }
  }
}

/**
 * The value of a pickle that holds dictionaries, tuples, texts, whole numbers and tensors alone. Its instructions are
 * followed, as far as `torch.save` writes them for such values (versions 2 to 5); names are compared, never imported,
 * and nothing is called. Throws a `PickleFault` for anything else. Work and memory are bounded by its length.
 *
 * Source: the opcodes of Python's `pickletools`; `_rebuild_tensor_v2` of PyTorch.
 */
export function readPickle(bytes: Uint8Array): PickleValue {
  return new PickleMachine(bytes).run();
}
