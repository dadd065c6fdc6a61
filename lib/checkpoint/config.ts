import { InputError, type Json } from "../core/mod.ts";
import { attentionWindow } from "./_attention_window.ts";
import { type ConfigKeys, readConfigKeys } from "./_config_keys.ts";
import { readJsonFile } from "./files/_json_file.ts";
import { type Architecture, architectureRow } from "./architecture.ts";
import { ropeOf, type RopeScaling, ropeScalingJson } from "./rope_scaling.ts";
import type { WeightDType } from "./files/write_safetensors.ts";

/** ε of every RMSNorm where a file does not say: the default of all families. */
const DEFAULT_EPSILON = 1e-6;

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
  /** Positions the model was made for, or as many as its sliding window shows at once: it computes no others. */
  readonly maxPositions: number;
  /** The token that opens a text, where the model has one. */
  readonly bosTokenId: number | null;
  /** Tokens that end a text; may be empty. */
  readonly eosTokenIds: readonly number[];
  /** Whether attention's linear maps have biases, where the family leaves that to a file. @default {false} */
  readonly attentionBias?: true;
  /** Whether the MLP's linear maps have biases, where the family leaves that to a file. @default {false} */
  readonly mlpBias?: true;
  /** The sliding window that narrows `maxPositions`. @default {none} */
  readonly slidingWindow?: number;
}

/**
 * The parsed JSON of a config.json → the values we compute with. The family's class in transformers decides what is
 * computed: a key that it reads is checked, and what is not supported is refused by name and value; a key that it does
 * not read changes nothing ({@link unreadConfigKeys} names those). A key that a file leaves out has its class's default.
 *
 * `where` names the file in messages. Throws `InputError`: sliding windows in some layers, other rotary scalings than
 * Llama 3's, another activation than SiLU and quantised weights are not supported.
 *
 * @example
 * ```ts
 * import { configJson, modelConfigFrom, PUBLISHED_CONFIGS } from "@small-vectors/steering/checkpoint";
 * const json = configJson(PUBLISHED_CONFIGS["smollm2-135m"], { dtype: "float32" });
 * if (modelConfigFrom(json, { where: "config.json" }).layers !== 30) throw new Error("comes back");
 * ```
 */
export function modelConfigFrom(json: unknown, options: { readonly where: string }): ModelConfig {
  return readConfig(json, options.where).config;
}

/**
 * The keys of the parsed JSON of a config.json that change nothing in what is computed, in the order of the file.
 * Throws an `InputError` as {@link modelConfigFrom} does.
 *
 * @example
 * ```ts
 * import { configJson, PUBLISHED_CONFIGS, unreadConfigKeys } from "@small-vectors/steering/checkpoint";
 * const json = { ...configJson(PUBLISHED_CONFIGS["smollm2-135m"], { dtype: "float32" }), unsloth_fixed: true };
 * if (!unreadConfigKeys(json, { where: "config.json" }).includes("unsloth_fixed")) throw new Error("a note of others");
 * ```
 */
export function unreadConfigKeys(json: unknown, options: { readonly where: string }): readonly string[] {
  return readConfig(json, options.where).unread;
}

/** Query heads over key heads, and the width of each. */
function headsOf(raw: ConfigKeys, fault: (what: string) => InputError) {
  const { defaults } = architectureRow(raw.model_type), heads = raw.num_attention_heads;
  if (raw.num_key_value_heads === undefined && defaults.kvHeads === null) {
    throw fault('"num_key_value_heads" is missing');
  }
  const kvHeads = raw.num_key_value_heads ?? heads;
  if (heads % kvHeads !== 0) {
    throw fault(
      `num_attention_heads must be a multiple of num_key_value_heads: current values are ${heads} and ${kvHeads}`,
    );
  }
  const headDim = raw.head_dim ?? defaults.headDim ?? raw.hidden_size / heads;
  if (headDim % 2 !== 0) throw fault(`the head width must be an even number: current value is ${headDim}`);
  return { heads, kvHeads, headDim };
}

function readConfig(
  json: unknown,
  where: string,
): { readonly config: ModelConfig; readonly unread: readonly string[] } {
  const { raw, unread } = readConfigKeys(json, where);
  const fault = (what: string) => new InputError(`${what} in config.json`, { where });
  const architecture = raw.model_type, row = architectureRow(architecture), { defaults } = row;
  const classes = [row.className, ...row.formerNames], stated = raw.architectures ?? [];
  if (stated.length > 0 && !(stated.length === 1 && classes.includes(stated[0] as string))) {
    throw fault(
      `architectures must be ["${row.className}"] for ${architecture}: current value is [${stated}]`,
    );
  }
  const positions = raw.max_position_embeddings ?? defaults.maxPositions;
  const slidingWindow = attentionWindow(raw, { maxPositions: positions, where });
  const { unread: unreadRope, ...rope } = ropeOf(raw, {
    maxPositions: positions,
    layerKinds: row.layerKinds,
    where,
  });
  // A default that the model has no row for is nobody's token.
  const known = (id: number | null) => id !== null && id < raw.vocab_size ? id : null;
  const bos = raw.bos_token_id === undefined ? known(defaults.bosTokenId) : raw.bos_token_id;
  const eos = raw.eos_token_id === undefined ? known(defaults.eosTokenId) : raw.eos_token_id;
  const config: ModelConfig = {
    architecture,
    layers: raw.num_hidden_layers,
    embed: raw.hidden_size,
    ...headsOf(raw, fault),
    neurons: raw.intermediate_size,
    vocab: raw.vocab_size,
    ...rope,
    rmsNormEps: raw.rms_norm_eps ?? DEFAULT_EPSILON,
    tiedEmbeddings: raw.tie_word_embeddings ?? false,
    maxPositions: slidingWindow ?? positions,
    bosTokenId: bos,
    eosTokenIds: [],
    ...(raw.attention_bias === true ? { attentionBias: true } : {}),
    ...(raw.mlp_bias === true ? { mlpBias: true } : {}),
    ...(slidingWindow === null ? {} : { slidingWindow }),
  };
  if (config.bosTokenId !== null && config.bosTokenId >= config.vocab) {
    throw fault(`bos_token_id must be < ${config.vocab}: current value is ${config.bosTokenId}`);
  }
  return {
    config: withEosTokens(config, { ids: eos === null ? [] : [eos].flat(), where }),
    unread: [...unread, ...unreadRope],
  };
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
 * import { readModelConfig } from "@small-vectors/steering/checkpoint";
 * if ((await readModelConfig("./fixtures/embedded/base-a/config.json")).layers !== 8) throw new Error("eight blocks");
 * ```
 */
export async function readModelConfig(path: string): Promise<ModelConfig> {
  return modelConfigFrom(await readJsonFile(path, { what: "config.json", kind: "config" }), { where: path });
}

/** What the config.json of a family says beyond what all say. */
function ownKeys(config: ModelConfig): { readonly [key: string]: Json } {
  const values: { readonly [key: string]: Json } = {
    attention_bias: config.attentionBias === true,
    mlp_bias: config.mlpBias === true,
    use_sliding_window: false,
  };
  const { reads } = architectureRow(config.architecture);
  const keys = reads.filter((key) => key in values).map((key) => [key, values[key] as Json] as const);
  // Where nothing else switches it on, a window that is not stated is the class's default.
  const window = reads.includes("sliding_window") && !reads.includes("use_sliding_window") &&
    architectureRow(config.architecture).defaults.slidingWindow !== null;
  return { ...Object.fromEntries(keys), ...(window ? { sliding_window: config.slidingWindow ?? null } : {}) };
}

/**
 * The config.json of a model, for this program and for transformers (4 and 5) alike. `dtype` is that of the weights
 * beside it.
 *
 * @example
 * ```ts
 * import { configJson, PUBLISHED_CONFIGS } from "@small-vectors/steering/checkpoint";
 * const json = configJson(PUBLISHED_CONFIGS["llama-3.1-8b-instruct"], { dtype: "bfloat16" });
 * if (json.model_type !== "llama" || json.torch_dtype !== "bfloat16") throw new Error("wrong config");
 * ```
 */
export function configJson(
  config: ModelConfig,
  options: { readonly dtype: WeightDType },
): { readonly [key: string]: Json } {
  const [onlyEos, ...moreEos] = config.eosTokenIds;
  return {
    architectures: [architectureRow(config.architecture).className],
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
    ...ownKeys(config),
  };
}
