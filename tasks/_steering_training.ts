import { ensureFolder } from "../lib/checkpoint/mod.ts";
import type { LanguageModel } from "../lib/decode/mod.ts";
import { type Problem, trainProblem } from "../lib/problems/mod.ts";
import {
  dropTrainingState,
  type SteeringConfig,
  type SteeringStep,
  trainSteering,
} from "../lib/train/mod.ts";
import { checkRoom } from "./_model_input.ts";
import { type TrainedPlaces, writeTrained } from "./_trained_output.ts";
import { stepsToGoOnFrom } from "./_training_folder.ts";

/** The run's first problems of each family: as long as any, since a family's questions are alike. */
function firstProblems(config: SteeringConfig): readonly Problem[] {
  const each = Math.min(100, Math.ceil(config.steps * config.prompts / config.families.length));
  return config.families.flatMap((family) =>
    Array.from({ length: each }, (_, index) => trainProblem(family, { seed: config.seed, index }))
  );
}

/** Accuracy in percent of a mean reward of +1 and −1. */
function percentOf(reward: number): string {
  return `${((reward + 1) * 50).toFixed(1)} %`;
}

/** The note beside the steps of an RL run. */
export function steeringNote(line: SteeringStep, config: SteeringConfig): string {
  const of = config.parameters === "adapter" || config.parameters === "full" ? "change" : "vector";
  const parts = [
    `reward ${line.reward.toFixed(3)}`,
    `accuracy ${percentOf(line.reward)}`,
    `adjoint norm ${line.adjointNorm}`,
    `${of} norm ${line.vectorNorm}`,
  ];
  return parts.join("  ");
}

/** How an RL run goes on its way. */
export interface SteeringTrainingOptions {
  readonly places: TrainedPlaces;
  /** Go on with the unfinished run. */
  readonly resume: boolean;
  /** Start over, replacing the result or the unfinished run. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  /** Told before the first step how many are done already. */
  readonly onStart: (from: number) => void;
  readonly onStep: (line: SteeringStep) => void;
  /** Told when training ends, before the result is written, and when it was stopped. */
  readonly onEnd: () => void;
}

/** Trains what a config says and writes it to its places. Returns the run's hash, or null when it was stopped, with its state saved. */
export async function trainInto(
  model: LanguageModel,
  config: SteeringConfig,
  options: SteeringTrainingOptions,
): Promise<string | null> {
  const { places, force, resume } = options, { maxNewTokens } = config;
  const { template = "embedded" } = config;
  checkRoom(firstProblems(config), { model, tokenizer: await model.tokenizer(), maxNewTokens, template });
  const from = await stepsToGoOnFrom({ folder: places.run, result: places.result }, { resume, force });
  await ensureFolder(places.run);
  if (force) await dropTrainingState(places.run);
  options.onStart(from);
  const run = await trainSteering(model, config, {
    folder: places.run,
    // All weights take a while to write; vectors and adapters are small, and a step of a real model takes long.
    saveEvery: config.parameters === "full" ? 10 : 1,
    signal: options.signal,
    onStep: options.onStep,
  });
  options.onEnd();
  if (!run.finished) return null;
  await writeTrained(model, places, { config, run });
  await Deno.remove(places.run, { recursive: true });
  return run.runHash;
}
