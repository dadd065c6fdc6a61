import type { ModelConfig } from "../../lib/checkpoint/mod.ts";
import type { LastBlockPatch } from "../../lib/probe/mod.ts";

/**
 * Heads with and without biases and norms; grouped, single and own keys; head sizes for the fused kernel and for the
 * other.
 */
export const ROUTE_MODELS: Readonly<Record<string, Partial<ModelConfig>>> = {
  "qwen2, grouped, fused": { layers: 3, heads: 4, kvHeads: 2, headDim: 16 },
  "llama, one key, concatenated": { architecture: "llama", layers: 2, heads: 4, kvHeads: 1, headDim: 6 },
  "llama, own keys, fused": { architecture: "llama", layers: 2, heads: 3, kvHeads: 3, headDim: 16 },
  "qwen2, grouped, concatenated": { layers: 2, heads: 6, kvHeads: 2, headDim: 8 },
  "qwen3, grouped, fused": { architecture: "qwen3", layers: 3, heads: 4, kvHeads: 2, headDim: 16 },
};

/** 0, 1, …, count − 1. */
export const firstOf = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** A patch of every mode, inverse and path; heads are the last there is. */
export function everyPatch(config: ModelConfig): readonly LastBlockPatch[] {
  const query = config.heads - 1, key = config.kvHeads - 1;
  return [
    ...([{}, { inverse: true }] as const).flatMap((way): LastBlockPatch[] => [
      { mode: "q", head: query, ...way },
      { mode: "k", head: key, ...way },
      { mode: "v", head: key, ...way },
      { mode: "group", head: key, ...way },
      { mode: "all_v", ...way },
      { mode: "head", head: query, ...way },
      { mode: "head", head: query, path: "residual", ...way },
      { mode: "head", head: query, path: "mlp", ...way },
    ]),
    { mode: "skip_attn" },
    { mode: "skip_layer" },
    { mode: "no_patch" },
    { mode: "base" },
  ];
}
