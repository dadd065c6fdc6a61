import { ensureFolder, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  CHAT_FORMATS,
  type ChatFormat,
  type FreshConfig,
  parsePretrainConfig,
  type PretrainConfig,
  type TokenizerFiles,
  tokenizerFiles,
  tokenizerTexts,
  trainBpe,
} from "../lib/train/mod.ts";
import { defineCommand, main } from "./command/command.ts";
import { readConfigFile } from "./command/config_file.ts";
import { checkWritable, exists } from "./command/output_place.ts";

/** The files in the order they are written; a folder that has the last has both. */
const FILES = ["tokenizer.json", "tokenizer_config.json"] as const;

/** Reads and checks a pretraining config. */
export async function readPretrainConfig(path: string): Promise<PretrainConfig> {
  return parsePretrainConfig(await readConfigFile(path), { where: path });
}

/** How the config's model writes a conversation. */
export function chatFormatOf(config: PretrainConfig): ChatFormat {
  return CHAT_FORMATS[config.tokenizer.format ?? "chatml"];
}

/** Throws an InputError unless a tokenizer fits the model of a config, saying which number to put. */
export function checkTokenizerFits(
  config: PretrainConfig,
  tokenizer: {
    readonly vocab: number;
    /** Id of the format's stop token, or null. */
    readonly stopToken: number | null;
    /** The config's path. */
    readonly where: string;
  },
): void {
  const { vocab, stopToken, where } = tokenizer;
  const stopText = chatFormatOf(config).stopToken;
  if (vocab !== config.model.vocab) {
    throw new InputError(`the tokenizer has ${vocab} tokens, the model ${config.model.vocab}`, {
      where,
      repair: `set "vocab_size" in "model" to ${vocab}`,
    });
  }
  if (stopToken === null) throw new InputError(`the tokenizer has no token ${stopText}`, { where });
  if (!config.model.eosTokenIds.includes(stopToken)) {
    throw new InputError(`the model does not stop at ${stopText}`, {
      where,
      repair: `set "eos_token_id" in "model" to ${stopToken}`,
    });
  }
}

/** Trains the tokenizer of a config on its corpus and checks that it fits the config's model. */
export function trainTokenizer(config: FreshConfig, options: { readonly where: string }): TokenizerFiles {
  const { where } = options, { vocabSize, documents } = config.tokenizer;
  const format = chatFormatOf(config), { specialTokens } = format;
  const least = 256 + specialTokens.length, most = 0xffff;
  if (vocabSize < least || vocabSize > most) {
    throw new InputError(`"vocabSize" in "tokenizer" must lie in [${least}, ${most}], found ${vocabSize}`, {
      where,
    });
  }
  const texts = tokenizerTexts(config.corpus, { seed: config.training.seed, documents, format });
  const vocabulary = trainBpe(texts, { vocabSize, specialTokens });
  const stopToken = vocabulary.tokens.lastIndexOf(format.stopToken);
  checkTokenizerFits(config, { vocab: vocabulary.tokens.length, stopToken, where });
  return tokenizerFiles(vocabulary, { format });
}

/** Whether a folder has a whole tokenizer. */
export async function hasTokenizer(folder: string): Promise<boolean> {
  const found = await Promise.all(FILES.map((name) => exists(`${folder}/${name}`)));
  return found.every((there) => there);
}

/** Writes a tokenizer into a folder, making it if need be. */
export async function writeTokenizer(folder: string, files: TokenizerFiles): Promise<void> {
  await ensureFolder(folder);
  for (const name of FILES) await writeFileAtomic(`${folder}/${name}`, files[name]);
}

/** Trains a tokenizer of the embedded zoo on its corpus. */
export const tokenizer = defineCommand({
  name: "tokenizer",
  summary: "Trains the byte-level BPE tokenizer of a model of the embedded zoo on the model's own corpus.",
  flags: {
    config: { kind: "string", required: true, metavar: "FILE", help: "Pretraining config" },
    out: { kind: "string", required: true, metavar: "DIR", help: "Folder that gets the two files" },
    force: { kind: "boolean", help: "Replace another tokenizer in --out" },
  },
  examples: [
    [
      "deno task tokenizer --config fixtures/embedded/base-a.pretrain.json --out out/tokenizer-a",
      "Write tokenizer.json and tokenizer_config.json of base A",
    ],
  ],
  async run({ flags, terminal, print }) {
    const config = await readPretrainConfig(flags.config);
    if (config.from !== undefined) {
      throw new InputError(`the config has "from": its tokenizer is that of ${config.from}`, {
        where: flags.config,
        repair: "run deno task pretrain, which copies it",
      });
    }
    await checkWritable(flags.out, { as: "folder" });
    terminal.error(`training the tokenizer on ${config.tokenizer.documents} documents\n`);
    const files = trainTokenizer(config, { where: flags.config });
    for (const name of FILES) {
      const path = `${flags.out}/${name}`;
      if (flags.force || !await exists(path) || await Deno.readTextFile(path) === files[name]) continue;
      throw new InputError("there is another tokenizer", {
        where: path,
        repair: "pass --force to replace it, or another --out",
      });
    }
    await writeTokenizer(flags.out, files);
    print(`${flags.out}: ${config.model.vocab} tokens`);
  },
});

if (import.meta.main) await main(tokenizer);
