import { assert, assertEquals } from "@std/assert";
import {
  compareAnswers,
  findAnswer,
  GRADER_VERSIONS,
  graderNamed,
  lastNumber,
} from "../../../lib/problems/mod.ts";

/** Completions, and what is looked at: formulas first, then plain numbers. */
const CASES: readonly (readonly [completion: string, answer: string | null])[] = [
  // A box before other formulas and numbers, wherever it stands.
  ["Thus \\boxed{7}. There were $12$ cases, of which 3 are easy.", "7"],
  ["The answer: $12$, or rather \\boxed{7}", "7"],
  ["\\fbox{7} and $8$", "7"],
  // Boxes close together, or joined within 70 characters, are one answer.
  ["\\boxed{2} and \\boxed{3}", "2, 3"],
  ["\\boxed{2} then \\boxed{3}", "2, 3"],
  ["\\boxed{2} but then \\boxed{3}", "3"],
  ["either \\boxed{2} or, if the sign is the other one, we get \\boxed{3}", "2, 3"],
  ["\\boxed{2} is wrong. I made a mistake when I took the root of both sides before. So \\boxed{3}", "3"],
  ["\\boxed{2} is what we have from the first line. \\boxed{3}", "3"],
  // What is announced as final: with "I hope" before all others.
  ["The final answer is $5$. I hope it is correct. It is not \\boxed{6}.", "5"],
  ["It is \\boxed{6}. The final answer is $5$.", "5"],
  ["The final answer is $5$. It is in \\boxed{6} too, of course, as it should be.", "6"],
  ["The final answer to your question is 5. I tried 12 ways.", "5"],
  ["Final Answer: The final answer is $\\frac{3}{4}$. There are $4$ quarters.", "\\frac{3}{4}"],
  // Then what follows "answer:", then "answer".
  ["Answer: $5$. We used $n=12$.", "5"],
  ["My answer would be $5$, as $n=12$ shows.", "5"],
  ["Answer: 5\nThis took 12 lines.", "5"],
  ["The answer is \\(57\\), which is less than \\(43\\).", "57"],
  ["the answer is 3 + 4 = 7, see above", "7"],
  // Then the last formula or number.
  ["First $x=2$, then $y=3$ and so on", "y=3"],
  ["We have \\[ x + 3 = 12 \\] so \\[ x = 9 \\]", "x = 9"],
  ["$$\n9\n$$", "9"],
  ["The solutions are $2$ and $3$.", "2, 3"],
  ["The solutions are \\(2\\), \\(3\\), and \\(5\\)", "2, 3, 5"],
  ["so we get [ 12 ] for it", "12"],
  ["which is \\frac{10}{9}", "\\frac{10}{9}"],
  ["$28$ percent", "28\\%"],
  ["$5$ apples, and then 7", "7"],
  // Money is no formula.
  ["He has $100 and spends $30 of it", "30"],
  // Plain numbers.
  ["That makes 7,425,000 in all", "7425000"],
  ["That makes 1 000 in all", "1000"],
  ["about 2,74 of it", "2.74"],
  ["about .4 of it", "0.4"],
  ["it costs $1,000.99.", "1000.99"],
  ["28 percent of them", "28%"],
  ["the probability is 2/3.", "2/3"],
  ["that is 3 * (4 + 5) in all", "3 * (4 + 5)"],
  ["x=-12", "-12"],
  ["AZYUK2A", null],
  ["I do not know.", null],
  ["", null],
  // What cannot be read gives way to what can.
  ["It is 5, that is $\\sum_{k$", "5"],
];

for (const [completion, answer] of CASES) {
  Deno.test(`findAnswer() finds ${JSON.stringify(answer)} in ${JSON.stringify(completion)}`, () => {
    assertEquals(findAnswer(completion), answer);
  });
}

Deno.test("lastNumber() reads plain numbers alone, and what is announced first", () => {
  const cases: readonly (readonly [completion: string, number: string | null])[] = [
    ["First $x=2$, then 3 of them, so \\boxed{7}", "3"],
    ["The answer is 7, after 3 steps.", "7"],
    ["The final answer is 1,200. It took 3 steps", "1200"],
    ["so 3 + 4 = 7", "7"],
    ["half of 3/4", "3/4"],
    ["28 pct", "28%"],
    ["none", null],
  ];
  for (const [completion, number] of cases) {
    assertEquals([completion, lastNumber(completion)], [completion, number]);
  }
});

Deno.test("graderNamed() as math-verify judges what stands anywhere, and says what it judged", () => {
  const { grade } = graderNamed("math-verify");
  assertEquals(grade("Adding both gives $\\frac{8}{2}$.", "4"), {
    correct: true,
    extracted: "\\frac{8}{2}",
    reason: "same value",
    grader: "math-verify",
    version: grade("", "4").version,
  });
  assertEquals(grade("no idea", "4").reason, "no answer");
  const tagged = graderNamed("math-verify", { mode: "answer" });
  assertEquals(tagged.grade("<answer>4</answer> 5", "4").correct, true);
  assertEquals(tagged.grade("4", "4").reason, "no answer tags");
});

Deno.test("findAnswer() is quick on long and hostile completions", () => {
  const start = performance.now();
  const pieces = [
    "$",
    "$$",
    "\\(",
    "\\[",
    "[ 1 ] ",
    "1 ",
    "1+",
    "( ",
    "answer ",
    "final answer is ",
    "=",
    "\\boxed{",
    "\\boxed{1},",
    "\\frac{1}{2} ",
    " \n",
  ];
  for (const piece of pieces) {
    for (const count of [1000, 20_000]) {
      const text = piece.repeat(count);
      const found = findAnswer(text);
      assert(found === null || found.length <= text.length);
      lastNumber(text);
    }
  }
  const elapsed = performance.now() - start;
  assert(elapsed < 60_000, `${elapsed} ms`);
});

Deno.test("graderNamed() as last-number takes a plain number, and no term that repeats the question", () => {
  const { grade } = graderNamed("last-number");
  const judged = (completion: string, gold: string) => {
    const { extracted, reason } = grade(completion, gold);
    return [extracted, reason];
  };
  assertEquals(judged("3 + 9 = 12", "12"), ["12", "equal"]);
  assertEquals(judged("3 plus 9 is 12.<|im_end|>", "12"), ["12", "equal"]);
  assertEquals(judged("**12**", "12"), ["12", "equal"]);
  assertEquals(judged("so \\boxed{12}.", "12"), ["12", "equal"]);
  assertEquals(judged("12.0", "12"), ["12.0", "equal"]);
  assertEquals(judged("It is 12, or 13", "12"), ["13", "different"]);
  assertEquals(judged("3 + 9", "12"), ["3 + 9", "not a number"]);
  assertEquals(judged("12 %", "12"), ["12%", "not a number"]);
  assertEquals(judged("Twelve.", "12"), [null, "no answer"]);
  const { name, version, correct } = { ...graderNamed("last-number"), ...grade("12", "12") };
  assertEquals([name, version, correct], ["last-number", GRADER_VERSIONS["last-number"], true]);
  const tagged = graderNamed("last-number", { mode: "answer" });
  assertEquals(tagged.grade("12 </think> <answer>so 7</answer>", "7").reason, "equal");
  assertEquals(tagged.grade("7", "7").correct, false);
});

Deno.test("findAnswer() reads formulas between bare brackets, with what stands behind them", () => {
  assertEquals(findAnswer("so [ 25 ] % of all"), "25 \\%");
  assertEquals(findAnswer("we get [ x = -3/4 + 1 ] indeed"), "x = -3/4 + 1");
  assertEquals(findAnswer("the roots are [ 2 ] and [ 3 ] here"), "2, 3");
});

Deno.test("compareAnswers() reads brackets that are turned outwards as open ends", () => {
  for (const gold of ["(1, 2)", "\\left(1, 2\\right)"]) {
    assertEquals(compareAnswers(gold, "]1, \\frac{4}{2}[").correct, true);
    assertEquals(compareAnswers(gold, "[1, \\frac{4}{2}]").correct, false);
  }
  assertEquals(compareAnswers("[1, 2)", "[1, \\frac{4}{2}[").correct, true);
  assertEquals(compareAnswers("(1, 2]", "]1, \\frac{4}{2}]").correct, true);
});
