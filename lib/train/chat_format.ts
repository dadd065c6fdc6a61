/** How a family of models writes a conversation: special tokens, and the template that places them. */
export interface ChatFormat {
  /** Every special token, in the order of their ids. */
  readonly specialTokens: readonly string[];
  /** Ends a turn, and so an answer. */
  readonly stopToken: string;
  /** Fills up batches; never read. */
  readonly padToken: string;
  /** Opens a conversation, or null. */
  readonly bosToken: string | null;
  /** Jinja text that renders messages. */
  readonly template: string;
  /** What stands between special tokens where a turn is written: what a vocabulary is learnt from. */
  readonly turnTexts: (role: string, content: string) => readonly string[];
}

/** Names of the formats that the embedded zoo writes. */
export type ChatFormatName = "chatml" | "llama3";

const CHATML: ChatFormat = {
  specialTokens: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
  stopToken: "<|im_end|>",
  padToken: "<|endoftext|>",
  bosToken: null,
  template: "{%- for message in messages -%}" +
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}" +
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}",
  turnTexts: (role, content) => [`${role}\n${content}`, "\n"],
};

const LLAMA3: ChatFormat = {
  specialTokens: [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
  ],
  stopToken: "<|eot_id|>",
  padToken: "<|end_of_text|>",
  bosToken: "<|begin_of_text|>",
  template: "{{- '<|begin_of_text|>' -}}{%- for message in messages -%}" +
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] + '<|eot_id|>' }}" +
    "{%- endfor -%}{%- if add_generation_prompt -%}" +
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif -%}",
  turnTexts: (role, content) => [role, `\n\n${content}`],
};

/**
 * The formats by name: ChatML as Qwen writes it, and that of Llama 3; both without a default system prompt.
 *
 * @example
 * ```ts
 * import { CHAT_FORMATS } from "./mod.ts";
 * for (const { specialTokens, stopToken } of Object.values(CHAT_FORMATS)) {
 *   if (!specialTokens.includes(stopToken)) throw new Error("an answer must end");
 * }
 * ```
 */
export const CHAT_FORMATS: { readonly [Name in ChatFormatName]: ChatFormat } = {
  chatml: CHATML,
  llama3: LLAMA3,
};
