import {
  type AccuracyDifference,
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
} from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import type { SteeringVectors } from "../lib/decode/mod.ts";
import type { RunName, Treatment, ZooModel } from "../lib/experiment/mod.ts";
import { pooled } from "./_accuracy.ts";

/** Draws of each random control. */
export const CONTROL_DRAWS = 4;
/** Seed of the draws. It is not the evaluation seed: other samples are drawn of the same controls. */
export const CONTROL_SEED = 0;

/** The first training seed of a run, whose vectors a control is made of. */
export async function firstSeed(
  zoo: ZooModel,
  run: RunName,
): Promise<{ readonly treatment: Treatment; readonly vectors: SteeringVectors }> {
  const [treatment] = await zoo.trained(run);
  if (treatment?.steer === undefined) {
    throw new InputError(`the run "${run}" has no vectors`, {
      where: zoo.entry.vectorsFolder,
      repair: "train it with --parameters vectors",
    });
  }
  return { treatment, vectors: treatment.steer };
}

/** Several draws of a control against one condition. */
export function drawsAgainst(
  draws: readonly BenchmarkOutcomes[],
  condition: BenchmarkOutcomes,
): AccuracyDifference {
  return accuracyDifference(pooled(draws), condition);
}

/** Accuracy of each draw, for a note. */
export function drawsNote(draws: readonly BenchmarkOutcomes[]): string {
  return `Draws: ${draws.map((outcomes) => accuracyInterval(outcomes).percent.toFixed(1)).join(", ")}.`;
}
