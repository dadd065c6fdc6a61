import type { ArchitectureRow } from "./architecture_row.ts";

/**
 * Mistral 7B: Llama's block without biases; attention may be cut to a sliding window in all layers, which changes
 * nothing for texts that fit into it. Source: MistralConfig and MistralForCausalLM.
 */
export const mistral: ArchitectureRow = {
  className: "MistralForCausalLM",
  formerNames: [],
  reads: ["sliding_window", "attention_chunk_size"],
  defaults: {
    kvHeads: null,
    headDim: null,
    maxPositions: 131072,
    bosTokenId: 1,
    eosTokenId: 2,
    slidingWindow: 4096,
  },
  layerKinds: false,
  biases: () => ({ qkv: false, o: false, mlp: false }),
  headNorms: false,
};
