import { promptTokens, type Rollout } from "../decode/mod.ts";
import type { Problem } from "../problems/mod.ts";
import type { Treatment } from "./treatment.ts";
import type { ZooModel } from "./zoo.ts";

/** Answers to each problem at temperature 1, by the model with a treatment. `onProgress` counts answers. */
export function writeAnswers(
  zoo: ZooModel,
  options: {
    readonly treatment: Treatment;
    readonly problems: readonly Problem[];
    readonly seed: number;
    readonly maxNewTokens: number;
    /** Answers per problem. `@default 1` */
    readonly samples?: number;
    readonly onProgress: (done: number) => void;
  },
): Promise<readonly Rollout[]> {
  const { treatment, problems, seed, maxNewTokens, samples = 1, onProgress } = options;
  const requests = problems.flatMap(({ question }, prompt) => {
    const tokens = promptTokens(zoo.tokenizer, question);
    return Array.from({ length: samples }, (_, sample) => ({ tokens, prompt, sample }));
  });
  return zoo.model.generate(requests, { maxNewTokens, seed, ...treatment, onProgress });
}
