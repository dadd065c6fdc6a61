import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { accurateDType, type ComputeDType } from "./precision.ts";
import type { RotaryTables } from "./rotary_tables.ts";

/** Rows of the tables for positions int64 [batch, seq], [batch, seq, head_dim/2] each. */
export function anglesAt(g: GraphBuilder, { cos, sin }: RotaryTables, positions: Value): RotaryTables {
  return { cos: g.gather(cos, positions, { axis: 0 }), sin: g.gather(sin, positions, { axis: 0 }) };
}

/** [batch, seq, heads, head_dim] ↔ [batch, heads, seq, head_dim]. */
export function headsFirst(g: GraphBuilder, x: Value): Value {
  return g.transpose(x, [0, 2, 1, 3]);
}

/** Queries or keys [batch, seq, heads, head_dim] turned by angles [batch, seq, head_dim/2], heads first. */
export function rotatedHeads(g: GraphBuilder, x: Value, { cos, sin }: RotaryTables): Value {
  return g.apply("RotaryEmbedding", [headsFirst(g, x), cos, sin]);
}

/** softmax(scores + bias) over keys, in the islands' type and back; `floor` is that of {@link GraphBuilder.softmax}. */
export function attentionWeights(
  g: GraphBuilder,
  scores: Value,
  options: { readonly bias: Value; readonly floor?: number | undefined },
): Value {
  const { bias, floor } = options, compute = scores.dtype as ComputeDType;
  const masked = g.add(g.cast(scores, accurateDType(compute)), bias);
  return g.cast(g.softmax(masked, { axis: -1, floor }), compute);
}
