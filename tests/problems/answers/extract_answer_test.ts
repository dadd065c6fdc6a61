import { assertEquals } from "@std/assert";
import { type AnswerMode, extractAnswer, type ExtractionFault } from "../../../lib/problems/mod.ts";

const CASES:
  readonly (readonly [AnswerMode, completion: string, text: string | null, ExtractionFault | null])[] = [
    ["box", "So \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}", null],
    ["box", "\\boxed{1} then \\boxed{2}", "2", null],
    ["box", "\\boxed{1} then \\fbox{2}", "1", null],
    ["box", "\\fbox{2}", "2", null],
    ["box", "\\boxed{\\{1,2\\}}", "\\{1,2\\}", null],
    ["box", "the answer is 2", null, "no box"],
    ["box", "\\boxed{1} then \\boxed{2", null, "unbalanced box"],
    ["box", "\\boxed 2", null, "unbalanced box"],
    ["box", "\\boxed = 2", null, "unbalanced box"],
    ["box", "\\boxed{1}, as \\boxed asks", "1", null],
    ["box", "\\boxed{1}, in a \\boxed", "1", null],
    ["box", "put it in \\boxed.", null, "no box"],
    ["box", "\\boxed\n {1}", "1", null],
    ["box", "\\boxed{1} and \\boxed{2}", "1, 2", null],
    ["box", "\\boxed{1}, \\boxed{2}, and \\boxed{3}.", "1, 2, 3", null],
    ["box", "$\\boxed{1}$ or $\\boxed{2}$", "1, 2", null],
    ["box", "\\[\\boxed{1} \\quad \\text{and} \\quad \\boxed{2}\\]", "1, 2", null],
    ["box", "$x = \\boxed{1}$ and $y = \\boxed{2}$", "1, 2", null],
    ["box", "$x_1 = \\boxed{1}, x_2 = \\boxed{2}$", "1, 2", null],
    ["box", "\\boxed{1}\\boxed{2}", "1, 2", null],
    ["box", "\\boxed{2} and \\boxed{2}", "2", null],
    ["box", "\\boxed{0}. \\boxed{1} and \\boxed{2}", "1, 2", null],
    ["box", "\\boxed{1}. Wait, \\boxed{2}", "2", null],
    ["box", "\\boxed{1}, no, \\boxed{2}", "2", null],
    ["box", "\\boxed{1} is wrong and \\boxed{2}", "2", null],
    ["box", "\\boxed{1} = \\boxed{2}", "2", null],
    ["box", "\\boxed{1} and 5 and \\boxed{2}", "2", null],
    ["box", "\\boxed{x+\\boxed{2}}", "2", null],
    ["box", "\\boxed{1} and \\boxed{2", null, "unbalanced box"],
    ["box", "\\boxed{1} and \\boxed{}", "1, ", "empty box"],
    ["box", "\\boxed{ }", " ", "empty box"],
    ["box", "<answer>2</answer>", null, "no box"],
    ["answer", "<answer>1</answer> <answer>2</answer>", "2", null],
    ["answer", "<answer>\n2\n</answer>", "\n2\n", null],
    ["answer", "<answer>1</answer> <answer>2", "1", null],
    ["answer", "<answer>1 <answer>2</answer>", "1 <answer>2", null],
    ["answer", "<answer>1</answer> 2</answer>", "1", null],
    ["answer", "</answer><answer>", null, "no answer tags"],
    ["answer", "<answer> </answer>", " ", "empty answer tags"],
    ["answer", "\\boxed{2}", null, "no answer tags"],
  ];

for (const [mode, completion, text, fault] of CASES) {
  Deno.test(`extractAnswer() finds ${JSON.stringify(text)} in ${JSON.stringify(completion)} by ${mode}`, () => {
    assertEquals(extractAnswer(completion, { mode }), { text, fault });
  });
}

Deno.test("extractAnswer() is quick on many tags and boxes", () => {
  assertEquals(extractAnswer("<answer>".repeat(100_000), { mode: "answer" }).text, null);
  assertEquals(extractAnswer("\\boxed{".repeat(100_000)).fault, "unbalanced box");
});
