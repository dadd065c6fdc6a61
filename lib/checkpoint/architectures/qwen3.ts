import type { ArchitectureRow } from "./architecture_row.ts";

/**
 * Qwen3: each query and key head is normed before rotation, heads have a width of their own, and there are no biases
 * unless a file asks for them. Source: Qwen3Config and Qwen3ForCausalLM.
 */
export const qwen3: ArchitectureRow = {
  className: "Qwen3ForCausalLM",
  formerNames: [],
  reads: ["attention_bias", "use_sliding_window", "sliding_window", "max_window_layers"],
  defaults: {
    kvHeads: null,
    headDim: 128,
    maxPositions: 32768,
    bosTokenId: null,
    eosTokenId: null,
    slidingWindow: 4096,
  },
  layerKinds: true,
  biases: ({ attentionBias }) => ({ qkv: attentionBias === true, o: attentionBias === true, mlp: false }),
  headNorms: true,
};
