import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError } from "../core/mod.ts";
import { fileFault } from "./_file_fault.ts";
import { quoted, readJsonFile, validateJson } from "./_json_file.ts";
import { pathExists, readChunks, statFile } from "./_read_bytes.ts";
import {
  type Architecture,
  type ModelConfig,
  modelConfigFrom,
  statedAttentionBias,
  withEosTokens,
} from "./config.ts";
import { modelFolder } from "./hub_cache.ts";
import { formatDims, type SafetensorsFile, type TensorEntry } from "./_safetensors_header.ts";
import { readSafetensorsHeader } from "./safetensors.ts";
import { type AttentionBiases, weightShapes } from "./weight_shapes.ts";

/** One weight of a checkpoint: where its bytes are, also as ONNX names it. */
export interface WeightEntry extends TensorEntry {
  /** Name of the file relative to the checkpoint's `weightsFolder`: the `location` of ONNX external data. */
  readonly location: string;
}

/** A Hugging Face model folder, checked; the weights stay in their files. */
export interface Checkpoint {
  /** The folder as it was asked for, or the snapshot in the hub cache that an id stands for. */
  readonly folder: string;
  /** Real path of the one folder that holds every weight file, links resolved. */
  readonly weightsFolder: string;
  /** What of config.json decides the computation. */
  readonly config: ModelConfig;
  /** Which attention projections have biases, read off the weights. */
  readonly biases: AttentionBiases;
  /** Exactly the tensors that the architecture needs, by Hugging Face name (see {@link weightShapes}). */
  readonly weights: ReadonlyMap<string, WeightEntry>;
  /**
   * SHA-256 over config.json, generation_config.json where there is one, and every weight file, in hexadecimal.
   * It reads all of them on the first call, in bounded memory; later calls return the same promise.
   */
  hash(): Promise<string>;
}

const REPAIR = "fetch or write the model again";

/** Plain names alone: a shard may not be reached through folders, so no index can point outside. */
const shardName = z.string("must be a file name").regex(
  /^[^/\\]+\.safetensors$/,
  "must be the name of a .safetensors file in the same folder",
);
const indexSchema = z.strictObject({
  metadata: z.unknown().optional(),
  weight_map: z.record(z.string(), shardName, "must map tensors to files"),
});

/** Of generation_config.json only the tokens that end a text count; how to sample is the caller's to say. */
const generationSchema = z.looseObject({
  eos_token_id: z.union([z.int().min(0), z.array(z.int().min(0))], "must be a token id or a list of them")
    .nullish(),
});

/** All tensors of all weight files; `files` are paths inside the folder, links not resolved. */
interface WeightFiles {
  readonly files: readonly string[];
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

async function readShards(folder: string, indexPath: string): Promise<WeightFiles> {
  const what = "the index of the weights";
  const index = validateJson(await readJsonFile(indexPath, { what, kind: "index" }), {
    schema: indexSchema,
    what,
    where: indexPath,
  });
  const shardOf = new Map(Object.entries(index.weight_map));
  const names = [...new Set(shardOf.values())].sort();
  const tensors = new Map<string, TensorEntry>();
  // All headers first: that a file is missing or damaged says more than that the index disagrees with another.
  const headers = new Map<string, SafetensorsFile>();
  for (const shard of names) headers.set(shard, await readSafetensorsHeader(`${folder}/${shard}`));
  for (const [shard, header] of headers) {
    for (const [name, entry] of header.tensors) {
      if (shardOf.get(name) !== shard) {
        throw new InputError(
          `tensor ${quoted(name)} is in ${shard} but the index puts it ${shardOf.get(name) ?? "nowhere"}`,
          { where: indexPath, repair: REPAIR },
        );
      }
      tensors.set(name, entry);
    }
  }
  for (const [name, shard] of shardOf) {
    if (!tensors.has(name)) {
      throw new InputError(`tensor ${quoted(name)} is not in ${shard}, where the index puts it`, {
        where: indexPath,
        repair: REPAIR,
      });
    }
  }
  return { files: names.map((name) => `${folder}/${name}`), tensors };
}

/** One file, or shards by their index; where both lie in a folder the one file counts, as in transformers. */
async function readWeightFiles(folder: string): Promise<WeightFiles> {
  const single = `${folder}/model.safetensors`, index = `${single}.index.json`;
  if (await pathExists(single)) {
    return { files: [single], tensors: (await readSafetensorsHeader(single)).tensors };
  }
  if (await pathExists(index)) return await readShards(folder, index);
  throw new InputError("no weights: neither model.safetensors nor model.safetensors.index.json exists", {
    where: folder,
    repair: "fetch the whole model; other formats than safetensors are not read",
  });
}

/** A projection has biases in every block or in none; a mixture shows up as a missing tensor. */
function biasesOf(tensors: ReadonlyMap<string, TensorEntry>): AttentionBiases {
  const has = (kind: string) =>
    [...tensors.keys()].some((name) => name.endsWith(`.self_attn.${kind}_proj.bias`));
  return { q: has("q"), k: has("k"), v: has("v"), ...(has("o") ? { o: true } : {}) };
}

/** Biases that a config denies would be added here and left out by another reader, or the other way round. */
function checkBiases(
  biases: AttentionBiases,
  options: {
    readonly attentionBias: boolean | null;
    readonly architecture: Architecture;
    readonly where: string;
  },
): void {
  const { attentionBias, architecture, where } = options;
  const kinds = (["q", "k", "v", "o"] as const).filter((kind) => biases[kind] === true);
  const found = kinds.length === 0 ? "none" : `biases of ${kinds.join(", ")}`;
  const repair = "check that config.json belongs to these weights";
  if (attentionBias !== null && kinds.length !== (attentionBias ? 4 : 0)) {
    throw new InputError(
      `attention_bias is ${attentionBias} in config.json, but the weights have ${found}: expected ${
        attentionBias ? "biases of q, k, v, o" : "none"
      }`,
      { where, repair },
    );
  }
  if (attentionBias === null && biases.o === true) {
    throw new InputError(`the weights have ${found}: a ${architecture} model has none of o`, {
      where,
      repair,
    });
  }
}

/** A tensor in a message, with how many others share its fault. */
function named(names: readonly string[]): string {
  return `tensor ${quoted(names[0] ?? "")}${names.length > 1 ? ` and ${names.length - 1} more` : ""}`;
}

/** The tensors of the architecture, none missing, none left over, each with its shape and a float dtype. */
function matchWeights(
  tensors: ReadonlyMap<string, TensorEntry>,
  options: { readonly config: ModelConfig; readonly biases: AttentionBiases; readonly where: string },
): ReadonlyMap<string, TensorEntry> {
  const { config, where } = options;
  const shapes = weightShapes(config, options);
  const missing = [...shapes.keys()].filter((name) => !tensors.has(name));
  if (missing[0] !== undefined) {
    const expected = formatDims(shapes.get(missing[0]) ?? []);
    const what = `${named(missing)} is missing: expected shape ${expected}, found none`;
    throw new InputError(what, { where, repair: REPAIR });
  }
  const tied = (name: string) => config.tiedEmbeddings && name === "lm_head.weight";
  const unused = [...tensors.keys()].filter((name) => !shapes.has(name) && !tied(name));
  if (unused[0] !== undefined) {
    const found = formatDims(tensors.get(unused[0])?.dims ?? []);
    const place = `has no place in a ${config.architecture} model of this config`;
    throw new InputError(`${named(unused)} ${place}: expected none, found shape ${found}`, {
      where,
      repair: "check that config.json belongs to these weights",
    });
  }
  const weights = new Map<string, TensorEntry>();
  for (const [name, dims] of shapes) {
    const entry = tensors.get(name) as TensorEntry;
    if (entry.dims.join() !== dims.join()) {
      const shapesText = `expected ${formatDims(dims)}, found ${formatDims(entry.dims)}`;
      throw new InputError(`${named([name])} has the wrong shape: ${shapesText}`, {
        where,
        repair: "check that config.json belongs to these weights",
      });
    }
    if (entry.dtype !== "float32" && entry.dtype !== "float16" && entry.dtype !== "bfloat16") {
      const what = `${named([name])} has the dtype ${entry.dtype}: expected float32, float16 or bfloat16`;
      throw new InputError(what, { where });
    }
    weights.set(name, entry);
  }
  return weights;
}

/**
 * Some writers store the unembedding of a tied model once more. It must then be the embedding, byte for byte:
 * otherwise one reader would use the one, another reader the other.
 */
async function checkTied(tensors: ReadonlyMap<string, TensorEntry>, where: string): Promise<void> {
  const head = tensors.get("lm_head.weight"),
    embedding = tensors.get("model.embed_tokens.weight") as TensorEntry;
  if (head === undefined) return;
  let same = head.dtype === embedding.dtype && head.dims.join() === embedding.dims.join();
  if (same) {
    const others = readChunks(embedding.file, { from: embedding.offset, length: embedding.length });
    for await (const chunk of readChunks(head.file, { from: head.offset, length: head.length })) {
      const other = (await others.next()).value as Uint8Array;
      same &&= chunk.every((byte, index) => byte === other[index]);
    }
  }
  if (!same) {
    throw new InputError('tensor "lm_head.weight" differs from the embedding, though config.json ties them', {
      where,
      repair: 'set "tie_word_embeddings" to false in config.json if both are meant',
    });
  }
}

/** The one real folder of all weight files: a session resolves external data in a single folder. */
async function weightsFolderOf(files: readonly string[], folder: string): Promise<string> {
  const folders = new Set<string>();
  for (const file of files) folders.add((await statFile(file)).path.replace(/\/[^/]*$/, "") || "/");
  const [first, second] = folders;
  if (first === undefined || second !== undefined) {
    throw new InputError(`the weight files lie in ${folders.size} folders once links are resolved`, {
      where: folder,
      repair: "put them, or what they link to, into one folder",
    });
  }
  return first;
}

async function readConfig(
  folder: string,
): Promise<{
  readonly config: ModelConfig;
  /** Whether config.json says that the attention has biases; null where it leaves that to the weights. */
  readonly attentionBias: boolean | null;
  readonly files: string[];
}> {
  const path = `${folder}/config.json`, generationPath = `${folder}/generation_config.json`;
  const json = await readJsonFile(path, { what: "config.json", kind: "config" });
  const config = modelConfigFrom(json, { where: path }), attentionBias = statedAttentionBias(json);
  if (!await pathExists(generationPath)) return { config, attentionBias, files: [path] };
  const what = "generation_config.json";
  const generation = await readJsonFile(generationPath, { what, kind: "config" });
  const { eos_token_id: eos } = validateJson(generation, {
    schema: generationSchema,
    what,
    where: generationPath,
  });
  const ids = eos === null || eos === undefined ? [] : [eos].flat();
  return {
    config: withEosTokens(config, { ids, where: generationPath }),
    attentionBias,
    files: [path, generationPath],
  };
}

/** Each file's name and length go in before its bytes: moving bytes from one file to the next changes the hash. */
async function hashFiles(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    const { path, bytes } = await statFile(file);
    hash.update(`${file.slice(file.lastIndexOf("/") + 1)}\0${bytes}\0`);
    for await (const chunk of readChunks(path, { from: 0, length: bytes })) hash.update(chunk);
  }
  return hash.digest("hex");
}

/**
 * Opens a Hugging Face model folder, or a model in the hub cache by its id (see {@link modelFolder}): config.json, and the headers of model.safetensors or of the shards that
 * model.safetensors.index.json names. Exactly the tensors of the architecture must be there, with their shapes;
 * nothing else of the weights is read. Tokens that end a text are those of config.json and generation_config.json.
 *
 * Links are resolved (the download folders of Hugging Face consist of them), but all weights must end up in one
 * real folder. Throws one-line `InputError`s for whatever is missing, cut short, misshapen, left over or unknown.
 *
 * @example
 * ```ts
 * import { openCheckpoint, tinyConfig, writeRandomCheckpoint } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "bfloat16", seed: 0 });
 * const { weights, biases } = await openCheckpoint(folder);
 * if (!biases.q || weights.get("model.norm.weight")?.location !== "model.safetensors") throw new Error("wrong");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function openCheckpoint(
  place: string,
  options: {
    /** Folder of the hub cache, for models by id. `@default` {@link hubCacheFolder} */
    readonly hubCache?: string;
  } = {},
): Promise<Checkpoint> {
  const folder = await modelFolder(place, options);
  const stat = await Deno.stat(folder).catch((error) => {
    throw fileFault(error, {
      what: "cannot open the model folder",
      where: folder,
      repair: "pass the path of a Hugging Face model folder, or owner/name@revision",
    });
  });
  if (!stat.isDirectory) {
    throw new InputError("not a folder", {
      where: folder,
      repair: "pass the path of a Hugging Face model folder, or owner/name@revision",
    });
  }
  const { config, attentionBias, files: configFiles } = await readConfig(folder);
  const { files, tensors } = await readWeightFiles(folder);
  const biases = biasesOf(tensors);
  checkBiases(biases, { attentionBias, architecture: config.architecture, where: folder });
  const matched = matchWeights(tensors, { config, biases, where: folder });
  if (config.tiedEmbeddings) await checkTied(tensors, folder);
  const weights = new Map<string, WeightEntry>();
  for (const [name, entry] of matched) {
    weights.set(name, { ...entry, location: entry.file.slice(entry.file.lastIndexOf("/") + 1) });
  }
  let hash: Promise<string> | undefined;
  return {
    folder,
    weightsFolder: await weightsFolderOf(files, folder),
    config,
    biases,
    weights,
    hash: () => hash ??= hashFiles([...configFiles, ...files]),
  };
}
