import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import { accurateDType, type ComputeDType, fileWeights, unembed, unembeddingName } from "../model/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../onnx/mod.ts";

/** Names of the inputs and outputs of graphs that read a residual stream. */
export const READING_NAMES = {
  /** Streams, float [batch, embed]. */
  streams: "streams",
  /** float [batch, vocab]. */
  logits: "logits",
  /** What is added to the stream of one position, float [batch, embed]. */
  parts: "parts",
  /** Outputs of heads at it, float [layers, heads, head_dim]. */
  heads: "heads",
  /** Two tokens, int64 [2]. */
  tokens: "tokens",
  /** What each part gives to the difference of their logits, float [batch]. */
  partScores: "part_scores",
  /** What each head gives to it, float [layers, heads]. */
  headScores: "head_scores",
} as const;

interface Of {
  readonly config: ModelConfig;
  readonly checkpoint: Checkpoint;
  readonly compute: ComputeDType;
}

/** Final norm and unembedding of streams. */
export function unembedGraph(of: Of): Graph {
  const g = new GraphBuilder("unembed"), { config, compute } = of;
  const streams = g.input(READING_NAMES.streams, accurateDType(compute), ["batch", config.embed]);
  const weights = fileWeights(g, of);
  g.output(READING_NAMES.logits, unembed(g, g.cast(streams, compute), { config, weights }));
  return g.build();
}

/**
 * What parts of a stream x, and the heads in it, give to the difference of two logits with the final norm's scale held:
 *
 *     d = (U_plus − U_minus) ⊙ gain / rms(x),   part · d,   (W_O of a head · its output) · d
 */
export function attributionGraph(of: Of): Graph {
  const g = new GraphBuilder("attribution"), { config, compute } = of, accurate = accurateDType(compute);
  const { embed, layers, heads, headDim } = config, weights = fileWeights(g, of);
  const stream = g.input(READING_NAMES.streams, accurate, [1, embed]);
  const tokens = g.input(READING_NAMES.tokens, "int64", [2]);
  const added = g.input(READING_NAMES.parts, accurate, ["batch", embed]);
  const outputs = g.input(READING_NAMES.heads, accurate, [layers, heads, headDim]);
  const pair = weights.rows(g, { name: unembeddingName(config), indices: tokens, dtype: accurate });
  const plus = g.slice(pair, { axis: 0, start: 0, end: 1 }),
    minus = g.slice(pair, { axis: 0, start: 1, end: 2 });
  const gained = g.mul(g.sub(plus, minus), weights.get("model.norm.weight", accurate));
  const meanSquare = g.reduce("mean", g.mul(stream, stream), { axes: [1], keepdims: true });
  const rms = g.apply("Sqrt", [g.add(meanSquare, g.scalar(accurate, config.rmsNormEps))]);
  const direction = g.div(gained, rms); // [1, embed]
  g.output(
    READING_NAMES.partScores,
    g.reduce("sum", g.mul(added, direction), { axes: [1], keepdims: false }),
  );
  const scores = Array.from({ length: layers }, (_, layer) => {
    const out = weights.get(`model.layers.${layer}.self_attn.o_proj.weight`, accurate); // [embed, heads·head_dim]
    const read = g.reshape(g.matMul(direction, out), [1, heads, headDim]);
    return g.mul(read, g.slice(outputs, { axis: 0, start: layer, end: layer + 1 }));
  });
  const all: Value = scores.length === 1 ? scores[0] as Value : g.concat(scores, { axis: 0 });
  g.output(READING_NAMES.headScores, g.reduce("sum", all, { axes: [2], keepdims: false }));
  return g.build();
}
