import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { readAnswer } from "../../lib/problems/_answer_form.ts";
import { compareForms } from "../../lib/problems/_compare_forms.ts";
import { BENCHMARK_SUITES, benchmarkSet, readBenchmark, type SuiteName } from "../../lib/problems/mod.ts";
import { loadExpressionReader } from "../../lib/problems/math_grader.ts";

/** Problem sets that are no part of the project: read where they lie beside it, else their tests are skipped. */
const FOLDER = new URL("../../../shared/benchmarks/", import.meta.url);

const FILES: readonly (readonly [SuiteName, file: string])[] = [
  ["AIME24", "aime24.jsonl"],
  ["AMC23", "amc23.jsonl"],
  ["MATH-500", "math500.jsonl"],
  ["Minerva-Math", "minerva_math.jsonl"],
  ["OlympiadBench", "olympiadbench.jsonl"],
];

function isThere(): boolean {
  try {
    return Deno.statSync(FOLDER).isDirectory;
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound) return false;
    throw fault;
  }
}

const there = isThere();
const read = await loadExpressionReader();

async function allGolds(): Promise<string[]> {
  const golds: string[] = [];
  for (const [suite, file] of FILES) {
    const { problems } = await readBenchmark(suite, new URL(file, FOLDER).pathname);
    golds.push(...problems.map((problem) => problem.answer));
  }
  return golds;
}

/** A plain number read by other means than the grader's: digits, a decimal point, an exponent, one fraction. */
function plainNumber(gold: string): number | null {
  const bare = gold.replace(/[$\s]|\\[!,]|\^\{?\\circ\}?|\\%|%/g, "").replace(/\\dfrac/, "\\frac");
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e-?\d+)?$/.test(bare)) return Number(bare);
  const fraction = /^(-?)\\frac\{(-?\d+)\}\{(\d+)\}$/.exec(bare);
  return fraction === null ? null : Number(`${fraction[1]}1`) * Number(fraction[2]) / Number(fraction[3]);
}

Deno.test({
  name: "readBenchmark() reads every gold answer beside the project as mathematics",
  ignore: !there,
  fn: async (test) => {
    const golds = await allGolds();
    assertEquals(golds.length, 30 + 40 + 500 + 272 + 675);
    await test.step("each is read and equals itself", () => {
      for (const gold of golds) {
        const { form } = readAnswer(gold, read);
        assert(form !== null, `not read: ${gold}`);
        assertEquals(compareForms(form, form, { left: 20_000 }), "same", gold);
      }
    });
    await test.step("plain numbers are equal exactly when their values are", () => {
      const numbers = [...new Set(golds)].flatMap((gold) => {
        const value = plainNumber(gold), { form } = readAnswer(gold, read);
        return value === null || form === null ? [] : [{ gold, value, form }];
      });
      assert(numbers.length > 400, `${numbers.length}`);
      for (const left of numbers) {
        for (const right of numbers) {
          const equal = compareForms(left.form, right.form, { left: 20_000 }) === "same";
          if (equal !== (left.value === right.value)) {
            throw new Error(`${left.gold} and ${right.gold}: ${equal}`);
          }
        }
      }
    });
    await test.step("no two others are equal unless the grader's exact and sampled values agree", () => {
      const forms = [...new Set(golds)].filter((gold) => plainNumber(gold) === null).map((gold) => {
        const { text, form } = readAnswer(gold, read);
        return { gold, key: text.replace(/[\s{}$]/g, ""), form };
      });
      const twins: string[] = [];
      for (const left of forms) {
        for (const right of forms) {
          if (left.form === null || right.form === null || left.key === right.key) continue;
          if (compareForms(left.form, right.form, { left: 20_000 }) === "same") twins.push(left.gold);
        }
      }
      // Values of different spelling that are one: a handful, each looked at; more would be a false equality.
      assert(twins.length <= 12, twins.join(" ; "));
    });
  },
});

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
  assertEquals(minerva.problems, [{ index: 0, problem: "p", answer: "4e3" }]);
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

Deno.test("readBenchmark() names the line, the ending or the file that it cannot read", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const refusal = async (name: string, text: string): Promise<string> => {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      const fault = await assertRejects(
        () => readBenchmark("AMC23", `${folder}/${name}`, { partial: true }),
        InputError,
      );
      return fault.message;
    };
    assertStringIncludes(await refusal("a.jsonl", '{"problem": "p", "answer": 1}\n{'), "line 2 is not JSON");
    assertStringIncludes(await refusal("b.jsonl", "[1]"), "line 1 is no object");
    assertStringIncludes(await refusal("c.csv", "a,b"), "a benchmark is a .jsonl or .parquet file");
    assertStringIncludes(
      await refusal("d.parquet", "PAR1 is not enough"),
      "not a parquet file that can be read",
    );
    await assertRejects(
      () => readBenchmark("AMC23", `${folder}/none.jsonl`),
      InputError,
      "cannot read the benchmark",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
