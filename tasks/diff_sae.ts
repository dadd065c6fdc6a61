import { hasEnding, InputError } from "../lib/core/mod.ts";
import { parseDiffSaeRecipe } from "../lib/train/mod.ts";
import { trainAutoencoder } from "./training/autoencoder_training.ts";
import { COMPUTE_FLAGS, computeOptions, MODEL_FLAG, tellNotices } from "./command/compute_flags.ts";
import { defineCommand, main } from "./command/command.ts";
import { readConfigFile } from "./command/config_file.ts";
import { openModel } from "./model/model_input.ts";
import { checkWritable } from "./command/output_place.ts";
import { Progress } from "./command/progress.ts";

/** Trains a sparse autoencoder on what vectors change in a model's residual stream. */
export const diffSae = defineCommand({
  name: "diff-sae",
  summary:
    "Trains a DiffSAE: a TopK sparse autoencoder of residual differences, steered minus base, on the steered model's own answers.",
  resume: "add --resume to the same command to go on; answers that were all read are kept",
  flags: {
    model: MODEL_FLAG,
    vectors: {
      kind: "string",
      required: true,
      metavar: "FILE",
      help: "Vectors or adapters that steer the model",
    },
    config: {
      kind: "string",
      required: true,
      metavar: "FILE",
      help: "What is read and how it is trained, such as fixtures/embedded/base-a.diff-sae.json",
    },
    out: {
      kind: "string",
      required: true,
      metavar: "FILE",
      help: "The .safetensors file of the autoencoder",
    },
    ...COMPUTE_FLAGS,
    resume: { kind: "boolean", help: "Go on with the unfinished run of --out" },
    force: { kind: "boolean", help: "Start over, replacing the result or the unfinished run of --out" },
  },
  examples: [
    [
      "deno task diff-sae --model fixtures/embedded/base-a " +
      "--vectors fixtures/embedded/vectors/base-a/all.seed-0.safetensors " +
      "--config fixtures/embedded/base-a.diff-sae.json --out out/sae/base-a.all.layer-4.safetensors",
      "Train the autoencoder of base A under all-layer steering, at layer 4",
    ],
  ],
  async run({ flags, signal, terminal, print }) {
    const { resume, force, out } = flags;
    if (!hasEnding(out, ".safetensors")) {
      throw new InputError("--out must name a .safetensors file", { where: out });
    }
    await checkWritable(out, { as: "file" });
    const config = parseDiffSaeRecipe(await readConfigFile(flags.config), { where: flags.config });
    const model = await openModel(flags.model, computeOptions(flags, terminal));
    try {
      tellNotices(model, { verbose: flags.verbose, terminal });
      const { layers } = model.config;
      if (config.layer >= layers) {
        throw new InputError(`layer ${config.layer} is out of range`, {
          where: flags.config,
          repair: `the model has the layers 0 to ${layers - 1}`,
        });
      }
      let reading: Progress | null = null, training: Progress | null = null, note = "";
      const made = await trainAutoencoder(model, config, {
        ...{ trained: flags.vectors, out, resume, force, signal },
        onText(done, total) {
          reading ??= new Progress(terminal, {
            label: "answers and their differences",
            total,
            unit: "texts",
          });
          reading.update(done);
          if (done === total) reading.finish();
        },
        onStart: (from) =>
          training = new Progress(terminal, { label: "training", total: config.steps, from }),
        onStep({ step, unexplained, dead }) {
          note = `unexplained ${unexplained.toFixed(3)}  dead ${dead}`;
          training?.update(step + 1, note);
        },
        onEnd: () => training?.finish(note),
      });
      if (made === null) return signal.throwIfAborted();
      print(
        `${out}: ${config.features} features, explained variance ${made.explainedVariance}, ` +
          `${made.deadFeatures} dead, run ${made.runHash.slice(0, 12)}`,
      );
    } finally {
      await model.release();
    }
  },
});

if (import.meta.main) await main(diffSae);
