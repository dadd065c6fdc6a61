import { rolloutUniform } from "../core/mod.ts";
import type { LanguageModel } from "./language_model.ts";
import type { Rollout, RolloutRequest, SamplingOptions } from "./rollout.ts";

/**
 * The slow, plain way to sample: every token by a run of the whole sequence, the softmax and the running sum in
 * float64. What {@link LanguageModel.generate} is tested against; not for work.
 *
 * Both draw the token whose interval of the running sum of probabilities holds the uniform. They can differ only
 * where a uniform lies within float32 rounding of an interval's end (about one in 10^6 per token): there the graph
 * may take the neighbour.
 *
 * @example
 * ```ts
 * import { tinyConfig, writeRandomCheckpoint } from "../checkpoint/mod.ts";
 * import { LanguageModel, referenceRollout } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "float32", seed: 0 });
 * const model = await LanguageModel.open(folder);
 * const request = { tokens: [5, 6], prompt: 0, sample: 0 };
 * const slow = await referenceRollout(model, request, { maxNewTokens: 4, seed: 1 });
 * const [fast] = await model.generate([request], { maxNewTokens: 4, seed: 1 });
 * if (slow.tokens.join() !== fast?.tokens.join()) throw new Error("both sample the same tokens");
 * await model.release();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function referenceRollout(
  model: LanguageModel,
  request: RolloutRequest,
  options: Omit<SamplingOptions, "patches">,
): Promise<Rollout> {
  const { maxNewTokens, temperature = 1, seed = 0, topK = Infinity, topP = 1, ...others } = options;
  const { batchSize: _, stragglerShare: __, onProgress: ___, ...additions } = others;
  const { prompt = 0, sample = 0, strength } = request;
  const tokens: number[] = [], logProbs: number[] = [];
  let finished = false;
  while (tokens.length < maxNewTokens && !finished) {
    const row = [...request.tokens, ...tokens];
    const { logits } = await model.run([row], {
      ...additions,
      promptLengths: [request.tokens.length],
      ...(strength === undefined ? {} : { strength: [strength] }),
    });
    const vocab = model.config.vocab;
    const last = (logits?.data as Float32Array).subarray((row.length - 1) * vocab, row.length * vocab);
    const scaled = Float64Array.from(last, (logit) => logit / (temperature === 0 ? 1 : temperature));
    const peak = scaled.reduce((most, value) => Math.max(most, value), -Infinity);
    const weights = scaled.map((value) => Math.exp(value - peak));
    const total = weights.reduce((sum, value) => sum + value, 0);
    let token = scaled.indexOf(peak);
    if (temperature !== 0) {
      const drawable = likely(weights, { topK, total: topP * total });
      const left = drawable.reduce((sum, value) => sum + value, 0);
      let rest = rolloutUniform({ seed, prompt, sample, position: tokens.length }) * left;
      token = 0;
      while (token < vocab - 1 && rest >= (drawable[token] as number)) rest -= drawable[token++] as number;
    }
    tokens.push(token);
    logProbs.push(Math.log(weights[token] as number / total));
    finished = model.config.eosTokenIds.includes(token);
  }
  return { prompt, sample, promptTokens: request.tokens, tokens, logProbs, finished };
}

/** Weights with 0 in place of all but the `topK` largest, and of those as few as reach `total` together. */
function likely(
  weights: Float64Array,
  options: { readonly topK: number; readonly total: number },
): Float64Array {
  let sum = 0, least = Infinity;
  for (const [rank, weight] of weights.toSorted().toReversed().entries()) {
    if (rank >= options.topK || sum >= options.total) break;
    sum += weight;
    least = weight;
  }
  return weights.map((weight) => weight >= least ? weight : 0);
}
