import { architectureRow } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import type { AttentionInput, DecoderParts } from "./decoder_parts.ts";
import { accurateDType, type ComputeDType } from "./precision.ts";
import { type SiteKind, siteName } from "./sites.ts";
import type { WeightSource } from "./weights.ts";

/** The computations of one block, each written once; how they are joined is what kinds of block differ in. */
export interface BlockParts {
  /** A value as it goes on after the edits of its site. */
  readonly site: (kind: SiteKind, value: Value) => Value;
  /** N₁ of the stream that attention reads. */
  readonly inputNorm: (stream: Value) => Value;
  /** One projection of the normed stream: [batch, seq, heads or kv_heads, head_dim]. */
  readonly project: (part: "q" | "k" | "v", normed: Value) => Value;
  /** All three, as one product where the decoder asks for that. */
  readonly projectAll: (normed: Value) => Readonly<Record<"q" | "k" | "v", Value>>;
  /** Norms of the heads of a projection's queries or keys, in the same shape; null in a model without them. */
  readonly headNorm: ((part: "q" | "k", heads: Value) => Value) | null;
  /** Head outputs [batch, seq, heads, head_dim]. */
  readonly attend: (input: Omit<AttentionInput, "layer">) => Value;
  /** W_O of head outputs: [batch, seq, embed]. */
  readonly attentionOut: (headOut: Value) => Value;
  /** N₂ of the stream between attention and MLP. */
  readonly postAttentionNorm: (stream: Value) => Value;
  /** W_down(silu(W_gate z) ⊙ W_up z), and what an adapter adds to it. */
  readonly mlp: (z: Value) => Value;
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

/**
 * x · gain / rms(x) over the last axis, gain the weight of a norm's name. The result is in the islands' type: whoever
 * multiplies by it casts it to the compute type.
 */
export function rmsNorm(
  g: GraphBuilder,
  x: Value,
  options: { readonly weights: WeightSource; readonly name: string; readonly epsilon: number },
): Value {
  const accurate = accurateDType(x.dtype as ComputeDType);
  const gain = options.weights.get(`${options.name}.weight`, accurate);
  const attributes = { axis: -1, epsilon: { float: options.epsilon } };
  return g.apply("RMSNormalization", [g.cast(x, accurate), gain], { attributes });
}

/** The computations of block `layer` over a stream [batch, seq, embed]. */
export function blockParts(
  g: GraphBuilder,
  x: Value,
  options: DecoderParts & { readonly layer: number },
): BlockParts {
  const { config, weights, layer } = options;
  const [batch, seq] = [x.dims[0] as string, x.dims[1] as string | number];
  const name = (part: string) => `model.layers.${layer}.${part}`;
  const norm = (value: Value, part: string) =>
    g.cast(rmsNorm(g, value, { weights, name: name(part), epsilon: config.rmsNormEps }), value.dtype);
  const project = (part: "q" | "k" | "v", normed: Value) => {
    const flat = linear(g, normed, { weights, name: name(`self_attn.${part}_proj`) });
    return g.reshape(flat, [batch, seq, part === "q" ? config.heads : config.kvHeads, config.headDim]);
  };
  return {
    site: (kind, value) => options.site(g, siteName({ layer, kind }), value),
    inputNorm: (stream) => norm(stream, "input_layernorm"),
    project,
    projectAll(normed) {
      if (options.projections !== "joint") {
        return { q: project("q", normed), k: project("k", normed), v: project("v", normed) };
      }
      const { heads, kvHeads, headDim } = config, counts = [heads, kvHeads, kvHeads];
      const joined = (kind: "weight" | "bias") =>
        weights.stack(["q", "k", "v"].map((part) => name(`self_attn.${part}_proj.${kind}`)));
      const product = g.matMul(normed, joined("weight"), { transB: true });
      const biased = weights.has(name("self_attn.q_proj.bias")) ? g.add(product, joined("bias")) : product;
      const [q, k, v] = g.split(g.reshape(biased, [batch, seq, heads + 2 * kvHeads, headDim]), {
        axis: 2,
        sizes: g.constant("int64", [3], counts),
        dims: counts,
      }) as [Value, Value, Value];
      return { q, k, v };
    },
    headNorm: architectureRow(config.architecture).headNorms
      ? (part, heads) => norm(heads, `self_attn.${part}_norm`)
      : null,
    attend: (input) => options.attention(g, { layer, ...input }),
    attentionOut(headOut) {
      const merged = g.reshape(headOut, [batch, seq, config.heads * config.headDim]);
      return linear(g, merged, { weights, name: name("self_attn.o_proj") });
    },
    postAttentionNorm: (stream) => norm(stream, "post_attention_layernorm"),
    mlp(z) {
      const gate = linear(g, z, { weights, name: name("mlp.gate_proj") }); // [batch, seq, neurons]
      const up = linear(g, z, { weights, name: name("mlp.up_proj") });
      const neurons = g.apply("GatedSilu", [gate, up]); // silu(gate) ⊙ up
      const downOut = linear(g, neurons, { weights, name: name("mlp.down_proj") });
      return options.adapter?.(g, { layer, neurons, downOut }) ?? downOut;
    },
  };
}

/**
 * What of a projection goes to attention: its heads behind their norm, and the edits of that norm's site, where the
 * model norms them; else the heads as they are.
 */
export function normedHeads(parts: BlockParts, part: "q" | "k" | "v", heads: Value): Value {
  if (part === "v" || parts.headNorm === null) return heads;
  return parts.site(`${part}_norm`, parts.headNorm(part, heads));
}

/** What follows the head outputs: r = residual + W_O c, y = r + MLP(N₂(r)). */
export function finishBlock(
  g: GraphBuilder,
  parts: BlockParts,
  from: { readonly residual: Value; readonly headOut: Value },
): Value {
  const headOut = parts.site("head_out", from.headOut); // [batch, seq, heads, head_dim]
  const attnOut = parts.site("attn_out", parts.attentionOut(headOut));
  const residMid = parts.site("resid_mid", g.add(from.residual, attnOut));
  const z = parts.site("post_attention_norm", parts.postAttentionNorm(residMid));
  const mlpOut = parts.site("mlp_out", parts.mlp(z));
  return parts.site("resid_post", g.add(residMid, mlpOut));
}
