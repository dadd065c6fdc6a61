/** A value of the metadata with its type in the format. */
export type RawValue =
  | { readonly type: number; readonly value: number | bigint | boolean | string | Uint8Array }
  | { readonly list: number; readonly values: readonly (number | string)[]; readonly claim?: bigint };

/** A tensor as the header lists it, with its bytes. */
export interface RawTensor {
  readonly name: string;
  readonly type: number;
  /** In the order of the format: the length of a row first. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  /** Replaces the offset that follows from the tensors before it. */
  readonly offset?: bigint;
}

/** Parts of a GGUF file; whatever differs from what the format wants is written as it is. */
export interface RawGguf {
  readonly metadata: ReadonlyMap<string, RawValue> | readonly (readonly [string, RawValue])[];
  readonly tensors: readonly RawTensor[];
  readonly version?: number;
  readonly magic?: string;
  readonly alignment?: number;
  readonly tensorCount?: bigint;
  readonly pairCount?: bigint;
}

/** Numbers of the types in the format. */
export const RAW = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, u64: 10 } as const;

export const text = (value: string): RawValue => ({ type: RAW.text, value });
export const u32 = (value: number): RawValue => ({ type: RAW.u32, value });
export const f32 = (value: number): RawValue => ({ type: RAW.f32, value });
export const bool = (value: boolean): RawValue => ({ type: RAW.bool, value });
export const texts = (values: readonly string[]): RawValue => ({ list: RAW.text, values });
export const i32s = (values: readonly number[]): RawValue => ({ list: RAW.i32, values });

class Writer {
  #bytes = new Uint8Array(1 << 12);
  length = 0;

  #room(more: number): number {
    while (this.length + more > this.#bytes.length) {
      const next = new Uint8Array(2 * this.#bytes.length);
      next.set(this.#bytes);
      this.#bytes = next;
    }
    const at = this.length;
    this.length += more;
    return at;
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Room may move the bytes, so it is made before the view is taken. */
  #view(more: number): DataView {
    const at = this.#room(more);
    return new DataView(this.#bytes.buffer, at);
  }

  u32(value: number): void {
    this.#view(4).setUint32(0, value, true);
  }

  u64(value: bigint): void {
    this.#view(8).setBigUint64(0, value, true);
  }

  text(value: string | Uint8Array): void {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    this.u64(BigInt(bytes.length));
    this.bytes(bytes);
  }

  scalar(type: number, value: number | bigint | boolean | string | Uint8Array): void {
    if (typeof value === "string" || value instanceof Uint8Array) return this.text(value);
    const number = Number(value);
    if (type === 6) this.#view(4).setFloat32(0, number, true);
    else if (type === 12) this.#view(8).setFloat64(0, number, true);
    else if (type === 10 || type === 11) this.u64(BigInt.asUintN(64, BigInt(value)));
    else if (type === 0 || type === 1 || type === 7) this.#view(1).setUint8(0, number);
    else if (type === 2 || type === 3) this.#view(2).setUint16(0, number, true);
    else this.u32(number);
  }

  align(alignment: number): void {
    this.#room((alignment - this.length % alignment) % alignment);
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length);
  }
}

/** The bytes of a GGUF file made of these parts. */
export function rawGguf(parts: RawGguf): Uint8Array<ArrayBuffer> {
  const { tensors, version = 3, magic = "GGUF", alignment = 32 } = parts, metadata = [...parts.metadata];
  const writer = new Writer();
  writer.bytes(new TextEncoder().encode(magic));
  writer.u32(version);
  writer.u64(parts.tensorCount ?? BigInt(tensors.length));
  writer.u64(parts.pairCount ?? BigInt(metadata.length));
  for (const [key, value] of metadata) {
    writer.text(key);
    if ("list" in value) {
      writer.u32(9);
      writer.u32(value.list);
      writer.u64(value.claim ?? BigInt(value.values.length));
      for (const one of value.values) writer.scalar(value.list, one);
    } else {
      writer.u32(value.type);
      writer.scalar(value.type, value.value);
    }
  }
  let offset = 0n;
  for (const { name, type, shape, bytes, offset: stated } of tensors) {
    writer.text(name);
    writer.u32(shape.length);
    for (const dim of shape) writer.u64(BigInt(dim));
    writer.u32(type);
    writer.u64(stated ?? offset);
    offset += BigInt(Math.ceil(bytes.length / alignment) * alignment);
  }
  writer.align(alignment);
  for (const { bytes } of tensors) {
    writer.bytes(bytes);
    writer.align(alignment);
  }
  return writer.done();
}

const number32 = (values: ArrayLike<number>): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** Bytes of a float32 tensor with numbers that differ from each other. */
export function ramp(count: number, from = 0): Uint8Array {
  return number32(Array.from({ length: count }, (_, index) => ((from + index) % 997) / 256 - 1));
}

/** A model as parts of a file. */
export interface ModelParts {
  readonly metadata: Map<string, RawValue>;
  readonly tensors: RawTensor[];
}

/** Metadata and tensors of a whole tiny model in float32, with a tokenizer of 256 bytes, two merges and two controls. */
export function tinyGguf(
  family: "llama" | "qwen2" = "llama",
  sizes: {
    readonly embed?: number;
    readonly headDim?: number;
    readonly layers?: number;
    /** How many of the bytes have a token; with fewer than all the merges lead nowhere. */
    readonly letters?: number;
  } = {},
): ModelParts {
  const { embed = 8, headDim = 4, layers = 2 } = sizes, heads = 2, kvHeads = 1, neurons = 12;
  const letters = byteLetters().slice(0, sizes.letters);
  const tokens = [...letters, "Ġa", "Ġab", "<|im_start|>", "<|im_end|>"], controls = letters.length + 2;
  const metadata = new Map<string, RawValue>([
    ["general.architecture", text(family)],
    ["general.name", text("tiny")],
    [`${family}.block_count`, u32(layers)],
    [`${family}.context_length`, u32(64)],
    [`${family}.embedding_length`, u32(embed)],
    [`${family}.feed_forward_length`, u32(neurons)],
    [`${family}.attention.head_count`, u32(heads)],
    [`${family}.attention.head_count_kv`, u32(kvHeads)],
    [`${family}.attention.key_length`, u32(headDim)],
    [`${family}.attention.value_length`, u32(headDim)],
    [`${family}.attention.layer_norm_rms_epsilon`, f32(2 ** -20)],
    [`${family}.rope.freq_base`, f32(10000)],
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text("gpt-2")],
    ["tokenizer.ggml.tokens", texts(tokens)],
    ["tokenizer.ggml.token_type", i32s(tokens.map((_, id) => id < controls ? 1 : 3))],
    ["tokenizer.ggml.merges", texts(["Ġ a", "Ġa b"])],
    ["tokenizer.ggml.bos_token_id", u32(controls)],
    ["tokenizer.ggml.eos_token_id", u32(controls + 1)],
    ["tokenizer.chat_template", text("{% for m in messages %}{{ m.content }}{% endfor %}")],
  ]);
  const tensors: RawTensor[] = [];
  let from = 0;
  const add = (name: string, ...shape: number[]): void => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    tensors.push({ name, type: 0, shape, bytes: ramp(count, from += 101) });
  };
  add("token_embd.weight", embed, tokens.length);
  for (let layer = 0; layer < layers; layer++) {
    const block = `blk.${layer}`;
    add(`${block}.attn_norm.weight`, embed);
    add(`${block}.attn_q.weight`, embed, heads * headDim);
    add(`${block}.attn_k.weight`, embed, kvHeads * headDim);
    add(`${block}.attn_v.weight`, embed, kvHeads * headDim);
    add(`${block}.attn_output.weight`, heads * headDim, embed);
    add(`${block}.ffn_norm.weight`, embed);
    add(`${block}.ffn_gate.weight`, embed, neurons);
    add(`${block}.ffn_up.weight`, embed, neurons);
    add(`${block}.ffn_down.weight`, neurons, embed);
  }
  add("output_norm.weight", embed);
  return { metadata, tensors };
}

/** The letters that stand for the 256 bytes, by byte. */
function byteLetters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const itself = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCodePoint(itself ? byte : next++);
  });
}
