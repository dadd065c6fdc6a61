import { isAbsolute, join } from "node:path";
import { datasetPlace, ensureFolder } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import type { LanguageModel } from "../../lib/decode/mod.ts";
import { readProblems } from "../../lib/problems/mod.ts";
import {
  dropTrainingState,
  type SteeringConfig,
  type SteeringStep,
  type TrainingProblem,
  trainingProblems,
  trainSteering,
} from "../../lib/train/mod.ts";
import { checkRoom } from "../model/model_input.ts";
import { type TrainedPlaces, writeTrained } from "./trained_output.ts";
import { stepsToGoOnFrom } from "./training_folder.ts";

/** Problems whose prompts are checked for room before a run. */
const CHECKED = 600;

/** The problems of a run's data, read from its file; `root` is the folder that its path starts from. */
async function dataOf(
  { data }: SteeringConfig,
  { root }: { readonly root: string },
): Promise<{ readonly problems?: readonly TrainingProblem[] }> {
  if (data === undefined) return {};
  const { file, dataset, question, answer, sha256 } = data;
  const path = dataset !== undefined
    ? join(await datasetPlace(dataset), file)
    : isAbsolute(file)
    ? file
    : join(root, file);
  const { problems, dataHash } = await readProblems(path, { name: "data", question, answer });
  if (sha256 === undefined || dataHash === sha256) return { problems };
  throw new InputError(
    `other training data than the config's: ${dataHash.slice(0, 12)} in place of ${sha256.slice(0, 12)}`,
    {
      where: path,
      repair: "get the file again",
    },
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
interface SteeringTrainingOptions {
  readonly places: TrainedPlaces;
  /** The folder that paths of training data start from. */
  readonly root: string;
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
  const data = await dataOf(config, options);
  const first = trainingProblems(config, data).slice(0, Math.min(CHECKED, config.steps * config.prompts));
  checkRoom(first, { model, tokenizer: await model.tokenizer(), maxNewTokens, template });
  const from = await stepsToGoOnFrom({ folder: places.run, result: places.result }, { resume, force });
  await ensureFolder(places.run);
  if (force) await dropTrainingState(places.run);
  options.onStart(from);
  const run = await trainSteering(model, config, {
    folder: places.run,
    ...data,
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
