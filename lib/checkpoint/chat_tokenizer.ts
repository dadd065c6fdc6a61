import { Tokenizer } from "@huggingface/tokenizers";
import { InputError, type Json } from "../core/mod.ts";
import { ChatTemplate } from "./_chat_template.ts";
import { readTokenizerFiles, type TokenizerFiles } from "./_tokenizer_files.ts";

/** One turn of a conversation. */
export interface ChatTurn {
  /** Who speaks: `system`, `user`, `assistant`, or what else the template knows. */
  readonly role: string;
  /** What is said. */
  readonly content: string;
}

/** How to turn a conversation into text. */
export interface RenderChatOptions {
  /** Whether the text ends where the assistant's answer begins. @default {true} */
  readonly addGenerationPrompt?: boolean;
  /** Further variables of the template, such as `date_string`. @default {{}} */
  readonly variables?: Readonly<Record<string, Json>>;
}

/** How to turn ids into text. */
export interface DecodeOptions {
  /** Whether special tokens appear in the text. @default {"keep"} */
  readonly specialTokens?: "keep" | "skip";
}

/**
 * The tokenizer and chat template of a model folder. No token is ever added in silence: a beginning-of-text token
 * is there when the text or the chat template writes it, and not otherwise.
 *
 * @example
 * ```ts
 * import { ChatTokenizer } from "./mod.ts";
 * const tokenizer = await ChatTokenizer.open("./fixtures/golden/tokenizers/qwen");
 * const ids = tokenizer.encodeChat([{ role: "user", content: "What is 2 + 3?" }]);
 * if (!tokenizer.decode(ids).endsWith("<|im_start|>assistant\n")) throw new Error("no place for an answer");
 * ```
 */
export class ChatTokenizer {
  /** All ids are below this number. A model may have more rows of embedding than the tokenizer has tokens. */
  readonly vocab: number;
  /** Ids of special tokens: never part of ordinary text. */
  readonly specialTokenIds: ReadonlySet<number>;
  /** The token that opens a text, or null. */
  readonly bosTokenId: number | null;
  /** The token that ends a text, or null. A model may have more of them: see `ModelConfig.eosTokenIds`. */
  readonly eosTokenId: number | null;
  /** The token for padding, or null. */
  readonly padTokenId: number | null;
  /** SHA-256 over tokenizer.json, tokenizer_config.json and the chat template, in hexadecimal. */
  readonly hash: string;

  readonly #tokenizer: Tokenizer;
  readonly #files: TokenizerFiles;
  readonly #knownIds: ReadonlySet<number>;
  readonly #template: ChatTemplate | null;
  readonly #folder: string;

  private constructor(files: TokenizerFiles, folder: string) {
    try {
      this.#tokenizer = new Tokenizer(files.tokenizer, files.config);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new InputError(`the tokenizer is not supported, ${reason}`, {
        where: `${folder}/tokenizer.json`,
        cause,
      });
    }
    const roleId = (role: string) => files.idOfToken.get(files.roles.get(role) ?? "") ?? null;
    this.#files = files;
    this.#folder = folder;
    this.#template = files.template === null ? null : new ChatTemplate(files.template.source, files.template);
    this.#knownIds = new Set(files.idOfToken.values());
    this.vocab = [...this.#knownIds].reduce((most, id) => Math.max(most, id + 1), 0);
    this.specialTokenIds = new Set(files.specialTokens.values());
    this.bosTokenId = roleId("bos_token");
    this.eosTokenId = roleId("eos_token");
    this.padTokenId = roleId("pad_token");
    this.hash = files.hash;
  }

  /**
   * Opens the tokenizer of a model folder: tokenizer.json (byte-pair encoding), tokenizer_config.json, and
   * chat_template.jinja where there is one. With `vocab` (of the model), a tokenizer with ids beyond it is refused.
   * Throws `InputError` when a file is missing, damaged or asks for what is not supported.
   */
  static async open(folder: string, options: { readonly vocab?: number } = {}): Promise<ChatTokenizer> {
    const tokenizer = new ChatTokenizer(await readTokenizerFiles(folder), folder);
    if (options.vocab !== undefined && tokenizer.vocab > options.vocab) {
      throw new InputError(
        `the tokenizer has ids up to ${tokenizer.vocab - 1}, the model only ${options.vocab} tokens`,
        {
          where: folder,
          repair: "use the tokenizer that belongs to the model",
        },
      );
    }
    return tokenizer;
  }

  /** Whether the folder has a chat template; without one, {@link ChatTokenizer.renderChat} throws. */
  get hasChatTemplate(): boolean {
    return this.#template !== null;
  }

  /** Text → ids. Special tokens written in the text become their ids, as in transformers; nothing is added. */
  encode(text: string): number[] {
    if (text === "") return [];
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  /**
   * Ids → text, unpolished: spaces before punctuation stay. Bytes that are no UTF-8 become U+FFFD, and ids past
   * the vocabulary (rows of embedding without a token) become nothing. Throws `RangeError` for what is no id.
   */
  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    const wrong = ids.find((id) => !Number.isSafeInteger(id) || id < 0);
    if (wrong !== undefined) {
      throw new RangeError(
        `Cannot decode as token ids must be whole numbers from 0: current value is ${wrong}`,
      );
    }
    const skip = options.specialTokens === "skip";
    const kept = ids.filter((id) => this.#knownIds.has(id) && !(skip && this.specialTokenIds.has(id)));
    if (kept.length === 0) return "";
    return this.#tokenizer.decode(kept, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  /** The text of one token by itself, as labels in figures need it: special tokens by name, spaces kept. */
  tokenText(id: number): string {
    return this.decode([id]);
  }

  /** The id of the token that a text is, when it is exactly one; else null. */
  tokenId(text: string): number | null {
    const [id, ...more] = this.encode(text);
    return id === undefined || more.length > 0 ? null : id;
  }

  /** A conversation → the text of the chat template. Throws `InputError` without a template, or when it refuses. */
  renderChat(messages: readonly ChatTurn[], options: RenderChatOptions = {}): string {
    if (this.#template === null) {
      throw new InputError("the tokenizer has no chat template", {
        where: this.#folder,
        repair: "use a model that has one, or a prompt without conversation",
      });
    }
    return this.#template.render({
      ...Object.fromEntries(this.#files.roles),
      // Templates ask whether these *are* none, not only whether they are defined.
      tools: null,
      documents: null,
      ...options.variables,
      messages,
      add_generation_prompt: options.addGenerationPrompt ?? true,
    });
  }

  /** A conversation → ids: {@link ChatTokenizer.renderChat}, then {@link ChatTokenizer.encode}. */
  encodeChat(messages: readonly ChatTurn[], options: RenderChatOptions = {}): number[] {
    return this.encode(this.renderChat(messages, options));
  }
}
