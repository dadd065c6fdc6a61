import { assertEquals } from "@std/assert";
import { RandomStream, rolloutUniform } from "../../lib/core/mod.ts";
import type { LanguageModel, Rollout, RolloutRequest, SamplingOptions } from "../../lib/decode/mod.ts";
import { assertClose, type ToleranceName } from "../tolerances.ts";

/** Enough stop tokens that lengths differ much: about one token in ten ends a row. */
export const STOPPING = { eosTokenIds: [0, 7, 13, 22, 41, 60] };

/** Prompts of different lengths, two samples each. */
export function requestsOf(model: LanguageModel, count = 7): RolloutRequest[] {
  return Array.from({ length: count }, (_, index) => {
    const prompt = Math.floor(index / 2), random = new RandomStream(1, "prompt", prompt);
    const length = 1 + prompt * 2 % 5;
    const tokens = Array.from({ length }, () => random.integer({ below: model.config.vocab }));
    return { tokens, prompt, sample: index % 2 };
  });
}

/** Asserts that sampled completions are those of the slow, plain way. */
export async function assertLikeReference(
  model: LanguageModel,
  options: SamplingOptions & {
    readonly requests?: readonly RolloutRequest[];
    /** How near log-probabilities must be. `@default "logProbabilityFloat32"` */
    readonly tolerance?: ToleranceName;
  },
): Promise<readonly Rollout[]> {
  const { requests = requestsOf(model), tolerance = "logProbabilityFloat32", ...sampling } = options;
  const rollouts = await model.generate(requests, sampling);
  assertEquals(rollouts.length, requests.length);
  for (const [index, rollout] of rollouts.entries()) {
    const expected = await referenceRollout(model, requests[index] as RolloutRequest, sampling);
    assertEquals({ ...rollout, logProbs: [] }, { ...expected, logProbs: [] });
    assertClose(rollout.logProbs, expected.logProbs, tolerance);
  }
  return rollouts;
}

/**
 * The slow, plain way to sample: every token by a run of the whole sequence, the softmax and the running sum in
 * float64. What {@link LanguageModel.generate} is tested against; not for work.
 *
 * Both draw the token whose interval of the running sum of probabilities holds the uniform. They can differ only
 * where a uniform lies within float32 rounding of an interval's end (about one in 10^6 per token): there the graph
 * may take the neighbour.
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
      strength: strength === undefined ? undefined : [strength],
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
