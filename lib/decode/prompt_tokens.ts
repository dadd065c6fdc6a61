import type { ChatTokenizer } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { type PromptTemplate, questionPrompt } from "../problems/mod.ts";

/** How a question is put to a model. */
export interface PromptOptions {
  /** Which prompt. `@default "embedded"` */
  readonly template?: PromptTemplate | undefined;
  /** System message in place of the template's. */
  readonly system?: string | undefined;
}

/**
 * A question → the text that a model is asked with: through the chat template where the tokenizer has one, else one
 * text that opens with the beginning-of-text token.
 *
 * `@default {template: "embedded"}`
 *
 * @throws {InputError} for a template that goes with another kind of model: `r1` is for models without a chat
 * template, `embedded` for those with one.
 */
export function promptText(tokenizer: ChatTokenizer, question: string, options: PromptOptions = {}): string {
  const { template = "embedded" } = options, chat = tokenizer.hasChatTemplate;
  const bos = tokenizer.bosTokenId === null ? "" : tokenizer.tokenText(tokenizer.bosTokenId);
  const system = options.system === undefined ? {} : { system: options.system };
  if (options.system !== undefined && !chat) {
    throw new InputError("a model without a chat template takes no system prompt", {
      repair: "leave the system prompt out",
    });
  }
  const prompt = questionPrompt(question, { template, chat, bos, ...system });
  if (prompt === null) {
    throw new InputError(
      `the template "${template}" is for models ${chat ? "without" : "with"} a chat template`,
      { repair: "use qwen_math, which is for both" },
    );
  }
  return prompt.kind === "text" ? prompt.text : tokenizer.renderChat(prompt.messages);
}

/**
 * A question → the token ids that a model is asked with: those of {@link promptText}. No token is added beyond what
 * that writes.
 *
 * `@default {template: "embedded"}`
 *
 * @example
 * ```ts
 * import { ChatTokenizer, promptTokens } from "@small-vectors/steering";
 * const tokenizer = await ChatTokenizer.open("./fixtures/golden/tokenizers/qwen");
 * const tokens = promptTokens(tokenizer, "What is 2 + 3?", { template: "qwen_math" });
 * if (!tokenizer.decode(tokens).startsWith("<|im_start|>system\nPlease reason step by step, and put")) {
 *   throw new Error("the system prompt comes first");
 * }
 * ```
 *
 * @throws {InputError} for a template that goes with another kind of model: `r1` is for models without a chat
 * template, `embedded` for those with one.
 */
export function promptTokens(
  tokenizer: ChatTokenizer,
  question: string,
  options: PromptOptions = {},
): number[] {
  return tokenizer.encode(promptText(tokenizer, question, options));
}
