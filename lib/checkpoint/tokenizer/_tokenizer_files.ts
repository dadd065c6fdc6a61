import { z } from "zod";
import { InputError, sha256 } from "../../core/mod.ts";
import type { AddedToken } from "./_added_tokens.ts";
import { byteLetters, byteName } from "./byte_letters.ts";
import { decodeUtf8, isRecord, parseJson, quoted, readWholeFile, validateJson } from "../files/_json_file.ts";
import { pathExists } from "../files/stat_place.ts";

/** What the files of a tokenizer say, checked. */
export interface TokenizerFiles {
  /** tokenizer.json as the library that runs it takes it: without added tokens, which are found apart from it. */
  readonly tokenizer: { readonly [key: string]: unknown; readonly model: BpeModel };
  readonly config: object;
  /** Vocabulary with added tokens: text as stored → id. */
  readonly idOfToken: ReadonlyMap<string, number>;
  /** Added tokens with the rules that both files together give them. */
  readonly addedTokens: readonly AddedToken[];
  /** Special tokens by role (`bos_token`, `eos_token`, …), as the configuration names them. */
  readonly roles: ReadonlyMap<string, string>;
  /** Whether letters of the vocabulary stand for bytes. */
  readonly byteLevel: boolean;
  /** Whether decoding takes letters for bytes, and does nothing else. */
  readonly decodesBytes: boolean;
  /** Whether every letter of any text has a token, or bytes that have one. */
  readonly complete: boolean;
  /** Source of the chat template and the file it was in, or null. */
  readonly template: { readonly source: string; readonly where: string } | null;
  readonly hash: string;
}

/** What of a byte-pair model decides which letters have tokens. */
export interface BpeModel {
  readonly vocab: Readonly<Record<string, number>>;
  readonly unk_token?: string | null | undefined;
  readonly byte_fallback?: boolean | null | undefined;
  readonly ignore_merges?: boolean | null | undefined;
}

const tokenId = z.int("must be a token id").min(0, "must be a token id").max(
  2 ** 24,
  "is too large a token id",
);
const text = z.string("must be text");

const flag = z.boolean("must be true or false").nullish();
const addedTokenFields = {
  content: text,
  single_word: flag,
  lstrip: flag,
  rstrip: flag,
  normalized: flag,
  special: flag,
};

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
    ignore_merges: z.boolean().nullish(),
    continuing_subword_prefix: z.literal([null, ""], "marks inside words are not supported, only none")
      .optional(),
    end_of_word_suffix: z.literal([null, ""], "marks at the end of words are not supported, only none")
      .optional(),
    dropout: z.literal([null, 0], "dropout would make token ids random: only null is supported").optional(),
  }, "must be an object"),
  added_tokens: z.array(z.looseObject({ id: tokenId, ...addedTokenFields })).nullish(),
  normalizer: z.unknown(),
  pre_tokenizer: z.unknown(),
  post_processor: z.unknown(),
  decoder: z.unknown(),
}, "must be an object");

const roleToken = z.union([text, z.looseObject({ content: text })], "must be a token").nullish();
const REPAIR = "fetch the tokenizer again";
const ROLES = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
] as const;

const configSchema = z.looseObject({
  ...Object.fromEntries(ROLES.map((role) => [role, roleToken])) as Record<
    (typeof ROLES)[number],
    typeof roleToken
  >,
  added_tokens_decoder: z.record(text, z.looseObject(addedTokenFields), "must map ids to tokens").nullish(),
  split_special_tokens: z.literal(
    false,
    "special tokens in texts are always their ids: only false is supported",
  ).nullish(),
  chat_template: z.union([text, z.array(z.looseObject({ name: text, template: text }))], "must be a template")
    .nullish(),
}, "must be an object");

/** A pipeline step and those nested in it. */
function* stepsOf(step: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (!isRecord(step)) return;
  yield step;
  for (const inner of [step.normalizers, step.pretokenizers, step.decoders].flat()) yield* stepsOf(inner);
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
        { where, repair: REPAIR },
      );
    }
    const lacking = [left, right, left + right].find((token) => !Object.hasOwn(model.vocab, token));
    if (lacking !== undefined) {
      throw new InputError(
        `merge ${index} needs the token ${quoted(lacking)}, which is not in the vocabulary`,
        { where, repair: REPAIR },
      );
    }
  }
  const longer = Object.keys(model.vocab).length > 256 && model.merges.length === 0;
  if (longer) throw new InputError("the tokenizer has tokens but no merges", { where, repair: REPAIR });
}

/** The steps whose results were compared with the reference's; others are refused. */
const KNOWN_STEPS = {
  normalizer: ["Sequence", "NFC", "NFD", "NFKC", "NFKD", "Prepend", "Replace"],
  pre_tokenizer: ["Sequence", "ByteLevel", "Digits", "Metaspace", "Punctuation", "Split"],
  decoder: ["Sequence", "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Strip"],
} as const;

/** Refuses what the library would run with other results than the original. */
function checkPipeline(tokenizer: z.infer<typeof tokenizerSchema>, where: string): void {
  const { normalizer, pre_tokenizer, post_processor, decoder } = tokenizer;
  for (const [part, known] of Object.entries(KNOWN_STEPS)) {
    for (const { type } of stepsOf(tokenizer[part as keyof typeof KNOWN_STEPS])) {
      if (typeof type !== "string" || !(known as readonly string[]).includes(type)) {
        throw new InputError(
          `the tokenizer's ${part} has a step ${quoted(String(type))}, which is not supported`,
          { where, repair: `known are ${known.join(", ")}` },
        );
      }
    }
  }
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
    if (step.type === "Punctuation" && step.behavior !== "Contiguous") {
      const kind = quoted(String(step.behavior ?? "Isolated"));
      throw new InputError(
        `the tokenizer splits punctuation by ${kind}, where only "Contiguous" is supported`,
        { where },
      );
    }
  }
}

/** Rules of an added token; those that special tokens do not state are the stricter ones. */
function addedToken(token: z.infer<z.ZodObject<typeof addedTokenFields>>, id: number): AddedToken {
  const special = token.special ?? false;
  return {
    content: token.content,
    id,
    singleWord: token.single_word ?? false,
    lstrip: token.lstrip ?? false,
    rstrip: token.rstrip ?? false,
    normalized: token.normalized ?? !special,
    special,
  };
}

/** Vocabulary and added tokens of tokenizer.json; two tokens cannot share an id. */
function vocabularyOf(
  tokenizer: z.infer<typeof tokenizerSchema>,
  where: string,
): { readonly idOfToken: ReadonlyMap<string, number>; readonly added: Map<string, AddedToken> } {
  const idOfToken = new Map(Object.entries(tokenizer.model.vocab)), added = new Map<string, AddedToken>();
  for (const token of tokenizer.added_tokens ?? []) {
    idOfToken.set(token.content, token.id);
    added.set(token.content, addedToken(token, token.id));
  }
  const tokenOfId = new Map<number, string>();
  for (const [token, id] of idOfToken) {
    const other = tokenOfId.get(id);
    if (other !== undefined) {
      throw new InputError(`the tokens ${quoted(other)} and ${quoted(token)} share the id ${id}`, { where });
    }
    tokenOfId.set(id, token);
  }
  return { idOfToken, added };
}

/**
 * Added tokens as transformers has them once both files are read: `added_tokens_decoder` of the configuration says
 * their rules anew, and a token with a role is special, added where it was not.
 */
function withConfigTokens(
  config: z.infer<typeof configSchema>,
  options: {
    readonly idOfToken: ReadonlyMap<string, number>;
    readonly added: Map<string, AddedToken>;
    readonly where: string;
  },
): { readonly addedTokens: readonly AddedToken[]; readonly roles: ReadonlyMap<string, string> } {
  const { idOfToken, added, where } = options;
  const idOf = (content: string, what: string): number => {
    const id = idOfToken.get(content);
    if (id === undefined) {
      throw new InputError(`${what} ${quoted(content)} is not in the vocabulary`, { where });
    }
    return id;
  };
  for (const token of Object.values(config.added_tokens_decoder ?? {})) {
    added.set(token.content, addedToken(token, idOf(token.content, "the added token")));
  }
  const roles = new Map<string, string>();
  for (const role of ROLES) {
    const token = config[role];
    if (token === null || token === undefined) continue;
    const content = typeof token === "string" ? token : token.content, id = idOf(content, role);
    const known = added.get(content);
    added.set(
      content,
      known === undefined ? addedToken({ content, special: true }, id) : { ...known, special: true },
    );
    roles.set(role, content);
  }
  return { addedTokens: [...added.values()], roles };
}

/** Whether no letter of any text can be without a token: all bytes have one, by their letters or by their names. */
function isComplete(model: BpeModel, byteLevel: boolean): boolean {
  const names = byteLetters().map((_, byte) => byteName(byte));
  const needed = byteLevel ? byteLetters() : model.byte_fallback === true ? names : null;
  return needed !== null && needed.every((token) => Object.hasOwn(model.vocab, token));
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

/** A file of the folder as its bytes and as JSON that fits its schema. */
async function readPart<T>(
  where: string,
  schema: z.ZodType<T>,
): Promise<{ readonly bytes: Uint8Array; readonly json: T }> {
  const what = where.slice(where.lastIndexOf("/") + 1), kind = "tokenizer";
  const bytes = await readWholeFile(where, { what, kind });
  return { bytes, json: validateJson(parseJson(bytes, { what, where, kind }), { schema, what, where }) };
}

/** Reads tokenizer.json, tokenizer_config.json and the chat template of a model folder; `InputError` on any fault. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const tokenizerPath = `${folder}/tokenizer.json`, configPath = `${folder}/tokenizer_config.json`;
  const { bytes: tokenizerBytes, json: tokenizer } = await readPart(tokenizerPath, tokenizerSchema);
  const { bytes: configBytes, json: config } = await readPart(configPath, configSchema);
  checkPipeline(tokenizer, tokenizerPath);
  checkMerges(tokenizer, tokenizerPath);
  const vocabulary = vocabularyOf(tokenizer, tokenizerPath), { idOfToken } = vocabulary;
  const { addedTokens, roles } = withConfigTokens(config, { ...vocabulary, where: configPath });
  const byteLevel = [...stepsOf(tokenizer.pre_tokenizer)].some((step) => step.type === "ByteLevel");
  const template = await templateOf(folder, { inConfig: config.chat_template, configPath });
  return {
    tokenizer: { ...tokenizer, added_tokens: [] },
    config,
    idOfToken,
    addedTokens,
    roles,
    byteLevel,
    decodesBytes: isRecord(tokenizer.decoder) && tokenizer.decoder.type === "ByteLevel",
    complete: isComplete(tokenizer.model, byteLevel),
    template,
    hash: sha256([sha256(tokenizerBytes), sha256(configBytes), sha256(template?.source ?? "")].join()),
  };
}
