import { assertEquals } from "@std/assert";
import { answerMessages, EMBEDDED_SYSTEM_PROMPT, QWEN_MATH_SYSTEM_PROMPT } from "../../lib/problems/mod.ts";

Deno.test("answerMessages() asks in two messages and adds nothing to the question", () => {
  assertEquals(answerMessages("What is 2 + 3?"), [
    { role: "system", content: "Put the answer in \\boxed{}." },
    { role: "user", content: "What is 2 + 3?" },
  ]);
  assertEquals(answerMessages("Q", { system: QWEN_MATH_SYSTEM_PROMPT })[0]?.content, QWEN_MATH_SYSTEM_PROMPT);
});

Deno.test("the system prompts are the paper's and the zoo's, word for word", () => {
  assertEquals(
    QWEN_MATH_SYSTEM_PROMPT,
    "Please reason step by step, and put your final answer within \\boxed{}.",
  );
  assertEquals(EMBEDDED_SYSTEM_PROMPT, "Put the answer in \\boxed{}.");
});
