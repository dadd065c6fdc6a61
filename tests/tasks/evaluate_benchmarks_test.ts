import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ChatTokenizer } from "../../lib/checkpoint/mod.ts";
import { sha256 } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import { GRADER_VERSIONS, PROBLEM_SETS } from "../../lib/problems/mod.ts";
import { type Suite, suiteGrader } from "../../tasks/study/suite.ts";
import { evaluate } from "../../tasks/evaluate.ts";
import { faultLine, inFolder, runOn, writeBoxModel } from "./_tiny_zoo.ts";

const QUICK = ["--max-new-tokens", "8", "--threads", "1"];

/** A model that boxes 3 most of the time, and 5 else. */
const DIGITS = { 3: 4, 5: 3.5 };

/** A whole AMC23 of easy problems whose answers take the strings in turn. */
async function writeAmc(path: string, answers: readonly string[]): Promise<string> {
  const rows = Array.from(
    { length: 40 },
    (_, i) => ({ problem: `Q${i}?`, answer: answers[i % answers.length] }),
  );
  await Deno.writeTextFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

Deno.test("evaluate grades a benchmark of a file by mathematical meaning, with the suite's samples", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: DIGITS });
    // The model always says 3: three of five golds are that number in other words.
    const golds = ["\\frac{6}{2}", "300\\%", "x = 3", "3!", "(0, 3)"];
    const data = await writeAmc(`${folder}/amc23.jsonl`, golds);
    const args = [
      "--model",
      model,
      "--suite",
      "amc23",
      "--seeds",
      "0",
      "--out",
      `${folder}/e.json`,
      ...QUICK,
    ];
    const greedy = await runOn(evaluate, [...args, "--data", data, "--temperature", "0"]);
    assertEquals(greedy.code, 0, greedy.error);
    assertMatch(greedy.output, /^AMC23 +60\.0 /m);
    assertMatch(greedy.error, /40\/40 answers/);
    const report = JSON.parse(await Deno.readTextFile(`${folder}/e.json`));
    assertEquals(report.settings.template, "qwen_math");
    assertEquals(report.benchmarks.AMC23.data, sha256(await Deno.readFile(data)));
    assertEquals(report.benchmarks.AMC23.sizes, {
      problems: { asked: null, effective: 40 },
      answers: { asked: null, effective: 1 },
      seeds: { asked: 1, effective: 1 },
    });
    assertEquals(report.benchmarks.AMC23.problems.slice(0, 2), ["AMC23/0", "AMC23/1"]);
    assertEquals(report.benchmarks.AMC23.outcomes[0].slice(0, 5), [[1], [1], [1], [0], [0]]);
    assertEquals(report.grader, { name: "box", version: GRADER_VERSIONS.box });
    // Sampling takes the suite's 32 answers per problem; the folder does as well as the file.
    const sampled = await runOn(evaluate, [...args, "--data", folder, "--problems", "2"]);
    assertEquals(sampled.code, 0, sampled.error);
    assertMatch(sampled.error, /64\/64 answers/);
    const few = await runOn(evaluate, [...args, "--data", folder, "--problems", "2", "--answers", "3"]);
    assertMatch(few.error, /6\/6 answers/);
  });
});

Deno.test("evaluate --grader math-verify judges by the rules of its name, and says so", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: DIGITS });
    // Of what always says 3: one gold that only six places make equal, one that is one value twice, and two others.
    const data = await writeAmc(`${folder}/amc23.jsonl`, ["3.0000001", "3, 3", "x = 3", "4"]);
    for (
      const [grader, right] of [["box", [[0], [0], [1], [0]]], ["math-verify", [[1], [1], [1], [0]]]] as const
    ) {
      const out = `${folder}/${grader}.json`;
      const flags = { model, suite: "amc23", data, seeds: "0", temperature: "0", grader, out };
      const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
      const { code, output, error } = await runOn(evaluate, [...args, ...QUICK]);
      assertEquals(code, 0, error);
      const version = GRADER_VERSIONS[grader];
      assertStringIncludes(output, `graded by ${grader} ${version}`);
      const report = JSON.parse(await Deno.readTextFile(out));
      assertEquals(report.grader, { name: grader, version });
      assertEquals(report.benchmarks.AMC23.outcomes[0].slice(0, 4), right);
    }
    const refused = await runOn(evaluate, ["--model", model, "--grader", "verify"]);
    assertStringIncludes(faultLine(refused), "--grader must be box or math-verify or last-number");
  });
});

Deno.test("evaluate fills what a prompt leaves of the model's positions when a benchmark names no limit", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`, { digits: { 3: 4 }, maxPositions: 256 });
    await writeAmc(`${folder}/amc23.jsonl`, ["3"]);
    const out = `${folder}/e.json`;
    const args = ["--model", model, "--suite", "AMC23", "--data", folder, "--problems", "3", "--seeds", "0"];
    const ended = await runOn(evaluate, [...args, "--temperature", "0", "--out", out, "--threads", "1"]);
    assertEquals(ended.code, 0, ended.error);
    const tokenizer = await ChatTokenizer.open(model);
    const prompt = promptTokens(tokenizer, "Q0?", { template: "qwen_math" });
    const { settings } = JSON.parse(await Deno.readTextFile(out));
    assertEquals(settings.maxNewTokens, 256 - prompt.length);
  });
});

Deno.test("evaluate refuses a benchmark without its file, and a file that is another's, in one line", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`);
    const data = await writeAmc(`${folder}/amc23.jsonl`, ["3"]);
    const refused = async (change: Record<string, string>) => {
      const flags = { model, suite: "math500", ...change };
      return faultLine(
        await runOn(evaluate, Object.entries(flags).map(([name, value]) => `--${name}=${value}`)),
      );
    };
    assertEquals(
      await refused({}),
      "error: --suite math500 needs --data with the problems of MATH-500 (give the .jsonl or .parquet file or its " +
        "folder, or fetch them once: deno task fetch --dataset HuggingFaceH4/MATH-500)",
    );
    assertEquals(
      await refused({ data: `${folder}/none` }),
      `error: there is no file or folder with MATH-500: ${folder}/none (check the path)`,
    );
    assertEquals(
      await refused({ data: folder }),
      `error: no .jsonl or .parquet file of MATH-500: ${folder} (name it math500.jsonl, or pass the file itself)`,
    );
    assertStringIncludes(await refused({ data }), "error: MATH-500 has 500 problems, not 40: ");
    assertStringIncludes(
      await refused({ suite: "math", data: folder }),
      "no .jsonl or .parquet file of AIME24",
    );
    assertStringIncludes(await refused({ suite: "linear", data }), "--suite linear takes no --data");
    assertStringIncludes(
      await refused({ suite: "amc23", data, template: "r1" }),
      `error: the model's tokenizer has a chat template: ${model} ("r1" is for models without one)`,
    );
    assertStringIncludes(
      await refused({ suite: "amc23", data, template: "qwen" }),
      "--template must be embedded or qwen_math or r1 or chat",
    );
  });
});

Deno.test("suiteGrader() reads answers between tags for r1, and the last box else", () => {
  const box = "\\boxed{\\frac{1}{2}} <answer>7</answer>";
  const judge = (
    set: Suite["set"],
    options: { readonly template: "qwen_math" | "r1"; readonly grader: "box" | "math-verify" },
    gold: string,
  ) => suiteGrader({ set }, options).grade(box, gold).correct;
  for (const grader of ["box", "math-verify"] as const) {
    const qwen = { template: "qwen_math", grader } as const, r1 = { template: "r1", grader } as const;
    assertEquals(judge(null, qwen, "0.5"), true);
    assertEquals(judge(null, r1, "0.5"), false);
    assertEquals(judge(null, r1, "7"), true);
    assertEquals(judge(PROBLEM_SETS.embedded, r1, "7"), true);
    assertEquals(judge(PROBLEM_SETS.embedded, qwen, "7"), false);
  }
  const names = (grader: "box" | undefined) =>
    [...Object.values(PROBLEM_SETS), null].map((set) =>
      suiteGrader({ set }, { template: "embedded", grader }).name
    );
  assertEquals(names("box"), ["box-number", "box-number", "box"]);
  assertEquals(names(undefined), ["box-number", "last-number", "box"]);
});
