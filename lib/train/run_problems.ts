import { type Problem, trainProblem } from "../problems/mod.ts";
import type { SteeringConfig } from "./steering_config.ts";

/**
 * Problems of an RL run by the number of their prompt, which counts through the run: families in turn, each with its
 * own training problems.
 *
 * @example
 * ```ts
 * import { runProblems } from "./mod.ts";
 * const config = { families: ["linear", "words"], seed: 0 } as const;
 * const [, second, third] = runProblems(config, { first: 0, count: 3 });
 * const [again] = runProblems(config, { first: 2, count: 1 });
 * if (second?.family !== "words" || third?.question !== again?.question) throw new Error("by number alone");
 * ```
 */
export function runProblems(
  { families, seed }: Pick<SteeringConfig, "families" | "seed">,
  prompts: { readonly first: number; readonly count: number },
): readonly Problem[] {
  return Array.from({ length: prompts.count }, (_, place) => {
    const number = prompts.first + place, family = families[number % families.length];
    return trainProblem(family as SteeringConfig["families"][number], {
      seed,
      index: Math.floor(number / families.length),
    });
  });
}
