import { dirname, isAbsolute, join, resolve } from "node:path";
import { ChatTokenizer, openCheckpoint, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  dropTrainingState,
  type FineTuneConfig,
  pretrain,
  type PretrainConfig,
  type PretrainStep,
  retemplated,
  type StartingPoint,
  startingPoint,
  type TokenizerFiles,
  writeTrainingLog,
} from "../../lib/train/mod.ts";
import { exists, removeIfThere } from "../command/output_place.ts";
import type { Terminal } from "../command/terminal.ts";
import { stepsToGoOnFrom } from "./training_folder.ts";
import {
  chatFormatOf,
  checkTokenizerFits,
  hasTokenizer,
  trainTokenizer,
  writeTokenizer,
} from "../tokenizer.ts";

/** The folder of the model that a config goes on from; `where` is the config's path. */
function fromFolder(config: FineTuneConfig, options: { readonly where: string }): string {
  return isAbsolute(config.from) ? config.from : join(dirname(options.where), config.from);
}

/** Weights that a run begins with, if not random ones, and the tokenizer's files. */
interface Origin {
  readonly start: StartingPoint | null;
  /** Makes the files; may take a while. */
  readonly tokenizer: () => TokenizerFiles;
}

/** What a config goes on `from`, read and checked to fit. */
async function inherited(
  config: FineTuneConfig,
  options: { readonly where: string; readonly out: string; readonly force: boolean },
): Promise<Origin> {
  const { where, out } = options;
  const folder = fromFolder(config, options);
  if (resolve(folder) === resolve(out)) {
    throw new InputError('"from" is the folder that the new model goes to', {
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
  const files = await retemplated(folder, { format });
  if (!options.force) await checkSameTokenizer(out, files);
  return { start, tokenizer: () => files };
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

/** How a pretraining run goes on its way. */
interface PretrainingOptions {
  /** The config's path, for errors and for `from`. */
  readonly where: string;
  /** The model's folder. */
  readonly out: string;
  /** Go on with the unfinished run in the folder. */
  readonly resume: boolean;
  /** Start over, replacing model, tokenizer or unfinished run. */
  readonly force: boolean;
  readonly threads: number;
  readonly saveEvery: number;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  /** Told before the first step how many are done already. */
  readonly onStart: (from: number) => void;
  readonly onStep: (line: PretrainStep) => void;
  /** Told when training ends, before the result is written, and when it was stopped. */
  readonly onEnd: () => void;
}

/**
 * Trains the model of a config into a folder: config.json, weights in bfloat16, tokenizer, log. A folder with a
 * config.json is a whole model, so that file goes first when one is given up and comes last. Returns the run's hash,
 * or null when it was stopped, with its state saved.
 */
export async function pretrainInto(
  config: PretrainConfig,
  options: PretrainingOptions,
): Promise<string | null> {
  const { where, out, resume, force, signal, terminal } = options;
  const result = `${out}/config.json`;
  const from = await stepsToGoOnFrom({ folder: out, result }, { resume, force });
  const origin = config.from !== undefined ? await inherited(config, options) : {
    start: null,
    tokenizer: () => {
      terminal.error(`training the tokenizer on ${config.tokenizer.documents} documents\n`);
      return trainTokenizer(config, { where });
    },
  };
  if (force || !await hasTokenizer(out)) {
    if (resume) {
      throw new InputError("the tokenizer of the unfinished run is missing", {
        where: out,
        repair: "pass --force instead of --resume to start over",
      });
    }
    const files = origin.tokenizer();
    await removeIfThere(result);
    await dropTrainingState(out);
    await writeTokenizer(out, files);
  }
  const tokenizer = await ChatTokenizer.open(out);
  const stopToken = tokenizer.tokenId(chatFormatOf(config).stopToken);
  checkTokenizerFits(config, { vocab: tokenizer.vocab, stopToken, where });

  options.onStart(from);
  const { start } = origin;
  const { weights, log, runHash, finished } = await pretrain(config, {
    tokenizer,
    folder: out,
    ...(start === null ? {} : { start }),
    saveEvery: options.saveEvery,
    threads: options.threads,
    signal,
    onStep: options.onStep,
  });
  options.onEnd();
  if (!finished) return null;
  await writeTrainingLog(out, log);
  const metadata = {
    run: runHash,
    ...(start === null ? {} : { from: start.hash }),
    tokenizer: tokenizer.hash,
    seed: String(config.training.seed),
    steps: String(config.training.steps),
  };
  await writeCheckpoint(out, { config: config.model, dtype: "bfloat16", weights, metadata });
  await dropTrainingState(out);
  return runHash;
}
