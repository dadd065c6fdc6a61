import { z } from "zod";
import { InputError, type Json } from "../core/mod.ts";
import { readJsonFile, validateJson } from "./_json_file.ts";
import { ropeOf, type RopeScaling, ropeScalingJson, ropeSchema } from "./rope_scaling.ts";
import type { WeightDType } from "./write_safetensors.ts";

/** Decoder families whose block is the one we build: RMSNorm, rotary attention in groups, gated SiLU. */
export type Architecture = "qwen2" | "llama";

/** The class of each family, as `architectures` names it. */
const CLASS_NAMES: { readonly [K in Architecture]: string } = {
  qwen2: "Qwen2ForCausalLM",
  llama: "LlamaForCausalLM",
};

/** What of a config.json decides the computation. */
export interface ModelConfig {
  /** The family, `model_type` of the file. */
  readonly architecture: Architecture;
  /** Number of decoder blocks. */
  readonly layers: number;
  /** Width of the residual stream. */
  readonly embed: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; divides `heads`. */
  readonly kvHeads: number;
  /** Width of one head, even. */
  readonly headDim: number;
  /** Width of the MLP. */
  readonly neurons: number;
  /** Rows of the embedding; may exceed the tokens that the tokenizer knows. */
  readonly vocab: number;
  /** Base of the rotary frequencies: θ^(-2i/headDim). */
  readonly ropeTheta: number;
  /** How those frequencies are stretched to longer texts; null where they are not. */
  readonly ropeScaling: RopeScaling | null;
  /** ε of every RMSNorm. */
  readonly rmsNormEps: number;
  /** Whether the unembedding is the embedding. */
  readonly tiedEmbeddings: boolean;
  /** Positions the model was made for. */
  readonly maxPositions: number;
  /** The token that opens a text, where the model has one. */
  readonly bosTokenId: number | null;
  /** Tokens that end a text; may be empty. */
  readonly eosTokenIds: readonly number[];
}

/**
 * A whole number from 1 to a limit, an order of magnitude above the largest published models. Shapes are made of
 * these numbers before any weight is looked at, so an absurd one must not get that far.
 */
const count = (limit: number) =>
  z.int("must be a whole number").min(1, "must be at least 1").max(limit, `must be at most ${limit}`);
const tokenId = z.int("must be a token id").min(0, "must be a token id").max(
  2 ** 31 - 1,
  "must be a token id",
);
const positive = z.number("must be a number").gt(0, "must be above 0");

function only<const T extends string | number | boolean>(...values: readonly T[]): z.ZodType<T> {
  return z.literal(
    [...values],
    `only ${values.map((value) => JSON.stringify(value)).join(" or ")} is supported`,
  );
}

/** Keys that change nothing in a forward pass: notes, training, and switches of other programs. */
const IGNORED_KEYS = [
  "_name_or_path",
  "_attn_implementation_autoset",
  "attention_dropout",
  "chunk_size_feed_forward",
  "dtype",
  "id2label",
  "initializer_range",
  "label2id",
  "max_window_layers",
  "output_attentions",
  "output_hidden_states",
  "pad_token_id",
  "pretraining_tp",
  "problem_type",
  "return_dict",
  "sliding_window",
  "torch_dtype",
  "transformers_version",
  "use_cache",
] as const;

const configSchema = z.strictObject({
  ...Object.fromEntries(IGNORED_KEYS.map((key) => [key, z.unknown().optional()])),
  model_type: only("qwen2", "llama"),
  architectures: z.array(only(...Object.values(CLASS_NAMES))).nullish(),
  num_hidden_layers: count(2 ** 10),
  hidden_size: count(2 ** 18),
  num_attention_heads: count(2 ** 12),
  num_key_value_heads: count(2 ** 12).nullable(),
  head_dim: count(2 ** 13).nullish(),
  intermediate_size: count(2 ** 20),
  vocab_size: count(2 ** 24),
  max_position_embeddings: count(2 ** 31 - 1),
  rms_norm_eps: positive,
  hidden_act: only("silu"),
  tie_word_embeddings: z.boolean("must be true or false").optional(),
  rope_theta: positive.optional(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)], "must be a token id or a list of them").nullish(),
  use_sliding_window: z.literal(false, "sliding-window attention is not supported, only false").optional(),
  layer_types: z.array(z.literal("full_attention", 'only "full_attention" is supported, no sliding windows'))
    .nullish(),
  attention_bias: z.boolean("must be true or false").optional(),
  mlp_bias: only(false).optional(),
  use_mrope: only(false).optional(),
  is_encoder_decoder: only(false).optional(),
});

/**
 * The parsed JSON of a config.json → the values we compute with. It fails closed: keys that change nothing are
 * known by name and ignored, keys that change the computation are checked, unknown keys are refused.
 *
 * `where` names the file in messages. Throws `InputError`: sliding windows, other rotary scalings than Llama 3's,
 * another activation than SiLU and biases of the MLP are not supported.
 *
 * @example
 * ```ts
 * import { configJson, modelConfigFrom, tinyConfig } from "./mod.ts";
 * const config = modelConfigFrom(configJson(tinyConfig(), { dtype: "float32" }), { where: "config.json" });
 * if (config.layers !== tinyConfig().layers) throw new Error("the writer and the reader disagree");
 * ```
 */
export function modelConfigFrom(json: unknown, options: { readonly where: string }): ModelConfig {
  const { where } = options;
  const raw = validateJson(json, { schema: configSchema, what: "config.json", where });
  const fault = (what: string) => new InputError(`${what} in config.json`, { where });
  const [layers, embed, heads] = [raw.num_hidden_layers, raw.hidden_size, raw.num_attention_heads];
  const kvHeads = raw.num_key_value_heads ?? heads;
  if (heads % kvHeads !== 0) {
    throw fault(
      `num_attention_heads must be a multiple of num_key_value_heads: current values are ${heads} and ${kvHeads}`,
    );
  }
  const headDim = raw.head_dim ?? embed / heads;
  if (headDim % 2 !== 0) {
    throw fault(`the head width must be an even number: current value is ${headDim}`);
  }
  if (raw.layer_types && raw.layer_types.length !== layers) {
    throw fault(`layer_types must name ${layers} layers: current count is ${raw.layer_types.length}`);
  }
  if (raw.attention_bias === true && raw.model_type !== "llama") {
    throw fault(`attention_bias must be false for ${raw.model_type}: current value is true`);
  }
  const className = CLASS_NAMES[raw.model_type];
  if (raw.architectures && raw.architectures.join() !== className) {
    throw fault(
      `architectures must be ["${className}"] for ${raw.model_type}: current value is [${raw.architectures}]`,
    );
  }
  const eosTokenIds = raw.eos_token_id === null || raw.eos_token_id === undefined
    ? []
    : [raw.eos_token_id].flat();
  const config: ModelConfig = {
    architecture: raw.model_type,
    layers,
    embed,
    heads,
    kvHeads,
    headDim,
    neurons: raw.intermediate_size,
    vocab: raw.vocab_size,
    ...ropeOf(raw, where),
    rmsNormEps: raw.rms_norm_eps,
    tiedEmbeddings: raw.tie_word_embeddings ?? false,
    maxPositions: raw.max_position_embeddings,
    bosTokenId: raw.bos_token_id ?? null,
    eosTokenIds: [],
  };
  if (config.bosTokenId !== null && config.bosTokenId >= config.vocab) {
    throw fault(`bos_token_id must be < ${config.vocab}: current value is ${config.bosTokenId}`);
  }
  return withEosTokens(config, { ids: eosTokenIds, where });
}

/**
 * Whether the parsed JSON of a checked config.json says that all attention projections have biases. Null for Qwen2,
 * whose files do not say it.
 */
export function statedAttentionBias(json: unknown): boolean | null {
  const { model_type: architecture, attention_bias: bias } = json as Readonly<Record<string, unknown>>;
  return architecture === "llama" ? bias === true : null;
}

/** The config with further tokens that end a text; `InputError` for ids that the model has no row for. */
export function withEosTokens(
  config: ModelConfig,
  options: { readonly ids: readonly number[]; readonly where: string },
): ModelConfig {
  const outside = options.ids.find((id) => id >= config.vocab);
  if (outside !== undefined) {
    throw new InputError(`eos_token_id must be < ${config.vocab}: current value is ${outside}`, {
      where: options.where,
    });
  }
  return { ...config, eosTokenIds: [...new Set([...config.eosTokenIds, ...options.ids])] };
}

/**
 * Reads and checks a config.json. Throws `InputError` as {@link modelConfigFrom} does, and for a file that is
 * missing or not JSON.
 *
 * @example
 * ```ts
 * import { configJson, readModelConfig, tinyConfig, writeFileAtomic } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * const json = configJson(tinyConfig(), { dtype: "float32" });
 * await writeFileAtomic(`${folder}/config.json`, JSON.stringify(json));
 * if ((await readModelConfig(`${folder}/config.json`)).architecture !== "qwen2") throw new Error("wrong family");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readModelConfig(path: string): Promise<ModelConfig> {
  return modelConfigFrom(await readJsonFile(path, { what: "config.json", kind: "config" }), { where: path });
}

/**
 * The config.json of a model, for this program and for transformers (4 and 5) alike. `dtype` is that of the
 * weights beside it, `attentionBias` whether all its attention projections have biases.
 *
 * @example
 * ```ts
 * import { configJson, tinyConfig } from "./mod.ts";
 * const json = configJson(tinyConfig({ architecture: "llama" }), { dtype: "bfloat16" });
 * if (json.model_type !== "llama" || json.torch_dtype !== "bfloat16") throw new Error("wrong config");
 * ```
 */
export function configJson(
  config: ModelConfig,
  options: { readonly dtype: WeightDType; readonly attentionBias?: boolean },
): { readonly [key: string]: Json } {
  const own: { readonly [key: string]: Json } = config.architecture === "qwen2"
    ? { use_sliding_window: false }
    : { attention_bias: options.attentionBias === true, mlp_bias: false };
  const [onlyEos, ...moreEos] = config.eosTokenIds;
  return {
    architectures: [CLASS_NAMES[config.architecture]],
    attention_dropout: 0,
    bos_token_id: config.bosTokenId,
    eos_token_id: moreEos.length > 0 ? config.eosTokenIds : onlyEos ?? null,
    head_dim: config.headDim,
    hidden_act: "silu",
    hidden_size: config.embed,
    intermediate_size: config.neurons,
    max_position_embeddings: config.maxPositions,
    model_type: config.architecture,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.kvHeads,
    rms_norm_eps: config.rmsNormEps,
    ...(config.ropeScaling === null ? {} : { rope_scaling: ropeScalingJson(config.ropeScaling) }),
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: options.dtype,
    use_cache: true,
    vocab_size: config.vocab,
    ...own,
  };
}

/**
 * A config small enough for tests and examples: 2 blocks, 4 query heads over 2 key heads, every width distinct.
 * `overrides` replace single fields.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "./mod.ts";
 * if (tinyConfig({ kvHeads: 1 }).heads !== 4) throw new Error("other fields must stay");
 * ```
 */
export function tinyConfig(overrides: Partial<ModelConfig> = {}): ModelConfig {
  return {
    architecture: "qwen2",
    layers: 2,
    embed: 32,
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    neurons: 48,
    vocab: 61,
    ropeTheta: 10000,
    ropeScaling: null,
    rmsNormEps: 1e-6,
    tiedEmbeddings: false,
    maxPositions: 256,
    bosTokenId: null,
    eosTokenIds: [0],
    ...overrides,
  };
}
