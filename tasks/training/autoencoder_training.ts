import {
  ensureFolder,
  readSafetensorsHeader,
  readTensor,
  writeSafetensors,
} from "../../lib/checkpoint/mod.ts";
import { canonicalJson, InputError, sha256 } from "../../lib/core/mod.ts";
import type { Additions, LanguageModel } from "../../lib/decode/mod.ts";
import {
  diffSaeProblems,
  type DiffSaeRecipe,
  diffSaeRunHash,
  type DiffSaeStep,
  diffSaeTexts,
  dropTrainingState,
  residualDifferences,
  sparseFit,
  trainDiffSae,
} from "../../lib/train/mod.ts";
import { loadTrained, writeSparseAutoencoder } from "../../lib/vectors/mod.ts";
import { checkRoom } from "../model/model_input.ts";
import { exists } from "../command/output_place.ts";
import { sourceHash } from "../study/source_hash.ts";
import { stepsToGoOnFrom } from "./training_folder.ts";

const ENDING = ".safetensors";

/** What a DiffSAE is made from beside its model, and where it goes. */
interface AutoencoderPlaces {
  /** File of the vectors or adapters whose changes are read. */
  readonly trained: string;
  /** The .safetensors file of the autoencoder. */
  readonly out: string;
}

/** How the training of a DiffSAE goes on its way. */
interface AutoencoderTrainingOptions extends AutoencoderPlaces {
  /** Go on with the unfinished run. */
  readonly resume: boolean;
  /** Start over, replacing the result or the unfinished run. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  /** Told how many texts of all are done, from 0 on; each is written once and read once. Kept rows need none. */
  readonly onText: (done: number, total: number) => void;
  /** Told before the first step how many are done already. */
  readonly onStart: (from: number) => void;
  readonly onStep: (line: DiffSaeStep) => void;
  /** Told when training ends, before the result is written, and when it was stopped. */
  readonly onEnd: () => void;
}

/** What came out of a finished DiffSAE run. */
interface TrainedAutoencoder {
  /** Share of the rows' variance, as the file says it. */
  readonly explainedVariance: string;
  readonly deadFeatures: number;
  readonly runHash: string;
}

/** Folder that keeps the rows and the state of an unfinished run. */
export function autoencoderRunFolder(out: string): string {
  return `${out.slice(0, -ENDING.length)}.run`;
}

/** What the rows are made of: their file in the run's folder serves this and nothing else. */
async function rowsKey(
  model: LanguageModel,
  config: DiffSaeRecipe,
  { trained }: AutoencoderPlaces,
): Promise<string> {
  const { layer, texts, maxNewTokens, seed } = config, { dtype } = model;
  return sha256(canonicalJson({
    model: await model.checkpoint.hash(),
    trained: await sourceHash(trained),
    dtype,
    rows: { layer, texts, maxNewTokens, seed },
  }));
}

async function keptRows(out: string, key: string): Promise<Float32Array | null> {
  const path = `${autoencoderRunFolder(out)}/rows${ENDING}`;
  if (!await exists(path)) return null;
  const { tensors, metadata } = await readSafetensorsHeader(path);
  const entry = tensors.get("rows");
  return metadata.get("key") === key && entry !== undefined ? await readTensor(entry) : null;
}

/** Whether the unfinished run beside `out` was begun from this model, this recipe and these vectors or adapters. */
export async function isUnfinishedRunOf(
  model: LanguageModel,
  config: DiffSaeRecipe,
  places: AutoencoderPlaces,
): Promise<boolean> {
  const rows = await keptRows(places.out, await rowsKey(model, config, places));
  if (rows === null) return false;
  const { metadata } = await readSafetensorsHeader(`${autoencoderRunFolder(places.out)}/state${ENDING}`);
  return metadata.get("run") === diffSaeRunHash(rows, config, model.config);
}

/** Differences at every position of every text, [rows, embed]; kept in the run's folder once they are there. */
async function readRows(
  model: LanguageModel,
  config: DiffSaeRecipe,
  options: AutoencoderTrainingOptions,
): Promise<Float32Array> {
  const { trained, out, signal, onText } = options, { embed } = model.config;
  const key = await rowsKey(model, config, options), kept = await keptRows(out, key);
  if (kept !== null) return kept;
  const { vectors, adapters, place } = await loadTrained(trained, model.config);
  const additions: Additions = vectors.size > 0 ? { steer: vectors, place } : { adapters };
  const onProgress = (before: number) => (done: number) => {
    signal.throwIfAborted();
    onText(before + done, 2 * config.texts);
  };
  onProgress(0)(0);
  const texts = await diffSaeTexts(model, config, { ...additions, onProgress: onProgress(0) });
  const differences = await residualDifferences(model, texts, {
    ...additions,
    layer: config.layer,
    onProgress: onProgress(config.texts),
  });
  const rows = new Float32Array(differences.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const difference of differences) {
    rows.set(difference, at);
    at += difference.length;
  }
  const tensors = { rows: { dtype: "float32" as const, dims: [rows.length / embed, embed], data: rows } };
  await writeSafetensors(`${autoencoderRunFolder(out)}/rows${ENDING}`, { tensors, metadata: { key } });
  return rows;
}

/**
 * Reads the rows of a DiffSAE, trains it and writes it with what it was made from. Null when it was stopped, with its
 * state saved. The recipe's layer must be one of the model's.
 */
export async function trainAutoencoder(
  model: LanguageModel,
  config: DiffSaeRecipe,
  options: AutoencoderTrainingOptions,
): Promise<TrainedAutoencoder | null> {
  const { trained, out, resume, force, signal } = options, { embed } = model.config;
  const folder = autoencoderRunFolder(out), { maxNewTokens } = config;
  checkRoom(diffSaeProblems(config), { model, tokenizer: await model.tokenizer(), maxNewTokens });
  const from = await stepsToGoOnFrom({ folder, result: out }, { resume, force });
  if (resume && !await isUnfinishedRunOf(model, config, options)) {
    throw new InputError("the unfinished run has other inputs than these", {
      where: folder,
      repair: "pass --force to start it over",
    });
  }
  await ensureFolder(folder);
  if (force) await dropTrainingState(folder);
  const rows = await readRows(model, config, options);
  if (rows.every((value, at) => value === rows[at % embed])) {
    throw new InputError(`every position is changed alike at layer ${config.layer}`, {
      where: trained,
      repair: "use vectors or adapters that do something, and a layer behind one that they act in",
    });
  }
  options.onStart(from);
  const run = await trainDiffSae(rows, config, { embed, folder, signal, onStep: options.onStep });
  options.onEnd();
  if (!run.finished) return null;
  const { autoencoder, runHash } = run, text = canonicalJson(config);
  const { explainedVariance, meanActive, deadFeatures } = sparseFit(autoencoder, rows);
  const explained = (explainedVariance ?? 0).toFixed(4);
  await writeSparseAutoencoder(out, autoencoder, {
    metadata: {
      run: runHash,
      model: await model.checkpoint.hash(),
      trained: await sourceHash(trained),
      config: text,
      config_hash: sha256(text),
      site: `blocks.${config.layer}.resid_post`,
      layer: String(config.layer),
      seed: String(config.seed),
      rows: String(rows.length / embed),
      explained_variance: explained,
      mean_active: meanActive.toFixed(4),
      dead_features: String(deadFeatures),
    },
  });
  await Deno.remove(folder, { recursive: true });
  return { explainedVariance: explained, deadFeatures, runHash };
}
