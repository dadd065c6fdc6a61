import { DTYPE_BYTES, elementCount, InputError } from "../../core/mod.ts";
import type { GgufType } from "./_gguf_blocks.ts";
import { ggufConfig } from "./_gguf_config.ts";
import { type GgufTensor, parseGgufHeader } from "./_gguf_header.ts";
import { GgufMetadata } from "./_gguf_metadata.ts";
import { ropeScalingOf } from "./_gguf_rope.ts";
import { type GgufTokenizer, ggufTokenizer } from "./_gguf_tokenizer.ts";
import { matchGgufWeights, readGgufTensor, ROPE_FACTORS, streamedTensor } from "./_gguf_weights.ts";
import { pathExists } from "../files/stat_place.ts";
import { ensureFolder, jsonText, writeFileAtomic } from "../files/atomic_file.ts";
import { type ByteSource, openSource } from "../files/byte_source.ts";
import { ChatTokenizer } from "../tokenizer/chat_tokenizer.ts";
import { openCheckpoint } from "../checkpoint.ts";
import { configJson, type ModelConfig } from "../config.ts";
import { type WeightDType, writeSafetensors } from "../files/write_safetensors.ts";

/** How to import a GGUF file. */
export interface ImportGgufOptions {
  /** Folder that gets the model. A model in it is replaced, file by file; other files stay. */
  readonly out: string;
  /** Type of every weight in the folder. @default {"bfloat16"} */
  readonly dtype?: WeightDType;
  /** How the tokenizer cuts texts, by a name of `tokenizer.ggml.pre`. @default {what the file says} */
  readonly pre?: string;
  /** Called after each piece of weights with bytes written so far and in all. */
  readonly onProgress?: (done: { readonly bytes: number; readonly of: number }) => void;
}

/** What was imported. */
export interface ImportedGguf {
  /** The model. */
  readonly config: ModelConfig;
  /** Numbers in all weights. */
  readonly parameters: number;
  /** How many tensors the file has of each type. */
  readonly types: ReadonlyMap<string, number>;
  /** Size of the weights in the folder. */
  readonly bytes: number;
  /** Tokens of the tokenizer, and how it cuts texts; null where the file has no tokenizer. */
  readonly tokenizer: { readonly tokens: number; readonly split: string } | null;
}

/** All of a file that is decided before anything is written. */
export interface GgufPlan {
  readonly config: ModelConfig;
  /** Tensors by Hugging Face name. */
  readonly weights: ReadonlyMap<string, GgufTensor>;
  /** Whether the rows of q and k have to be put in order. */
  readonly interleaved: boolean;
  readonly tokenizer: GgufTokenizer | null;
}

/** Reads and checks what a file says of itself; `InputError` for whatever is damaged, missing or not supported. */
export function planGguf(
  source: ByteSource,
  options: { readonly where: string; readonly pre?: string | undefined },
): GgufPlan {
  const { where } = options;
  const header = parseGgufHeader(source, { where }), metadata = new GgufMetadata(header);
  const tokenizer = ggufTokenizer(metadata, options);
  const { config: plain, family, originalMaxPositions } = ggufConfig(header, {
    metadata,
    bosTokenId: tokenizer?.ids.bos ?? null,
    eosTokenIds: tokenizer?.ids.ends ?? [],
  });
  let config = plain;
  const factors = header.tensors.get(ROPE_FACTORS);
  if (factors !== undefined) {
    const fault = (what: string) => new InputError(`tensor "${ROPE_FACTORS}" ${what}`, { where });
    if (elementCount(factors.dims) !== config.headDim / 2) {
      throw fault(`has the shape [${factors.dims}], expected [${config.headDim / 2}]`);
    }
    const values = readGgufTensor(factors, source);
    if (values.some((value) => value !== 1)) {
      const ropeScaling = ropeScalingOf(values, { theta: config.ropeTheta, originalMaxPositions });
      if (ropeScaling === null) {
        throw fault("holds no scaling of Llama 3's kind, the only one that is supported");
      }
      config = { ...config, ropeScaling };
    }
  }
  const weights = matchGgufWeights(header, config);
  return { config, weights, interleaved: family.interleaved, tokenizer };
}

/** What generation_config.json says: the tokens that begin and end a text. */
function generationJson({ bos, pad, ends }: GgufTokenizer["ids"]): Record<string, unknown> {
  return {
    ...(bos === null ? {} : { bos_token_id: bos }),
    ...(ends.length === 0 ? {} : { eos_token_id: ends.length === 1 ? ends[0] : ends }),
    ...(pad === null ? {} : { pad_token_id: pad }),
  };
}

/** Opens what was written as any model is opened, so that a folder in place is one that loads. */
async function checkFolder(folder: string, where: string): Promise<void> {
  try {
    const { config } = await openCheckpoint(folder);
    if (await pathExists(`${folder}/tokenizer.json`)) {
      await ChatTokenizer.open(folder, { vocab: config.vocab });
    }
  } catch (error) {
    // The folder goes away, so the fault is told of the file that it came from.
    throw error instanceof InputError ? new InputError(error.what, { where, cause: error }) : error;
  }
}

/** Every file that an import may write; of a model that is replaced none of them stays. */
const FILES = [
  "config.json",
  "generation_config.json",
  "chat_template.jinja",
  "tokenizer_config.json",
  "tokenizer.json",
  "model.safetensors",
] as const;

/** Of a folder that is there config.json goes first and comes last, so that one that has it is whole. */
async function moveInto(folder: string, out: string): Promise<void> {
  if (!await pathExists(out)) return await Deno.rename(folder, out);
  for (const name of FILES) if (await pathExists(`${out}/${name}`)) await Deno.remove(`${out}/${name}`);
  for (const name of FILES.toReversed()) {
    if (await pathExists(`${folder}/${name}`)) await Deno.rename(`${folder}/${name}`, `${out}/${name}`);
  }
  await Deno.remove(folder);
}

/**
 * Turns a GGUF file of a Llama, Qwen2 or Qwen3 model into a Hugging Face folder: weights in one type, q and k in Hugging
 * Face's order of rows, config.json, and the tokenizer with its chat template and the tokens that end a text. Weights
 * stream, a few megabytes at a time. The folder is made beside its place, opened as a check, and only then moved
 * there: a fault leaves nothing.
 *
 * Throws `InputError` for a file that is damaged, of another family, or of a type or tokenizer that is not read.
 *
 * @example
 * ```ts
 * import { importGguf, openCheckpoint } from "@small-vectors/steering/checkpoint";
 * const folder = await Deno.makeTempDir();
 * await importGguf("./fixtures/golden/gguf/llama.gguf", { out: `${folder}/model` });
 * const { config } = await openCheckpoint(`${folder}/model`);
 * if (config.architecture !== "llama") throw new Error("another family");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function importGguf(path: string, options: ImportGgufOptions): Promise<ImportedGguf> {
  const { out, dtype = "bfloat16", pre, onProgress } = options;
  using source = await openSource(path);
  // In the folder where there is one, which may be a disk of its own; else beside its place.
  const place = await pathExists(out) ? `${out}/.model` : out.replace(/([^/\\]+)[/\\]*$/, ".$1");
  const part = `${place}.${Deno.pid}.part`;
  let begun = false;
  try {
    const plan = planGguf(source, { where: path, pre });
    const { config, weights, tokenizer } = plan;
    const parameters = [...weights.values()].reduce((sum, { dims }) => sum + elementCount(dims), 0);
    const of = parameters * DTYPE_BYTES[dtype];
    await ensureFolder(part);
    begun = true;
    let bytes = 0;
    const tensors = [...weights].map(([name, tensor]) => {
      const interleaved = plan.interleaved && /\.[qk]_proj\./.test(name);
      const headDim = interleaved ? config.headDim : null;
      const onBytes = (more: number) => onProgress?.({ bytes: bytes += more, of });
      return [name, streamedTensor(tensor, { source, where: path, dtype, headDim, onBytes })] as const;
    });
    await writeSafetensors(`${part}/model.safetensors`, {
      tensors: Object.fromEntries(tensors),
      metadata: { format: "pt" },
    });
    for (const [name, text] of tokenizer?.files ?? []) await writeFileAtomic(`${part}/${name}`, text);
    if (tokenizer !== null) {
      await writeFileAtomic(`${part}/generation_config.json`, jsonText(generationJson(tokenizer.ids)));
    }
    const json = configJson(config, { dtype });
    await writeFileAtomic(`${part}/config.json`, jsonText(json));
    await checkFolder(part, path);
    await moveInto(part, out);
    begun = false;
    const types = new Map<GgufType, number>();
    for (const { type } of weights.values()) types.set(type, (types.get(type) ?? 0) + 1);
    const told = tokenizer === null ? null : { tokens: tokenizer.tokens, split: tokenizer.split };
    return { config, parameters, types, bytes: of, tokenizer: told };
  } finally {
    if (begun) await Deno.remove(part, { recursive: true });
  }
}
