import { type Checkpoint, type ModelConfig, readTensor } from "../checkpoint/mod.ts";
import { canonicalJson, InputError, sha256, withoutMark } from "../core/mod.ts";
import type { TokenizerFiles } from "./train_bpe.ts";
import type { ChatFormat } from "./chat_format.ts";
import type { FineTuneConfig, PretrainConfig } from "./pretrain_config.ts";

/** The weights that a run goes on from. */
export interface StartingPoint {
  /** Values by tensor name, in float32. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Hash of the checkpoint they come from. */
  readonly hash: string;
}

/** The first key in which two model configs differ, or null. */
function differingKey(a: ModelConfig, b: ModelConfig): keyof ModelConfig | null {
  const keys = Object.keys(a) as (keyof ModelConfig)[];
  return keys.find((key) => canonicalJson(a[key]) !== canonicalJson(b[key])) ?? null;
}

/**
 * Reads the weights of the model that a config goes on `from`; `where` names the config in errors.
 *
 * @throws {InputError} when the config's model is not that of the checkpoint.
 */
export async function startingPoint(
  config: FineTuneConfig,
  options: { readonly checkpoint: Checkpoint; readonly where: string },
): Promise<StartingPoint> {
  const { checkpoint, where } = options;
  // A folder's other files may name further ends of an answer; they come after those of its config.json.
  const { eosTokenIds } = checkpoint.config;
  const stated = { ...checkpoint.config, eosTokenIds: eosTokenIds.slice(0, config.model.eosTokenIds.length) };
  const key = differingKey(config.model, stated);
  if (key !== null) {
    const [own, other] = [config.model, stated].map((model) => JSON.stringify(model[key]));
    throw new InputError(`the config's model has ${key} ${own}, that of "from" ${other}`, {
      where,
      repair: `write "model" as ${checkpoint.folder}/config.json has it`,
    });
  }
  const weights = new Map<string, Float32Array>();
  for (const [name, entry] of checkpoint.weights) weights.set(name, await readTensor(entry));
  return { weights, hash: await checkpoint.hash() };
}

/**
 * The hash of everything that decides a run: the config, and in place of the path in `from` the hash of the weights
 * there. A run of a config without `from` has the hash of its config.
 *
 * @throws {RangeError} when a config with `from` comes without that hash, or one without `from` with it.
 */
export function pretrainRunHash(
  config: PretrainConfig,
  options: { readonly fromHash?: string | undefined } = {},
): string {
  const { fromHash } = options;
  if ((config.from === undefined) !== (fromHash === undefined)) {
    throw new RangeError(
      `Cannot tell the run of "${config.name}" as a starting point goes with "from": current value is ` +
        `${config.from ?? "none"}, hash ${fromHash ?? "none"}`,
    );
  }
  return sha256(canonicalJson(fromHash === undefined ? config : { ...config, from: fromHash }));
}

/**
 * The tokenizer of a model folder with the chat template of a format: tokenizer.json is the same text, and so is
 * tokenizer_config.json as JSON, its `chat_template` apart.
 */
export async function retemplated(
  folder: string,
  options: { readonly format: ChatFormat },
): Promise<TokenizerFiles> {
  const config = JSON.parse(withoutMark(await Deno.readTextFile(`${folder}/tokenizer_config.json`)));
  return {
    "tokenizer.json": await Deno.readTextFile(`${folder}/tokenizer.json`),
    "tokenizer_config.json": `${
      JSON.stringify({ ...config, chat_template: options.format.template }, null, 1)
    }\n`,
  };
}
