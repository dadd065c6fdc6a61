import type { Json } from "../../core/mod.ts";

/** How a kind of tokenizer cuts a text into the pieces that merges stay within. */
export interface TextSplit {
  /** Names that `tokenizer.ggml.pre` has for it. */
  readonly names: readonly string[];
  /** What tokenizer.json says: the normalizer before the cutting, and the cutting. */
  readonly normalizer: Json;
  readonly preTokenizer: Json;
  /** Whether a piece that is a token is taken whole, merges or not. */
  readonly wholePieces: boolean;
  /** Whether texts begin with the beginning-of-text token where the file does not say. */
  readonly beginsTexts: boolean;
}

const ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const BLANKS = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Words with one sign before them, digits in groups of a size, signs with the line ends after them, blanks. */
const words = (digits: string) =>
  `${ENDINGS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${BLANKS}`;

const UPPER = "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}", LOWER = "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}";

/** The same with words cut where small letters go over to capitals. */
const casedWords = (ending: string, digits: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?[${UPPER}]*[${LOWER}]+${ending}|[^\\r\\n\\p{L}\\p{N}]?[${UPPER}]+[${LOWER}]*${ending}|` +
  `${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${BLANKS}`;

/** Bytes as letters; with `words`, after cutting as GPT-2 does. */
const byteLevel = (words: boolean): Json => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: words,
});

const inTurn = (...steps: readonly Json[]): Json => ({ type: "Sequence", pretokenizers: [...steps] });

const byPattern = (pattern: string): Json =>
  inTurn(
    { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
    byteLevel(false),
  );

const plain = { normalizer: null, wholePieces: false, beginsTexts: false } as const;

/**
 * The kinds that are known, as the models that these names stand for cut their texts. A tokenizer of another kind
 * would give other ids, so an unknown name is refused.
 */
export const TEXT_SPLITS: readonly TextSplit[] = [
  {
    names: ["llama-bpe", "llama3", "llama-v3"],
    normalizer: null,
    preTokenizer: byPattern(words("\\p{N}{1,3}")),
    wholePieces: true,
    beginsTexts: true,
  },
  { ...plain, names: ["smaug-bpe", "dbrx"], preTokenizer: byPattern(words("\\p{N}{1,3}")) },
  {
    ...plain,
    names: ["qwen2", "deepseek-r1-qwen", "megrez"],
    normalizer: { type: "NFC" },
    preTokenizer: byPattern(words("\\p{N}")),
  },
  { ...plain, names: ["stablelm2"], preTokenizer: byPattern(words("\\p{N}")) },
  {
    ...plain,
    names: ["smollm", "starcoder", "refact", "codeshell", "minerva-7b"],
    preTokenizer: inTurn({ type: "Digits", individual_digits: true }, byteLevel(true)),
  },
  { ...plain, names: ["gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion"], preTokenizer: byteLevel(true) },
  {
    names: ["tekken"],
    normalizer: null,
    preTokenizer: byPattern(casedWords("", "\\p{N}")),
    wholePieces: true,
    beginsTexts: true,
  },
  {
    ...plain,
    names: ["gpt-4o", "llama4"],
    preTokenizer: byPattern(casedWords(`${ENDINGS}?`, "\\p{N}{1,3}")),
  },
];

/** The kind that a name stands for. */
export function textSplit(name: string): TextSplit | undefined {
  return TEXT_SPLITS.find(({ names }) => names.includes(name));
}
