import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { BENCHMARK_SUITES, benchmarkSet } from "../../lib/problems/mod.ts";

Deno.test("BENCHMARK_SUITES has the six benchmarks with their sizes and samples", () => {
  const rows = Object.entries(BENCHMARK_SUITES).map(([key, suite]) => {
    assertEquals(key, suite.name);
    return [suite.name, suite.size, suite.samplesPerProblem];
  });
  assertEquals(rows, [
    ["AIME24", 30, 32],
    ["AIME25", 30, 32],
    ["AMC23", 40, 32],
    ["MATH-500", 500, 1],
    ["Minerva-Math", 272, 1],
    ["OlympiadBench", 675, 1],
  ]);
});

Deno.test("benchmarkSet() reads the last box of a solution and numbers as text", () => {
  const minerva = benchmarkSet("Minerva-Math", [{ problem: "p", solution: "\\boxed{1} so \\boxed{4e3} m" }], {
    where: "m.jsonl",
    partial: true,
  });
  assertEquals(minerva.problems, [{ id: "Minerva-Math/0", question: "p", answer: "4e3" }]);
  const amc = benchmarkSet("AMC23", [{ question: "q", answer: 27.0 }], { where: "a.jsonl", partial: true });
  assertEquals([amc.problemField, amc.answerField, amc.problems[0]?.answer], ["question", "answer", "27"]);
  const boxed = benchmarkSet("AIME25", [{ question: "q", answer: "\\boxed{70}" }], {
    where: "a",
    partial: true,
  });
  assertEquals(boxed.problems[0]?.answer, "70");
});

Deno.test("benchmarkSet() refuses another number of rows, missing fields and rows without text", () => {
  const where = "a.jsonl", row = { problem: "p", answer: "1" };
  const message = (rows: readonly Record<string, unknown>[], partial: boolean): string =>
    assertThrows(() => benchmarkSet("AIME24", rows, { where, partial }), InputError).message;
  assertStringIncludes(message([row], false), "AIME24 has 30 problems, not 1: a.jsonl");
  assertStringIncludes(message([], true), "the benchmark is empty");
  assertStringIncludes(message([{ problem: "p", result: "1" }], true), "no field answer or Answer");
  assertStringIncludes(message([row, { problem: "p", answer: null }], true), "row 1 has no answer");
  assertStringIncludes(message([row, { problem: " ", answer: "1" }], true), "row 1 has no problem");
});
