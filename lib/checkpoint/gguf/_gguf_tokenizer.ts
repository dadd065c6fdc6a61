import { InputError, type Json } from "../../core/mod.ts";
import { quoted } from "../files/_json_file.ts";
import { jsonText } from "../files/atomic_file.ts";
import type { GgufMetadata } from "./_gguf_metadata.ts";
import { TEXT_SPLITS, textSplit } from "./_text_split.ts";

/** Kinds of token in `tokenizer.ggml.token_type`. */
const TOKEN = { normal: 1, unknown: 2, control: 3, added: 4, unused: 5 } as const;

/** Token ids of a file, by what they are for. */
export interface GgufTokenIds {
  readonly bos: number | null;
  readonly pad: number | null;
  readonly unknown: number | null;
  /** Those that end a text: of a text, of a turn, of a message. */
  readonly ends: readonly number[];
}

/** A tokenizer as files of a model folder. */
export interface GgufTokenizer {
  /** Content by name: tokenizer.json, tokenizer_config.json and, where the file has one, chat_template.jinja. */
  readonly files: ReadonlyMap<string, string>;
  readonly ids: GgufTokenIds;
  /** How texts are cut into pieces: the name in the file, or the one that was given instead. */
  readonly split: string;
  /** Tokens; rows that the file marks as unused are none. */
  readonly tokens: number;
}

const KEY = "tokenizer.ggml";

/** The tokens of the file with their kinds. */
function tokensOf(
  metadata: GgufMetadata,
): { readonly texts: readonly string[]; readonly kinds: readonly number[] } {
  const texts = metadata.needed(`${KEY}.tokens`, metadata.texts(`${KEY}.tokens`));
  const kinds = metadata.wholes(`${KEY}.token_type`) ?? texts.map(() => TOKEN.normal);
  const fault = (what: string) =>
    new InputError(what, { where: metadata.where, repair: "fetch the file again" });
  if (kinds.length !== texts.length) {
    throw fault(`"${KEY}.token_type" has ${kinds.length} values for ${texts.length} tokens`);
  }
  const known = new Set<number>(Object.values(TOKEN)), strange = kinds.findIndex((kind) => !known.has(kind));
  if (strange >= 0) {
    throw fault(`token ${strange} has the kind ${kinds[strange]}, which no byte-level tokenizer has`);
  }
  const seen = new Map<string, number>();
  for (const [id, text] of texts.entries()) {
    if (kinds[id] === TOKEN.unused) continue;
    const other = seen.get(text);
    if (other !== undefined) throw fault(`the tokens ${other} and ${id} are both ${quoted(text)}`);
    seen.set(text, id);
  }
  return { texts, kinds };
}

/** A pair of tokens is one text; the tokens of it hold no blank. */
function mergesOf(metadata: GgufMetadata): readonly (readonly [string, string])[] {
  const merges = metadata.needed(`${KEY}.merges`, metadata.texts(`${KEY}.merges`));
  return merges.map((merge, index) => {
    const cut = merge.indexOf(" ", 1);
    if (cut > 0 && cut < merge.length - 1 && !merge.includes(" ", cut + 1)) {
      return [merge.slice(0, cut), merge.slice(cut + 1)];
    }
    throw new InputError(`merge ${index} is no pair of tokens: current value is ${quoted(merge)}`, {
      where: metadata.where,
      repair: "fetch the file again",
    });
  });
}

function idsOf(metadata: GgufMetadata, count: number): GgufTokenIds {
  const id = (role: string) => metadata.whole(`${KEY}.${role}_token_id`, { from: 0, to: count - 1 }) ?? null;
  const ends = [id("eos"), id("eot"), id("eom")].filter((one) => one !== null);
  return { bos: id("bos"), pad: id("padding"), unknown: id("unknown"), ends: [...new Set(ends)] };
}

/** What is put around a text where a program asks for special tokens; here they come from templates alone. */
function postProcessor(
  around: { readonly before: string | null; readonly after: string | null },
  idOf: (token: string) => number,
): Json {
  const trimming: Json = { type: "ByteLevel", add_prefix_space: true, trim_offsets: false, use_regex: true };
  const { before, after } = around, tokens = [before, after].filter((token) => token !== null);
  if (tokens.length === 0) return trimming;
  const piece = (token: string | null): Json[] =>
    token === null ? [] : [{ SpecialToken: { id: token, type_id: 0 } }];
  const text = (
    name: string,
  ): Json[] => [...piece(before), { Sequence: { id: name, type_id: 0 } }, ...piece(after)];
  const special = tokens.map((token) => [token, { id: token, ids: [idOf(token)], tokens: [token] }] as const);
  return {
    type: "Sequence",
    processors: [trimming, {
      type: "TemplateProcessing",
      single: text("A"),
      pair: [...text("A"), ...text("B")],
      special_tokens: Object.fromEntries(special),
    }],
  };
}

/** An object's text with its keys in this order; numbers as keys would otherwise come first. */
function orderedJson(entries: readonly (readonly [key: string, json: string])[]): string {
  return `{${entries.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(",\n")}}`;
}

/** How texts are cut: by the name that was given, else by the file's. */
function splitOf(metadata: GgufMetadata, given: string | undefined) {
  const stated = metadata.text(`${KEY}.pre`), name = given ?? stated;
  const split = name === undefined ? undefined : textSplit(name);
  if (name !== undefined && split !== undefined) return { name, split };
  const known = TEXT_SPLITS.flatMap(({ names }) => names).join(", ");
  throw new InputError(
    `how the tokenizer cuts texts is ${name === undefined ? "not stated" : `not known: ${quoted(name)}`}`,
    { where: `"${KEY}.pre" of ${metadata.where}`, repair: `pass --pre if it is one of ${known}` },
  );
}

/**
 * The tokenizer of a GGUF file as Hugging Face files; null where the file has none at all. Byte-level tokenizers alone:
 * a file does not hold what SentencePiece needs to give the same ids. `InputError` for others, and for what is damaged.
 */
export function ggufTokenizer(
  metadata: GgufMetadata,
  options: { readonly pre?: string | undefined },
): GgufTokenizer | null {
  const kind = metadata.text(`${KEY}.model`);
  if (kind === undefined && !metadata.has(`${KEY}.tokens`)) return null;
  if (kind !== "gpt2") {
    const sort = kind === "llama" ? "a SentencePiece model" : "of another kind";
    throw metadata.fault(
      `${KEY}.model`,
      `must be "gpt2", the tokenizer is ${sort}`,
      "only byte-level BPE can be imported exactly: use the model's Hugging Face folder",
    );
  }
  const { name: split, split: { normalizer, preTokenizer, wholePieces, beginsTexts } } = splitOf(
    metadata,
    options.pre,
  );
  const { texts, kinds } = tokensOf(metadata),
    merges = mergesOf(metadata),
    ids = idsOf(metadata, texts.length);
  const token = (id: number | null): string | null => id === null ? null : texts[id] as string;
  // A file without kinds still names the tokens that end a text.
  const named = new Set([ids.bos, ids.pad, ids.unknown, ...ids.ends]);
  const kept = [...texts.keys()].filter((id) => kinds[id] !== TOKEN.unused);
  const isSpecial = (id: number) =>
    kinds[id] === TOKEN.control || kinds[id] === TOKEN.unknown || named.has(id);
  const added = kept.filter((id) => isSpecial(id) || kinds[id] === TOKEN.added).map((id) => ({
    id,
    content: texts[id] as string,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: isSpecial(id),
  }));
  const begins = metadata.boolean(`${KEY}.add_bos_token`) ?? beginsTexts;
  const ends = metadata.boolean(`${KEY}.add_eos_token`) ?? false;
  const [eos = null] = ids.ends;
  const around = { before: begins ? token(ids.bos) : null, after: ends ? token(eos) : null };
  const idOfToken = new Map(kept.map((id) => [texts[id] as string, id]));
  const model = orderedJson([
    ["type", '"BPE"'],
    ["dropout", "null"],
    ["unk_token", "null"],
    ["continuing_subword_prefix", "null"],
    ["end_of_word_suffix", "null"],
    ["fuse_unk", "false"],
    ["byte_fallback", "false"],
    ["ignore_merges", String(wholePieces)],
    ["vocab", orderedJson([...idOfToken].map(([text, id]) => [text, String(id)]))],
    ["merges", JSON.stringify(merges)],
  ]);
  const tokenizer = orderedJson([
    ["version", '"1.0"'],
    ["truncation", "null"],
    ["padding", "null"],
    ["added_tokens", JSON.stringify(added)],
    ["normalizer", JSON.stringify(normalizer)],
    ["pre_tokenizer", JSON.stringify(preTokenizer)],
    ["post_processor", JSON.stringify(postProcessor(around, (text) => idOfToken.get(text) as number))],
    [
      "decoder",
      JSON.stringify({ type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true }),
    ],
    ["model", model],
  ]);
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    bos_token: token(ids.bos),
    eos_token: token(eos),
    pad_token: token(ids.pad),
    unk_token: token(ids.unknown),
  };
  const template = metadata.text("tokenizer.chat_template");
  const files = new Map([
    ["tokenizer.json", `${tokenizer}\n`],
    ["tokenizer_config.json", jsonText(config)],
    ...(template === undefined ? [] : [["chat_template.jinja", template] as const]),
  ]);
  return { files, ids, split, tokens: kept.length };
}
