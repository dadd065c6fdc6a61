import { architectureRow } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";

/**
 * The tensors that a decoder consists of, by their Hugging Face names, with shapes; projections are
 * [outputs, inputs]. A tied model has no `lm_head.weight`; which biases and norms of heads there are is the family's
 * to say, and where it leaves that to a file, the config's.
 *
 * @example
 * ```ts
 * import { PUBLISHED_CONFIGS, weightShapes } from "@small-vectors/steering/checkpoint";
 * const shapes = weightShapes(PUBLISHED_CONFIGS["smollm2-135m"]);
 * if (shapes.get("model.layers.1.mlp.down_proj.weight")?.join() !== "576,1536") throw new Error("[embed, neurons]");
 * ```
 */
export function weightShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]> {
  const { embed, neurons, vocab, headDim } = config, row = architectureRow(config.architecture);
  const biases = row.biases(config);
  const width = { q: config.heads * headDim, k: config.kvHeads * headDim };
  const shapes = new Map<string, readonly number[]>([["model.embed_tokens.weight", [vocab, embed]]]);
  const linear = (
    name: string,
    size: { readonly dims: readonly [number, number]; readonly bias: boolean },
  ) => {
    shapes.set(`${name}.weight`, size.dims);
    if (size.bias) shapes.set(`${name}.bias`, [size.dims[0]]);
  };
  for (let layer = 0; layer < config.layers; layer++) {
    const block = `model.layers.${layer}`, attention = `${block}.self_attn`;
    shapes.set(`${block}.input_layernorm.weight`, [embed]);
    for (const [kind, rows] of [["q", width.q], ["k", width.k], ["v", width.k]] as const) {
      linear(`${attention}.${kind}_proj`, { dims: [rows, embed], bias: biases.qkv });
    }
    if (row.headNorms) {
      for (const kind of ["q", "k"]) shapes.set(`${attention}.${kind}_norm.weight`, [headDim]);
    }
    linear(`${attention}.o_proj`, { dims: [embed, width.q], bias: biases.o });
    shapes.set(`${block}.post_attention_layernorm.weight`, [embed]);
    linear(`${block}.mlp.gate_proj`, { dims: [neurons, embed], bias: biases.mlp });
    linear(`${block}.mlp.up_proj`, { dims: [neurons, embed], bias: biases.mlp });
    linear(`${block}.mlp.down_proj`, { dims: [embed, neurons], bias: biases.mlp });
  }
  shapes.set("model.norm.weight", [embed]);
  if (!config.tiedEmbeddings) shapes.set("lm_head.weight", [vocab, embed]);
  return shapes;
}
