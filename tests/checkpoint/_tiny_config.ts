import type { ModelConfig } from "../../lib/checkpoint/mod.ts";

/** A small config: 2 blocks, 4 query heads over 2 key heads, every width distinct; `overrides` replace single fields. */
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
