import { InputError } from "../lib/core/mod.ts";
import type { PretrainConfig, PretrainStep } from "../lib/train/mod.ts";
import { wholeNumber } from "./command/checks.ts";
import { COMPUTE_FLAGS } from "./command/compute_flags.ts";
import { defineCommand, main } from "./command/command.ts";
import { checkWritable } from "./command/output_place.ts";
import { pretrainInto } from "./training/pretraining.ts";
import { Progress, rateText } from "./command/progress.ts";
import { readPretrainConfig } from "./tokenizer.ts";

/** The config with fewer steps, for trials. */
function shortened(config: PretrainConfig, steps: number | undefined): PretrainConfig {
  if (steps === undefined) return config;
  if (steps > config.training.steps) {
    throw new InputError(`--steps ${steps} is more than the config's ${config.training.steps}`, {
      repair: 'put a larger "steps" into the config to train longer',
    });
  }
  return config.from === undefined
    ? { ...config, training: { ...config.training, steps } }
    : { ...config, training: { ...config.training, steps } };
}

/** The note beside the steps: tokens per second since the first of them, and the loss. */
function pretrainingNote(
  line: PretrainStep,
  since: { readonly tokens: number; readonly ms: number },
): string {
  const rate = since.ms > 0 ? `${rateText(since.tokens / since.ms * 1000)} tokens/s  ` : "";
  return `${rate}cross-entropy ${line.crossEntropyNats.toFixed(4)} nats`;
}

/** Trains a base model of the embedded zoo from its config file. */
export const pretrain = defineCommand({
  name: "pretrain",
  summary: "Trains a base model of the embedded zoo from its config file.",
  resume: "add --resume to the same command to go on",
  flags: {
    config: { kind: "string", required: true, metavar: "FILE", help: "Pretraining config" },
    out: {
      kind: "string",
      required: true,
      metavar: "DIR",
      help: "Model folder; a tokenizer that is in it is used, else one is trained",
    },
    steps: {
      kind: "number",
      metavar: "N",
      check: wholeNumber(1),
      help: "Stop the whole schedule at fewer steps than the config says, for trials",
    },
    threads: COMPUTE_FLAGS.threads,
    "save-every": {
      kind: "number",
      default: 100,
      metavar: "N",
      check: wholeNumber(1),
      help: "Steps between saved states",
    },
    resume: { kind: "boolean", help: "Go on with the unfinished run in --out" },
    force: { kind: "boolean", help: "Start over, replacing the model, tokenizer or unfinished run in --out" },
  },
  examples: [
    [
      "deno task pretrain --config fixtures/embedded/base-a.pretrain.json --out out/base-a",
      "Train base A: config.json, model.safetensors (bfloat16), the tokenizer and log.jsonl",
    ],
    [
      "deno task pretrain --config fixtures/embedded/base-a.pretrain.json --out out/base-a --resume",
      "Go on after Ctrl-C; the result is that of an unbroken run, byte for byte",
    ],
    [
      "deno task pretrain --config fixtures/embedded/a-instruct.pretrain.json --out out/a-instruct",
      'Go on from the model that the config names in "from", with its tokenizer',
    ],
    [
      "deno task pretrain --config fixtures/embedded/base-a.pretrain.json --out out/trial --steps 20",
      "Try the first minute out",
    ],
  ],
  async run({ flags, signal, terminal, print }) {
    const { out, resume, force } = flags;
    const config = shortened(await readPretrainConfig(flags.config), flags.steps);
    await checkWritable(out, { as: "folder" });
    const { steps } = config.training;
    let progress: Progress | null = null, note = "", tokens = 0, startMs = 0;
    const run = await pretrainInto(config, {
      where: flags.config,
      out,
      resume,
      force,
      threads: flags.threads,
      saveEvery: flags["save-every"],
      signal,
      terminal,
      onStart(from) {
        progress = new Progress(terminal, { label: `pretraining ${config.name}`, total: steps, from });
        startMs = terminal.now();
      },
      onStep(line) {
        tokens += line.tokens;
        note = pretrainingNote(line, { tokens, ms: terminal.now() - startMs });
        progress?.update(line.step + 1, note);
      },
      onEnd: () => progress?.finish(note),
    });
    if (run === null) return signal.throwIfAborted();
    print(`${out}: ${config.name}, ${steps} steps, run ${run.slice(0, 12)}`);
  },
});

if (import.meta.main) await main(pretrain);
