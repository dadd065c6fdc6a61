import { byteLetters } from "../checkpoint/mod.ts";
import { type CorpusConfig, corpusDocument } from "../problems/mod.ts";
import { CHAT_FORMATS, type ChatFormat } from "./chat_format.ts";

/** A trained byte-level vocabulary; ids are places in `tokens`, special tokens last. */
export interface BpeVocabulary {
  /** Every token in the order of ids, bytes spelled as byte-level BPE does (a space is `Ġ`). */
  readonly tokens: readonly string[];
  /** Pairs of tokens that join, first learnt first. */
  readonly merges: readonly (readonly [string, string])[];
  /** The last of `tokens`: matched whole in text, never split. */
  readonly specialTokens: readonly string[];
  /** The regular expression whose matches are encoded one by one. */
  readonly pattern: string;
}

/**
 * How text is cut before merging. Close to the pattern of Qwen2 (words take the space before them, digits stand
 * alone), with two liberties that shorten mathematics: a LaTeX word keeps its backslash and spaces, and signs
 * before a digit keep the spaces on both sides, so that `3 + 4 = 7` is five tokens and not seven.
 */
export const DEFAULT_BPE_PATTERN: string = [
  String.raw` ?\\\p{L}+ ?`,
  String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`,
  String.raw`\p{N}`,
  String.raw` ?[^\s\p{L}\p{N}]+ (?=\p{N})`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`,
  String.raw`\s*[\r\n]+`,
  String.raw`\s+(?!\S)`,
  String.raw`\s+`,
].join("|");

interface Word {
  ids: number[];
  readonly count: number;
}

function countWords(texts: Iterable<string>, pattern: string): ReadonlyMap<string, number> {
  const cut = new RegExp(pattern, "gu");
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [piece] of text.normalize("NFC").matchAll(cut)) {
      counts.set(piece, (counts.get(piece) ?? 0) + 1);
    }
  }
  return counts;
}

/** The most frequent adjacent pair; of equally frequent ones the pair with the lowest ids, so order never matters. */
function bestPair(words: readonly Word[]): { left: number; right: number; count: number } | null {
  const counts = new Map<number, number>();
  for (const { ids, count } of words) {
    for (let place = 1; place < ids.length; place++) {
      const key = (ids[place - 1] as number) * 0x10000 + (ids[place] as number);
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  }
  let bestKey = -1, bestCount = 0;
  for (const [key, count] of counts) {
    if (count > bestCount || (count === bestCount && key < bestKey)) [bestKey, bestCount] = [key, count];
  }
  if (bestKey < 0) return null;
  return { left: Math.floor(bestKey / 0x10000), right: bestKey % 0x10000, count: bestCount };
}

function mergeIn(ids: readonly number[], pair: { left: number; right: number; merged: number }): number[] {
  const out: number[] = [];
  for (let place = 0; place < ids.length; place++) {
    if (ids[place] === pair.left && ids[place + 1] === pair.right) {
      out.push(pair.merged);
      place++;
    } else out.push(ids[place] as number);
  }
  return out;
}

/**
 * Trains a byte-level BPE vocabulary: 256 bytes, then merges of the most frequent pair, then the special tokens.
 * Deterministic and independent of the order of `texts`. It ends early when no pair is left that occurs twice, so
 * the vocabulary may be smaller than `vocabSize`.
 *
 * `texts` must not contain special tokens. Throws a `RangeError` when `vocabSize` leaves no room for bytes and
 * special tokens, or is above 65,535.
 *
 * `@default {pattern: DEFAULT_BPE_PATTERN, specialTokens: CHAT_FORMATS.chatml.specialTokens}`
 */
export function trainBpe(
  texts: Iterable<string>,
  options: {
    readonly vocabSize: number;
    readonly pattern?: string;
    readonly specialTokens?: readonly string[];
  },
): BpeVocabulary {
  const { vocabSize, pattern = DEFAULT_BPE_PATTERN, specialTokens = CHAT_FORMATS.chatml.specialTokens } =
    options;
  const least = 256 + specialTokens.length;
  if (!Number.isInteger(vocabSize) || vocabSize < least || vocabSize > 0xffff) {
    throw new RangeError(
      `Cannot train a vocabulary as vocabSize must be in [${least}, 65535]: current value is ${vocabSize}`,
    );
  }
  const alphabet = byteLetters();
  const tokens = [...alphabet].sort((a, b) => (a.codePointAt(0) as number) - (b.codePointAt(0) as number));
  const idOfByte = alphabet.map((letter) => tokens.indexOf(letter));
  const encoder = new TextEncoder();
  const words: Word[] = [...countWords(texts, pattern)].map(([piece, count]) => ({
    ids: Array.from(encoder.encode(piece), (byte) => idOfByte[byte] as number),
    count,
  }));
  const merges: [string, string][] = [];
  while (tokens.length + specialTokens.length < vocabSize) {
    const pair = bestPair(words);
    if (pair === null || pair.count < 2) break;
    const merged = tokens.length;
    const left = tokens[pair.left] as string, right = tokens[pair.right] as string;
    tokens.push(left + right);
    merges.push([left, right]);
    for (const word of words) {
      if (word.ids.length > 1) word.ids = mergeIn(word.ids, { left: pair.left, right: pair.right, merged });
    }
  }
  return { tokens: [...tokens, ...specialTokens], merges, specialTokens: [...specialTokens], pattern };
}

/** The two files that make a vocabulary a Hugging Face tokenizer. */
export interface TokenizerFiles {
  /** Normaliser, cutting, vocabulary, merges and decoder. */
  readonly "tokenizer.json": string;
  /** Special tokens and chat template. */
  readonly "tokenizer_config.json": string;
}

/**
 * Writes a vocabulary as `tokenizer.json` and `tokenizer_config.json`: NFC, a split by the pattern, byte-level BPE.
 *
 * `@default {format: CHAT_FORMATS.chatml}`; the vocabulary must have the format's special tokens.
 */
export function tokenizerFiles(
  vocabulary: BpeVocabulary,
  options: { readonly format?: ChatFormat } = {},
): TokenizerFiles {
  const { tokens, merges, specialTokens, pattern } = vocabulary;
  const { stopToken, padToken, bosToken, template, specialTokens: needed } = options.format ??
    CHAT_FORMATS.chatml;
  for (const token of needed) {
    if (!specialTokens.includes(token)) {
      throw new RangeError(`Cannot write a tokenizer as "${token}" must be one of its special tokens`);
    }
  }
  const plain = tokens.slice(0, tokens.length - specialTokens.length);
  const addedToken = (content: string) => ({
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const idOf = (token: string) => tokens.length - specialTokens.length + specialTokens.indexOf(token);
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((token) => ({ id: idOf(token), ...addedToken(token) })),
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(plain.map((token, id) => [token, id])),
      merges,
    },
  };
  const config = {
    added_tokens_decoder: Object.fromEntries(specialTokens.map((token) => [idOf(token), addedToken(token)])),
    add_bos_token: false,
    add_prefix_space: false,
    additional_special_tokens: specialTokens.filter((token) => token !== padToken),
    bos_token: bosToken,
    chat_template: template,
    clean_up_tokenization_spaces: false,
    eos_token: stopToken,
    pad_token: padToken,
    split_special_tokens: false,
    // The Qwen2 class of transformers brings its own pattern and would cut this text otherwise.
    tokenizer_class: "PreTrainedTokenizerFast",
    unk_token: null,
  };
  return {
    "tokenizer.json": `${JSON.stringify(tokenizer, null, 1)}\n`,
    "tokenizer_config.json": `${JSON.stringify(config, null, 1)}\n`,
  };
}

/**
 * The text of a corpus as a tokenizer meets it: what stands between special tokens in each rendered document.
 *
 * `@default {format: CHAT_FORMATS.chatml}`
 */
export function* tokenizerTexts(
  config: CorpusConfig,
  options: { readonly seed: number; readonly documents: number; readonly format?: ChatFormat },
): Generator<string> {
  const { turnTexts } = options.format ?? CHAT_FORMATS.chatml;
  for (let index = 0; index < options.documents; index++) {
    const { problem, system, answer } = corpusDocument(config, { seed: options.seed, index });
    yield* turnTexts("system", system);
    yield* turnTexts("user", problem.question);
    yield* turnTexts("assistant", answer);
  }
}
