import {
  ByteLevelPreTokenizer,
  DigitsPreTokenizer,
  SequencePreTokenizer,
  Tokenizer,
} from "@huggingface/tokenizers";
import { InputError } from "../../core/mod.ts";
import { type AddedToken, AddedTokenFinder, type Piece } from "./_added_tokens.ts";
import type { TokenizerFiles } from "./_tokenizer_files.ts";
import { byteLetters, byteName } from "./byte_letters.ts";

/** What a text had that the vocabulary has no token for. */
export interface LostText {
  /** The letter of the text, or null where it is a byte of one. */
  readonly letter: string | null;
  /** The byte, or null where the vocabulary is not one of bytes. */
  readonly byte: number | null;
  /** The token that stands for it, or null where it is left out. */
  readonly unknown: string | null;
}

/** Letters of a byte-level vocabulary and the bytes they stand for. */
const BYTE_OF_LETTER: ReadonlyMap<string, number> = new Map(
  byteLetters().map((letter, byte) => [letter, byte]),
);

/** Words as byte-level splitting finds them, with the white space of Unicode: JavaScript's `\s` is another one. */
const WORDS =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Gives the library's steps the white space and digits that the reference has. */
function correctPatterns(step: Tokenizer["pre_tokenizer"]): void {
  if (step instanceof SequencePreTokenizer) step.tokenizers.forEach(correctPatterns);
  else if (step instanceof ByteLevelPreTokenizer) step.pattern = WORDS;
  else if (step instanceof DigitsPreTokenizer) {
    step.pattern = step.config.individual_digits === true ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu;
  }
}

/**
 * Text → ids → text, by the steps of a tokenizer.json. Normalizing, splitting, merging and most decoding are the
 * library's; added tokens, letters without a token, patterns of its own and the decoding of bytes are done here, since
 * there the library gives other ids than the reference.
 */
export class TextTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #files: TokenizerFiles;
  readonly #beforeNormalizing: AddedTokenFinder;
  readonly #afterNormalizing: AddedTokenFinder;
  /** Text of each id as decoding sees it. */
  readonly #textOfId: ReadonlyMap<number, string>;
  readonly #onLost: (lost: LostText) => void;

  /** Throws `InputError` where the tokenizer asks for what is not supported. */
  constructor(
    files: TokenizerFiles,
    options: { readonly where: string; readonly onLost: (lost: LostText) => void },
  ) {
    try {
      this.#tokenizer = new Tokenizer(files.tokenizer, files.config);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new InputError(`the tokenizer is not supported, ${reason}`, { where: options.where, cause });
    }
    correctPatterns(this.#tokenizer.pre_tokenizer);
    this.#files = files;
    this.#onLost = options.onLost;
    const { addedTokens, idOfToken } = files;
    const apart = (token: AddedToken): boolean => !token.normalized;
    this.#beforeNormalizing = new AddedTokenFinder(
      addedTokens.filter(apart).map((token) => [token.content, token] as const),
    );
    this.#afterNormalizing = new AddedTokenFinder(
      addedTokens.filter((token) => !apart(token)).map((token) =>
        [this.#normalized(token.content), token] as const
      ),
    );
    const textOfId = new Map([...idOfToken].map(([text, id]) => [id, text] as const));
    for (const token of addedTokens) {
      if (token.normalized) textOfId.set(token.id, this.#normalized(token.content));
    }
    this.#textOfId = textOfId;
  }

  #normalized(text: string): string {
    const { normalizer } = this.#tokenizer;
    return normalizer === null ? text : normalizer(text);
  }

  /** Text → ids; nothing is added. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const piece of this.#pieces(text)) {
      if (piece.kind === "token") ids.push(piece.id);
      else this.#ordinary(piece.text, { ids, first: piece.from === 0 });
    }
    return ids;
  }

  /** Added tokens of a text, and the normalized parts between them; `from` is 0 at the start of the text alone. */
  #pieces(text: string): Piece[] {
    return this.#beforeNormalizing.split(text).flatMap((piece) =>
      piece.kind === "token"
        ? [piece]
        : this.#afterNormalizing.split(this.#normalized(piece.text)).map((part) =>
          part.kind === "token" ? part : { ...part, from: piece.from + part.from }
        )
    );
  }

  /** Text without added tokens: split, then merged word by word. */
  #ordinary(text: string, options: { readonly ids: number[]; readonly first: boolean }): void {
    const { pre_tokenizer: split, model } = this.#tokenizer, { ids, first } = options;
    if (model === null) return;
    const words = split === null ? [text] : split(text, { section_index: first ? 0 : 1 });
    for (const word of words) {
      // One word at a time: unknown letters are fused within a word, not across two.
      for (const token of model([this.#files.complete ? word : this.#known(word)])) {
        const id = model.tokens_to_ids.get(token);
        if (id !== undefined) ids.push(id);
      }
    }
  }

  /** A word without the letters that the vocabulary has no token for; they go before anything is merged. */
  #known(word: string): string {
    const { model: { vocab, unk_token, byte_fallback, ignore_merges } } = this.#files.tokenizer;
    if (ignore_merges && Object.hasOwn(vocab, word)) return word;
    let known = "";
    for (const letter of word) {
      const bytes = byte_fallback === true &&
        bytesOf(letter).every((byte) => Object.hasOwn(vocab, byteName(byte)));
      if (!Object.hasOwn(vocab, letter) && !bytes) {
        const byte = this.#files.byteLevel ? BYTE_OF_LETTER.get(letter) ?? null : null;
        this.#onLost({ letter: byte === null ? letter : null, byte, unknown: unk_token ?? null });
        if (unk_token === null || unk_token === undefined) continue;
      }
      known += letter;
    }
    return known;
  }

  /** Ids of the added tokens in a text, in order; those that look like ordinary text, such as blanks, are left out. */
  markersIn(text: string): number[] {
    const marks = new Set(
      this.#files.addedTokens.filter(({ content, special }) => special || /^[<[{(].*[>\]})]$/s.test(content))
        .map(
          ({ id }) => id,
        ),
    );
    return this.#pieces(text).flatMap((piece) =>
      piece.kind === "token" && marks.has(piece.id) ? [piece.id] : []
    );
  }

  /** Ids → text; ids without a token become nothing, bytes that are no UTF-8 U+FFFD. */
  decode(ids: readonly number[]): string {
    const tokens = ids.map((id) => this.#textOfId.get(id)).filter((text) => text !== undefined);
    if (tokens.length === 0) return "";
    if (this.#files.decodesBytes) return decodedBytes(tokens);
    const { decoder } = this.#tokenizer;
    return decoder === null ? tokens.join(" ") : decoder(tokens);
  }
}

function bytesOf(letter: string): readonly number[] {
  return [...new TextEncoder().encode(letter)];
}

/** The text whose bytes the letters of tokens stand for; a token with any other letter is its own bytes. */
function decodedBytes(tokens: readonly string[]): string {
  const bytes = tokens.flatMap((token) => {
    const own = Array.from(token, (letter) => BYTE_OF_LETTER.get(letter));
    return own.includes(undefined) ? [...new TextEncoder().encode(token)] : own as number[];
  });
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
