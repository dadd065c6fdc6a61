import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import { readAnswer } from "../../lib/problems/answers/_read_answer.ts";
import { sampleValue } from "../../lib/problems/answers/_sample_value.ts";
import { compareAnswers, graderNamed } from "../../lib/problems/mod.ts";
import { rowsOf } from "./_answer_kinds.ts";
import { writtenExpression } from "./_written_expressions.ts";
import { VALUED_ANSWERS } from "./_valued_answers.ts";
import { WRITTEN_ANSWERS } from "./_written_answers.ts";

/** The kinds that graders were reported to fail on, each with cases of our own making. */
const ANSWER_KINDS = [...WRITTEN_ANSWERS, ...VALUED_ANSWERS];

/** What math-verify's rules take for one, and a strict person does not. */
const LENIENT_PAIRS = ["2,3 | 2, 3, 3"];

for (const { name, right, wrong } of ANSWER_KINDS) {
  Deno.test(`compareAnswers() takes what is right and refuses what is wrong: ${name}`, () => {
    for (const grader of ["box", "math-verify"] as const) {
      const taken = (pairs: string, isRight: boolean): string[] =>
        rowsOf(pairs).flatMap(([gold, answer]) => {
          const { correct, reason } = compareAnswers(gold, answer, { grader });
          const known = grader === "math-verify" && LENIENT_PAIRS.includes(`${gold} | ${answer}`);
          return correct === (isRight || known) ? [] : [`${gold} | ${answer}: ${reason}`];
        });
      assertEquals([grader, taken(right, true), taken(wrong, false)], [grader, [], []]);
    }
  });

  Deno.test(`graderNamed() judges them so in a box: ${name}`, () => {
    const { grade } = graderNamed("box");
    for (const [pairs, isRight] of [[right, true], [wrong, false]] as const) {
      for (const [gold, answer] of rowsOf(pairs)) {
        const { correct, extracted } = grade(`Therefore we get $\\boxed{${answer}}$.`, gold);
        assertEquals([gold, answer, correct, extracted], [gold, answer, isRight, answer]);
      }
    }
  });
}

Deno.test("readAnswer() finds the value of 3,000 random expressions in LaTeX, plain text and Unicode", () => {
  const at = { x: 1.7, y: 0.6, a: 2.3 }, names = new Map(Object.entries(at));
  let tried = 0;
  for (let index = 0; index < 1000; index++) {
    const written = writtenExpression(new RandomStream(3, "written", index), 1 + index % 4);
    const wanted = written.value(at), size = Math.abs(wanted);
    if (!(size > 1e-9 && size < 1e12)) continue;
    for (const text of [written.latex, written.plain, written.unicode]) {
      const { form } = readAnswer(text);
      assert(form?.kind === "value", text);
      const found = sampleValue(form.value, { at: names, work: { left: 100_000 }, complex: false });
      assert(
        found !== null && Math.abs(found.re - wanted) <= 1e-6 * size,
        `${text}: ${found?.re} and ${wanted}`,
      );
      tried++;
    }
    // Two ways of writing one thing are one answer, and no other thing.
    assert(compareAnswers(written.latex, written.plain).correct, `${written.latex} and ${written.plain}`);
    const changed = written.latex.replace(/\d(?!.*\d)/, (digit) => String((Number(digit) + 1) % 10));
    const other = readAnswer(changed).form;
    const value = other?.kind === "value"
      ? sampleValue(other.value, { at: names, work: { left: 100_000 }, complex: false })
      : null;
    const differs = value !== null && Math.abs(value.re - wanted) > 1e-6 * size;
    if (differs) {
      assert(!compareAnswers(changed, written.unicode).correct, `${changed} and ${written.unicode}`);
    }
  }
  assert(tried > 2500, `${tried}`);
});
