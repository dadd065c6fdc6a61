import type { LanguageModel } from "../decode/mod.ts";
import { parameterSet } from "./parameter_set.ts";
import type { SteeringConfig } from "./steering_config.ts";
import { scoreStep } from "./train_steering.ts";
import { trainingProblems } from "./training_problems.ts";

/** What is asked of an untrained model, and how. */
export type UntrainedBatches = Pick<
  SteeringConfig,
  "layers" | "seed" | "steps" | "prompts" | "samples" | "maxNewTokens" | "families"
>;

/**
 * Adjoints of vectors that are still zero, [step][layer in the order asked][embed]: what the first update of
 * {@link trainSteering} would see, before clipping, on the batch of every step of a run in which nothing is ever
 * updated. All layers come from one backward pass.
 *
 * Source: the RLOO loss of the paper's trainer (class: code).
 *
 * @throws {RangeError} as {@link trainSteering}.
 */
export async function untrainedAdjoints(
  model: LanguageModel,
  batches: UntrainedBatches,
  options: { readonly onStep?: (done: number) => void } = {},
): Promise<readonly (readonly Float32Array[])[]> {
  const { layers, steps } = batches;
  const config: SteeringConfig = {
    ...batches,
    learningRates: layers.map(() => 1),
    warmupShare: 0,
    maxNorm: Number.MAX_VALUE,
  };
  const set = await parameterSet(model, config, { kept: null, folder: "" });
  const asked = trainingProblems(config, {});
  const found: (readonly Float32Array[])[] = [];
  try {
    for (let step = 0; step < steps; step++) {
      const { adjoints } = await scoreStep(model, config, { step, set, asked });
      found.push([...set.parameters.keys()].map((name) => adjoints.get(name) as Float32Array));
      options.onStep?.(step + 1);
    }
  } finally {
    await set.release();
  }
  return found;
}
