import { promptTokens, type Rollout } from "../decode/mod.ts";
import type { Problem } from "../problems/mod.ts";
import type { Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo.ts";

/** One answer to each problem at temperature 1, by the model with a treatment. `onProgress` counts answers. */
export function writeAnswers(
  zoo: ZooModel,
  options: {
    readonly treatment: Treatment;
    readonly problems: readonly Problem[];
    readonly seed: number;
    readonly maxNewTokens: number;
    readonly onProgress: (done: number) => void;
  },
): Promise<readonly Rollout[]> {
  const { treatment, problems, seed, maxNewTokens, onProgress } = options;
  const requests = problems.map((problem, prompt) => ({
    tokens: promptTokens(zoo.tokenizer, problem.question),
    prompt,
    sample: 0,
  }));
  return zoo.model.generate(requests, { maxNewTokens, seed, ...treatment, onProgress });
}
