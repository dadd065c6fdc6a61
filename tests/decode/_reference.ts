import { assertEquals } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import {
  type LanguageModel,
  referenceRollout,
  type Rollout,
  type RolloutRequest,
  type SamplingOptions,
} from "../../lib/decode/mod.ts";
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
