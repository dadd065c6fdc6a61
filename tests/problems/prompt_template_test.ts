import { assertEquals } from "@std/assert";
import { PROMPT_TEMPLATES, questionPrompt } from "../../lib/problems/mod.ts";

const SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}.";

Deno.test("questionPrompt() has the paper's prompts word for word", () => {
  const ask = (template: "qwen_math" | "r1", chat: boolean) =>
    questionPrompt("Q {question} $&", { template, chat, bos: "<B>" });
  assertEquals(ask("qwen_math", true), {
    kind: "conversation",
    messages: [{ role: "system", content: SYSTEM }, { role: "user", content: "Q {question} $&" }],
  });
  assertEquals(ask("qwen_math", false), {
    kind: "text",
    text:
      "<B>A conversation between User and Assistant. The user asks a question, and the Assistant solves it. " +
      `${SYSTEM}\n\nUser: Q {question} $& Assistant:`,
  });
  assertEquals(ask("r1", false), {
    kind: "text",
    text:
      "<B>A conversation between User and Assistant. The User asks a question, and the Assistant solves it. " +
      "The Assistant first thinks about the reasoning process in the mind and then provides the User with the " +
      "answer. The reasoning process is enclosed within <think> </think> and answer is enclosed within <answer> " +
      "</answer> tags, respectively, i.e., <think> reasoning process here </think> <answer> answer here </answer>." +
      "\nUser: Q {question} $&\nAssistant: <think>",
  });
});

Deno.test("questionPrompt() gives null where there is no such prompt", () => {
  const none = PROMPT_TEMPLATES.flatMap((template) =>
    [true, false].filter((chat) => questionPrompt("Q", { template, chat, bos: "" }) === null)
      .map((chat) => `${template} ${chat}`)
  );
  assertEquals(none, ["embedded false", "r1 true", "chat false"]);
});

Deno.test("questionPrompt() of chat is the question alone, or behind the system message that is given", () => {
  const ask = (system?: string) =>
    questionPrompt("Q", {
      template: "chat",
      chat: true,
      bos: "<B>",
      ...(system === undefined ? {} : { system }),
    });
  const question = { role: "user", content: "Q" } as const;
  assertEquals(ask(), { kind: "conversation", messages: [question] });
  assertEquals(ask("S"), { kind: "conversation", messages: [{ role: "system", content: "S" }, question] });
});
