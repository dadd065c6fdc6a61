import { type ModelConfig, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { RandomStream } from "../../lib/core/mod.ts";
import { LanguageModel, type SteeringVectors } from "../../lib/decode/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

/** Runs a body with a small random model, on one thread; folder and sessions are freed afterwards. */
export async function withTinyModel(
  body: (model: LanguageModel) => Promise<void>,
  overrides: Partial<ModelConfig> = {},
): Promise<void> {
  await withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(overrides), dtype: "float32", seed: 4 });
    const model = await LanguageModel.open(folder, { threads: 1 });
    try {
      await body(model);
    } finally {
      await model.release();
    }
  });
}

/**
 * Qwen2 with biases and grouped queries; Llama with one key head, heads of another width and tied embeddings; Qwen3 with
 * norms of its heads and with biases; Mistral, as Llama but for its name.
 */
const FAMILIES = [
  {},
  { architecture: "llama", kvHeads: 1, headDim: 6, tiedEmbeddings: true },
  { architecture: "qwen3", attentionBias: true },
  { architecture: "mistral", headDim: 8 },
] as const;

/** Runs a body with a small random model of each family. */
export async function withEachFamily(body: (model: LanguageModel) => Promise<void>): Promise<void> {
  for (const family of FAMILIES) await withTinyModel(body, family);
}

/** Vectors for the given layers, large enough to change what is sampled. */
export function randomVectors(config: ModelConfig, layers: readonly number[]): SteeringVectors {
  return new Map(layers.map((layer) => {
    const random = new RandomStream(8, "vectors", layer);
    return [layer, Float32Array.from({ length: config.embed }, () => random.normal())];
  }));
}

/** Every layer of a model. */
export function allLayers(config: ModelConfig): number[] {
  return Array.from({ length: config.layers }, (_, layer) => layer);
}
