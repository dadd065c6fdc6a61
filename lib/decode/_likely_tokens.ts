import type { GraphBuilder, Value } from "../onnx/mod.ts";

/** Which tokens may be drawn. */
export interface LikelyTokens {
  /** How many of the likeliest, int64 [1]. */
  readonly candidates: Value;
  /** What their probabilities add up to, scalar. */
  readonly topP: Value;
}

/**
 * Probabilities [batch, vocab] with 0 in place of all but the likeliest tokens: the first `candidates` of
 * them in order of probability, `sorted` at most, and of those as few as reach `topP` together (one above 1 cuts none).
 * Tokens as likely as the last of them stay too. What is left keeps its size, so that a draw is made from its sum.
 *
 *     kept = #{i < candidates : p_(1) + … + p_(i−1) < topP},   p_t ← p_t where p_t ≥ p_(kept), else 0
 *
 * Source: top-k of Fan et al. 2018 (arXiv 1805.04833), nucleus of Holtzman et al. 2020 (arXiv 1904.09751).
 */
export function likelyTokens(
  g: GraphBuilder,
  probabilities: Value,
  options: LikelyTokens & { readonly sorted: number },
): Value {
  const { sorted: count, candidates, topP } = options;
  const sorted = g.apply("TopK", [probabilities], { attributes: { k: count } }); // [batch, sorted], falling
  const before = g.sub(g.apply("CumSum", [sorted], { attributes: { axis: 1 } }), sorted);
  const ranks = g.constant("int64", [count], Array.from({ length: count }, (_, rank) => rank));
  const among = g.apply("And", [g.apply("Less", [before, topP]), g.apply("Less", [ranks, candidates])]);
  const kept = g.reduce("sum", g.cast(among, "int64"), { axes: [1], keepdims: true }); // [batch, 1]
  const last = g.apply("Max", [g.sub(kept, g.scalar("int64", 1)), g.scalar("int64", 0)]);
  const least = g.gatherElements(sorted, last, { axis: 1 }); // [batch, 1]
  const zero = g.scalar(probabilities.dtype as "float32", 0);
  return g.apply("Where", [g.apply("GreaterOrEqual", [probabilities, least]), probabilities, zero]);
}
