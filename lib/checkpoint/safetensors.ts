import { type DType, DTYPE_BYTES, InputError } from "../core/mod.ts";
import { JSON_BYTES_LIMIT, parseJson, quoted } from "./_json_file.ts";
import { readBytes, statFile } from "./_read_bytes.ts";
import { fromBfloat16, fromFloat16 } from "./half_floats.ts";

/** One tensor of a safetensors file: where its bytes lie, and how to read them. */
export interface TensorEntry {
  /** The name in the file. */
  readonly name: string;
  /** Type of its elements in the file. */
  readonly dtype: DType;
  /** Its shape; empty for a scalar. */
  readonly dims: readonly number[];
  /** Absolute real path of the file (links resolved). */
  readonly file: string;
  /** Byte offset of the first element, counted from the start of the file. */
  readonly offset: number;
  /** Bytes: elements × bytes of the dtype. */
  readonly length: number;
}

/** The header of a safetensors file, checked against the file. */
export interface SafetensorsFile {
  /** Absolute real path (links resolved). */
  readonly file: string;
  /** Size of the whole file in bytes. */
  readonly bytes: number;
  /** Tensors by name, in the order of their offsets. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Free text by key that the writer left. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** The names of the format for the element types we carry. */
export const SAFETENSORS_DTYPES = {
  float32: "F32",
  float64: "F64",
  float16: "F16",
  bfloat16: "BF16",
  int32: "I32",
  int64: "I64",
  uint8: "U8",
  bool: "BOOL",
} as const satisfies { readonly [K in DType]: string };

const DTYPE_OF_NAME: ReadonlyMap<unknown, DType> = new Map(
  Object.entries(SAFETENSORS_DTYPES).map(([dtype, name]) => [name, dtype as DType]),
);

const REPAIR = "fetch or write the file again";

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/** A shape in a message: cut, since a damaged header can hold a million dimensions. */
export function formatDims(values: readonly number[]): string {
  return `[${values.slice(0, 8).join(", ")}${values.length > 8 ? ", …" : ""}]`;
}

/** Bytes of a shape, or null when they pass what a double counts exactly. */
function bytesOf(dims: readonly number[], dtype: DType): number | null {
  let bytes: number = DTYPE_BYTES[dtype];
  for (const dim of dims) {
    bytes *= dim;
    if (!Number.isSafeInteger(bytes)) return null;
  }
  return bytes;
}

/** One entry of the header, checked by itself; offsets are still relative to the data. */
function parseEntry(name: string, options: { readonly entry: unknown; readonly file: string }): TensorEntry {
  const { entry, file } = options;
  const fault = (rule: string) =>
    new InputError(`tensor ${quoted(name)} ${rule}`, { where: file, repair: REPAIR });
  if (!isObject(entry)) throw fault("is not described by an object");
  const unknown = Object.keys(entry).find((key) => !["dtype", "shape", "data_offsets"].includes(key));
  if (unknown !== undefined) throw fault(`has the unknown key ${quoted(unknown)}`);
  const dtype = DTYPE_OF_NAME.get(entry.dtype);
  if (dtype === undefined) {
    const names = Object.values(SAFETENSORS_DTYPES).join(", ");
    throw fault(`has the dtype ${quoted(String(entry.dtype))}, where one of ${names} is needed`);
  }
  const { shape: dims, data_offsets: offsets } = entry;
  if (!Array.isArray(dims) || !dims.every(isCount)) throw fault("has a shape that is not a list of counts");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw fault("has data_offsets that are not two counts");
  }
  const [begin, end] = offsets as [number, number];
  const bytes = bytesOf(dims, dtype);
  if (bytes === null || end - begin !== bytes) {
    throw fault(
      `spans ${end - begin} bytes, where ${dtype} ${formatDims(dims)} needs ${bytes ?? "more than 2^53"}`,
    );
  }
  return { name, dtype, dims, file, offset: begin, length: bytes };
}

/**
 * Tensors must tile the data without gap, overlap or rest, as the format demands: what no tensor owns could carry
 * anything, and shared bytes would tie weights in silence.
 */
function checkTiling(
  entries: readonly TensorEntry[],
  options: { readonly dataBytes: number; readonly file: string },
): void {
  let end = 0;
  for (const entry of entries) {
    if (entry.offset !== end) {
      const fault = entry.offset < end ? "overlaps the tensor before it" : "leaves a gap before it";
      throw new InputError(
        `tensor ${quoted(entry.name)} ${fault}: it starts at ${entry.offset}, expected ${end}`,
        {
          where: options.file,
          repair: REPAIR,
        },
      );
    }
    end += entry.length;
  }
  if (end !== options.dataBytes) {
    const fault = end > options.dataBytes ? "the file is cut short" : "the file has bytes of no tensor";
    throw new InputError(`${fault}: tensors need ${end} bytes of data, it has ${options.dataBytes}`, {
      where: options.file,
      repair: REPAIR,
    });
  }
}

function parseMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  const entries = isObject(value) ? Object.entries(value) : null;
  if (
    entries === null || !entries.every((entry): entry is [string, string] => typeof entry[1] === "string")
  ) {
    throw new InputError("__metadata__ is not a map from text to text", { where: file, repair: REPAIR });
  }
  return new Map(entries);
}

/**
 * Reads the header of a safetensors file, and nothing else of it: eight bytes of length, then JSON. Everything is
 * checked against the file: dtype, shape and offsets of each tensor, and that tensors tile the data without gap or
 * overlap. Offsets come out absolute, so an ONNX initializer can point at them.
 *
 * Throws `InputError` when the file is missing, cut short or not in the format. Memory is bounded by the header,
 * and the header by 100 MB (the format's own bound) and by the size of the file.
 *
 * Source: https://github.com/huggingface/safetensors, section "Format".
 *
 * @example
 * ```ts
 * import { readSafetensorsHeader, writeSafetensors } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * const x = { dtype: "float32", dims: [2], data: Float32Array.of(1, 2) } as const;
 * await writeSafetensors(`${folder}/x.safetensors`, { tensors: { x } });
 * const { tensors } = await readSafetensorsHeader(`${folder}/x.safetensors`);
 * if (tensors.get("x")?.length !== 8) throw new Error("two float32 are eight bytes");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsFile> {
  const { path: file, bytes } = await statFile(path);
  if (bytes < 8) {
    throw new InputError(`the file has ${bytes} bytes, too few for safetensors`, {
      where: path,
      repair: REPAIR,
    });
  }
  const prefix = await readBytes(file, { from: 0, length: 8 });
  const headerBytes = new DataView(prefix.buffer).getBigUint64(0, true);
  if (headerBytes > BigInt(JSON_BYTES_LIMIT) || headerBytes > BigInt(bytes - 8)) {
    throw new InputError(`the header claims ${headerBytes} bytes of a file of ${bytes}`, {
      where: path,
      repair: REPAIR,
    });
  }
  const dataStart = 8 + Number(headerBytes);
  const text = await readBytes(file, { from: 8, length: Number(headerBytes) });
  const header = text[0] === 0x7b ? parseJson(text, { what: "the safetensors header", where: path }) : null;
  if (!isObject(header)) {
    throw new InputError("the safetensors header is not a JSON object", { where: path, repair: REPAIR });
  }
  const entries: TensorEntry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseMetadata(entry, path);
    else entries.push(parseEntry(name, { entry, file: path }));
  }
  entries.sort((a, b) => a.offset - b.offset || a.length - b.length);
  checkTiling(entries, { dataBytes: bytes - dataStart, file: path });
  const tensors = new Map(
    entries.map((entry) => [entry.name, { ...entry, file, offset: dataStart + entry.offset }]),
  );
  return { file, bytes, tensors, metadata };
}

/**
 * The values of one tensor as float32, row-major; float16 and bfloat16 convert exactly. Meant for small things
 * (vectors, tests): weights stay in their file. Throws `InputError` for other dtypes and for a file that shrank.
 *
 * @example
 * ```ts
 * import { readSafetensorsHeader, readTensor, writeSafetensors } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * const x = { dtype: "bfloat16", dims: [2], data: Float32Array.of(1.5, -2) } as const;
 * await writeSafetensors(`${folder}/x.safetensors`, { tensors: { x } });
 * const { tensors } = await readSafetensorsHeader(`${folder}/x.safetensors`);
 * const values = await readTensor(tensors.get("x")!);
 * if (values.join() !== "1.5,-2") throw new Error("wrong values");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readTensor(entry: TensorEntry): Promise<Float32Array> {
  const { dtype, file, offset, length } = entry;
  if (dtype !== "float32" && dtype !== "float16" && dtype !== "bfloat16") {
    throw new InputError(
      `tensor ${quoted(entry.name)} has the dtype ${dtype}, where a float of 16 or 32 bits is needed`,
      {
        where: file,
      },
    );
  }
  const { buffer } = await readBytes(file, { from: offset, length });
  if (dtype === "float32") return new Float32Array(buffer);
  return dtype === "float16" ? fromFloat16(new Uint16Array(buffer)) : fromBfloat16(new Uint16Array(buffer));
}
