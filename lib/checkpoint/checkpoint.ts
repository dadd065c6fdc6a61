import { z } from "zod";
import { InputError, Sha256 } from "../core/mod.ts";
import { fileFault } from "./files/_file_fault.ts";
import { quoted, readJsonFile, validateJson } from "./files/_json_file.ts";
import { readChunks } from "./files/_read_bytes.ts";
import { pathExists, statFile, statPlace } from "./files/stat_place.ts";
import { architectureRow } from "./architecture.ts";
import { ChatTokenizer } from "./tokenizer/chat_tokenizer.ts";
import { type ModelConfig, modelConfigFrom, unreadConfigKeys, withEosTokens } from "./config.ts";
import {
  type EndToken,
  endTokensOf,
  type StatedEndTokens,
  usableTokenizer,
} from "./tokenizer/_end_tokens.ts";
import { modelFolder } from "./hub/hub_cache.ts";
import { formatDims, type SafetensorsFile, type TensorEntry } from "./files/_safetensors_header.ts";
import { readSafetensorsHeader } from "./files/safetensors.ts";
import { weightShapes } from "./weight_shapes.ts";

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
  /** Tokens that end an answer, `config.eosTokenIds`, and who names them. */
  readonly endTokens: readonly EndToken[];
  /** The folder's tokenizer, opened once. Rejects with an `InputError` where there is none that can be used. */
  tokenizer(): Promise<ChatTokenizer>;
  /** Exactly the tensors that the architecture needs, by Hugging Face name (see {@link weightShapes}). */
  readonly weights: ReadonlyMap<string, WeightEntry>;
  /** What of the folder was not read, and what narrows the model: a sentence each, for whoever asks. */
  readonly notices: readonly string[];
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
export interface WeightFiles {
  /** Paths inside the folder. */
  readonly files: readonly string[];
  /** By name. */
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

/**
 * Headers of a model's weights, without a look at its architecture: one file, or shards by their index; where both lie
 * in a folder the one file counts, as in transformers. `place` may also be the one file.
 */
export async function readWeightFiles(place: string): Promise<WeightFiles> {
  const stat = await statPlace(place).catch(() => null), folder = place;
  if (stat?.kind === "file") return { files: [place], tensors: (await readSafetensorsHeader(place)).tensors };
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

/** Tables of rotary angles and masks that older programs stored beside the weights; no class reads them back. */
const BUFFER = /(^|\.)(rotary_emb\.(\w*inv_freq|(cos|sin)(_cached)?)|position_ids|causal_mask|masked_bias)$/;

/** A tensor in a message, with how many others share its fault. */
function named(names: readonly string[]): string {
  return `tensor ${quoted(names[0] ?? "")}${names.length > 1 ? ` and ${names.length - 1} more` : ""}`;
}

/** Where to look when tensors and config.json disagree: a bias that is too much or too little is one key's to say. */
function repairOf(name: string, config: ModelConfig): string {
  const key = !name.endsWith(".bias") ? null : name.includes(".self_attn.") ? "attention_bias" : "mlp_bias";
  const { reads } = architectureRow(config.architecture);
  const asked = key !== null && reads.includes(key) ? ` ("${key}" above all)` : "";
  return `check that config.json belongs to these weights${asked}`;
}

/** The tensors of the architecture, none missing, none left over, each with its shape and a float dtype. */
function matchWeights(
  tensors: ReadonlyMap<string, TensorEntry>,
  options: { readonly config: ModelConfig; readonly where: string },
): ReadonlyMap<string, TensorEntry> {
  const { config, where } = options;
  const shapes = weightShapes(config);
  const missing = [...shapes.keys()].filter((name) => !tensors.has(name));
  if (missing[0] !== undefined) {
    const expected = formatDims(shapes.get(missing[0]) ?? []);
    const what = `${named(missing)} is missing: expected shape ${expected}, found none`;
    throw new InputError(what, {
      where,
      repair: missing[0].endsWith(".bias") ? repairOf(missing[0], config) : REPAIR,
    });
  }
  const tied = (name: string) => config.tiedEmbeddings && name === "lm_head.weight";
  const unused = [...tensors.keys()].filter((name) => !shapes.has(name) && !tied(name) && !BUFFER.test(name));
  if (unused[0] !== undefined) {
    const found = formatDims(tensors.get(unused[0])?.dims ?? []);
    const place = `has no place in a ${config.architecture} model of this config`;
    const vectors = unused.every((name) => name.endsWith(".mlp.down_proj.bias"));
    throw new InputError(`${named(unused)} ${place}: expected none, found shape ${found}`, {
      where,
      repair: vectors
        ? "these are steering vectors as biases: deno task vectors convert brings them into a file"
        : repairOf(unused[0], config),
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
  /** Keys of config.json that change nothing. */
  readonly unread: readonly string[];
  readonly stated: StatedEndTokens;
  readonly files: string[];
}> {
  const path = `${folder}/config.json`, generationPath = `${folder}/generation_config.json`;
  const json = await readJsonFile(path, { what: "config.json", kind: "config" });
  const config = modelConfigFrom(json, { where: path }), unread = unreadConfigKeys(json, { where: path });
  const own = ["config.json", config.eosTokenIds] as const;
  if (!await pathExists(generationPath)) return { config, unread, stated: [own], files: [path] };
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
    unread,
    stated: [own, [what, ids]],
    files: [path, generationPath],
  };
}

/** Names that a notice spells out; a file may have many more. */
const NAMED_KEYS = 100;

/** What {@link Checkpoint.notices} says of a folder. */
function noticesOf(
  config: ModelConfig,
  options: { readonly unread: readonly string[]; readonly buffers: readonly string[] },
): readonly string[] {
  const { unread, buffers } = options, { architecture, slidingWindow } = config;
  const names = unread.slice(0, NAMED_KEYS).map(quoted).join(", ");
  const rest = unread.length > NAMED_KEYS ? ` and ${unread.length - NAMED_KEYS} more` : "";
  return [
    ...(unread.length === 0
      ? []
      : [`keys of config.json that change nothing in a ${architecture} model: ${names}${rest}`]),
    ...(slidingWindow === undefined
      ? []
      : [`"sliding_window" of config.json holds texts to ${slidingWindow} positions`]),
    ...(buffers.length === 0 ? [] : [`tables beside the weights that are not read: ${named(buffers)}`]),
  ];
}

/** Each file's name and length go in before its bytes: moving bytes from one file to the next changes the hash. */
async function hashFiles(files: readonly string[]): Promise<string> {
  const hash = new Sha256();
  for (const file of files) {
    const { path, bytes } = await statFile(file);
    hash.update(`${file.slice(file.lastIndexOf("/") + 1)}\0${bytes}\0`);
    for await (const chunk of readChunks(path, { from: 0, length: bytes })) hash.update(chunk);
  }
  return hash.hex();
}

/**
 * Opens a Hugging Face model folder, or a model in the hub cache by its id (see {@link modelFolder}): config.json, and
 * the headers of model.safetensors or of the shards that model.safetensors.index.json names. Exactly the tensors of the
 * architecture must be there, with their shapes, beside tables that no class reads; nothing else of the weights is
 * read. Tokens that end a text are those that any of config.json, generation_config.json, the tokenizer and its chat
 * template name.
 *
 * Links are resolved (the download folders of Hugging Face consist of them), but all weights must end up in one
 * real folder. Throws one-line `InputError`s for whatever is missing, cut short, misshapen, left over or unknown.
 *
 * @example
 * ```ts
 * import { openCheckpoint } from "@small-vectors/steering/checkpoint";
 * const { config, weights } = await openCheckpoint("./fixtures/embedded/base-a");
 * if (weights.get("model.norm.weight")?.dims[0] !== config.embed) throw new Error("as wide as the stream");
 * ```
 */
export async function openCheckpoint(
  place: string,
  options: {
    /** Folder of the hub cache, for models by id. `@default` {@link hubCacheFolder} */
    readonly hubCache?: string;
    /** The day that a chat template may show, as `2024-07-26`. @default {none: templates that ask for it are refused} */
    readonly date?: string;
  } = {},
): Promise<Checkpoint> {
  const folder = await modelFolder(place, options);
  const { kind } = await statPlace(folder).catch((error) => {
    throw fileFault(error, {
      what: "cannot open the model folder",
      where: folder,
      repair: "pass the path of a Hugging Face model folder, or owner/name@revision",
    });
  });
  if (kind !== "folder") {
    throw new InputError("not a folder", {
      where: folder,
      repair: "pass the path of a Hugging Face model folder, or owner/name@revision",
    });
  }
  const { config, unread, stated, files: configFiles } = await readConfig(folder);
  const { files, tensors } = await readWeightFiles(folder);
  const matched = matchWeights(tensors, { config, where: folder });
  if (config.tiedEmbeddings) await checkTied(tensors, folder);
  const weights = new Map<string, WeightEntry>();
  for (const [name, entry] of matched) {
    weights.set(name, { ...entry, location: entry.file.slice(entry.file.lastIndexOf("/") + 1) });
  }
  let opened: Promise<ChatTokenizer> | undefined, hash: Promise<string> | undefined;
  const { date } = options, { vocab } = config;
  const tokenizer = () => opened ??= ChatTokenizer.open(folder, { vocab, date });
  const hasTokenizer = await pathExists(`${folder}/tokenizer.json`);
  const endTokens = endTokensOf(stated, {
    tokenizer: hasTokenizer ? await usableTokenizer(tokenizer()) : null,
    vocab,
  });
  return {
    folder,
    weightsFolder: await weightsFolderOf(files, folder),
    config: withEosTokens(config, { ids: endTokens.map(({ id }) => id), where: folder }),
    endTokens,
    tokenizer,
    weights,
    notices: noticesOf(config, { unread, buffers: [...tensors.keys()].filter((name) => BUFFER.test(name)) }),
    hash: () => hash ??= hashFiles([...configFiles, ...files]),
  };
}
