import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { type Completion, gradeBoxed, parseSampleLine, sampleLine } from "../../lib/problems/mod.ts";

const WHERE = { where: "a.jsonl", line: 3 };

const PROBLEM = { suite: "sums", id: "sums/1,1", question: "1 + 1?", answer: "2" };

/** A completion with a text of any kind. */
function completionOf(text: string, change: Partial<Completion> = {}): Completion {
  return {
    problem: 0,
    number: 7,
    seed: 1,
    sample: 2,
    prompt: "1 + 1? ",
    text,
    tokens: [5, 0],
    finished: true,
    judgement: gradeBoxed(text, "2"),
    ...change,
  };
}

Deno.test("sampleLine() writes everything that is known of a completion, on one line", () => {
  const line = sampleLine(completionOf("So \\boxed{3}."), { problem: PROBLEM, condition: "base-a" });
  assertEquals(line.indexOf("\n"), line.length - 1);
  assertEquals(JSON.parse(line), {
    suite: "sums",
    problem: "sums/1,1",
    question: "1 + 1?",
    gold: "2",
    condition: "base-a",
    number: 7,
    seed: 1,
    sample: 2,
    // The digest of the seven bytes "1 + 1? " from sha256sum.
    promptHash: "d75c0efe36f06963360a9f61b1b26a750f3c2945ca57591823efe4e8623bb735",
    text: "So \\boxed{3}.",
    tokens: [5, 0],
    finish: "end",
    answer: "3",
    correct: false,
    reason: "different",
    grader: "box-number",
    version: gradeBoxed("", "").version,
  });
});

Deno.test("parseSampleLine() reads back what sampleLine() wrote, whatever the model said", () => {
  const texts = [
    "",
    "\n\r\n\u2028\u2029\u0000\u001b[31m\ufeff",
    '"}\\u0041\\',
    "数学 🧮 e\u0301",
    "\ud800 half a pair",
    "__proto__",
    "x".repeat(100_000),
  ];
  for (const text of texts) {
    const completion = completionOf(text, { finished: false });
    const line = sampleLine(completion, { problem: { ...PROBLEM, question: text } });
    assertEquals(line.trimEnd().split(/\r?\n/).length, 1);
    const { text: said, question, finish, condition, correct, reason } = parseSampleLine(line, WHERE);
    assertEquals([said, question, finish, condition], [text, text, "length", null]);
    assertEquals([correct, reason], [false, "no box"]);
  }
});

Deno.test("sampleLine() takes a judgement that only says right or wrong", () => {
  const line = sampleLine(completionOf("2", { judgement: { correct: true } }), { problem: PROBLEM });
  const { correct, answer, reason, grader, version } = parseSampleLine(line, WHERE);
  assertEquals([correct, answer, reason, grader, version], [true, null, null, null, null]);
});

Deno.test("parseSampleLine() names the line that is no sample, and what is wrong with it", () => {
  const good = JSON.parse(sampleLine(completionOf("2"), { problem: PROBLEM }));
  const bad: [string, string][] = [
    ["{", "it is not JSON"],
    ["[1]", "it: Invalid input: expected object, received array"],
    ["{}", "suite: Invalid input: expected string, received undefined"],
    [JSON.stringify({ ...good, tokens: [1.5] }), "tokens.0: Invalid input: expected int, received number"],
    [JSON.stringify({ ...good, finish: "stop" }), 'finish: Invalid option: expected one of "end"|"length"'],
    [JSON.stringify({ ...good, correct: 1 }), "correct: Invalid input: expected boolean, received number"],
  ];
  for (const [text, what] of bad) {
    const { message } = assertThrows(() => parseSampleLine(text, WHERE), InputError);
    assertEquals(
      message,
      `line 3 is no sample, ${what}: a.jsonl (pass a file that deno task evaluate --samples wrote)`,
    );
  }
});
