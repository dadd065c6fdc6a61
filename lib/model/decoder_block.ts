import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { blockParts, finishBlock, normedHeads } from "./_block_parts.ts";
import type { DecoderParts } from "./decoder_parts.ts";

/**
 * One pre-norm block of every family, written once for every kind of graph.
 *
 *     r = x + Attn(N₁(x)),  y = r + MLP(N₂(r)) (+ s_l at the site resid_post)
 *     MLP(x) = W_down z (+ (a·z) b of an adapter), z = silu(W_gate x) ⊙ W_up x
 *
 * Where the family has norms of heads, Attn takes N(q) and N(k) of each head of its queries and keys.
 *
 * `x` and the result are [batch, seq, embed] in the compute type; norms are float32 islands of a 16-bit graph.
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
    const projected = parts.projectAll(normed);
    const heads = (part: "q" | "k" | "v") => normedHeads(parts, part, parts.site(part, projected[part]));
    const q = heads("q"), k = heads("k"), v = heads("v");
    return finishBlock(g, parts, { residual, headOut: parts.attend({ q, k, v }) });
  });
}
