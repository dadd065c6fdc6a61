import { elementCount } from "../../core/mod.ts";
import { writeFileAtomic } from "../files/atomic_file.ts";

/** A value of the metadata: a text, or a whole number of 32 bits without sign. */
export type GgufNote = string | number;

/** Content of a GGUF file of float32 tensors. */
export interface GgufContent {
  /** Metadata by key, in the order of the file; `general.architecture` comes first where readers want it so. */
  readonly metadata: ReadonlyMap<string, GgufNote>;
  /** Tensors by name, in the order of the file; shapes and values row-major. */
  readonly tensors: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>;
}

const ALIGNMENT = 32, UINT32 = 4, TEXT = 8, FLOAT32 = 0;

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function u64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function text(value: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(value);
  return [u64(bytes.length), bytes];
}

function padding(bytes: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - bytes % ALIGNMENT) % ALIGNMENT);
}

/**
 * Writes a GGUF file, version 3, little-endian, float32 tensors alone, atomically. Equal content gives equal bytes.
 *
 * Throws `RangeError` where a shape and its values disagree or a number is not one of 32 bits, `InputError` when the
 * file cannot be written.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @example
 * ```ts
 * import { memorySource, parseGgufHeader, writeGguf } from "@small-vectors/steering/checkpoint";
 * const path = await Deno.makeTempFile({ suffix: ".gguf" });
 * const tensors = new Map([["direction.1", { dims: [2], data: Float32Array.of(1, 2) }]]);
 * await writeGguf(path, { metadata: new Map([["general.architecture", "controlvector"]]), tensors });
 * const header = parseGgufHeader(memorySource(await Deno.readFile(path)), { where: path });
 * if (header.tensors.get("direction.1")?.dims.join() !== "2") throw new Error("a vector of two numbers");
 * await Deno.remove(path);
 * ```
 */
export async function writeGguf(path: string, content: GgufContent): Promise<void> {
  const { metadata, tensors } = content;
  const parts: Uint8Array[] = [
    new TextEncoder().encode("GGUF"),
    u32(3),
    u64(tensors.size),
    u64(metadata.size),
  ];
  for (const [key, value] of metadata) {
    parts.push(...text(key));
    if (typeof value === "string") {
      parts.push(u32(TEXT), ...text(value));
      continue;
    }
    if (!(Number.isInteger(value) && value >= 0 && value < 2 ** 32)) {
      throw new RangeError(`Cannot write "${key}" as it must lie in [0, 2^32): current value is ${value}`);
    }
    parts.push(u32(UINT32), u32(value));
  }
  let offset = 0;
  for (const [name, { dims, data }] of tensors) {
    if (elementCount(dims) !== data.length) {
      throw new RangeError(
        `Cannot write "${name}" as [${dims}] needs ${
          elementCount(dims)
        } values: current count is ${data.length}`,
      );
    }
    // The format names the length of a row first.
    parts.push(...text(name), u32(dims.length), ...dims.toReversed().map(u64), u32(FLOAT32), u64(offset));
    offset += data.byteLength + padding(data.byteLength).length;
  }
  parts.push(padding(parts.reduce((sum, { length }) => sum + length, 0)));
  for (const { data } of tensors.values()) {
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), padding(data.byteLength));
  }
  await writeFileAtomic(path, parts);
}
