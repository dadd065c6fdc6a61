import { ensureFolder, readSafetensorsHeader, readTensor, writeSafetensors } from "../lib/checkpoint/mod.ts";
import { canonicalJson, InputError, sha256 } from "../lib/core/mod.ts";
import { type LanguageModel, loadVectors } from "../lib/decode/mod.ts";
import {
  diffSaeProblems,
  type DiffSaeRecipe,
  diffSaeTexts,
  dropTrainingState,
  parseDiffSaeRecipe,
  residualDifferences,
  sparseFit,
  trainDiffSae,
  writeSparseAutoencoder,
} from "../lib/train/mod.ts";
import { COMPUTE_FLAGS, computeOptions, MODEL_FLAG } from "./_compute_flags.ts";
import { defineCommand, main } from "./_command.ts";
import { readConfigFile } from "./_config_file.ts";
import { checkRoom, openModel } from "./_model_input.ts";
import { checkWritable, exists } from "./_output_place.ts";
import { Progress } from "./_progress.ts";
import type { Terminal } from "./_terminal.ts";
import { stepsToGoOnFrom } from "./_training_folder.ts";

const ENDING = ".safetensors";

/** What the rows are made of: their file in the run's folder serves this and nothing else. */
async function rowsKey(
  model: LanguageModel,
  options: { readonly config: DiffSaeRecipe; readonly vectorsHash: string },
): Promise<string> {
  const { config: { layer, texts, maxNewTokens, seed }, vectorsHash } = options;
  const { dtype } = model;
  const rows = { layer, texts, maxNewTokens, seed };
  return sha256(canonicalJson({ model: await model.checkpoint.hash(), vectors: vectorsHash, dtype, rows }));
}

async function keptRows(path: string, key: string): Promise<Float32Array | null> {
  if (!await exists(path)) return null;
  const { tensors, metadata } = await readSafetensorsHeader(path);
  const entry = tensors.get("rows");
  return metadata.get("key") === key && entry !== undefined ? await readTensor(entry) : null;
}

/** Differences at every position of every text, [rows, embed]; kept in the run's folder once they are there. */
async function rowsOf(
  model: LanguageModel,
  options: {
    readonly config: DiffSaeRecipe;
    readonly vectors: Awaited<ReturnType<typeof loadVectors>>;
    readonly vectorsHash: string;
    readonly folder: string;
    readonly terminal: Terminal;
    readonly signal: AbortSignal;
  },
): Promise<Float32Array> {
  const { config, vectors: { vectors, place }, folder, terminal, signal } = options, { embed } = model.config;
  const path = `${folder}/rows${ENDING}`, key = await rowsKey(model, options);
  const kept = await keptRows(path, key);
  if (kept !== null) return kept;
  const progress = new Progress(terminal, {
    label: "answers and their differences",
    total: 2 * config.texts,
    unit: "texts",
  });
  const steered = { steer: vectors, place };
  const onProgress = (before: number) => (done: number) => {
    signal.throwIfAborted();
    progress.update(before + done);
  };
  const texts = await diffSaeTexts(model, config, { ...steered, onProgress: onProgress(0) });
  const differences = await residualDifferences(model, texts, {
    ...steered,
    layer: config.layer,
    onProgress: onProgress(config.texts),
  });
  progress.finish();
  const rows = new Float32Array(differences.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const difference of differences) {
    rows.set(difference, at);
    at += difference.length;
  }
  const tensors = { rows: { dtype: "float32" as const, dims: [rows.length / embed, embed], data: rows } };
  await writeSafetensors(path, { tensors, metadata: { key } });
  return rows;
}

/** Trains a sparse autoencoder on what vectors change in a model's residual stream. */
export const diffSae = defineCommand({
  name: "diff-sae",
  summary:
    "Trains a DiffSAE: a TopK sparse autoencoder of residual differences, steered minus base, on the steered model's own answers.",
  resume: "add --resume to the same command to go on; answers that were all read are kept",
  flags: {
    model: MODEL_FLAG,
    vectors: { kind: "string", required: true, metavar: "FILE", help: "Vectors that steer the model" },
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
    if (!out.endsWith(ENDING)) {
      throw new InputError("--out must name a .safetensors file", { where: out });
    }
    await checkWritable(out, { as: "file" });
    const config = parseDiffSaeRecipe(await readConfigFile(flags.config), { where: flags.config });
    const model = await openModel(flags.model, computeOptions(flags));
    try {
      const { layers, embed } = model.config;
      if (config.layer >= layers) {
        throw new InputError(`layer ${config.layer} is out of range`, {
          where: flags.config,
          repair: `the model has the layers 0 to ${layers - 1}`,
        });
      }
      const vectors = await loadVectors(flags.vectors, model.config);
      const vectorsHash = sha256(await Deno.readFile(flags.vectors));
      checkRoom(diffSaeProblems(config), {
        model,
        tokenizer: await model.tokenizer(),
        maxNewTokens: config.maxNewTokens,
      });
      const folder = `${out.slice(0, -ENDING.length)}.run`;
      const from = await stepsToGoOnFrom({ folder, result: out }, { resume, force });
      await ensureFolder(folder);
      if (force) await dropTrainingState(folder);
      const rows = await rowsOf(model, { config, vectors, vectorsHash, folder, terminal, signal });
      if (rows.every((value, at) => value === rows[at % embed])) {
        throw new InputError(`the vectors change every position alike at layer ${config.layer}`, {
          where: flags.vectors,
          repair: "use vectors that do something, and a layer behind one that they act in",
        });
      }

      const progress = new Progress(terminal, { label: "training", total: config.steps, from });
      let note = "";
      const run = await trainDiffSae(rows, config, {
        embed,
        folder,
        signal,
        onStep({ step, unexplained, dead }) {
          note = `unexplained ${unexplained.toFixed(3)}  dead ${dead}`;
          progress.update(step + 1, note);
        },
      });
      progress.finish(note);
      if (!run.finished) signal.throwIfAborted();

      const fit = sparseFit(run.autoencoder, rows);
      const explained = (fit.explainedVariance ?? 0).toFixed(4);
      await writeSparseAutoencoder(out, run.autoencoder, {
        metadata: {
          run: run.runHash,
          model: await model.checkpoint.hash(),
          trained: vectorsHash,
          config: canonicalJson(config),
          config_hash: sha256(canonicalJson(config)),
          site: `blocks.${config.layer}.resid_post`,
          layer: String(config.layer),
          seed: String(config.seed),
          rows: String(rows.length / embed),
          explained_variance: explained,
          mean_active: fit.meanActive.toFixed(4),
          dead_features: String(fit.deadFeatures),
        },
      });
      await Deno.remove(folder, { recursive: true });
      print(
        `${out}: ${config.features} features, explained variance ${explained}, ${fit.deadFeatures} dead, ` +
          `run ${run.runHash.slice(0, 12)}`,
      );
    } finally {
      await model.release();
    }
  },
});

if (import.meta.main) await main(diffSae);
