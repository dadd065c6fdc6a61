import { RandomStream } from "../core/mod.ts";
import { trainProblem } from "../problems/mod.ts";
import type { SteeringConfig } from "./steering_config.ts";

/** A problem that an RL run trains on. */
export interface TrainingProblem {
  /** The question, before any template. */
  readonly question: string;
  /** The right answer, as the grader takes it. */
  readonly answer: string;
}

/** The order in which a run goes through the problems of a file for the n-th time. */
function ordered(
  problems: readonly TrainingProblem[],
  options: { readonly seed: number; readonly epoch: number },
) {
  return new RandomStream(options.seed, "training data", options.epoch).shuffled(problems);
}

/**
 * The problems of a run, numbered from zero: of its families in turn, or of its data, shuffled by its seed anew each time
 * that all of them were asked. `problems` are those of the data, in the order of the file.
 *
 * @throws {RangeError} for a run on data without problems.
 */
export function trainingProblems(
  config: Pick<SteeringConfig, "seed" | "families" | "data">,
  options: { readonly problems?: readonly TrainingProblem[] },
): { readonly slice: (from: number, to: number) => readonly TrainingProblem[] } {
  const { seed, families, data } = config, { problems = [] } = options;
  if (data !== undefined && problems.length === 0) {
    throw new RangeError("Cannot train on data as it must have a problem: current count is 0");
  }
  let known: { readonly epoch: number; readonly order: readonly TrainingProblem[] } | null = null;
  const at = (index: number): TrainingProblem => {
    if (data === undefined) {
      const family = families[index % families.length] as typeof families[number];
      return trainProblem(family, { seed, index: Math.floor(index / families.length) });
    }
    const epoch = Math.floor(index / problems.length);
    if (known?.epoch !== epoch) known = { epoch, order: ordered(problems, { seed, epoch }) };
    return known.order[index % problems.length] as TrainingProblem;
  };
  return { slice: (from, to) => Array.from({ length: to - from }, (_, step) => at(from + step)) };
}
