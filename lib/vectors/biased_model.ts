import {
  architectureRow,
  type ByteSource,
  type Checkpoint,
  configJson,
  ensureFolder,
  float32Tensor,
  jsonText,
  type ModelConfig,
  openSource,
  pathExists,
  quoted,
  readJsonFile,
  readTensor,
  readWeightFiles,
  type StreamedTensor,
  type TensorEntry,
  type WeightDType,
  weightShapes,
  type WritableTensor,
  writeFileAtomic,
  writeSafetensors,
} from "../checkpoint/mod.ts";
import { elementCount, InputError } from "../core/mod.ts";
import { checkSteering, type SteeringVectors } from "../decode/mod.ts";
import { type FoundVector, layeredVectors } from "./_layered_vectors.ts";
import { readWidth } from "./_small_tensors.ts";
import { DOWN_BIAS } from "./file_format.ts";
import { foreignFile, type VectorFile } from "./vector_file.ts";

const MLP_BIAS = /\.mlp\.(gate|up)_proj\.bias$/;

/**
 * Reads steering vectors out of a model that carries them as biases of each MLP's last map, `mlp.down_proj.bias`: the
 * authors' own checkpoints, and what {@link saveBiasedModel} writes. Biases of zero steer nothing and are left out.
 * `place` is the model's folder, or its one safetensors file.
 *
 * @example
 * ```ts
 * import { loadBiasVectors, loadModel, saveBiasedModel } from "@small-vectors/steering";
 * const folder = await Deno.makeTempDir(), { checkpoint } = await loadModel("./fixtures/embedded/base-a");
 * const vector = new Float32Array(checkpoint.config.embed).fill(0.5);
 * await saveBiasedModel(folder, { checkpoint, vectors: new Map([[1, vector]]), as: "llama" });
 * const { vectors } = await loadBiasVectors(folder, null);
 * if (vectors.size !== 1 || vectors.get(1)?.[0] !== 0.5) throw new Error("zero biases are left out");
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @throws {InputError} for weights that cannot be read, that have no such bias, or whose MLP has other biases too.
 */
export async function loadBiasVectors(place: string, config: ModelConfig | null): Promise<VectorFile> {
  const { tensors } = await readWeightFiles(place), where = place, found: FoundVector[] = [];
  for (const [name, entry] of tensors) {
    if (MLP_BIAS.test(name) && (await readTensor(entry)).some((value) => value !== 0)) {
      throw new InputError(`tensor ${quoted(name)} is not zero, so the model has biases of its own`, {
        where,
        repair: "vectors cannot be told from such biases: pass the file that the vectors came from",
      });
    }
    const layer = DOWN_BIAS.exec(name)?.[1];
    if (layer === undefined) continue;
    const width = config?.embed ?? null;
    const values = await readWidth(entry, { what: "bias", where, width, these: "these vectors" });
    if (values.some((value) => value !== 0)) found.push({ name, layer: Number(layer), values });
  }
  return foreignFile("biases", layeredVectors(found, { where, config }));
}

/** Files of a model beside its weights and its configuration that are passed on. */
const COPIED = [
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "vocab.json",
  "merges.txt",
  "added_tokens.json",
] as const;

/** Bytes that are copied at once. */
const CHUNK = 2 ** 22;

function streamed(entry: TensorEntry, source: ByteSource): StreamedTensor {
  return {
    dtype: entry.dtype as WeightDType,
    dims: entry.dims,
    *chunks() {
      for (let done = 0; done < entry.length; done += CHUNK) {
        yield source.read(entry.offset + done, Math.min(CHUNK, entry.length - done));
      }
    },
  };
}

/**
 * How a model carries vectors: `own` leaves its class and adds biases that this class may not read by itself, as the
 * authors' checkpoints do; `llama` calls it a Llama with biases everywhere, the others zero, which stock programs run.
 */
export type BiasedForm = "own" | "llama";

/** The configuration of the model with vectors; `InputError` where it has no Llama form. */
function biasedConfig(checkpoint: Checkpoint, as: BiasedForm): ModelConfig {
  const { config, folder } = checkpoint, row = architectureRow(config.architecture);
  if (row.reads.includes("mlp_bias")) return { ...config, mlpBias: true };
  if (as === "own") return config;
  const { slidingWindow, ...plain } = config, biases = row.biases(config);
  if (row.headNorms || slidingWindow !== undefined) {
    const what = row.headNorms ? "norms of query and key heads" : "a sliding window";
    throw new InputError(`a ${config.architecture} model has ${what}, which the class of Llama lacks`, {
      where: folder,
      repair: "write it in its own class",
    });
  }
  return { ...plain, architecture: "llama", mlpBias: true, ...(biases.qkv ? { attentionBias: true } : {}) };
}

/** config.json: the model's own with at most one key changed, or that of a Llama. */
async function configText(
  checkpoint: Checkpoint,
  options: { readonly config: ModelConfig; readonly dtype: WeightDType },
): Promise<string> {
  const { config } = options, path = `${checkpoint.folder}/config.json`;
  const json = config.architecture === checkpoint.config.architecture
    ? {
      ...await readJsonFile(path, { what: "config.json", kind: "config" }) as Record<string, unknown>,
      ...(config.mlpBias === true ? { mlp_bias: true } : {}),
    }
    : configJson(config, options);
  return jsonText(json);
}

/**
 * Writes a model with its steering vectors in it, as a Hugging Face folder: the bias of `mlp.down_proj` of block l is
 * s_l, zero where there is no vector, in float32; weights, tokenizer and chat template are those of the model. Weights
 * stream; config.json comes last, so that a folder that has one is whole.
 *
 *     y = r + W_down(…) + s_l
 *
 * `as: "llama"` says LlamaForCausalLM with `attention_bias` and `mlp_bias`, and adds zero biases where Llama has more
 * than the model: transformers and vLLM run it as it is. Models whose queries and keys are normed have no such form. A
 * Llama model is written so in any case. A program that loads weights in bfloat16 rounds the vectors too.
 *
 * @example
 * ```ts
 * import { loadModel, saveBiasedModel } from "@small-vectors/steering";
 * const folder = await Deno.makeTempDir(), { checkpoint } = await loadModel("./fixtures/embedded/base-a");
 * const vector = new Float32Array(checkpoint.config.embed).fill(0.5);
 * await saveBiasedModel(folder, { checkpoint, vectors: new Map([[1, vector]]), as: "llama" });
 * if ((await loadModel(folder)).config.mlpBias !== true) throw new Error("a Llama with biases");
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @throws {RangeError} for vectors that do not fit the model.
 * @throws {InputError} for a model without a Llama form, and where the folder cannot be written.
 */
export async function saveBiasedModel(
  folder: string,
  content: {
    readonly checkpoint: Checkpoint;
    readonly vectors: SteeringVectors;
    readonly as: BiasedForm;
  },
): Promise<void> {
  const { checkpoint, vectors, as } = content, { weights, config: base } = checkpoint;
  checkSteering(vectors, base);
  const config = biasedConfig(checkpoint, as), shapes = weightShapes(config);
  using sources = new DisposableStack();
  const opened = new Map<string, ByteSource>(), tensors: Record<string, WritableTensor | StreamedTensor> = {};
  for (const [name, entry] of weights) {
    const source = opened.get(entry.file) ?? sources.use(await openSource(entry.file));
    opened.set(entry.file, source);
    tensors[name] = streamed(entry, source);
  }
  for (const [name, dims] of shapes) {
    tensors[name] ??= float32Tensor(new Float32Array(elementCount(dims)), dims);
  }
  for (let layer = 0; layer < base.layers; layer++) {
    const name = `model.layers.${layer}.mlp.down_proj.bias`, entry = weights.get(name);
    const data = vectors.get(layer)?.slice() ?? new Float32Array(base.embed);
    // A bias that the model had before stays, and the vector is added to it.
    if (entry !== undefined) {
      (await readTensor(entry)).forEach((value, at) => data[at] = (data[at] as number) + value);
    }
    tensors[name] = float32Tensor(data);
  }
  const dtype = weights.get("model.embed_tokens.weight")?.dtype as WeightDType;
  const text = await configText(checkpoint, { config, dtype });
  await ensureFolder(folder);
  await writeSafetensors(`${folder}/model.safetensors`, { tensors, metadata: { format: "pt" } });
  for (const file of COPIED) {
    const path = `${checkpoint.folder}/${file}`;
    if (await pathExists(path)) await writeFileAtomic(`${folder}/${file}`, await Deno.readFile(path));
  }
  await writeFileAtomic(`${folder}/config.json`, text);
}
