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
  /** The texts of a turn, in order, without special tokens: what a vocabulary is learnt from. */
  readonly turnTexts: (role: string, content: string) => readonly string[];
}

/** Names of the formats that the embedded zoo writes. */
export type ChatFormatName = "chatml" | "llama3" | "dialogue";

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
 * Plain words around a turn, for a model that goes on from a ChatML one and keeps its tokenizer. Every turn starts on
 * a line of its own: a space there would melt into the first word of the answer, and a prompt would end in tokens
 * that the text of prompt and answer together does not have.
 */
const DIALOGUE: ChatFormat = {
  specialTokens: CHATML.specialTokens,
  stopToken: CHATML.stopToken,
  padToken: CHATML.padToken,
  bosToken: null,
  template: "{%- for message in messages -%}" +
    "{{ message['role'] + ':\n' + message['content'] }}" +
    "{%- if message['role'] == 'assistant' -%}{{ '<|im_end|>' }}{%- endif -%}{{ '\n\n' }}" +
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ 'assistant:\n' }}{%- endif -%}",
  turnTexts: (role, content) =>
    role === "assistant" ? [`${role}:\n${content}`, "\n\n"] : [`${role}:\n${content}\n\n`],
};

/**
 * The formats by name: ChatML as Qwen writes it, that of Llama 3, and a dialogue in plain words with ChatML's stop
 * token; all without a default system prompt.
 */
export const CHAT_FORMATS: { readonly [Name in ChatFormatName]: ChatFormat } = {
  chatml: CHATML,
  llama3: LLAMA3,
  dialogue: DIALOGUE,
};
