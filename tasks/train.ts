import { z } from "zod";
import { hasEnding, InputError } from "../lib/core/mod.ts";
import { VECTOR_PLACES } from "../lib/probe/mod.ts";
import {
  familiesNamed,
  GRADER_NAMES,
  PROBLEM_FAMILIES,
  PROBLEM_SETS,
  problemSetOf,
  PROMPT_TEMPLATES,
} from "../lib/problems/mod.ts";
import {
  parseSteeringConfig,
  REWARDS,
  type SteeringConfig,
  TRAINED_KINDS,
  type TrainedKind,
} from "../lib/train/mod.ts";
import { POSITIVE, POSITIVE_NUMBERS, wholeNumber, wholeNumbers } from "./command/checks.ts";
import { COMPUTE_FLAGS, computeOptions, tellNotices } from "./command/compute_flags.ts";
import { defineCommand, main, UNTIL_WALL } from "./command/command.ts";
import { readConfigFile } from "./command/config_file.ts";
import { checkTemplate, openModel } from "./model/model_input.ts";
import { checkWritable } from "./command/output_place.ts";
import type { FlagValues } from "./command/parse_flags.ts";
import { Progress } from "./command/progress.ts";
import { steeringNote, trainInto } from "./training/steering_training.ts";
import { trainedPlaces } from "./training/trained_output.ts";
import { didYouMean } from "./command/did_you_mean.ts";

/** What holds where neither a flag nor a config file says otherwise. */
const DEFAULTS = {
  seed: 0,
  steps: 60,
  prompts: 16,
  samples: 16,
  warmupShare: 0.03,
  maxNorm: 2,
} as const;

/** Places as flags write them. */
const PLACES = VECTOR_PLACES.map((place) => place.replaceAll("_", "-"));

const FLAGS = {
  model: { kind: "string", required: true, metavar: "DIR", help: "Model folder, or owner/name@revision" },
  out: {
    kind: "string",
    required: true,
    metavar: "PATH",
    help:
      "A .safetensors file, or a folder that gets all.seed-0.safetensors, adapter-3.seed-0.safetensors, …",
  },
  parameters: {
    kind: "string",
    choices: TRAINED_KINDS,
    help:
      "What is trained: a vector per layer; a rank-1 adapter per layer's down_proj; rank1, one direction for " +
      "all layers; every weight (default vectors)",
  },
  config: { kind: "string", metavar: "FILE", help: "Training config; flags win over it" },
  layers: {
    kind: "list",
    metavar: "all|3|0,3,5",
    check: wholeNumbers(["all"]),
    help: "Layers that are trained together (required without --config; not with full)",
  },
  place: {
    kind: "string",
    choices: PLACES,
    metavar: "PLACE",
    help: `Output in those layers that the vectors are added to: ${PLACES.join(", ")} (default mlp)`,
  },
  "learning-rate": {
    kind: "list",
    metavar: "X",
    check: POSITIVE_NUMBERS,
    help: "Peak learning rate: one, or one per layer of vectors and adapters (required without --config)",
  },
  steps: {
    kind: "number",
    metavar: "N",
    check: wholeNumber(1),
    help: `Optimiser steps (default ${DEFAULTS.steps})`,
  },
  prompts: {
    kind: "number",
    metavar: "N",
    check: wholeNumber(1),
    help: `Problems per step (default ${DEFAULTS.prompts})`,
  },
  samples: {
    kind: "number",
    metavar: "N",
    check: wholeNumber(2),
    help: `Completions per problem (default ${DEFAULTS.samples})`,
  },
  "max-new-tokens": {
    kind: "number",
    metavar: "N",
    check: wholeNumber(1),
    help: `Most tokens of a completion (default that of the families: ${PROBLEM_SETS.embedded.maxNewTokens})`,
  },
  seed: {
    kind: "number",
    metavar: "N",
    check: wholeNumber(0),
    help: `Training seed: problems and sampling (default ${DEFAULTS.seed})`,
  },
  "warmup-share": {
    kind: "number",
    metavar: "X",
    check: z.number().min(0, "must not be negative").max(1, "must be at most 1"),
    help: `Share of the steps that the learning rate rises over (default ${DEFAULTS.warmupShare})`,
  },
  "max-norm": {
    kind: "number",
    metavar: "X",
    check: POSITIVE,
    help: `Norm that adjoints are clipped to (default ${DEFAULTS.maxNorm})`,
  },
  families: {
    kind: "list",
    metavar: "A,B,…",
    help: `Problems to train on, sets (${Object.keys(PROBLEM_SETS).join(", ")}) or families: ${
      PROBLEM_FAMILIES.join(", ")
    } (default embedded)`,
  },
  data: {
    kind: "string",
    metavar: "FILE",
    help:
      "Train on the problems of this .jsonl, .json or .parquet file (fields question and answer) in place of families; " +
      "needs --template, --grader and --max-new-tokens",
  },
  template: {
    kind: "string",
    choices: PROMPT_TEMPLATES,
    help: "How questions are put to the model (default that of the families)",
  },
  grader: {
    kind: "string",
    choices: GRADER_NAMES,
    help: "Who judges answers (default that of the families)",
  },
  reward: {
    kind: "string",
    choices: REWARDS,
    help: "What completions are rewarded for; random is a control, +1 or -1 by a coin (default right)",
  },
  "shared-prompts": {
    kind: "boolean",
    help: "Read a prompt once for all its completions when adjoints are taken: faster, and equal to rounding",
  },
  ...COMPUTE_FLAGS,
  ...UNTIL_WALL,
  resume: { kind: "boolean", help: "Go on with the unfinished run of --out" },
  force: { kind: "boolean", help: "Start over, replacing the result or the unfinished run of --out" },
} as const;

type TrainFlags = FlagValues<typeof FLAGS>;

/** The layers and learning rates that flags give, or nothing for what a config file is to say. */
function layersAndRates(
  flags: TrainFlags,
  options: {
    readonly layerCount: number;
    readonly file: SteeringConfig | null;
    readonly kind: TrainedKind;
  },
): Partial<Pick<SteeringConfig, "layers" | "learningRates">> {
  const { layerCount, file, kind } = options;
  const rates = flags["learning-rate"].map(Number);
  if (kind === "full" && flags.layers.length > 0) {
    throw new InputError("--layers does not go with --parameters full", {
      repair: "leave it out: every weight is trained",
    });
  }
  const layers = kind === "full"
    ? []
    : flags.layers[0] === "all"
    ? Array.from({ length: layerCount }, (_, layer) => layer)
    : flags.layers.length > 0
    ? flags.layers.map(Number)
    : file?.layers;
  if (layers === undefined) throw new InputError("--layers is missing", { repair: FLAGS.layers.help });
  if (rates.length === 0) {
    if (file === null) {
      throw new InputError("--learning-rate is missing", { repair: FLAGS["learning-rate"].help });
    }
    if (flags.layers.length > 0) {
      throw new InputError("--layers needs --learning-rate beside it", {
        repair: "the rates of the config belong to its own layers",
      });
    }
    return {};
  }
  if (kind === "rank1" || kind === "full") {
    if (rates.length === 1) return { layers, learningRates: rates };
    throw new InputError(`--learning-rate has ${rates.length} rates where --parameters ${kind} takes one`);
  }
  if (rates.length > 1 && rates.length !== layers.length) {
    throw new InputError(`--learning-rate has ${rates.length} rates for ${layers.length} layers`, {
      repair: "give one for all layers or one per layer",
    });
  }
  return { layers, learningRates: rates.length > 1 ? rates : layers.map(() => rates[0] as number) };
}

/** The families that flags name, and how these are asked and judged; without a config file what is usual. */
function asked(
  flags: TrainFlags,
  file: SteeringConfig | null,
): { readonly [K in keyof SteeringConfig]?: SteeringConfig[K] | undefined } {
  const { template, grader, data } = flags;
  if (data !== undefined) {
    if (flags.families.length > 0) {
      throw new InputError("--data does not go with --families", { repair: "give one of them" });
    }
    if (template === undefined || grader === undefined || flags["max-new-tokens"] === undefined) {
      throw new InputError("--data needs --template, --grader and --max-new-tokens beside it", {
        repair: "nothing is usual for a file of your own",
      });
    }
    return { families: [], data: { file: data, question: "question", answer: "answer" }, template, grader };
  }
  const families = flags.families.length > 0 || file === null
    ? familiesNamed(flags.families.length > 0 ? flags.families : ["embedded"])
    : file.families;
  if (typeof families === "string") {
    const known = [...Object.keys(PROBLEM_SETS), ...PROBLEM_FAMILIES];
    throw new InputError(
      `unknown family "${families}", known are ${known.join(", ")}`,
      didYouMean(families, known),
    );
  }
  const given = {
    families,
    ...(template === undefined ? {} : { template }),
    ...(grader === undefined ? {} : { grader }),
  };
  if (file !== null && flags.families.length === 0) return given;
  const withoutData = { ...given, data: undefined };
  const set = problemSetOf(families);
  if (set === null && (template === undefined || grader === undefined)) {
    throw new InputError("--families are of several sets", {
      repair: "give --template and --grader beside them",
    });
  }
  const usual = set ?? PROBLEM_SETS.embedded;
  const longest = file === null ? { maxNewTokens: usual.maxNewTokens } : {};
  return { template: usual.template, grader: usual.grader, ...longest, ...withoutData };
}

/** The run that flags and config file ask for, checked against the model's layers. */
async function steeringConfigOf(flags: TrainFlags, layerCount: number): Promise<SteeringConfig> {
  const file = flags.config === undefined
    ? null
    : parseSteeringConfig(await readConfigFile(flags.config), { where: flags.config });
  const settings = {
    place: flags.place?.replaceAll("-", "_"),
    seed: flags.seed,
    steps: flags.steps,
    prompts: flags.prompts,
    samples: flags.samples,
    maxNewTokens: flags["max-new-tokens"],
    warmupShare: flags["warmup-share"],
    maxNorm: flags["max-norm"],
    reward: flags.reward,
    sharedPrompts: flags["shared-prompts"] || undefined,
  };
  const kind = flags.parameters ?? file?.parameters ?? "vectors";
  if (file !== null && kind !== (file.parameters ?? "vectors") && flags["learning-rate"].length === 0) {
    throw new InputError(`--parameters ${kind} needs --learning-rate beside it`, {
      repair: `the rates of the config are for ${file.parameters ?? "vectors"}`,
    });
  }
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const config = parseSteeringConfig({
    ...(file ?? DEFAULTS),
    ...asked(flags, file),
    ...given,
    ...layersAndRates(flags, { layerCount, file, kind }),
    parameters: kind,
  }, { where: "the flags" });
  const outside = config.layers.find((layer) => layer >= layerCount);
  if (outside !== undefined) {
    throw new InputError(`layer ${outside} is out of range`, {
      repair: `the model has the layers 0 to ${layerCount - 1}`,
    });
  }
  const twice = config.layers.find((layer, index) => config.layers.indexOf(layer) !== index);
  if (twice !== undefined) throw new InputError(`layer ${twice} is given twice`);
  return config;
}

/** RL-trains steering vectors, adapters or all weights. */
export const train = defineCommand({
  name: "train",
  summary:
    "RL-trains steering vectors, adapters or all weights: RLOO with reward +1 for a right answer and -1 for a wrong one.",
  resume: "add --resume to the same command to go on",
  flags: FLAGS,
  examples: [
    [
      "deno task train --model fixtures/embedded/base-a --out out/vectors --layers 3 --learning-rate 0.05",
      "Train one vector at layer 3: out/vectors/layer-3.seed-0.safetensors and its log",
    ],
    [
      "deno task train --model fixtures/embedded/base-a --out out/vectors --layers all --learning-rate 0.02 --seed 1",
      "Train a vector at every layer together, with another training seed",
    ],
    [
      "deno task train --model fixtures/embedded/base-a --out out/vectors --layers 3 --learning-rate 0.05 " +
      "--place attention",
      "Train one vector after the attention of layer 3: out/vectors/place-attention-3.seed-0.safetensors",
    ],
    [
      "deno task train --model fixtures/embedded/base-a --out out/trained --parameters adapter --layers 3 " +
      "--learning-rate 0.01",
      "Train a rank-1 adapter on layer 3: out/trained/adapter-3.seed-0.safetensors",
    ],
    [
      "deno task train --model fixtures/embedded/base-a --out out/trained --parameters full --learning-rate 0.0003",
      "Train every weight: the model folder out/trained/full.seed-0, in bfloat16",
    ],
    [
      "deno task train --model fixtures/embedded/base-a --out out/vectors --layers 3 --learning-rate 0.05 --resume",
      "Go on after Ctrl-C; the result is that of an unbroken run, byte for byte",
    ],
  ],
  async run({ flags, signal, terminal, print }) {
    const { resume, force } = flags;
    await checkWritable(flags.out, { as: hasEnding(flags.out, ".safetensors") ? "file" : "folder" });
    const model = await openModel(flags.model, { ...computeOptions(flags, terminal), template: null });
    try {
      tellNotices(model, { verbose: flags.verbose, terminal });
      const layerCount = model.config.layers;
      const config = await steeringConfigOf(flags, layerCount);
      await checkTemplate(model, config.template ?? "embedded");
      const places = trainedPlaces(flags.out, { config, layerCount });
      let progress: Progress | null = null, note = "";
      const run = await trainInto(model, config, {
        places,
        root: ".",
        resume,
        force,
        signal,
        onStart(from) {
          const label = `training ${places.what}`;
          progress = new Progress(terminal, { label, total: config.steps, from });
        },
        onStep(line) {
          note = steeringNote(line, config);
          progress?.update(line.step + 1, note);
        },
        onEnd: () => progress?.finish(note),
      });
      if (run === null) return signal.throwIfAborted();
      print(`${places.shown}: ${places.what}, ${config.steps} steps, run ${run.slice(0, 12)}`);
    } finally {
      await model.release();
    }
  },
});

if (import.meta.main) await main(train);
