import {
  accurateDType,
  type ComputeDType,
  type DecoderParts,
  finalNorm,
  unembeddingName,
} from "../model/mod.ts";
import { type GraphBuilder, productOfDims, type Value } from "../onnx/mod.ts";

/** Targets of a graph in chunks, each no longer than logits may be held for at once. */
export interface Targets {
  /** Where each is predicted, in rows laid end to end: row · seq + position. int64 [chunks, chunk] */
  readonly places: Value;
  /** Token ids, int64 [chunks, chunk]. */
  readonly tokens: Value;
  /** Weights of −log p in the loss, float [chunks, chunk]; null where no adjoint is wanted. */
  readonly weights: Value | null;
}

/** What is known of targets. */
export interface TargetScores {
  /** log p at temperature 1, float [chunks, chunk]. */
  readonly logProbs: Value;
  /** The normed residual stream at the targets' places, float [chunks, chunk, embed]. */
  readonly normed: Value;
  /** d loss / d normed for the loss −Σ w·log p, of the same shape; null where targets have no weights. */
  readonly normedAdjoint: Value | null;
}

/**
 * Log-probabilities of targets, and the adjoint of the normed residual n that they are predicted from, chunk by
 * chunk: the logits of one chunk are all that is ever held of [targets, vocab].
 *
 * Forward: z = W n, log p = z_t − ln Σⱼ exp(zⱼ), W the unembedding [vocab, embed], t the target
 * Adjoint of −w·log p: z̄ = w (p − e_t), so n̄ = w (pᵀ W − W_t), p = exp(log-softmax z)
 * Keeps: nothing; n̄ is computed with the logits.
 * Proof: tests/model/golden_test.ts, PyTorch autograd; tests/probe/target_scores_test.ts, whatever the chunks.
 *
 * In a 16-bit graph all of it is float32. `residual` is [batch, seq, embed].
 */
export function targetScores(
  g: GraphBuilder,
  residual: Value,
  options: DecoderParts & { readonly targets: Targets },
): TargetScores {
  const { config, weights, targets } = options, { embed } = config;
  const accurate = accurateDType(residual.dtype as ComputeDType), unembedding = unembeddingName(config);
  return g.within("targets", () => {
    const stream = g.cast(residual, accurate);
    const rows = g.reshape(stream, [productOfDims(residual.dims.slice(0, -1)), embed]); // [batch*seq, embed]
    const normed = finalNorm(g, g.gather(rows, targets.places, { axis: 0 }), options); // [chunks, chunk, embed]
    const matrix = weights.get(unembedding, accurate); // [vocab, embed]
    const collected = g.loop({
      name: "scores",
      maxSteps: g.length(targets.places.dims[0] as string),
      steps: targets.places.dims[0] as string,
      carried: [],
      body: (body, { step }) =>
        body.within("unembed", () => {
          const ofChunk = (value: Value) => body.gather(value, step, { axis: 0 });
          const x = ofChunk(normed), tokens = ofChunk(targets.tokens); // [chunk, embed], [chunk]
          const logProbs = body.softmax(body.matMul(x, matrix, { transB: true }), { axis: 1, log: true }); // [chunk, vocab]
          const picked = body.gatherElements(logProbs, body.unsqueeze(tokens, [1]), { axis: 1 });
          const logProb = body.squeeze(picked, [1]); // [chunk]
          if (targets.weights === null) {
            return { goOn: body.scalar("bool", 1), carried: [], collected: [logProb] };
          }
          const mean = body.matMul(body.apply("Exp", [logProbs]), matrix); // pᵀ W [chunk, embed]
          const own = weights.rows(body, { name: unembedding, indices: tokens, dtype: accurate }); // W_t
          const adjoint = body.mul(body.unsqueeze(ofChunk(targets.weights), [1]), body.sub(mean, own));
          return { goOn: body.scalar("bool", 1), carried: [], collected: [logProb, adjoint] };
        }),
    });
    const [logProbs, normedAdjoint = null] = collected as [Value, Value | undefined];
    return { logProbs, normed, normedAdjoint };
  });
}
