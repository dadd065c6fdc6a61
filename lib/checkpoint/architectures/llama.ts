import type { ArchitectureRow } from "./architecture_row.ts";

/** Llama 1 to 3.3, and the many models that were given its shape. Source: LlamaConfig and LlamaForCausalLM. */
export const llama: ArchitectureRow = {
  className: "LlamaForCausalLM",
  formerNames: ["LLaMAForCausalLM"],
  // Its blocks know no window, but the cache that the class decodes with cuts to one that a file states.
  reads: ["attention_bias", "mlp_bias", "sliding_window", "attention_chunk_size"],
  defaults: {
    kvHeads: "heads",
    headDim: null,
    maxPositions: 2048,
    bosTokenId: 1,
    eosTokenId: 2,
    slidingWindow: null,
  },
  layerKinds: false,
  biases: ({ attentionBias, mlpBias }) => ({
    qkv: attentionBias === true,
    o: attentionBias === true,
    mlp: mlpBias === true,
  }),
  headNorms: false,
};
