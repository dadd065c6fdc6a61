import { InputError } from "../../core/mod.ts";
import { quoted } from "./_json_file.ts";
import { readBytes } from "./_read_bytes.ts";
import { headerLength, parseHeader, type SafetensorsFile, type TensorEntry } from "./_safetensors_header.ts";
import { openSource } from "./byte_source.ts";
import { fromBfloat16, fromFloat16 } from "./half_floats.ts";

/**
 * Reads the header of a safetensors file, and nothing else of it: eight bytes of length, then JSON. Everything is
 * checked against the file: dtype, shape and offsets of each tensor, and that tensors tile the data without gap or
 * overlap. Offsets come out absolute, so an ONNX initializer can point at them.
 *
 * Throws `InputError` when the file is missing, cut short or not in the format. Memory is bounded by the header,
 * and the header by 16 MiB (a sixth of the format's own bound, and a hundred times what large models need) and by
 * the size of the file.
 *
 * Source: https://github.com/huggingface/safetensors, section "Format".
 *
 * @example
 * ```ts
 * import { readSafetensorsHeader } from "@small-vectors/steering/checkpoint";
 * const path = "./fixtures/embedded/vectors/base-a/layer-3.seed-0.safetensors";
 * if (!(await readSafetensorsHeader(path)).tensors.has("steering.3")) throw new Error("one vector, of layer 3");
 * ```
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsFile> {
  using source = await openSource(path);
  const { file, bytes } = source;
  const length = headerLength(source.read(0, Math.min(8, bytes)), { bytes, where: path });
  return parseHeader(source.read(8, length), { file, bytes, where: path });
}

/**
 * The values of one tensor as float32, row-major; float16 and bfloat16 convert exactly. Meant for small things
 * (vectors, tests): weights stay in their file. Throws `InputError` for other dtypes and for a file that shrank.
 *
 * @example
 * ```ts
 * import { openCheckpoint, readTensor } from "@small-vectors/steering/checkpoint";
 * const { config, weights } = await openCheckpoint("./fixtures/embedded/base-a");
 * const gains = await readTensor(weights.get("model.norm.weight")!);
 * if (gains.length !== config.embed) throw new Error("a gain for each place of the stream");
 * ```
 */
export async function readTensor(entry: TensorEntry): Promise<Float32Array> {
  const { dtype, file, offset, length } = entry;
  if (dtype !== "float32" && dtype !== "float16" && dtype !== "bfloat16") {
    throw new InputError(
      `tensor ${quoted(entry.name)} has the dtype ${dtype}, where a float of 16 or 32 bits is needed`,
      { where: file },
    );
  }
  const { buffer } = await readBytes(file, { from: offset, length });
  if (dtype === "float32") return new Float32Array(buffer);
  return dtype === "float16" ? fromFloat16(new Uint16Array(buffer)) : fromBfloat16(new Uint16Array(buffer));
}
