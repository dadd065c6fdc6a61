import { InputError } from "../../core/mod.ts";
import { quoted } from "../files/_json_file.ts";
import { GGUF_BLOCKS, GGUF_TYPE_NAMES, type GgufType, isGgufType } from "./_gguf_blocks.ts";
import { formatDims } from "../files/_safetensors_header.ts";
import type { ByteSource } from "../files/byte_source.ts";

/** A value of the metadata. Whole numbers beyond 2^53 are bigint. */
export type GgufScalar = number | bigint | boolean | string;

/** A value of the metadata, or a list of values of one type. */
export type GgufValue = GgufScalar | readonly GgufScalar[];

/** A tensor of the file, checked against it. */
export interface GgufTensor {
  /** The name in the file. */
  readonly name: string;
  /** Type of its blocks of numbers. */
  readonly type: GgufType;
  /** Its shape in row-major order, as everywhere here; the format writes it the other way round. */
  readonly dims: readonly number[];
  /** Byte offset of its first block in the file. */
  readonly offset: number;
  /** Bytes of all its blocks. */
  readonly length: number;
}

/** What a GGUF file says of itself, checked against its length. */
export interface GgufHeader {
  /** The file's name in messages. */
  readonly where: string;
  /** Values by key, in the order of the file. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** What a file may ask for; each is several times what the largest published files have. */
export const GGUF_LIMITS = {
  /** All before the weights; vocabularies of 260 thousand tokens with merges take 12 megabytes. */
  headerBytes: 2 ** 27,
  pairs: 2 ** 12,
  tensors: 2 ** 16,
  /** A key, or the name of a tensor. */
  nameBytes: 2 ** 10,
  /** One text, such as a chat template. */
  textBytes: 2 ** 22,
  /** Values of one list. */
  values: 2 ** 21,
} as const;

const REPAIR = "fetch the file again";
const WINDOW = 2 ** 20;
const DEFAULT_ALIGNMENT = 32;
const TEXT = 8, LIST = 9;

const SCALARS = new Map<number, { readonly bytes: number; readonly read: (view: DataView) => GgufScalar }>([
  [0, { bytes: 1, read: (view) => view.getUint8(0) }],
  [1, { bytes: 1, read: (view) => view.getInt8(0) }],
  [2, { bytes: 2, read: (view) => view.getUint16(0, true) }],
  [3, { bytes: 2, read: (view) => view.getInt16(0, true) }],
  [4, { bytes: 4, read: (view) => view.getUint32(0, true) }],
  [5, { bytes: 4, read: (view) => view.getInt32(0, true) }],
  [6, { bytes: 4, read: (view) => view.getFloat32(0, true) }],
  [7, { bytes: 1, read: (view) => view.getUint8(0) !== 0 }],
  [10, { bytes: 8, read: (view) => exact(view.getBigUint64(0, true)) }],
  [11, { bytes: 8, read: (view) => exact(view.getBigInt64(0, true)) }],
  [12, { bytes: 8, read: (view) => view.getFloat64(0, true) }],
]);

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Reads the header from its start to its end; nothing past the file or the limits is asked for. */
class HeaderReader {
  readonly where: string;
  at = 0;
  readonly #source: ByteSource;
  #window = new Uint8Array();
  #from = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(source: ByteSource, where: string) {
    this.where = where;
    this.#source = source;
  }

  fault(what: string, repair: string = REPAIR): InputError {
    return new InputError(what, { where: this.where, repair });
  }

  /** The next bytes; `what` they belong to is named where the file ends before they do. */
  take(length: number, what: string): Uint8Array<ArrayBuffer> {
    const end = this.at + length;
    if (end > this.#source.bytes) {
      throw this.fault(`the file of ${this.#source.bytes} bytes ends inside ${what}`);
    }
    if (end > GGUF_LIMITS.headerBytes) {
      throw this.fault(`the header has more bytes than the limit ${GGUF_LIMITS.headerBytes}`);
    }
    if (end > this.#from + this.#window.length) {
      const size = Math.min(Math.max(length, WINDOW), this.#source.bytes - this.at);
      this.#window = this.#source.read(this.at, size);
      this.#from = this.at;
    }
    const bytes = this.#window.subarray(this.at - this.#from, end - this.#from);
    this.at = end;
    return bytes;
  }

  #view(length: number, what: string): DataView {
    const bytes = this.take(length, what);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  number32(what: string): number {
    return this.#view(4, what).getUint32(0, true);
  }

  /** A count of 64 bits, refused above `limit`. */
  count(what: string, limit: number): number {
    const view = this.#view(8, what);
    // Exact up to 2^53, and above every limit beyond it.
    const value = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
    if (value > limit) throw this.fault(`${what} is ${value}, more than the limit ${limit}`);
    return value;
  }

  text(what: string, limit: number): string {
    const length = this.count(`the length of ${what}`, limit);
    try {
      return this.#decoder.decode(this.take(length, what));
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw this.fault(`${what} is not valid UTF-8`);
    }
  }

  #scalar(type: number, what: string): GgufScalar {
    if (type === TEXT) return this.text(what, GGUF_LIMITS.textBytes);
    const kind = SCALARS.get(type);
    if (kind === undefined) throw this.fault(`${what} has the unknown type ${type}`);
    const view = this.#view(kind.bytes, what);
    if (type === 7 && view.getUint8(0) > 1) throw this.fault(`${what} is neither true nor false`);
    return kind.read(view);
  }

  /** A value with its type before it. */
  value(what: string): GgufValue {
    const type = this.number32(`the type of ${what}`);
    if (type !== LIST) return this.#scalar(type, what);
    const inner = this.number32(`the type of ${what}`);
    if (inner === LIST) throw this.fault(`${what} is a list of lists`);
    const length = this.count(`the length of ${what}`, GGUF_LIMITS.values);
    const smallest = inner === TEXT ? 8 : SCALARS.get(inner)?.bytes ?? 1;
    // Before anything is built: a list cannot have more values than the rest of the file has room for.
    if (length * smallest > this.#source.bytes - this.at) {
      throw this.fault(`${what} claims ${length} values, more than the file holds`);
    }
    return Array.from({ length }, () => this.#scalar(inner, what));
  }
}

/** Number, size and place of a tensor as the header states them; the place is relative to the weights. */
function readTensor(reader: HeaderReader): GgufTensor {
  const name = reader.text("the name of a tensor", GGUF_LIMITS.nameBytes), what = `tensor ${quoted(name)}`;
  const rank = reader.number32(what);
  if (rank < 1 || rank > 4) throw reader.fault(`${what} has ${rank} dimensions`);
  const dims: number[] = [];
  let elements = 1;
  for (let axis = 0; axis < rank; axis++) {
    const dim = reader.count(`a dimension of ${what}`, 2 ** 40);
    elements *= dim;
    dims.unshift(dim);
  }
  const number = reader.number32(what),
    offset = reader.count(`the offset of ${what}`, Number.MAX_SAFE_INTEGER);
  const type = GGUF_TYPE_NAMES.get(number);
  if (!isGgufType(type)) {
    const known = Object.keys(GGUF_BLOCKS).join(", ");
    throw reader.fault(
      `${what} has the ${
        type === undefined ? `unknown type ${number}` : `type ${type}`
      }, where one of ${known} is read`,
      type === undefined ? REPAIR : "use a file of the model in another quantisation",
    );
  }
  const { elements: perBlock, bytes } = GGUF_BLOCKS[type];
  if (elements === 0 || !Number.isSafeInteger(elements) || (dims.at(-1) as number) % perBlock !== 0) {
    throw reader.fault(
      `${what} has the shape ${formatDims(dims)}, where rows of ${type} are multiples of ${perBlock}`,
    );
  }
  return { name, type, dims, offset, length: elements / perBlock * bytes };
}

/** Where each tensor lies: one after the other, each at the next multiple of the alignment, and nothing after the last. */
function placed(
  tensors: readonly GgufTensor[],
  options: { readonly reader: HeaderReader; readonly alignment: number; readonly bytes: number },
): ReadonlyMap<string, GgufTensor> {
  const { reader, alignment, bytes } = options;
  const aligned = (offset: number) => Math.ceil(offset / alignment) * alignment;
  const start = aligned(reader.at), result = new Map<string, GgufTensor>();
  let next = 0, end = 0;
  for (const tensor of tensors) {
    const { name, offset, length } = tensor, what = `tensor ${quoted(name)}`;
    if (result.has(name)) throw reader.fault(`${what} stands twice`);
    if (offset !== next) throw reader.fault(`${what} starts at ${offset} of the weights, expected ${next}`);
    end = offset + length;
    next = aligned(end);
    result.set(name, { ...tensor, offset: start + offset });
  }
  if (start + end > bytes) {
    throw reader.fault(`the file is cut short: its tensors need ${start + end} bytes, it has ${bytes}`);
  }
  if (start + next < bytes) {
    throw reader.fault(
      `the file has bytes of no tensor: its tensors need ${start + end} bytes, it has ${bytes}`,
    );
  }
  return result;
}

/**
 * Parses the header of a GGUF file (versions 2 and 3, little-endian). Everything is checked before it is used: lengths
 * against the file and the limits, texts, keys and names that stand twice, types, shapes, and that the tensors fill the
 * rest of the file without gap or overlap. `InputError` on any fault.
 */
export function parseGgufHeader(source: ByteSource, options: { readonly where: string }): GgufHeader {
  const reader = new HeaderReader(source, options.where);
  const magic = source.bytes < 4 ? "" : String.fromCharCode(...reader.take(4, "its first bytes"));
  if (magic !== "GGUF") throw reader.fault("not a GGUF file", "pass a file that ends in .gguf");
  const version = reader.number32("its version");
  if (version !== 2 && version !== 3) {
    const swapped = (version & 0xffff) === 0 && version !== 0;
    const kind = swapped ? "is big-endian" : `has the version ${version}`;
    throw reader.fault(
      `the GGUF file ${kind}, where little-endian files of version 2 or 3 are read`,
      "convert the model again",
    );
  }
  const tensorCount = reader.count("the number of tensors", GGUF_LIMITS.tensors);
  const pairs = reader.count("the number of metadata values", GGUF_LIMITS.pairs);
  const metadata = new Map<string, GgufValue>();
  for (let pair = 0; pair < pairs; pair++) {
    const key = reader.text("a key of the metadata", GGUF_LIMITS.nameBytes);
    if (metadata.has(key)) throw reader.fault(`the metadata has ${quoted(key)} twice`);
    metadata.set(key, reader.value(quoted(key)));
  }
  const alignment = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  if (
    typeof alignment !== "number" || alignment < 8 || alignment > 2 ** 20 || Math.log2(alignment) % 1 !== 0
  ) {
    throw reader.fault(
      `"general.alignment" must be a power of two from 8: current value is ${shown(alignment)}`,
    );
  }
  const tensors = Array.from({ length: tensorCount }, () => readTensor(reader));
  return {
    where: options.where,
    metadata,
    tensors: placed(tensors, { reader, alignment, bytes: source.bytes }),
  };
}

/** A value of the metadata in a message: texts quoted, long ones and lists cut. */
export function shown(value: GgufValue): string {
  if (typeof value === "string") return quoted(value);
  if (!Array.isArray(value)) return String(value);
  const list = value as readonly GgufScalar[];
  return `[${list.slice(0, 4).map(shown).join(", ")}${list.length > 4 ? ", …" : ""}]`;
}
