import {
  answerMessages,
  type ChatMessage,
  EMBEDDED_SYSTEM_PROMPT,
  QWEN_MATH_SYSTEM_PROMPT,
} from "./answer_messages.ts";
import type { AnswerMode } from "./answers/extract_answer.ts";

/**
 * How a question is put to a model: `embedded` is the zoo's conversation, `qwen_math` and `r1` are the paper's, `chat`
 * is the question alone in the model's own chat template.
 */
export const PROMPT_TEMPLATES = ["embedded", "qwen_math", "r1", "chat"] as const;

/** One of the templates. */
export type PromptTemplate = typeof PROMPT_TEMPLATES[number];

/** A question as a model reads it: a conversation for its chat template, or the whole text. */
export type Prompt =
  | { readonly kind: "conversation"; readonly messages: readonly ChatMessage[] }
  | { readonly kind: "text"; readonly text: string };

const QWEN_MATH_OPENING =
  "A conversation between User and Assistant. The user asks a question, and the Assistant " +
  "solves it. Please reason step by step, and put your final answer within \\boxed{}.";

const R1_OPENING =
  "A conversation between User and Assistant. The User asks a question, and the Assistant solves it. " +
  "The Assistant first thinks about the reasoning process in the mind and then provides the User with the answer. " +
  "The reasoning process is enclosed within <think> </think> and answer is enclosed within <answer> </answer> tags, " +
  "respectively, i.e., <think> reasoning process here </think> <answer> answer here </answer>.";

/**
 * The prompt that asks a question, word for word as the paper's code has it. With a chat template, `qwen_math` and
 * `embedded` are a system message and the question as the user's, nothing added; without one, `qwen_math` and `r1`
 * are one text that begins with `bos`, the text of the token that opens a text ("" where there is none). `chat` is the
 * question as the user's and no system message: what the chat template writes of itself is there.
 *
 * Null where there is no such prompt: `r1` for a model with a chat template, `embedded`, `chat` or a system message for
 * one without.
 *
 * Source: the paper's prompts for its models (class: code).
 *
 * @example
 * ```ts
 * import { questionPrompt } from "@small-vectors/steering/grader";
 * const prompt = questionPrompt("What is 2 + 3?", { template: "r1", chat: false, bos: "<s>" });
 * if (prompt?.kind !== "text") throw new Error("r1 is one text");
 * if (!prompt.text.endsWith("\nUser: What is 2 + 3?\nAssistant: <think>")) throw new Error(prompt.text);
 * ```
 */
export function questionPrompt(
  question: string,
  options: {
    readonly template: PromptTemplate;
    readonly chat: boolean;
    readonly bos: string;
    /** System message of a conversation in place of the template's. */
    readonly system?: string;
  },
): Prompt | null {
  const { template, chat, bos } = options;
  if (options.system !== undefined && !chat) return null;
  if (template === "r1") {
    return chat ? null : { kind: "text", text: `${bos}${R1_OPENING}\nUser: ${question}\nAssistant: <think>` };
  }
  if (chat && template === "chat" && options.system === undefined) {
    return { kind: "conversation", messages: [{ role: "user", content: question }] };
  }
  if (chat) {
    const usual = template === "qwen_math" ? QWEN_MATH_SYSTEM_PROMPT : EMBEDDED_SYSTEM_PROMPT;
    return { kind: "conversation", messages: answerMessages(question, { system: options.system ?? usual }) };
  }
  return template === "embedded" || template === "chat"
    ? null
    : { kind: "text", text: `${bos}${QWEN_MATH_OPENING}\n\nUser: ${question} Assistant:` };
}

/**
 * Where a completion to a template says its answer: between tags for `r1`, else in the last box.
 *
 * @example
 * ```ts
 * import { answerModeOf, extractAnswer } from "@small-vectors/steering/grader";
 * const { text } = extractAnswer("so </think> <answer>5</answer>", { mode: answerModeOf("r1") });
 * if (text !== "5") throw new Error("the tags hold 5");
 * ```
 */
export function answerModeOf(template: PromptTemplate): AnswerMode {
  return template === "r1" ? "answer" : "box";
}
