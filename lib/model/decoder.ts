import type { ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { accurateDType, type ComputeDType } from "./precision.ts";
import { type SiteKind, type SiteName, siteName } from "./sites.ts";
import { unembeddingName, type WeightSource } from "./weights.ts";

/** Called at every site with its value; what it returns goes on. Edits enter the graph here and nowhere else. */
export type SiteHandler = (g: GraphBuilder, name: SiteName, value: Value) => Value;

/** Queries, keys and values of one block before rotation, each [batch, seq, heads or kv_heads, head_dim]. */
export interface AttentionInput {
  /** Block, counted from zero. */
  readonly layer: number;
  /** Queries [batch, seq, heads, head_dim]. */
  readonly q: Value;
  /** Keys [batch, seq, kv_heads, head_dim]. */
  readonly k: Value;
  /** Values [batch, seq, kv_heads, head_dim]. */
  readonly v: Value;
}

/** Computes head outputs [batch, seq, heads, head_dim]; sequence, decode and training graphs differ only in this. */
export type AttentionKernel = (g: GraphBuilder, input: AttentionInput) => Value;

/** What the decoder is made of. */
export interface DecoderParts {
  /** The model's shape. */
  readonly config: ModelConfig;
  /** Where its weights come from. */
  readonly weights: WeightSource;
  /** How queries, keys and values become head outputs. */
  readonly attention: AttentionKernel;
  /** What happens at its sites. */
  readonly site: SiteHandler;
}

/** y = x · Wᵀ (+ b). Weights lie as [out, in], as in the files. */
function linear(
  g: GraphBuilder,
  x: Value,
  options: { readonly weights: WeightSource; readonly name: string },
): Value {
  const { weights, name } = options;
  const product = g.matMul(x, weights.get(`${name}.weight`), { transB: true });
  return weights.has(`${name}.bias`) ? g.add(product, weights.get(`${name}.bias`)) : product;
}

/** The normed value in the islands' type: whoever multiplies by it casts it to the compute type. */
function rmsNorm(
  g: GraphBuilder,
  x: Value,
  options: { readonly weights: WeightSource; readonly name: string; readonly epsilon: number },
): Value {
  const accurate = accurateDType(x.dtype as ComputeDType);
  const gain = options.weights.get(`${options.name}.weight`, accurate);
  const attributes = { axis: -1, epsilon: { float: options.epsilon } };
  return g.apply("RMSNormalization", [g.cast(x, accurate), gain], { attributes });
}

/**
 * Token embeddings [batch, seq, embed] of `tokens` int64 [batch, seq].
 *
 * @example
 * ```ts
 * import { tinyConfig, weightShapes } from "../checkpoint/mod.ts";
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { embedTokens, inputWeights, sequenceAttention, type SiteHandler } from "./mod.ts";
 * const config = tinyConfig({ layers: 1 });
 * const g = new GraphBuilder("decoder");
 * const shapes = weightShapes(config, { biases: { q: true, k: true, v: true } });
 * const weights = inputWeights(g, { shapes, compute: "float32" });
 * const tokens = g.input("tokens", "int64", ["batch", "seq"]);
 * const site: SiteHandler = (_, __, value) => value;
 * const attention = sequenceAttention(g, config, { batch: "batch", seq: "seq", compute: "float32", site });
 * const parts = { config, weights, attention, site };
 * if (embedTokens(g, tokens, parts).dims.join() !== "batch,seq,32") throw new Error("[batch, seq, embed]");
 * ```
 */
export function embedTokens(g: GraphBuilder, tokens: Value, parts: DecoderParts): Value {
  return g.gather(parts.weights.get("model.embed_tokens.weight"), tokens, { axis: 0 });
}

/**
 * One pre-norm block of Qwen2 and Llama, written once for every kind of graph.
 *
 *     r = x + Attn(N₁(x)),  y = r + MLP(N₂(r)) (+ s_l at the site resid_post)
 *     MLP(z) = W_down(silu(W_gate z) ⊙ W_up z)
 *
 * `x` and the result are [batch, seq, embed] in the compute type; norms are float32 islands of a 16-bit graph.
 *
 * @example
 * ```ts
 * import { tinyConfig, weightShapes } from "../checkpoint/mod.ts";
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { decoderBlock, embedTokens, inputWeights, sequenceAttention, type SiteHandler } from "./mod.ts";
 * const config = tinyConfig({ layers: 1 });
 * const g = new GraphBuilder("decoder");
 * const shapes = weightShapes(config, { biases: { q: true, k: true, v: true } });
 * const weights = inputWeights(g, { shapes, compute: "float32" });
 * const tokens = g.input("tokens", "int64", ["batch", "seq"]);
 * const site: SiteHandler = (_, __, value) => value;
 * const attention = sequenceAttention(g, config, { batch: "batch", seq: "seq", compute: "float32", site });
 * const parts = { config, weights, attention, site };
 * const y = decoderBlock(g, embedTokens(g, tokens, parts), { ...parts, layer: 0 });
 * if (y.dims.join() !== "batch,seq,32") throw new Error("the residual stream keeps its shape");
 * ```
 */
export function decoderBlock(
  g: GraphBuilder,
  x: Value,
  options: DecoderParts & { readonly layer: number },
): Value {
  const { config, weights, layer } = options;
  const site = (kind: SiteKind, value: Value) => options.site(g, siteName({ layer, kind }), value);
  const name = (part: string) => `model.layers.${layer}.${part}`;
  const norm = (value: Value, part: string) =>
    g.cast(rmsNorm(g, value, { weights, name: name(part), epsilon: config.rmsNormEps }), value.dtype);
  const [batch, seq] = [x.dims[0] as string, x.dims[1] as string | number];
  return g.within(`blocks.${layer}`, () => {
    const residPre = site("resid_pre", x);
    const normed = norm(residPre, "input_layernorm");
    const heads = (part: "q" | "k" | "v", count: number) => {
      const flat = linear(g, normed, { weights, name: name(`self_attn.${part}_proj`) });
      return site(part, g.reshape(flat, [batch, seq, count, config.headDim]));
    };
    const q = heads("q", config.heads), k = heads("k", config.kvHeads), v = heads("v", config.kvHeads);
    const headOut = site("head_out", options.attention(g, { layer, q, k, v })); // [batch, seq, heads, head_dim]
    const merged = g.reshape(headOut, [batch, seq, config.heads * config.headDim]);
    const attnOut = site("attn_out", linear(g, merged, { weights, name: name("self_attn.o_proj") }));
    const residMid = site("resid_mid", g.add(residPre, attnOut));
    const z = norm(residMid, "post_attention_layernorm");
    const gate = linear(g, z, { weights, name: name("mlp.gate_proj") }); // [batch, seq, neurons]
    const silu = g.mul(gate, g.apply("Sigmoid", [gate]));
    const neurons = g.mul(silu, linear(g, z, { weights, name: name("mlp.up_proj") }));
    const mlpOut = site("mlp_out", linear(g, neurons, { weights, name: name("mlp.down_proj") }));
    return site("resid_post", g.add(residMid, mlpOut));
  });
}

/**
 * All blocks over embedded tokens: the residual stream [batch, seq, embed] that enters the final norm.
 *
 * @example
 * ```ts
 * import { tinyConfig, weightShapes } from "../checkpoint/mod.ts";
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { decoderBlocks, embedTokens, inputWeights, sequenceAttention, type SiteHandler } from "./mod.ts";
 * const config = tinyConfig({ layers: 1 });
 * const g = new GraphBuilder("decoder");
 * const shapes = weightShapes(config, { biases: { q: true, k: true, v: true } });
 * const weights = inputWeights(g, { shapes, compute: "float32" });
 * const tokens = g.input("tokens", "int64", ["batch", "seq"]);
 * const site: SiteHandler = (_, __, value) => value;
 * const attention = sequenceAttention(g, config, { batch: "batch", seq: "seq", compute: "float32", site });
 * const parts = { config, weights, attention, site };
 * const seen: string[] = [];
 * const watch: SiteHandler = (_, name, value) => {
 *   seen.push(name);
 *   return value;
 * };
 * decoderBlocks(g, embedTokens(g, tokens, parts), { ...parts, site: watch });
 * if (seen.at(-1) !== "blocks.0.resid_post") throw new Error("every site is met, in order");
 * ```
 */
export function decoderBlocks(g: GraphBuilder, x: Value, parts: DecoderParts): Value {
  let residual = x;
  for (let layer = 0; layer < parts.config.layers; layer++) {
    residual = decoderBlock(g, residual, { ...parts, layer });
  }
  return residual;
}

/**
 * Final norm and unembedding: residual [.., embed] → logits [.., vocab]. Of a 16-bit graph both are in float32:
 * a logit near 20 rounded to bfloat16 is off by up to 0.06, which would drown the difference between a sampler and
 * its trainer.
 *
 * @example
 * ```ts
 * import { tinyConfig, weightShapes } from "../checkpoint/mod.ts";
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { embedTokens, inputWeights, sequenceAttention, type SiteHandler, unembed } from "./mod.ts";
 * const config = tinyConfig({ layers: 1 });
 * const g = new GraphBuilder("decoder");
 * const shapes = weightShapes(config, { biases: { q: true, k: true, v: true } });
 * const weights = inputWeights(g, { shapes, compute: "float32" });
 * const tokens = g.input("tokens", "int64", ["batch", "seq"]);
 * const site: SiteHandler = (_, __, value) => value;
 * const attention = sequenceAttention(g, config, { batch: "batch", seq: "seq", compute: "float32", site });
 * const parts = { config, weights, attention, site };
 * const logits = unembed(g, embedTokens(g, tokens, parts), parts);
 * if (logits.dims.join() !== "batch,seq,61") throw new Error("[batch, seq, vocab]");
 * ```
 */
export function unembed(g: GraphBuilder, residual: Value, parts: DecoderParts): Value {
  const { config, weights } = parts;
  return g.within("unembed", () => {
    const normed = rmsNorm(g, residual, { weights, name: "model.norm", epsilon: config.rmsNormEps });
    const accurate = normed.dtype as ComputeDType;
    return g.matMul(normed, weights.get(unembeddingName(config), accurate), { transB: true });
  });
}
