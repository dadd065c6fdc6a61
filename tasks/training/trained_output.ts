import { ensureFolder, writeCheckpoint, writeFileAtomic } from "../../lib/checkpoint/mod.ts";
import { canonicalJson, hasEnding, InputError } from "../../lib/core/mod.ts";
import type { LanguageModel } from "../../lib/decode/mod.ts";
import { saveAdapters, saveSharedDirection, saveVectors } from "../../lib/vectors/mod.ts";
import { removeIfThere } from "../command/output_place.ts";
import { runName, type SteeringConfig, type SteeringRun } from "../../lib/train/mod.ts";

/** Where a run's result, its log and the state of an unfinished run go. */
export interface TrainedPlaces {
  /** What is trained, as the file's name says it: see {@link runName}. */
  readonly what: string;
  /** The file that says that the run came to its end. */
  readonly result: string;
  /** What the last line names: the file of small parameters, or the model's folder. */
  readonly shown: string;
  readonly log: string;
  readonly run: string;
}

/** A .safetensors path names the result of small parameters itself; a folder gets a name per run. */
export function trainedPlaces(
  out: string,
  run: { readonly config: SteeringConfig; readonly layerCount: number },
): TrainedPlaces {
  const { seed, parameters } = run.config, what = runName(run.config, run);
  if (parameters === "full") {
    if (hasEnding(out, ".safetensors")) {
      throw new InputError("all weights do not go into one file", {
        where: out,
        repair: "pass a folder as --out: it gets a model folder",
      });
    }
    const folder = `${out}/full.seed-${seed}`;
    return {
      what,
      result: `${folder}/config.json`,
      shown: folder,
      log: `${folder}/log.jsonl`,
      run: `${folder}.run`,
    };
  }
  const result = hasEnding(out, ".safetensors") ? out : `${out}/${what}.seed-${seed}.safetensors`;
  const stem = result.slice(0, -".safetensors".length);
  return { what, result, shown: result, log: `${stem}.log.jsonl`, run: `${stem}.run` };
}

/** Files beside the weights that make a folder a model one can talk to. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "special_tokens_map.json",
  "vocab.json",
  "merges.txt",
];

async function copyTokenizer(from: string, to: string): Promise<void> {
  for (const name of TOKENIZER_FILES) {
    try {
      await writeFileAtomic(`${to}/${name}`, await Deno.readFile(`${from}/${name}`));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/**
 * Writes what a finished run trained, the log first: where the result is, the run is finished and its log beside it.
 * Small parameters become a safetensors file; all weights a model folder in bfloat16, as pretraining writes it.
 */
export async function writeTrained(
  model: LanguageModel,
  places: TrainedPlaces,
  options: { readonly config: SteeringConfig; readonly run: SteeringRun },
): Promise<void> {
  const { config, run } = options;
  const place = config.place ?? "mlp";
  const metadata = {
    run: run.runHash,
    model: await model.checkpoint.hash(),
    config: canonicalJson(config),
    seed: String(config.seed),
    steps: String(config.steps),
    ...(config.layers.length === 0 ? {} : { layers: config.layers.join(",") }),
  };
  if (run.weights.size > 0) {
    await ensureFolder(places.shown);
    await removeIfThere(places.result); // a folder with a config.json is a whole model
  }
  await writeFileAtomic(places.log, run.log.map((line) => `${line}\n`).join(""));
  if (run.weights.size > 0) {
    await copyTokenizer(model.checkpoint.folder, places.shown);
    // What the tokenizer's files name beside them, they name again where they are copied to.
    const stated = model.checkpoint.endTokens.filter(({ sources }) => sources.includes("config.json"));
    await writeCheckpoint(places.shown, {
      config: { ...model.config, eosTokenIds: stated.map(({ id }) => id) },
      dtype: "bfloat16",
      weights: run.weights,
      metadata,
    });
  } else if (run.adapters.size > 0) await saveAdapters(places.result, { adapters: run.adapters, metadata });
  else if (run.shared !== null) {
    await saveSharedDirection(places.result, { shared: run.shared, place, metadata });
  } else await saveVectors(places.result, { vectors: run.vectors, place, metadata });
}
