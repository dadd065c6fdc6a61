import { z } from "zod";
import { InputError, sha256 } from "../core/mod.ts";
import { decodeUtf8, parseJson, quoted, readWholeFile, validateJson } from "./_json_file.ts";
import { pathExists } from "./_read_bytes.ts";

/** What the files of a tokenizer say, checked; the JSON itself goes to the library that runs it. */
export interface TokenizerFiles {
  readonly tokenizer: object;
  readonly config: object;
  /** Vocabulary with added tokens: text as stored → id. */
  readonly idOfToken: ReadonlyMap<string, number>;
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Special tokens by role (`bos_token`, `eos_token`, …), as the configuration names them. */
  readonly roles: ReadonlyMap<string, string>;
  /** Source of the chat template and the file it was in, or null. */
  readonly template: { readonly source: string; readonly where: string } | null;
  readonly hash: string;
}

const tokenId = z.int("must be a token id").min(0, "must be a token id").max(
  2 ** 24,
  "is too large a token id",
);
const text = z.string("must be text");

const tokenizerSchema = z.looseObject({
  model: z.looseObject({
    type: z.literal("BPE", 'only "BPE" is supported'),
    vocab: z.record(text, tokenId, "must map tokens to ids"),
    merges: z.array(
      z.union([text, z.tuple([text, text])], "must be a pair of tokens"),
      "must list pairs of tokens",
    ),
    unk_token: text.nullish(),
    byte_fallback: z.boolean().nullish(),
    dropout: z.literal([null, 0], "dropout would make token ids random: only null is supported").optional(),
  }, "must be an object"),
  added_tokens: z.array(z.looseObject({ id: tokenId, content: text, special: z.boolean() })).nullish(),
  normalizer: z.unknown(),
  pre_tokenizer: z.unknown(),
  post_processor: z.unknown(),
  decoder: z.unknown(),
}, "must be an object");

const roleToken = z.union([text, z.looseObject({ content: text })], "must be a token").nullish();
const REPAIR = "fetch the tokenizer again";
const ROLES = ["bos_token", "eos_token", "pad_token", "unk_token"] as const;

const configSchema = z.looseObject({
  bos_token: roleToken,
  eos_token: roleToken,
  pad_token: roleToken,
  unk_token: roleToken,
  chat_template: z.union([text, z.array(z.looseObject({ name: text, template: text }))], "must be a template")
    .nullish(),
}, "must be an object");

/** A pipeline step and those nested in it. */
function* stepsOf(step: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof step !== "object" || step === null) return;
  const record = step as Readonly<Record<string, unknown>>;
  yield record;
  for (const inner of [record.pretokenizers].flat()) yield* stepsOf(inner);
}

/** The 256 letters that stand for bytes in a byte-level vocabulary: printable Latin-1 as is, the rest from U+0100. */
function byteLetters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** Letters of a pattern; the longest published ones have two hundred. */
const PATTERN_LETTERS_LIMIT = 2000;

/**
 * Whether a pattern repeats, without bound, a group that itself repeats or chooses: the only form that takes
 * exponential time on some text. The patterns of published tokenizers have none.
 */
export function repeatsRepetition(pattern: string): boolean {
  // One entry per open group: whether it repeats or chooses inside.
  const open: boolean[] = [];
  const mark = () => open.length > 0 && (open[open.length - 1] = true);
  const unbounded = (at: number) => /^(?:[*+]|\{\d*,\})/.test(pattern.slice(at, at + 24));
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const letter = pattern[at];
    if (letter === "\\") at++;
    else if (inClass) inClass = letter !== "]";
    else if (letter === "[") inClass = true;
    else if (letter === "(") open.push(false);
    else if (letter === "|") mark();
    else if (letter === ")") {
      const inner = open.pop() ?? false;
      if (inner && unbounded(at + 1)) return true;
      // What a group holds, the group around it holds too.
      if (inner) mark();
    }
    if (!inClass && letter !== "(" && unbounded(at + 1)) mark();
  }
  return false;
}

/** Every regular expression of the tokenizer, from whichever step has one. */
function* patternsOf(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "Regex" && typeof inner === "string") yield inner;
    else yield* patternsOf(inner);
  }
}

/** Refuses a merge of what the vocabulary lacks: the library would run on and give other ids than the original. */
function checkMerges({ model }: z.infer<typeof tokenizerSchema>, where: string): void {
  for (const [index, merge] of model.merges.entries()) {
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    const [left = "", right = ""] = parts;
    if (parts.length !== 2 || left === "" || right === "") {
      throw new InputError(
        `merge ${index} is no pair of tokens: current value is ${quoted(parts.join(" "))}`,
        {
          where,
          repair: REPAIR,
        },
      );
    }
    const lacking = [left, right, left + right].find((token) => !Object.hasOwn(model.vocab, token));
    if (lacking !== undefined) {
      throw new InputError(
        `merge ${index} needs the token ${quoted(lacking)}, which is not in the vocabulary`,
        {
          where,
          repair: REPAIR,
        },
      );
    }
  }
  const longer = Object.keys(model.vocab).length > 256 && model.merges.length === 0;
  if (longer) throw new InputError("the tokenizer has tokens but no merges", { where, repair: REPAIR });
}

/** Refuses what the library would run with other results than the original, or would lose text over. */
function checkPipeline(tokenizer: z.infer<typeof tokenizerSchema>, where: string): void {
  const { normalizer, pre_tokenizer, post_processor, decoder } = tokenizer;
  for (const pattern of patternsOf([normalizer, pre_tokenizer, post_processor, decoder])) {
    if (pattern.length > PATTERN_LETTERS_LIMIT || repeatsRepetition(pattern)) {
      throw new InputError(`the tokenizer's pattern ${quoted(pattern)} can take endless time`, {
        where,
        repair: "use a tokenizer whose pattern repeats no repetition",
      });
    }
  }
  const steps = [...stepsOf(tokenizer.pre_tokenizer)];
  for (const step of steps) {
    if (step.type === "Split" && (step.behavior !== "Isolated" || step.invert === true)) {
      const kind = quoted(`${step.behavior}${step.invert ? ", inverted" : ""}`);
      throw new InputError(`the tokenizer splits by ${kind}, where only "Isolated" is supported`, { where });
    }
  }
  const { vocab, unk_token, byte_fallback } = tokenizer.model;
  if (unk_token || byte_fallback || !steps.some((step) => step.type === "ByteLevel")) return;
  const lost = byteLetters().findIndex((letter) => !Object.hasOwn(vocab, letter));
  if (lost >= 0) {
    throw new InputError(`the vocabulary has no token for the byte ${lost}, so texts with it would lose it`, {
      where,
      repair: "train the tokenizer with the whole byte alphabet",
    });
  }
}

function vocabularyOf(
  tokenizer: z.infer<typeof tokenizerSchema>,
  where: string,
): ReadonlyMap<string, number> {
  const idOfToken = new Map(Object.entries(tokenizer.model.vocab));
  for (const { content, id } of tokenizer.added_tokens ?? []) idOfToken.set(content, id);
  const tokenOfId = new Map<number, string>();
  for (const [token, id] of idOfToken) {
    const other = tokenOfId.get(id);
    if (other !== undefined) {
      throw new InputError(`the tokens ${quoted(other)} and ${quoted(token)} share the id ${id}`, { where });
    }
    tokenOfId.set(id, token);
  }
  return idOfToken;
}

/** A file of its own wins over the key in the configuration, as in transformers; of several the one named default. */
async function templateOf(
  folder: string,
  options: { readonly inConfig: z.infer<typeof configSchema>["chat_template"]; readonly configPath: string },
): Promise<TokenizerFiles["template"]> {
  const own = `${folder}/chat_template.jinja`;
  if (await pathExists(own)) {
    const bytes = await readWholeFile(own, { what: "the chat template", kind: "config" });
    return { source: decodeUtf8(bytes, { what: "the chat template", where: own }), where: own };
  }
  const { inConfig, configPath } = options;
  const source = Array.isArray(inConfig)
    ? inConfig.find(({ name }) => name === "default")?.template
    : inConfig;
  return source === null || source === undefined ? null : { source, where: configPath };
}

/** Reads tokenizer.json, tokenizer_config.json and the chat template of a model folder; `InputError` on any fault. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const tokenizerPath = `${folder}/tokenizer.json`, configPath = `${folder}/tokenizer_config.json`;
  const tokenizerBytes = await readWholeFile(tokenizerPath, { what: "tokenizer.json", kind: "tokenizer" });
  const configBytes = await readWholeFile(configPath, {
    what: "tokenizer_config.json",
    kind: "tokenizer",
  });
  const tokenizerJson = parseJson(tokenizerBytes, {
    what: "tokenizer.json",
    where: tokenizerPath,
    kind: "tokenizer",
  });
  const configRaw = parseJson(configBytes, {
    what: "tokenizer_config.json",
    where: configPath,
    kind: "tokenizer",
  });
  const tokenizer = validateJson(tokenizerJson, {
    schema: tokenizerSchema,
    what: "tokenizer.json",
    where: tokenizerPath,
  });
  const config = validateJson(configRaw, {
    schema: configSchema,
    what: "tokenizer_config.json",
    where: configPath,
  });
  checkPipeline(tokenizer, tokenizerPath);
  checkMerges(tokenizer, tokenizerPath);
  const idOfToken = vocabularyOf(tokenizer, tokenizerPath);
  const special = (tokenizer.added_tokens ?? []).filter((token) => token.special);
  const roles = new Map<string, string>();
  for (const role of ROLES) {
    const token = config[role];
    if (token === null || token === undefined) continue;
    const content = typeof token === "string" ? token : token.content;
    if (!idOfToken.has(content)) {
      throw new InputError(`${role} ${quoted(content)} is not in the vocabulary`, { where: configPath });
    }
    roles.set(role, content);
  }
  const template = await templateOf(folder, { inConfig: config.chat_template, configPath });
  return {
    tokenizer: { ...tokenizer, added_tokens: tokenizer.added_tokens ?? [] },
    config,
    idOfToken,
    specialTokens: new Map(special.map(({ content, id }) => [content, id])),
    roles,
    template,
    hash: sha256([sha256(tokenizerBytes), sha256(configBytes), sha256(template?.source ?? "")].join()),
  };
}
