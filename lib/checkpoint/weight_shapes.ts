import type { ModelConfig } from "./config.ts";

/** Which of the attention projections have biases: all of a kind, or none. */
export interface AttentionBiases {
  /** The query projection. */
  readonly q: boolean;
  /** The key projection. */
  readonly k: boolean;
  /** The value projection. */
  readonly v: boolean;
  /** The output projection; Llama files alone may have it. `@default false` */
  readonly o?: boolean;
}

/**
 * The tensors that a decoder consists of, by their Hugging Face names, with shapes; projections are
 * [outputs, inputs]. A tied model has no `lm_head.weight`.
 *
 * @example
 * ```ts
 * import { tinyConfig, weightShapes } from "./mod.ts";
 * const shapes = weightShapes(tinyConfig({ embed: 32, neurons: 48 }), { biases: { q: true, k: true, v: true } });
 * if (shapes.get("model.layers.1.mlp.down_proj.weight")?.join() !== "32,48") throw new Error("wrong shape");
 * ```
 */
export function weightShapes(
  config: ModelConfig,
  options: { readonly biases: AttentionBiases },
): ReadonlyMap<string, readonly number[]> {
  const { embed, neurons, vocab } = config;
  const width = { q: config.heads * config.headDim, k: config.kvHeads * config.headDim };
  const shapes = new Map<string, readonly number[]>([["model.embed_tokens.weight", [vocab, embed]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const block = `model.layers.${layer}`;
    shapes.set(`${block}.input_layernorm.weight`, [embed]);
    for (const [kind, rows] of [["q", width.q], ["k", width.k], ["v", width.k]] as const) {
      shapes.set(`${block}.self_attn.${kind}_proj.weight`, [rows, embed]);
      if (options.biases[kind]) shapes.set(`${block}.self_attn.${kind}_proj.bias`, [rows]);
    }
    shapes.set(`${block}.self_attn.o_proj.weight`, [embed, width.q]);
    if (options.biases.o === true) shapes.set(`${block}.self_attn.o_proj.bias`, [embed]);
    shapes.set(`${block}.post_attention_layernorm.weight`, [embed]);
    shapes.set(`${block}.mlp.gate_proj.weight`, [neurons, embed]);
    shapes.set(`${block}.mlp.up_proj.weight`, [neurons, embed]);
    shapes.set(`${block}.mlp.down_proj.weight`, [embed, neurons]);
  }
  shapes.set("model.norm.weight", [embed]);
  if (!config.tiedEmbeddings) shapes.set("lm_head.weight", [vocab, embed]);
  return shapes;
}
