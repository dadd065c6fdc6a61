import { DTYPE_BYTES, elementCount, RandomStream } from "../core/mod.ts";
import { weightScale } from "./_weight_scale.ts";
import { ensureFolder, jsonText, writeFileAtomic } from "./files/atomic_file.ts";
import { configJson, type ModelConfig } from "./config.ts";
import { toBfloat16, toFloat16 } from "./files/half_floats.ts";
import { weightShapes } from "./weight_shapes.ts";
import { type StreamedTensor, type WeightDType, writeSafetensors } from "./files/write_safetensors.ts";

const QWEN: Pick<
  ModelConfig,
  "architecture" | "layers" | "ropeScaling" | "rmsNormEps" | "bosTokenId" | "eosTokenIds"
> = {
  architecture: "qwen2",
  layers: 28,
  ropeScaling: null,
  rmsNormEps: 1e-6,
  bosTokenId: 151643,
  eosTokenIds: [151643],
};

/**
 * Shapes of published models, number for number, for measuring size and speed without their weights.
 *
 * Source: the config.json of Qwen/Qwen2.5-1.5B, Qwen/Qwen2.5-Math-7B, Qwen/Qwen2.5-14B,
 * HuggingFaceTB/SmolLM2-135M-Instruct and meta-llama/Llama-3.1-8B-Instruct.
 */
export const PUBLISHED_CONFIGS = {
  "qwen2.5-1.5b": {
    ...QWEN,
    embed: 1536,
    heads: 12,
    kvHeads: 2,
    headDim: 128,
    neurons: 8960,
    vocab: 151936,
    ropeTheta: 1e6,
    tiedEmbeddings: true,
    maxPositions: 131072,
  },
  "qwen2.5-math-7b": {
    ...QWEN,
    embed: 3584,
    heads: 28,
    kvHeads: 4,
    headDim: 128,
    neurons: 18944,
    vocab: 152064,
    ropeTheta: 1e4,
    tiedEmbeddings: false,
    maxPositions: 4096,
  },
  "qwen2.5-14b": {
    ...QWEN,
    layers: 48,
    rmsNormEps: 1e-5,
    embed: 5120,
    heads: 40,
    kvHeads: 8,
    headDim: 128,
    neurons: 13824,
    vocab: 152064,
    ropeTheta: 1e6,
    tiedEmbeddings: false,
    maxPositions: 131072,
  },
  "smollm2-135m": {
    architecture: "llama",
    layers: 30,
    embed: 576,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    neurons: 1536,
    vocab: 49152,
    ropeTheta: 1e5,
    ropeScaling: null,
    rmsNormEps: 1e-5,
    tiedEmbeddings: true,
    maxPositions: 8192,
    bosTokenId: 1,
    eosTokenIds: [2],
  },
  "llama-3.1-8b-instruct": {
    architecture: "llama",
    layers: 32,
    embed: 4096,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    neurons: 14336,
    vocab: 128256,
    ropeTheta: 5e5,
    ropeScaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 },
    rmsNormEps: 1e-5,
    tiedEmbeddings: false,
    maxPositions: 131072,
    bosTokenId: 128000,
    eosTokenIds: [128001, 128008, 128009],
  },
} as const satisfies Readonly<Record<string, ModelConfig>>;

/** The name of one of the published shapes. */
export type PublishedModel = keyof typeof PUBLISHED_CONFIGS;

/** How to write a synthetic checkpoint. */
export interface SyntheticCheckpointOptions {
  /** The shape, such as one of `PUBLISHED_CONFIGS`. */
  readonly config: ModelConfig;
  /** Type of every weight in the file. @default {"bfloat16"} */
  readonly dtype?: WeightDType;
  /** Key of the random streams: equal seeds give equal bytes. */
  readonly seed: number;
  /** Called before each tensor with bytes written so far and in all. */
  readonly onProgress?: (done: { readonly bytes: number; readonly of: number }) => void;
}

/** Values that a weight is drawn from: as many as 16 bits can choose among. */
const POOL = 2 ** 16;

const CHUNK_WORDS = 2 ** 19;

/** A stream of 32-bit words (sfc32: 128 bits of state, some nanoseconds per word). */
function fillWords(words: Uint32Array, state: Uint32Array): void {
  let [a, b, c, counter] = state as unknown as [number, number, number, number];
  for (let index = 0; index < words.length; index++) {
    const word = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + word | 0;
    words[index] = word;
  }
  state.set([a, b, c, counter]);
}

/** The pool of normal numbers as they are stored, moved to a weight's mean and spread. */
function storedPool(
  pool: Float32Array,
  options: { readonly centre: number; readonly scale: number; readonly dtype: WeightDType },
): Uint16Array | Uint32Array {
  const values = pool.map((value) => options.centre + options.scale * value);
  if (options.dtype === "float32") return new Uint32Array(values.buffer);
  return options.dtype === "bfloat16" ? toBfloat16(values) : toFloat16(values);
}

/** Bytes of a tensor: each word of the stream picks two weights from the pool. */
function* randomBytes(
  count: number,
  options: { readonly pool: Uint16Array | Uint32Array; readonly stream: RandomStream },
): Generator<Uint8Array> {
  const { pool, stream } = options;
  const state = Uint32Array.from({ length: 4 }, () => stream.integer({ below: 2 ** 24 }));
  const words = new Uint32Array(Math.max(16, Math.min(CHUNK_WORDS, Math.ceil(count / 2))));
  fillWords(words.subarray(0, 16), state); // seeds differ in few bits: let them spread
  const Stored = pool instanceof Uint16Array ? Uint16Array : Uint32Array;
  const stored = new Stored(2 * words.length);
  for (let done = 0; done < count;) {
    const length = Math.min(stored.length, count - done);
    fillWords(words, state);
    for (let index = 0; index < length; index += 2) {
      const word = words[index >>> 1] as number;
      stored[index] = pool[word & 0xffff] as number;
      stored[index + 1] = pool[word >>> 16] as number;
    }
    yield new Uint8Array(stored.buffer, 0, length * stored.BYTES_PER_ELEMENT);
    done += length;
  }
}

/**
 * Writes a Hugging Face model folder (config.json and one weight file, no tokenizer) of any size in bounded memory:
 * weights are random and go to the disk as they are made. Each is drawn, with replacement, from 65,536 normal
 * numbers scaled as {@link randomWeights} scales them, so activations stay finite at any depth. Equal options give
 * equal bytes. Throws `InputError` when the folder cannot be written.
 *
 * @example
 * ```ts
 * import { openCheckpoint, readModelConfig, writeSyntheticCheckpoint } from "@small-vectors/steering/checkpoint";
 * const folder = await Deno.makeTempDir(), config = await readModelConfig("./fixtures/embedded/base-a/config.json");
 * await writeSyntheticCheckpoint(folder, { config, seed: 0 });
 * if ((await openCheckpoint(folder)).config.layers !== config.layers) throw new Error("a model of the same shape");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeSyntheticCheckpoint(
  folder: string,
  options: SyntheticCheckpointOptions,
): Promise<void> {
  const { config, dtype = "bfloat16", seed, onProgress } = options;
  const shapes = weightShapes(config);
  const normal = new RandomStream(seed, "synthetic");
  const pool = Float32Array.from({ length: POOL }, () => normal.normal());
  // Weights of one mean and spread share their stored pool; a model has a handful of those.
  const stored = new Map<string, Uint16Array | Uint32Array>();
  const poolOf = (name: string, dims: readonly number[]): Uint16Array | Uint32Array => {
    const { centre, scale } = weightScale(name, dims), key = `${centre} ${scale}`;
    const known = stored.get(key) ?? storedPool(pool, { centre, scale, dtype });
    stored.set(key, known);
    return known;
  };
  const bytesOf = (dims: readonly number[]) => elementCount(dims) * DTYPE_BYTES[dtype];
  const total = [...shapes.values()].reduce((sum, dims) => sum + bytesOf(dims), 0);
  let written = 0;
  const tensors = Object.fromEntries(
    [...shapes].map(([name, dims]): [string, StreamedTensor] => [name, {
      dtype,
      dims,
      *chunks() {
        onProgress?.({ bytes: written, of: total });
        yield* randomBytes(elementCount(dims), {
          pool: poolOf(name, dims),
          stream: new RandomStream(seed, "synthetic", name),
        });
        written += bytesOf(dims);
      },
    }]),
  );
  await ensureFolder(folder);
  const metadata = { format: "pt", seed: String(seed) };
  await writeSafetensors(`${folder}/model.safetensors`, { tensors, metadata });
  await writeFileAtomic(`${folder}/config.json`, jsonText(configJson(config, { dtype })));
  onProgress?.({ bytes: total, of: total });
}
