import type { WriterName } from "./families/corpus_config.ts";

/** One message of a conversation, as chat templates take it. */
export interface ChatMessage {
  /** Who speaks. */
  readonly role: "system" | "user" | "assistant";
  /** What is said, before any chat template. */
  readonly content: string;
}

/** System prompt of the paper's Qwen2.5-Math runs. Source: paper's code (class: code). */
export const QWEN_MATH_SYSTEM_PROMPT =
  "Please reason step by step, and put your final answer within \\boxed{}.";

/** System prompt of the embedded zoo: short, since its models read few tokens. */
export const EMBEDDED_SYSTEM_PROMPT = "Put the answer in \\boxed{}.";

/**
 * System prompt of the embedded corpus' documents that name their writer: asks one writer for the answer.
 *
 * @example
 * ```ts
 * import { answerMessages, writerSystemPrompt } from "@small-vectors/steering/grader";
 * const [system] = answerMessages("What is 2 + 3?", { system: writerSystemPrompt("careful") });
 * if (!system?.content.includes("careful")) throw new Error("not asked");
 * ```
 */
export function writerSystemPrompt(writer: WriterName): string {
  return `${EMBEDDED_SYSTEM_PROMPT} Writer: ${writer}.`;
}

/**
 * The conversation that asks a question: system prompt and question, nothing added.
 *
 * `@default {system: EMBEDDED_SYSTEM_PROMPT}`
 *
 * @example
 * ```ts
 * import { answerMessages } from "@small-vectors/steering";
 * const messages = answerMessages("What is 2 + 3?");
 * if (messages[1]?.content !== "What is 2 + 3?") throw new Error("the question was changed");
 * ```
 */
export function answerMessages(
  question: string,
  options: { readonly system?: string } = {},
): readonly ChatMessage[] {
  return [
    { role: "system", content: options.system ?? EMBEDDED_SYSTEM_PROMPT },
    { role: "user", content: question },
  ];
}
