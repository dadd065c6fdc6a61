import type { ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { type SiteKind, type SiteName, siteName } from "./sites.ts";
import { unembeddingName, type WeightSource } from "./weights.ts";

/** Called at every site with its value; what it returns goes on. Edits enter the graph here and nowhere else. */
export type SiteHandler = (g: GraphBuilder, name: SiteName, value: Value) => Value;

/** Queries, keys and values of one block before rotation, each [batch, seq, heads or kv_heads, head_dim]. */
export interface AttentionInput {
  readonly layer: number;
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/** Computes head outputs [batch, seq, heads, head_dim]; sequence, decode and training graphs differ only in this. */
export type AttentionKernel = (g: GraphBuilder, input: AttentionInput) => Value;

/** What the decoder is made of. */
export interface DecoderParts {
  readonly config: ModelConfig;
  readonly weights: WeightSource;
  readonly attention: AttentionKernel;
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

function rmsNorm(
  g: GraphBuilder,
  x: Value,
  options: { readonly gain: Value; readonly epsilon: number },
): Value {
  const attributes = { axis: -1, epsilon: { float: options.epsilon } };
  return g.apply("RMSNormalization", [x, options.gain], { attributes });
}

/** Token embeddings [batch, seq, embed]. */
export function embedTokens(g: GraphBuilder, tokens: Value, parts: DecoderParts): Value {
  return g.gather(parts.weights.get("model.embed_tokens.weight"), tokens, { axis: 0 });
}

/**
 * One pre-norm block of Qwen2, written once for every kind of graph.
 *
 *     r = x + Attn(N₁(x)),  y = r + MLP(N₂(r)) (+ s_l at the site resid_post)
 *     MLP(z) = W_down(silu(W_gate z) ⊙ W_up z)
 *
 * `x` and the result are [batch, seq, embed].
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
    rmsNorm(g, value, { gain: weights.get(`${name(part)}.weight`), epsilon: config.rmsNormEps });
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

/** All blocks over embedded tokens: the residual stream [batch, seq, embed] that enters the final norm. */
export function decoderBlocks(g: GraphBuilder, x: Value, parts: DecoderParts): Value {
  let residual = x;
  for (let layer = 0; layer < parts.config.layers; layer++) {
    residual = decoderBlock(g, residual, { ...parts, layer });
  }
  return residual;
}

/** Final norm and unembedding: residual [.., embed] → logits [.., vocab]. */
export function unembed(g: GraphBuilder, residual: Value, parts: DecoderParts): Value {
  const { config, weights } = parts;
  return g.within("unembed", () => {
    const normed = rmsNorm(g, residual, {
      gain: weights.get("model.norm.weight"),
      epsilon: config.rmsNormEps,
    });
    return g.matMul(normed, weights.get(unembeddingName(config)), { transB: true });
  });
}
