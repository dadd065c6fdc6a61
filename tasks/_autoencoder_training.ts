import { ensureFolder, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { type Additions, type LanguageModel, loadTrained } from "../lib/decode/mod.ts";
import { type ArtifactMark, type AutoencoderArtifact, differenceRows } from "../lib/experiment/mod.ts";
import { canonicalJson, sha256 } from "../lib/core/mod.ts";
import { type DiffSaeStep, sparseFit, trainDiffSae, writeSparseAutoencoder } from "../lib/train/mod.ts";

/** What vectors or adapters of a file add to its model. */
async function additionsOf(path: string, model: LanguageModel): Promise<Additions> {
  const { vectors, adapters, place } = await loadTrained(path, model.config);
  return vectors.size > 0 ? { steer: vectors, place } : { adapters };
}

/** How the training of an autoencoder goes on its way. */
export interface AutoencoderTrainingOptions {
  /** What the file is to say of the inputs. */
  readonly mark: ArtifactMark;
  readonly signal: AbortSignal;
  /** Told how many texts of all are read. */
  readonly onText: (done: number, total: number) => void;
  readonly onStep: (line: DiffSaeStep) => void;
}

/**
 * Reads the rows of an autoencoder, trains it and writes it with its log beside it. Returns the share of variance that
 * it explains, or null when it was stopped, with its state saved. Rows are read again when it goes on.
 */
export async function trainAutoencoder(
  model: LanguageModel,
  artifact: AutoencoderArtifact,
  options: AutoencoderTrainingOptions,
): Promise<number | null> {
  const { mark, signal, onStep } = options;
  const { path, layer, config: { training, ...reading } } = artifact;
  const additions = await additionsOf(artifact.trained, model);
  const rows = await differenceRows(model, additions, {
    ...reading,
    layer,
    signal,
    onProgress: options.onText,
  });
  const stem = path.slice(0, -".safetensors".length), run = `${stem}.run`;
  // A folder for these very inputs: what was begun from others is not gone on with.
  const folder = `${run}/${sha256(canonicalJson(mark)).slice(0, 16)}`;
  await ensureFolder(folder);
  const { embed } = model.config;
  const { autoencoder, log, finished, runHash } = await trainDiffSae(rows, training, {
    embed,
    folder,
    signal,
    onStep,
  });
  if (!finished) return null;
  const { explainedVariance } = sparseFit(autoencoder, rows);
  await writeFileAtomic(`${stem}.log.jsonl`, log.map((line) => `${line}\n`).join(""));
  await writeSparseAutoencoder(path, autoencoder, {
    metadata: {
      ...mark,
      run: runHash,
      site: `blocks.${layer}.resid_post`,
      rows: String(rows.length / embed),
      explained_variance: String(explainedVariance),
    },
  });
  await Deno.remove(run, { recursive: true });
  return explainedVariance ?? 0;
}
