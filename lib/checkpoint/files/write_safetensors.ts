import { DTYPE_BYTES, elementCount } from "../../core/mod.ts";
import { writeFileAtomic } from "./atomic_file.ts";
import { toBfloat16, toFloat16 } from "./half_floats.ts";
import { SAFETENSORS_DTYPES } from "./_safetensors_header.ts";

/** A float type that weights are stored in. */
export type WeightDType = "float32" | "float16" | "bfloat16";

/** A tensor to be written: values in float32, row-major, rounded to `dtype` on the way out. */
export interface WritableTensor {
  /** Type of its elements in the file. */
  readonly dtype: WeightDType;
  /** Its shape; empty for a scalar. */
  readonly dims: readonly number[];
  /** Its values, row-major. */
  readonly data: Float32Array;
}

/**
 * Values as a tensor to be written in float32, of one axis where no shape is given.
 *
 * @example
 * ```ts
 * import { float32Tensor } from "@small-vectors/steering/checkpoint";
 * if (float32Tensor([1, 2, 3]).dims.join() !== "3") throw new Error("a vector of three");
 * ```
 */
export function float32Tensor(
  values: ArrayLike<number>,
  dims: readonly number[] = [values.length],
): WritableTensor {
  return {
    dtype: "float32",
    dims,
    data: values instanceof Float32Array ? values : Float32Array.from(values),
  };
}

/** A tensor too large to be held: its bytes as they go into the file, little-endian, chunk by chunk. */
export interface StreamedTensor {
  /** Type of its elements in the file. */
  readonly dtype: WeightDType;
  /** Its shape; empty for a scalar. */
  readonly dims: readonly number[];
  /** Makes the bytes; a chunk is written before the next one is asked for, so its memory may be used again. */
  readonly chunks: () => Iterable<Uint8Array>;
}

/** Content of a safetensors file. */
export interface SafetensorsContent {
  /** Tensors by name. */
  readonly tensors: Readonly<Record<string, WritableTensor | StreamedTensor>>;
  /** Free text by key. @default {{}} */
  readonly metadata?: Readonly<Record<string, string>>;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function storedBytes({ dtype, data }: WritableTensor): Uint8Array {
  const stored = dtype === "bfloat16" ? toBfloat16(data) : dtype === "float16" ? toFloat16(data) : data;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** The bytes of one tensor; a stream that is too long or too short would shift all that follow it. */
function* bytesOf(name: string, tensor: WritableTensor | StreamedTensor): Generator<Uint8Array> {
  if ("data" in tensor) return yield storedBytes(tensor);
  const expected = elementCount(tensor.dims) * DTYPE_BYTES[tensor.dtype];
  let written = 0;
  for (const chunk of tensor.chunks()) {
    written += chunk.length;
    yield chunk;
  }
  if (written !== expected) {
    throw new RangeError(
      `Cannot write "${name}" as ${tensor.dtype} [${tensor.dims}] needs ${expected} bytes: current count is ${written}`,
    );
  }
}

/** Eight bytes of length and the JSON, padded with spaces so that the data starts at a multiple of eight. */
function headerOf(
  entries: readonly (readonly [string, WritableTensor | StreamedTensor])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const notes = Object.entries(metadata).sort(([a], [b]) => byCodeUnit(a, b));
  const parts = notes.length === 0 ? [] : [
    `"__metadata__":{${notes.map((note) => note.map((text) => JSON.stringify(text)).join(":")).join(",")}}`,
  ];
  let begin = 0;
  for (const [name, { dtype, dims }] of entries) {
    const end = begin + elementCount(dims) * DTYPE_BYTES[dtype];
    const entry = { dtype: SAFETENSORS_DTYPES[dtype], shape: dims, data_offsets: [begin, end] };
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    begin = end;
  }
  const json = new TextEncoder().encode(`{${parts.join(",")}}`);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return header;
}

/**
 * Writes a safetensors file, atomically. Equal content gives equal bytes: wider dtypes come first (every tensor then
 * starts at a multiple of its element's bytes), names are sorted within a dtype's width, the header is padded to eight
 * bytes; rounding is to nearest, ties to even. One tensor at a time is converted; a {@link StreamedTensor} is never
 * held as a whole.
 *
 * Throws `RangeError` when a shape and its values disagree, `InputError` when the file cannot be written.
 *
 * @example
 * ```ts
 * import { readSafetensorsHeader, writeSafetensors } from "@small-vectors/steering/checkpoint";
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const steer = { dtype: "float32", dims: [3], data: Float32Array.of(1, 2, 3) } as const;
 * await writeSafetensors(path, { tensors: { steer }, metadata: { seed: "0" } });
 * if ((await readSafetensorsHeader(path)).metadata.get("seed") !== "0") throw new Error("metadata lost");
 * await Deno.remove(path);
 * ```
 */
export async function writeSafetensors(path: string, content: SafetensorsContent): Promise<void> {
  const entries = Object.entries(content.tensors);
  for (const [name, tensor] of entries) {
    if (name === "__metadata__") {
      throw new RangeError(
        `Cannot write a tensor as its name must differ from the format's own: current value is "${name}"`,
      );
    }
    if ("data" in tensor && elementCount(tensor.dims) !== tensor.data.length) {
      const needed = elementCount(tensor.dims);
      throw new RangeError(
        `Cannot write "${name}" as [${tensor.dims}] needs ${needed} values: current count is ${tensor.data.length}`,
      );
    }
  }
  entries.sort(([a, x], [b, y]) => DTYPE_BYTES[y.dtype] - DTYPE_BYTES[x.dtype] || byCodeUnit(a, b));
  const chunks = function* (): Generator<Uint8Array> {
    yield headerOf(entries, content.metadata ?? {});
    for (const [name, tensor] of entries) yield* bytesOf(name, tensor);
  };
  await writeFileAtomic(path, chunks());
}
