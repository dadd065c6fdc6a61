import type { ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { blockParts, finishBlock, rmsNorm } from "./_block_parts.ts";
import { type LastBlockRoute, patchedLastBlock } from "./last_block.ts";
import type { ComputeDType } from "./precision.ts";
import type { SiteName } from "./sites.ts";
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
  /** What happens at the site `attn_weights`, where that is not what happens at all others. `@default` the kernel's */
  readonly site?: SiteHandler;
}

/**
 * Computes head outputs [batch, seq, heads, head_dim]; sequence, decode and training graphs differ only in this.
 * How many heads there are is read off the queries and keys.
 */
export type AttentionKernel = (g: GraphBuilder, input: AttentionInput) => Value;

/** Adds what an adapter on down_proj adds: W_down z [batch, seq, embed] and z [batch, seq, neurons] → the MLP's output. */
export type AdapterHandler = (
  g: GraphBuilder,
  input: { readonly layer: number; readonly neurons: Value; readonly downOut: Value },
) => Value;

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
  /** A vector routed through the last block. `@default {null}` */
  readonly lastBlock?: LastBlockRoute | null;
  /** What adapters on down_proj add. `@default` nothing */
  readonly adapter?: AdapterHandler;
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
 *     MLP(x) = W_down z (+ (a·z) b of an adapter), z = silu(W_gate x) ⊙ W_up x
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
  return g.within(`blocks.${options.layer}`, () => {
    const parts = blockParts(g, x, options);
    const residual = parts.site("resid_pre", x);
    const normed = parts.site("input_norm", parts.inputNorm(residual));
    const heads = (part: "q" | "k" | "v") => parts.site(part, parts.project(part, normed));
    const q = heads("q"), k = heads("k"), v = heads("v");
    return finishBlock(g, parts, { residual, headOut: parts.attend({ q, k, v }) });
  });
}

/**
 * All blocks over embedded tokens: the residual stream [batch, seq, embed] that enters the final norm. With `blocks`
 * only the first of them, none of which is routed: the stream behind block `blocks - 1`.
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
export function decoderBlocks(
  g: GraphBuilder,
  x: Value,
  parts: DecoderParts & { readonly blocks?: number },
): Value {
  const { config: { layers }, blocks } = parts;
  const lastBlock = blocks === undefined ? parts.lastBlock ?? null : null;
  let residual = x;
  for (let layer = 0; layer < (blocks ?? (lastBlock === null ? layers : layers - 1)); layer++) {
    residual = decoderBlock(g, residual, { ...parts, layer });
  }
  return lastBlock === null ? residual : patchedLastBlock(g, residual, { ...parts, lastBlock });
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
