import { RandomStream } from "../core/mod.ts";
import { trainProblem } from "../problems/mod.ts";
import type { SteeringConfig } from "./steering_config.ts";

/** A problem that an RL run trains on. */
export interface TrainingProblem {
  /** Its name. */
  readonly id: string;
  /** The question, before any template. */
  readonly question: string;
  /** The right answer, as the grader takes it. */
  readonly answer: string;
}

/**
 * Problems of an RL run by the number of their prompt, which counts through the run: of its families in turn, each with
 * its own training problems, or of its data, shuffled by the seed anew each time that all of them were asked. `problems`
 * are those of the data, in the order of the file.
 *
 * @example
 * ```ts
 * import { runProblems } from "./mod.ts";
 * const config = { families: ["linear", "words"], seed: 0 } as const;
 * const [, second, third] = runProblems(config, { first: 0, count: 3 });
 * const [again] = runProblems(config, { first: 2, count: 1 });
 * if (!second?.id.startsWith("words/") || third?.id !== again?.id) throw new Error("by number alone");
 * ```
 *
 * @throws {RangeError} for a run on data without problems.
 */
export function runProblems(
  { families, data, seed }: Pick<SteeringConfig, "families" | "data" | "seed">,
  prompts: { readonly first: number; readonly count: number; readonly problems?: readonly TrainingProblem[] },
): readonly TrainingProblem[] {
  const { first, count, problems = [] } = prompts;
  if (data !== undefined && problems.length === 0) {
    throw new RangeError("Cannot train on data as it must have a problem: current count is 0");
  }
  const orders = new Map<number, readonly TrainingProblem[]>();
  const orderOf = (epoch: number): readonly TrainingProblem[] => {
    const order = orders.get(epoch) ?? new RandomStream(seed, "training data", epoch).shuffled(problems);
    orders.set(epoch, order);
    return order;
  };
  return Array.from({ length: count }, (_, place): TrainingProblem => {
    const number = first + place;
    if (data !== undefined) {
      return orderOf(Math.floor(number / problems.length))[number % problems.length] as TrainingProblem;
    }
    const family = families[number % families.length] as typeof families[number];
    return trainProblem(family, { seed, index: Math.floor(number / families.length) });
  });
}
