import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { drawToken } from "./_draw_token.ts";
import { type LikelyTokens, likelyTokens } from "./_likely_tokens.ts";

/** A token per row, and its log-probability, [batch] each. */
export interface SampledToken {
  readonly token: Value;
  readonly logProb: Value;
}

/**
 * One token per row from logits [batch, vocab]: inverse-CDF sampling at a temperature from a uniform [batch, 1], or
 * the most likely token. A float32 island in every graph.
 */
export function sampleToken(
  g: GraphBuilder,
  logits: Value,
  options: {
    readonly uniform: Value;
    readonly temperature: Value;
    readonly greedy: Value;
    readonly filter: LikelyTokens & { readonly sorted: number } | null;
  },
): SampledToken {
  return g.within("sample", () => {
    const logProbs = g.softmax(g.div(logits, options.temperature), { axis: 1, log: true }); // [batch, vocab]
    const probabilities = g.apply("Exp", [logProbs]), { filter } = options;
    const drawable = filter === null ? probabilities : likelyTokens(g, probabilities, filter);
    const drawn = drawToken(g, drawable, options); // [batch]
    const likeliest = g.apply("ArgMax", [logits], { attributes: { axis: 1 } });
    const token = g.apply("Where", [options.greedy, likeliest, drawn]);
    const picked = g.gatherElements(logProbs, g.unsqueeze(token, [1]), { axis: 1 });
    return { token, logProb: g.squeeze(picked, [1]) };
  });
}
