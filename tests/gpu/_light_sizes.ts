import { type ModelConfig, PUBLISHED_CONFIGS } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import type { OpenOptions } from "../../lib/decode/mod.ts";
import type { ToleranceName } from "../tolerances.ts";

/** Types that a model can compute in. */
export type ModelDType = NonNullable<OpenOptions["dtype"]>;

/** How much is computed where. */
export interface LightSizes {
  /** Types that the conformance suite runs in, and how far each may lie from float32 on the CPU. */
  readonly conformance: readonly (readonly [dtype: ModelDType, tolerance: ToleranceName])[];
  /** How far float32 may lie from what transformers says. */
  readonly parity: number;
  /** Type of the rates. */
  readonly dtype: ModelDType;
  /** How far a rollout's log-probabilities, near −4 each, may lie from those of whole sequences, in nats. */
  readonly logProbNats: number;
  /** A model as wide as a real one and two layers deep, and the real one's depth. */
  readonly wide: ModelConfig;
  readonly layers: number;
  readonly rollout: { readonly rows: number; readonly prompt: number; readonly newTokens: number };
  /** Tokens of the gradient's one row, and of the row that it is held against the CPU on. */
  readonly gradient: { readonly seq: number; readonly checked: number };
  /** Seconds that the deep model needs: it is written, loaded and run. */
  readonly deepSeconds: number;
}

/** Published models have no token here that ends a text early: what is random ends at its length. */
const MATH_7B: ModelConfig = PUBLISHED_CONFIGS["qwen2.5-math-7b"];

/** Sizes by device; those of the CPU are a test of the script. */
export const LIGHT_SIZES: { readonly [Device in "cpu" | "cuda"]: LightSizes } = {
  cuda: {
    conformance: [
      ["float32", "conformanceCudaFloat32"],
      ["bfloat16", "conformanceCudaBfloat16"],
      ["float16", "conformanceCudaFloat16"],
    ],
    parity: 1e-4,
    dtype: "bfloat16",
    logProbNats: 0.3,
    wide: { ...MATH_7B, layers: 2 },
    layers: MATH_7B.layers,
    rollout: { rows: 64, prompt: 128, newTokens: 256 },
    gradient: { seq: 1024, checked: 64 },
    deepSeconds: 200,
  },
  cpu: {
    conformance: [["float32", "forwardFloat32"]],
    parity: 1e-5,
    dtype: "float32",
    logProbNats: 1e-4,
    wide: tinyConfig({
      embed: 48,
      heads: 6,
      kvHeads: 2,
      headDim: 8,
      neurons: 96,
      vocab: 300,
      eosTokenIds: [299],
    }),
    layers: 4,
    rollout: { rows: 6, prompt: 12, newTokens: 16 },
    gradient: { seq: 48, checked: 24 },
    deepSeconds: 1,
  },
};

/** Values in the matrices that a token is multiplied by, of one layer and of the unembedding. */
function matrixValues(config: ModelConfig): { readonly layer: number; readonly unembedding: number } {
  const { embed, heads, kvHeads, headDim, neurons, vocab } = config;
  return { layer: 2 * embed * headDim * (heads + kvHeads) + 3 * embed * neurons, unembedding: embed * vocab };
}

/** Bytes of a model: those that one decoded token reads, and those that stay on the device. */
export interface ModelBytes {
  /** All layers in the type of the model, and the unembedding in float32. */
  readonly decoded: number;
  /** The same, and beside it the embedding and the unembedding as the file has them. */
  readonly resident: number;
}

/** Counts a 16-bit model's bytes, KV cache apart; norms and biases count as nothing. */
export function modelBytes(config: ModelConfig): ModelBytes {
  const { layer, unembedding } = matrixValues(config);
  const decoded = 2 * config.layers * layer + 4 * unembedding;
  return { decoded, resident: decoded + 2 * unembedding * (config.tiedEmbeddings ? 1 : 2) };
}

/** Bytes per second that cards read their memory at, by a part of their name. Source: NVIDIA's data sheets. */
const BANDWIDTHS: Readonly<Record<string, number>> = {
  "B200": 8e12,
  "H200": 4.8e12,
  "H100 NVL": 3.9e12,
  "H100 PCIe": 2e12,
  "H100": 3.35e12,
  "A100-SXM4-80GB": 2.039e12,
  "A100 80GB PCIe": 1.935e12,
  "A100": 1.555e12,
  "L40S": 8.64e11,
  "RTX 4090": 1.008e12,
  "RTX 3090": 9.36e11,
};

/** Bandwidth of a card; null where its name is not known. */
export function bandwidthOf(card: string): number | null {
  return Object.entries(BANDWIDTHS).find(([name]) => card.includes(name))?.[1] ?? null;
}
