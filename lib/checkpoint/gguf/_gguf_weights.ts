import { DTYPE_BYTES, elementCount, InputError } from "../../core/mod.ts";
import { quoted } from "../files/_json_file.ts";
import { GGUF_BLOCKS } from "./_gguf_blocks.ts";
import type { GgufHeader, GgufTensor } from "./_gguf_header.ts";
import type { ByteSource } from "../files/byte_source.ts";
import type { ModelConfig } from "../config.ts";
import { toBfloat16, toFloat16 } from "../files/half_floats.ts";
import { formatDims } from "../files/_safetensors_header.ts";
import { weightShapes } from "../weight_shapes.ts";
import type { StreamedTensor, WeightDType } from "../files/write_safetensors.ts";

/** Names outside of blocks. */
const NAMES: Readonly<Record<string, string>> = {
  "token_embd.weight": "model.embed_tokens.weight",
  "output_norm.weight": "model.norm.weight",
  "output.weight": "lm_head.weight",
};

/** Names inside block N, after `blk.N.` and `model.layers.N.`. */
const BLOCK_NAMES: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  ffn_norm: "post_attention_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/** What a file may hold beside weights: angles, which follow from the configuration. */
export const ROPE_FACTORS = "rope_freqs.weight";
const BUFFER = /^blk\.\d+\.attn_rot_embd(\.weight)?$/;

/** The Hugging Face name of a tensor; null for one that has none. */
function huggingFaceName(name: string): string | null {
  if (Object.hasOwn(NAMES, name)) return NAMES[name] as string;
  const parts = /^blk\.(0|[1-9]\d{0,4})\.([a-z_]+)\.(weight|bias)$/.exec(name);
  if (parts === null || !Object.hasOwn(BLOCK_NAMES, parts[2] as string)) return null;
  return `model.layers.${parts[1]}.${BLOCK_NAMES[parts[2] as string]}.${parts[3]}`;
}

/**
 * Every weight of the model by its Hugging Face name: none missing, none left over, each of its shape. Messages name
 * tensors as the file does.
 */
export function matchGgufWeights(
  header: GgufHeader,
  config: ModelConfig,
): ReadonlyMap<string, GgufTensor> {
  const shapes = weightShapes(config), found = new Map<string, GgufTensor>();
  const fault = (what: string) =>
    new InputError(what, { where: header.where, repair: "use a file of a whole model" });
  for (const tensor of header.tensors.values()) {
    if (tensor.name === ROPE_FACTORS || BUFFER.test(tensor.name)) continue;
    const name = huggingFaceName(tensor.name), dims = name === null ? undefined : shapes.get(name);
    if (name === null || dims === undefined) {
      throw fault(`tensor ${quoted(tensor.name)} has no place in a ${config.architecture} model`);
    }
    if (tensor.dims.join() !== dims.join()) {
      const given = `expected ${formatDims(dims)}, found ${formatDims(tensor.dims)}`;
      throw fault(`tensor ${quoted(tensor.name)} has the wrong shape: ${given}`);
    }
    found.set(name, tensor);
  }
  const missing = [...shapes.keys()].filter((name) => !found.has(name));
  if (missing[0] !== undefined) {
    const more = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
    throw fault(`the tensor for ${quoted(missing[0])}${more} is missing`);
  }
  return found;
}

/** Numbers that are held at once; whole heads, or whole rows, at least one. */
const CHUNK = 2 ** 20;

/**
 * Puts the rows of heads back in Hugging Face's order, in which the first half of a head's rows turns with the second;
 * the file has the two halves in turn: row 2i is row i, row 2i + 1 is row i + headDim/2.
 */
function separateHalves(
  values: Float32Array,
  options: { readonly headDim: number; readonly width: number },
): Float32Array {
  const { headDim, width } = options, half = headDim / 2, out = new Float32Array(values.length);
  for (let head = 0; head < values.length; head += headDim * width) {
    for (let row = 0; row < headDim; row++) {
      const to = head + ((row >> 1) + (row & 1) * half) * width, from = head + row * width;
      out.set(values.subarray(from, from + width), to);
    }
  }
  return out;
}

/** float32 → what is stored, in bytes; `InputError` where a number is infinite or none. */
function stored(
  values: Float32Array,
  options: { readonly dtype: WeightDType; readonly fault: (what: string) => InputError },
): Uint8Array {
  const { dtype, fault } = options;
  const words = dtype === "float32"
    ? new Uint32Array(values.buffer, values.byteOffset, values.length)
    : dtype === "bfloat16"
    ? toBfloat16(values)
    : toFloat16(values);
  const exponent = { float32: 0x7f800000, bfloat16: 0x7f80, float16: 0x7c00 }[dtype];
  for (let index = 0; index < words.length; index++) {
    if (((words[index] as number) & exponent) !== exponent) continue;
    const value = values[index] as number;
    throw fault(Number.isFinite(value) ? `has ${value}, too large for ${dtype}` : `has the value ${value}`);
  }
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** A tensor of the file as it goes into safetensors, chunk by chunk: memory is bounded by a chunk or one head. */
export function streamedTensor(
  tensor: GgufTensor,
  options: {
    readonly source: ByteSource;
    readonly where: string;
    readonly dtype: WeightDType;
    /** Width of heads whose halves are interleaved; null for rows that are in order. */
    readonly headDim: number | null;
    readonly onBytes: (bytes: number) => void;
  },
): StreamedTensor {
  const { source, where, dtype, headDim, onBytes } = options, { dims } = tensor;
  const { elements, bytes } = GGUF_BLOCKS[tensor.type];
  const fault = (what: string) =>
    new InputError(`tensor ${quoted(tensor.name)} ${what}`, { where, repair: "fetch the file again" });
  return {
    dtype,
    dims,
    *chunks() {
      const count = elementCount(dims), width = dims.length === 1 ? 1 : dims.at(-1) as number;
      // A vector's blocks know no rows, so it is read whole; it is as short as the model is wide.
      const unit = dims.length === 1 ? count : width * (headDim ?? 1);
      const step = unit * Math.max(1, Math.floor(CHUNK / unit));
      for (let done = 0; done < count; done += step) {
        const values = new Float32Array(Math.min(step, count - done));
        const packed = source.read(tensor.offset + done / elements * bytes, values.length / elements * bytes);
        GGUF_BLOCKS[tensor.type].read(packed, values);
        const ordered = headDim === null ? values : separateHalves(values, { headDim, width });
        yield stored(ordered, { dtype, fault });
        onBytes(values.length * DTYPE_BYTES[dtype]);
      }
    },
  };
}

/** All numbers of a small tensor. */
export function readGgufTensor(tensor: GgufTensor, source: ByteSource): Float32Array {
  const values = new Float32Array(elementCount(tensor.dims));
  GGUF_BLOCKS[tensor.type].read(source.read(tensor.offset, tensor.length), values);
  return values;
}
