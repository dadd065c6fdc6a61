import { InputError, type Json, sha256 } from "../../core/mod.ts";
import { dateFrom } from "../../jinja/mod.ts";
import { ChatTemplate } from "./_chat_template.ts";
import { type LostText, TextTokenizer } from "./_text_tokenizer.ts";
import { readTokenizerFiles, type TokenizerFiles } from "./_tokenizer_files.ts";

/** One turn of a conversation. */
export interface ChatTurn {
  /** Who speaks: `system`, `user`, `assistant`, or what else the template knows. */
  readonly role: string;
  /** What is said: a text, or what else the template takes, such as a list of parts. */
  readonly content?: Json;
  /** What was thought before it was said, where the template takes it apart from the content. */
  readonly reasoning_content?: Json;
  /** Calls of tools that the assistant asks for. */
  readonly tool_calls?: Json;
  /** Which call a turn of the role `tool` answers. */
  readonly tool_call_id?: Json;
  /** Name of the speaker or the tool. */
  readonly name?: Json;
}

/** How to turn a conversation into text. */
export interface RenderChatOptions {
  /** Whether the text ends where the assistant's answer begins. @default {true} */
  readonly addGenerationPrompt?: boolean;
  /** Further variables of the template, such as `tools` or `date_string`. @default {{}} */
  readonly variables?: Readonly<Record<string, Json>>;
}

/** How a tokenizer is opened. */
export interface TokenizerOptions {
  /** Tokens of the model; a tokenizer with ids beyond them is refused. @default {any} */
  readonly vocab?: number;
  /** The day that a chat template may show, as `2024-07-26`. @default {none: templates that ask for it are refused} */
  readonly date?: string | undefined;
  /** Hears once of the first text that has letters or bytes without a token. @default {console.warn} */
  readonly onNotice?: (line: string) => void;
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
 * import { ChatTokenizer } from "@small-vectors/steering";
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
  /** The token that ends a text, or null. A model may have more of them: see `Checkpoint.endTokens`. */
  readonly eosTokenId: number | null;
  /** The token for padding, or null. */
  readonly padTokenId: number | null;
  /** SHA-256 over tokenizer.json, tokenizer_config.json and the chat template, in hexadecimal. */
  readonly hash: string;
  /** SHA-256 of the chat template's source, or null where there is none. */
  readonly templateHash: string | null;

  readonly #tokenizer: TextTokenizer;
  readonly #files: TokenizerFiles;
  readonly #knownIds: ReadonlySet<number>;
  readonly #template: ChatTemplate | null;
  readonly #folder: string;
  readonly #date: string | undefined;
  readonly #onNotice: (line: string) => void;
  #noticed = false;

  private constructor(files: TokenizerFiles, options: TokenizerOptions & { readonly folder: string }) {
    const { folder, date, onNotice = console.warn } = options;
    this.#tokenizer = new TextTokenizer(files, {
      where: `${folder}/tokenizer.json`,
      onLost: (lost) => this.#notice(lost),
    });
    const roleId = (role: string) => files.idOfToken.get(files.roles.get(role) ?? "") ?? null;
    this.#files = files;
    this.#folder = folder;
    this.#date = date;
    this.#onNotice = onNotice;
    this.#template = files.template === null ? null : new ChatTemplate(files.template.source, files.template);
    this.#knownIds = new Set(files.idOfToken.values());
    this.vocab = [...this.#knownIds].reduce((most, id) => Math.max(most, id + 1), 0);
    this.specialTokenIds = new Set(files.addedTokens.filter(({ special }) => special).map(({ id }) => id));
    this.bosTokenId = roleId("bos_token");
    this.eosTokenId = roleId("eos_token");
    this.padTokenId = roleId("pad_token");
    this.hash = files.hash;
    this.templateHash = files.template === null ? null : sha256(files.template.source);
  }

  /**
   * Opens the tokenizer of a model folder: tokenizer.json (byte-pair encoding), tokenizer_config.json, and
   * chat_template.jinja where there is one. Throws `InputError` when a file is missing, damaged or asks for what is
   * not supported, and for a `date` that is none.
   */
  static async open(folder: string, options: TokenizerOptions = {}): Promise<ChatTokenizer> {
    if (options.date !== undefined && dateFrom(options.date) === null) {
      throw new InputError(`the date must be a day like 2024-07-26: got "${options.date}"`);
    }
    const tokenizer = new ChatTokenizer(await readTokenizerFiles(folder), { ...options, folder });
    if (options.vocab !== undefined && tokenizer.vocab > options.vocab) {
      throw new InputError(
        `the tokenizer has ids up to ${tokenizer.vocab - 1}, the model only ${options.vocab} tokens`,
        { where: folder, repair: "use the tokenizer that belongs to the model" },
      );
    }
    return tokenizer;
  }

  #notice({ letter, byte, unknown }: LostText): void {
    if (this.#noticed) return;
    this.#noticed = true;
    const what = byte === null ? JSON.stringify(letter) : `the byte 0x${byte.toString(16).padStart(2, "0")}`;
    const instead = unknown === null
      ? "it leaves it out, as transformers does"
      : `it writes ${unknown} instead`;
    this.#onNotice(`note: the tokenizer has no token for ${what} of a text: ${instead} (${this.#folder})`);
  }

  /** Whether the folder has a chat template; without one, {@link ChatTokenizer.renderChat} throws. */
  get hasChatTemplate(): boolean {
    return this.#template !== null;
  }

  /** Text → ids. Special tokens written in the text become their ids, as in transformers; nothing is added. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text);
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
    return this.#tokenizer.decode(kept);
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

  /**
   * A conversation → the text of the chat template, given what transformers gives it. Throws `InputError` without a
   * template or a turn, or when the template refuses.
   */
  renderChat(messages: readonly ChatTurn[], options: RenderChatOptions = {}): string {
    if (this.#template === null) {
      throw new InputError("the tokenizer has no chat template", {
        where: this.#folder,
        repair: "use a model that has one, or a prompt without conversation",
      });
    }
    if (messages.length === 0) {
      throw new InputError("a conversation needs a turn", { repair: "give the chat template a message" });
    }
    return this.#rendered(messages, { ...options, date: this.#date });
  }

  #rendered(
    messages: readonly ChatTurn[],
    options: RenderChatOptions & { readonly date: string | undefined },
  ): string {
    return this.#template?.render({
      ...Object.fromEntries(this.#files.roles),
      // Templates ask whether these *are* none, not only whether they are defined.
      tools: null,
      documents: null,
      ...options.variables,
      messages: messages.map(templateMessage),
      add_generation_prompt: options.addGenerationPrompt ?? true,
    }, { date: options.date }) ?? "";
  }

  /**
   * The tokens by which the chat template closes an answer and opens the turn after it, read off a conversation that
   * it renders; null where it writes no token there, refuses the conversation, or is not there.
   */
  turnTokens(): { readonly closing: number | null; readonly opening: number | null } {
    const [closing = null, opening = null] = new Set(this.#tokenizer.markersIn(this.#textAfterAnswer()));
    return { closing, opening };
  }

  /** What the chat template writes between an answer and the next question. */
  #textAfterAnswer(): string {
    if (this.#template === null) return "";
    const [question, answer, next] = ["question1", "answer2", "question3"] as const;
    const turns: readonly ChatTurn[] = [
      { role: "user", content: question },
      { role: "assistant", content: answer },
      { role: "user", content: next },
    ];
    for (const messages of [turns, turns.slice(0, 2)]) {
      try {
        const text = this.#rendered(messages, {
          addGenerationPrompt: false,
          date: this.#date ?? "2024-01-01",
        });
        const [, ...after] = text.split(answer);
        return (after.at(-1) ?? "").split(next)[0] as string;
      } catch (fault) {
        // A template may know one question alone; that it refuses more says nothing of the model.
        if (!(fault instanceof InputError)) throw fault;
      }
    }
    return "";
  }

  /** A conversation → ids: {@link ChatTokenizer.renderChat}, then {@link ChatTokenizer.encode}. */
  encodeChat(messages: readonly ChatTurn[], options: RenderChatOptions = {}): number[] {
    return this.encode(this.renderChat(messages, options));
  }
}

/** A turn as transformers hands it to a template: fields that are none are left out, thoughts have two names. */
function templateMessage(turn: ChatTurn): Readonly<Record<string, Json>> {
  const given = Object.entries(turn as unknown as Record<string, Json | undefined>)
    .filter((field): field is [string, Json] => field[1] !== undefined && field[1] !== null);
  const message = Object.fromEntries(given);
  const thoughts = message["reasoning_content"] ?? message["thinking"] ?? message["reasoning"];
  return thoughts === undefined ? message : { thinking: thoughts, ...message, reasoning_content: thoughts };
}
