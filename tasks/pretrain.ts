import { dirname, isAbsolute, join, resolve } from "node:path";
import { ChatTokenizer, openCheckpoint, writeCheckpoint } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  dropTrainingState,
  type FineTuneConfig,
  pretrain as pretrainModel,
  type PretrainConfig,
  type PretrainStep,
  retemplated,
  type StartingPoint,
  startingPoint,
  type TokenizerFiles,
  writeTrainingLog,
} from "../lib/train/mod.ts";
import { wholeNumber } from "./_checks.ts";
import { COMPUTE_FLAGS } from "./_compute_flags.ts";
import { defineCommand, main } from "./_command.ts";
import { checkWritable, exists, removeIfThere } from "./_output_place.ts";
import { Progress, rateText } from "./_progress.ts";
import { stepsToGoOnFrom } from "./_training_folder.ts";
import {
  chatFormatOf,
  checkTokenizerFits,
  hasTokenizer,
  readPretrainConfig,
  trainTokenizer,
  writeTokenizer,
} from "./tokenizer.ts";

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

/** What a run with `from` begins with: weights, and the tokenizer with the template of the config's format. */
interface Inherited {
  readonly start: StartingPoint;
  readonly files: TokenizerFiles;
}

/** Reads what a config goes on `from` and checks that it fits; `where` is the config's path. */
async function inherit(
  config: FineTuneConfig,
  options: { readonly where: string; readonly out: string },
): Promise<Inherited> {
  const { where, out } = options;
  const folder = isAbsolute(config.from) ? config.from : join(dirname(where), config.from);
  if (resolve(folder) === resolve(out)) {
    throw new InputError(`"from" is the folder that the new model goes to`, {
      where,
      repair: "choose another --out",
    });
  }
  const checkpoint = await openCheckpoint(folder);
  const tokenizer = await ChatTokenizer.open(folder, { vocab: checkpoint.config.vocab });
  const format = chatFormatOf(config);
  const start = await startingPoint(config, { checkpoint, where });
  const stopToken = tokenizer.tokenId(format.stopToken);
  checkTokenizerFits(config, { vocab: tokenizer.vocab, stopToken, where });
  return { start, files: await retemplated(folder, { format }) };
}

/** Throws an InputError where a folder has a tokenizer that differs from the one that its model must have. */
async function checkSameTokenizer(folder: string, files: TokenizerFiles): Promise<void> {
  for (const name of ["tokenizer.json", "tokenizer_config.json"] as const) {
    const path = `${folder}/${name}`;
    if (!await exists(path) || await Deno.readTextFile(path) === files[name]) continue;
    throw new InputError('there is another tokenizer than that of "from"', {
      where: path,
      repair: "pass --force to replace it, or another --out",
    });
  }
}

/** The note beside the steps: tokens per second since the first of them, and the loss. */
function noteOf(line: PretrainStep, since: { readonly tokens: number; readonly ms: number }): string {
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
      "deno task pretrain --config fixtures/embedded/base-a.pretrain.json --out out/trial --steps 20",
      "Try the first minute out",
    ],
  ],
  async run({ flags, signal, terminal, print }) {
    const { out, resume, force } = flags;
    const config = shortened(await readPretrainConfig(flags.config), flags.steps);
    await checkWritable(out, { as: "folder" });
    // A folder with a config.json is a whole model, so that file goes first when one is given up and comes last.
    const result = `${out}/config.json`;
    const from = await stepsToGoOnFrom({ folder: out, result }, { resume, force });
    let start: StartingPoint | null = null, tokenizerOf: () => TokenizerFiles;
    if (config.from === undefined) {
      tokenizerOf = () => {
        terminal.error(`training the tokenizer on ${config.tokenizer.documents} documents\n`);
        return trainTokenizer(config, { where: flags.config });
      };
    } else {
      const inherited = await inherit(config, { where: flags.config, out });
      start = inherited.start;
      tokenizerOf = () => inherited.files;
      if (!force) await checkSameTokenizer(out, inherited.files);
    }
    if (force || !await hasTokenizer(out)) {
      if (resume) {
        throw new InputError("the tokenizer of the unfinished run is missing", {
          where: out,
          repair: "pass --force instead of --resume to start over",
        });
      }
      const files = tokenizerOf();
      await removeIfThere(result);
      await dropTrainingState(out);
      await writeTokenizer(out, files);
    }
    const tokenizer = await ChatTokenizer.open(out);
    const stopToken = tokenizer.tokenId(chatFormatOf(config).stopToken);
    checkTokenizerFits(config, { vocab: tokenizer.vocab, stopToken, where: flags.config });

    const { steps } = config.training;
    const progress = new Progress(terminal, { label: `pretraining ${config.name}`, total: steps, from });
    const startMs = terminal.now();
    let tokens = 0, note = "";
    const { weights, log, runHash, finished } = await pretrainModel(config, {
      tokenizer,
      folder: out,
      ...(start === null ? {} : { start }),
      saveEvery: flags["save-every"],
      threads: flags.threads,
      signal,
      onStep(line) {
        tokens += line.tokens;
        note = noteOf(line, { tokens, ms: terminal.now() - startMs });
        progress.update(line.step + 1, note);
      },
    });
    progress.finish(note);
    if (!finished) signal.throwIfAborted();

    await writeTrainingLog(out, log);
    const metadata = {
      run: runHash,
      ...(start === null ? {} : { from: start.hash }),
      tokenizer: tokenizer.hash,
      seed: String(config.training.seed),
      steps: String(steps),
    };
    await writeCheckpoint(out, { config: config.model, dtype: "bfloat16", weights, metadata });
    await dropTrainingState(out);
    print(`${out}: ${config.name}, ${steps} steps, run ${runHash.slice(0, 12)}`);
  },
});

if (import.meta.main) await main(pretrain);
