import type { ArchitectureRow } from "./architecture_row.ts";

/**
 * Qwen2 and Qwen2.5: Llama's block with biases on queries, keys and values, which no key of a config.json switches.
 * Source: Qwen2Config and Qwen2ForCausalLM.
 */
export const qwen2: ArchitectureRow = {
  className: "Qwen2ForCausalLM",
  formerNames: [],
  reads: ["use_sliding_window", "sliding_window", "max_window_layers"],
  defaults: {
    kvHeads: null,
    headDim: null,
    maxPositions: 32768,
    bosTokenId: null,
    eosTokenId: null,
    slidingWindow: 4096,
  },
  layerKinds: true,
  biases: () => ({ qkv: true, o: false, mlp: false }),
  headNorms: false,
};
