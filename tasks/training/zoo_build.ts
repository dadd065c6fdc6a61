import { readSafetensorsHeader } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  artifactMark,
  type ArtifactState,
  artifactState,
  type AutoencoderArtifact,
  type ModelArtifact,
  type RunArtifact,
  type ZooArtifact,
  zooArtifacts,
} from "../../lib/experiment/mod.ts";
import { autoencoderRunFolder, isUnfinishedRunOf, trainAutoencoder } from "./autoencoder_training.ts";
import type { OpenOptions } from "../../lib/decode/mod.ts";
import { openModel } from "../model/model_input.ts";
import { exists } from "../command/output_place.ts";
import { pretrainInto } from "./pretraining.ts";
import type { OpenProfile } from "../study/profile.ts";
import { steeringNote, trainInto } from "./steering_training.ts";
import type { Terminal } from "../command/terminal.ts";
import { trainedPlaces } from "./trained_output.ts";
import { unfinishedSteps } from "./training_folder.ts";

/** What building needs to know and tell. */
export interface BuildOptions {
  /** The folder that paths of training data start from. */
  readonly root: string;
  readonly threads: number;
  /** How the models of RL runs are opened. */
  readonly compute: OpenOptions;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  /** Give up an unfinished run of other inputs, and what was made from other inputs. */
  readonly force: boolean;
  /** Told after each of {@link workOf} steps. */
  readonly onStep: (done: number, note: string) => void;
}

/** Pretraining saves its state so often, in steps. */
const SAVE_EVERY = 50;
/** What training an autoencoder takes, in steps of the others. */
const AUTOENCODER_WORK = 30;

/** The artifacts of a profile with their states. */
export async function artifactStates(
  profile: OpenProfile,
): Promise<{ readonly artifacts: readonly ZooArtifact[]; readonly states: Map<string, ArtifactState> }> {
  const artifacts = await zooArtifacts(profile, profile), states = new Map<string, ArtifactState>();
  for (const artifact of artifacts) states.set(artifact.name, await artifactState(artifact, states));
  return { artifacts, states };
}

/** Steps that an artifact takes, those of an autoencoder counted together. */
export function workOf(artifact: ZooArtifact): number {
  switch (artifact.kind) {
    case "model":
      return artifact.config.training.steps;
    case "published":
      return 0;
    case "run":
      return artifact.config.steps;
    case "autoencoder":
      return AUTOENCODER_WORK;
  }
}

/** The folder that keeps the unfinished run of a model or of vectors. */
function stateFolder(artifact: ModelArtifact | RunArtifact): string {
  return artifact.kind === "model" ? artifact.path : trainedPlaces(artifact.out, artifact).run;
}

/** Steps that an unfinished run of an artifact has made. */
export async function stepsMade(artifact: ZooArtifact): Promise<number> {
  if (artifact.kind === "published") return 0;
  if (artifact.kind !== "autoencoder") return await unfinishedSteps(stateFolder(artifact)) ?? 0;
  const made = await unfinishedSteps(autoencoderRunFolder(artifact.path)) ?? 0;
  return Math.floor(made / artifact.config.steps * AUTOENCODER_WORK);
}

/** Whether there is an unfinished run to go on with; one of other inputs is refused, unless it may be given up. */
async function mayResume(
  artifact: ModelArtifact | RunArtifact,
  { force }: Pick<BuildOptions, "force">,
): Promise<boolean> {
  const where = `${stateFolder(artifact)}/state.safetensors`;
  if (!await exists(where)) return false;
  const { run } = await artifactMark(artifact);
  if ((await readSafetensorsHeader(where)).metadata.get("run") === run) return true;
  if (force) return false;
  throw new InputError(`the unfinished run of ${artifact.name} has other inputs than the profile's`, {
    where,
    repair: "pass --force to start it over",
  });
}

async function buildModel(artifact: ModelArtifact, options: BuildOptions, resume: boolean): Promise<boolean> {
  const { onStep, compute: _, root: __, ...rest } = options;
  const run = await pretrainInto(artifact.config, {
    ...rest,
    where: artifact.configPath,
    out: artifact.path,
    resume,
    // A tokenizer that was left behind may be another config's: it is made anew.
    force: !resume,
    saveEvery: SAVE_EVERY,
    onStart: (from) => onStep(from, ""),
    onStep: ({ step, crossEntropyNats }) =>
      onStep(step + 1, `cross-entropy ${crossEntropyNats.toFixed(4)} nats`),
    onEnd: () => {},
  });
  return run !== null;
}

async function buildRun(artifact: RunArtifact, options: BuildOptions, resume: boolean): Promise<boolean> {
  const { config } = artifact, { compute, signal, onStep } = options, { template = "embedded" } = config;
  const model = await openModel(artifact.model, { ...compute, template });
  try {
    const run = await trainInto(model, config, {
      places: trainedPlaces(artifact.out, artifact),
      root: options.root,
      resume,
      force: !resume,
      signal,
      onStart: (from) => onStep(from, ""),
      onStep: (line) => onStep(line.step + 1, steeringNote(line, config)),
      onEnd: () => {},
    });
    return run !== null;
  } finally {
    await model.release();
  }
}

async function buildAutoencoder(artifact: AutoencoderArtifact, options: BuildOptions): Promise<boolean> {
  const { config, trained, path: out } = artifact, { threads, signal, force, onStep } = options;
  const model = await openModel(artifact.model, { threads });
  try {
    const begun = await unfinishedSteps(autoencoderRunFolder(out)) !== null;
    const resume = begun && (!force || await isUnfinishedRunOf(model, config, { trained, out }));
    const made = await trainAutoencoder(model, config, {
      ...{ trained, out, resume, force: !resume, signal },
      onText: (done, total) => onStep(0, `${done}/${total} texts`),
      onStart: () => {},
      onStep: ({ step, unexplained }) =>
        onStep(
          Math.floor((step + 1) / config.steps * AUTOENCODER_WORK),
          `${step + 1}/${config.steps} updates  unexplained ${unexplained.toFixed(4)}`,
        ),
      onEnd: () => {},
    });
    return made !== null;
  } finally {
    await model.release();
  }
}

/** Makes an artifact, going on with an unfinished run of it. False when it was stopped, with its state saved. */
export async function build(artifact: ZooArtifact, options: BuildOptions): Promise<boolean> {
  switch (artifact.kind) {
    case "published":
      throw new InputError(`${artifact.name} is not there, or another model`, {
        where: artifact.path,
        repair: `bring it: ${artifact.source.command}`,
      });
    case "model":
      return await buildModel(artifact, options, await mayResume(artifact, options));
    case "run":
      return await buildRun(artifact, options, await mayResume(artifact, options));
    case "autoencoder":
      return await buildAutoencoder(artifact, options);
  }
}
