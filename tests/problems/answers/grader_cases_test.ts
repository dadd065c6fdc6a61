import { assert, assertEquals } from "@std/assert";
import { gradeBoxed, GRADER_CASES, graderNamed } from "../../../lib/problems/mod.ts";

Deno.test("GRADER_CASES are judged as known: plain ones by both graders, all of them by the mathematical one", () => {
  const { grade } = graderNamed("box");
  for (const { completion, gold, correct, plain } of GRADER_CASES) {
    assertEquals([completion, grade(completion, gold).correct], [completion, correct]);
    if (plain) assertEquals([completion, gradeBoxed(completion, gold).correct], [completion, correct]);
  }
});

Deno.test("GRADER_CASES are distinct and hold right and wrong answers of both kinds", () => {
  assertEquals(
    new Set(GRADER_CASES.map(({ completion, gold }) => `${completion} ${gold}`)).size,
    GRADER_CASES.length,
  );
  for (const plain of [true, false]) {
    for (const correct of [true, false]) {
      const count = GRADER_CASES.filter((known) => known.plain === plain && known.correct === correct).length;
      assert(count >= 5, `${count} cases of plain ${plain}, correct ${correct}`);
    }
  }
});
