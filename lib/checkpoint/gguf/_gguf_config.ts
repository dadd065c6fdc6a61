import { InputError } from "../../core/mod.ts";
import { quoted } from "../files/_json_file.ts";
import { type GgufHeader, type GgufValue, shown } from "./_gguf_header.ts";
import type { GgufMetadata } from "./_gguf_metadata.ts";
import { type Architecture, architectureRow } from "../architecture.ts";
import { configJson, type ModelConfig, modelConfigFrom } from "../config.ts";

/** How a family's files differ from its Hugging Face folders. */
interface GgufFamily {
  readonly architecture: Architecture;
  /** Whether rows of q and k are stored with the two halves of each rotary head interleaved. */
  readonly interleaved: boolean;
}

/** The families that are read, by `general.architecture`. */
const GGUF_FAMILIES: ReadonlyMap<string, GgufFamily> = new Map([
  ["llama", { architecture: "llama", interleaved: true }],
  ["qwen2", { architecture: "qwen2", interleaved: false }],
  ["qwen3", { architecture: "qwen3", interleaved: false }],
]);

/** Keys after the family's name that change nothing here. */
const NOTES = ["tensor_data_layout", "pooling_type", "rope.scaling.finetuned", "rope.scaling.attn_factor"];

/** Keys that may only say what a plain decoder does anyway. */
const PLAIN: Readonly<Record<string, readonly (number | boolean)[]>> = {
  "expert_count": [0],
  "expert_used_count": [0],
  "use_parallel_residual": [false],
  "attention.causal": [true],
  "attention.clamp_kqv": [0],
  "attention.max_alibi_bias": [0],
  "attn_logit_softcapping": [0],
  "final_logit_softcapping": [0],
  "logit_scale": [0, 1],
  "residual_scale": [0, 1],
  "embedding_scale": [0, 1],
};

/** The file of one model: not an adapter, not a part of several. */
function checkKind(metadata: GgufMetadata): void {
  const type = metadata.text("general.type");
  if (type !== undefined && type !== "model") {
    throw metadata.fault("general.type", 'must be "model"', "pass the file of a whole model");
  }
  const parts = metadata.number("split.count") ?? 1;
  if (parts > 1) throw metadata.fault("split.count", "must be 1", "merge the parts into one file first");
}

/** Rotary parameters beside the factors, which are a tensor. */
function checkRope(
  metadata: GgufMetadata,
  options: { readonly family: string; readonly headDim: number },
): void {
  const { family, headDim } = options, scaling = `${family}.rope.scaling`;
  const width = metadata.number(`${family}.rope.dimension_count`);
  if (width !== undefined && width !== headDim) {
    throw metadata.fault(`${family}.rope.dimension_count`, `must be the head width ${headDim}`);
  }
  const kind = metadata.text(`${scaling}.type`) ?? "linear";
  if (kind !== "none" && kind !== "linear") {
    throw metadata.fault(`${scaling}.type`, 'is not supported, only "none" or factors in rope_freqs.weight');
  }
  for (const key of [`${scaling}.factor`, `${family}.rope.scale_linear`]) {
    const factor = metadata.number(key) ?? 0;
    if (kind === "linear" && factor !== 0 && factor !== 1) {
      throw metadata.fault(key, "is not supported, only 1");
    }
  }
}

/** Refuses what this program would not compute, and keys that it does not know: they may change the computation. */
function checkRest(
  metadata: GgufMetadata,
  options: { readonly family: string; readonly headDim: number; readonly maxPositions: number },
): void {
  const { family, headDim, maxPositions } = options;
  for (const [name, allowed] of Object.entries(PLAIN)) {
    const key = `${family}.${name}`, value = metadata.value(key);
    if (value !== undefined && !allowed.includes(value as number | boolean)) {
      throw metadata.fault(key, `is not supported, only ${allowed.join(" or ")}`);
    }
  }
  const window = metadata.number(`${family}.attention.sliding_window`) ?? 0;
  if (window !== 0 && window < maxPositions) {
    throw metadata.fault(
      `${family}.attention.sliding_window`,
      "is not supported below the model's positions",
    );
  }
  const scale = metadata.number(`${family}.attention.scale`) ?? 0, usual = headDim ** -0.5;
  if (scale !== 0 && Math.abs(scale / usual - 1) > 1e-6) {
    throw metadata.fault(`${family}.attention.scale`, `is not supported, only ${usual}`);
  }
  for (const name of NOTES) metadata.value(`${family}.${name}`);
  const unknown = metadata.unasked(`${family}.`);
  if (unknown[0] !== undefined) {
    const more = unknown.length > 1 ? ` and ${unknown.length - 1} more` : "";
    throw new InputError(
      `unknown key ${quoted(unknown[0])}${more} in the metadata: current value is ${
        shown(metadata.value(unknown[0]) as GgufValue)
      }`,
      { where: metadata.where, repair: "it may change the computation: use a file without it" },
    );
  }
}

/** Switches of biases that a family leaves to a file: on where there are any, and then all must be there. */
function statedBiases(
  header: GgufHeader,
  architecture: Architecture,
): Pick<ModelConfig, "attentionBias" | "mlpBias"> {
  const { reads } = architectureRow(architecture), names = [...header.tensors.keys()];
  const has = (kind: RegExp) => names.some((name) => kind.test(name));
  return {
    ...(reads.includes("attention_bias") && has(/\.attn_(q|k|v|output)\.bias$/)
      ? { attentionBias: true }
      : {}),
    ...(reads.includes("mlp_bias") && has(/\.ffn_(gate|up|down)\.bias$/) ? { mlpBias: true } : {}),
  };
}

/** What a GGUF file says about the computation; θ's stretching is a tensor and not yet part of it. */
export interface GgufConfig {
  readonly config: ModelConfig;
  readonly family: GgufFamily;
  /** Positions of the first training, where the file states them. */
  readonly originalMaxPositions: number | undefined;
}

/** Metadata → configuration, with the limits of a config.json; `InputError` for what is missing or not supported. */
export function ggufConfig(
  header: GgufHeader,
  options: {
    readonly metadata: GgufMetadata;
    readonly bosTokenId: number | null;
    readonly eosTokenIds: readonly number[];
  },
): GgufConfig {
  const { metadata } = options;
  const name = metadata.needed("general.architecture", metadata.text("general.architecture"));
  const family = GGUF_FAMILIES.get(name);
  if (family === undefined) {
    const known = [...GGUF_FAMILIES.keys()].map((one) => `"${one}"`).join(" or ");
    throw metadata.fault("general.architecture", `must be ${known}`);
  }
  checkKind(metadata);
  const whole = (key: string, to: number) => metadata.whole(`${name}.${key}`, { from: 1, to });
  const needed = (key: string, to: number) => metadata.needed(`${name}.${key}`, whole(key, to));
  const layers = needed("block_count", 2 ** 10), embed = needed("embedding_length", 2 ** 18);
  const heads = needed("attention.head_count", 2 ** 12);
  const headDim = whole("attention.key_length", 2 ** 13) ?? embed / heads;
  const valueDim = whole("attention.value_length", 2 ** 13) ?? embed / heads;
  if (headDim !== valueDim) {
    throw metadata.fault(`${name}.attention.value_length`, `must be the width of keys, ${headDim}`);
  }
  const eps = metadata.number(`${name}.attention.layer_norm_rms_epsilon`);
  const theta = metadata.number(`${name}.rope.freq_base`) ?? 10000;
  const embedding = header.tensors.get("token_embd.weight")?.dims;
  if (embedding?.length !== 2) {
    const found = embedding === undefined ? "is missing" : `has ${embedding.length} dimensions, expected 2`;
    throw new InputError(`tensor "token_embd.weight" ${found}`, {
      where: header.where,
      repair: "fetch the file again",
    });
  }
  const vocab = embedding[0] as number, stated = whole("vocab_size", 2 ** 24);
  if (stated !== undefined && stated !== vocab) {
    throw metadata.fault(`${name}.vocab_size`, `must be the rows of token_embd.weight, ${vocab}`);
  }
  const maxPositions = needed("context_length", 2 ** 31 - 1);
  const config: ModelConfig = {
    architecture: family.architecture,
    layers,
    embed,
    heads,
    kvHeads: whole("attention.head_count_kv", 2 ** 12) ?? heads,
    headDim,
    neurons: needed("feed_forward_length", 2 ** 20),
    vocab,
    ropeTheta: theta,
    ropeScaling: null,
    rmsNormEps: metadata.needed(`${name}.attention.layer_norm_rms_epsilon`, eps),
    tiedEmbeddings: !header.tensors.has("output.weight"),
    maxPositions,
    bosTokenId: options.bosTokenId,
    eosTokenIds: options.eosTokenIds,
    ...statedBiases(header, family.architecture),
  };
  checkRope(metadata, { family: name, headDim });
  const originalMaxPositions = whole("rope.scaling.original_context_length", 2 ** 31 - 1);
  checkRest(metadata, { family: name, headDim, maxPositions });
  // The reader of config.json has the last word, so that what is written can be read.
  modelConfigFrom(configJson(config, { dtype: "float32" }), { where: header.where });
  return { config, family, originalMaxPositions };
}
