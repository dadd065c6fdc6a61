import {
  type ModelConfig,
  PUBLISHED_CONFIGS,
  type PublishedModel,
  readModelConfig,
  writeSyntheticCheckpoint,
} from "../lib/checkpoint/mod.ts";
import { hasEnding, InputError } from "../lib/core/mod.ts";
import { wholeNumber } from "./command/checks.ts";
import { defineCommand, main } from "./command/command.ts";
import { checkNoModel, checkWritable } from "./command/output_place.ts";
import { Progress } from "./command/progress.ts";

const NAMES = Object.keys(PUBLISHED_CONFIGS);

function isPublished(name: string): name is PublishedModel {
  return NAMES.includes(name);
}

/** The shape that `--like` means: a published one by name, else that of a config.json. */
async function configLike(like: string): Promise<ModelConfig> {
  if (isPublished(like)) return PUBLISHED_CONFIGS[like];
  if (hasEnding(like, ".json")) return await readModelConfig(like);
  throw new InputError(`unknown model "${like}" for --like`, {
    repair: `choose one of ${NAMES.join(", ")}, or pass the path of a config.json`,
  });
}

/** Writes a model of a published shape with random weights. */
export const synthetic = defineCommand({
  name: "synthetic",
  summary: "Writes a checkpoint with the exact shape of a published model and random weights, for measuring.",
  flags: {
    like: {
      kind: "string",
      required: true,
      metavar: "NAME",
      help: `Shape: ${NAMES.join(", ")}, or the path of a config.json`,
    },
    out: { kind: "string", required: true, metavar: "DIR", help: "Folder that gets the model" },
    dtype: {
      kind: "string",
      choices: ["bfloat16", "float16", "float32"],
      default: "bfloat16",
      help: "Type of the weights in the file",
    },
    seed: { kind: "number", default: 0, check: wholeNumber(0), help: "Seed of the weights" },
    force: { kind: "boolean", help: "Replace another model in --out" },
  },
  examples: [
    ["deno task synthetic --like qwen2.5-1.5b --out out/large", "3.1 GB of random bfloat16 weights"],
    ["deno task synthetic --like model/config.json --out out/like --dtype float32", "Any other shape"],
  ],
  async run({ flags, print, terminal, signal }) {
    const { out, dtype, seed } = flags;
    const config = await configLike(flags.like);
    await checkWritable(out, { as: "folder" });
    await checkNoModel(out, flags);
    const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
    let progress: Progress | undefined, last = 0;
    await writeSyntheticCheckpoint(out, {
      config,
      dtype,
      seed,
      onProgress({ bytes, of }) {
        signal.throwIfAborted();
        progress ??= new Progress(terminal, { label: "writing", total: mebibytes(of), unit: "MiB" });
        progress.update(mebibytes(bytes));
        last = bytes;
      },
    });
    progress?.finish();
    print(
      `${out}: ${last} bytes of ${dtype} weights, ${config.layers} layers × ${config.embed}, seed ${seed}`,
    );
  },
});

if (import.meta.main) await main(synthetic);
