import { type DType, DTYPE_BYTES } from "../../core/mod.ts";
import { damaged, isRecord, JSON_LIMITS, parseJson, quoted } from "./_json_file.ts";

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
  const fault = (rule: string) => damaged(`tensor ${quoted(name)} ${rule}`, file);
  if (!isRecord(entry)) throw fault("is not described by an object");
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
      throw damaged(
        `tensor ${quoted(entry.name)} ${fault}: it starts at ${entry.offset}, expected ${end}`,
        options.file,
      );
    }
    end += entry.length;
  }
  if (end !== options.dataBytes) {
    const fault = end > options.dataBytes ? "the file is cut short" : "the file has bytes of no tensor";
    const what = `${fault}: tensors need ${end} bytes of data, it has ${options.dataBytes}`;
    throw damaged(what, options.file);
  }
}

function parseMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  const entries = isRecord(value) ? Object.entries(value) : null;
  if (
    entries === null || !entries.every((entry): entry is [string, string] => typeof entry[1] === "string")
  ) {
    throw damaged("__metadata__ is not a map from text to text", file);
  }
  return new Map(entries);
}

/** How long the header is, from the file's first eight bytes; checked before anything of it is read. */
export function headerLength(
  prefix: Uint8Array<ArrayBuffer>,
  options: { readonly bytes: number; readonly where: string },
): number {
  const { bytes, where } = options;
  if (bytes < 8) throw damaged(`the file has ${bytes} bytes, too few for safetensors`, where);
  const claimed = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (claimed > BigInt(bytes - 8)) {
    throw damaged(`the header claims ${claimed} bytes of a file of ${bytes}`, where);
  }
  if (claimed > BigInt(JSON_LIMITS.header.bytes)) {
    throw damaged(`the header has ${claimed} bytes, more than the limit ${JSON_LIMITS.header.bytes}`, where);
  }
  return Number(claimed);
}

/** The header's text → the file it describes, checked against the file's length; offsets come out absolute. */
export function parseHeader(
  text: Uint8Array,
  options: { readonly file: string; readonly bytes: number; readonly where: string },
): SafetensorsFile {
  const { file, bytes, where } = options;
  const dataStart = 8 + text.length;
  const header = text[0] === 0x7b
    ? parseJson(text, { what: "the safetensors header", where, kind: "header" })
    : null;
  if (!isRecord(header)) throw damaged("the safetensors header is not a JSON object", where);
  const entries: TensorEntry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseMetadata(entry, where);
    else entries.push(parseEntry(name, { entry, file: where }));
  }
  entries.sort((a, b) => a.offset - b.offset || a.length - b.length);
  checkTiling(entries, { dataBytes: bytes - dataStart, file: where });
  const tensors = new Map(
    entries.map((entry) => [entry.name, { ...entry, file, offset: dataStart + entry.offset }]),
  );
  return { file, bytes, tensors, metadata };
}
