import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { readBenchmark, type SuiteName } from "../../lib/problems/mod.ts";
import { golden, withFolder } from "../checkpoint/_folder.ts";

const PARQUET = decodeURIComponent(
  new URL("../../fixtures/golden/benchmark_files/", import.meta.url).pathname,
);

interface GoldenRows {
  readonly amc: readonly { readonly question: string; readonly answer: number }[];
  readonly olympiad: readonly { readonly question: string; readonly answer: string }[];
}

/** Writes a file of one row per answer below a folder. */
async function writeRows(path: string, answers: readonly (string | number)[]): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const rows = answers.map((answer) => `${JSON.stringify({ question: "q", problem: "p", answer })}\n`);
  await Deno.writeTextFile(path, rows.join(""));
}

async function answersOf(suite: SuiteName, place: string): Promise<string[]> {
  const { problems } = await readBenchmark(suite, place, { partial: true });
  return problems.map(({ answer }) => answer);
}

Deno.test("readBenchmark() reads parquet as Python wrote it: shards, row groups, lists, nulls, 64-bit integers", async () => {
  const expected = await golden<GoldenRows>("benchmark_files.json");
  const amc = await readBenchmark("AMC23", `${PARQUET}amc`, { partial: true });
  assertEquals(
    amc.problems.map(({ question, answer }) => ({ question, answer: Number(answer) })),
    expected.amc,
  );
  assertEquals(amc.problems[6]?.answer, "13"); // a double that is whole, without a decimal point
  const olympiad = await readBenchmark("OlympiadBench", `${PARQUET}olympiad`, { partial: true });
  assertEquals(olympiad.problems.map(({ question, answer }) => ({ question, answer })), expected.olympiad);
});

Deno.test("readBenchmark() finds a benchmark in a folder of benchmarks by its name", () =>
  withFolder(async (folder) => {
    await writeRows(`${folder}/aime24.jsonl`, ["24"]);
    await writeRows(`${folder}/aime2025-I.jsonl`, ["25-1"]);
    await writeRows(`${folder}/aime2025-II.jsonl`, ["25-2", "25-3"]);
    await writeRows(`${folder}/minerva_math/test.jsonl`, ["m"]);
    await writeRows(`${folder}/MATH-500/data/test-00000-of-00001.jsonl`, ["500"]);
    await writeRows(`${folder}/OlympiadBench/what.txt`, ["o"]);
    await Deno.writeTextFile(
      `${folder}/minerva_math/train.jsonl`,
      '{"problem": "p", "solution": "\\\\boxed{m}"}\n',
    );
    assertEquals(await answersOf("AIME24", folder), ["24"]);
    assertEquals(await answersOf("AIME25", folder), ["25-1", "25-2", "25-3"]);
    assertEquals(await answersOf("Minerva-Math", folder), ["m"]);
    assertEquals(await answersOf("MATH-500", folder), ["500"]);
    for (const suite of ["AMC23", "OlympiadBench"] as const) {
      const fault = await assertRejects(() => readBenchmark(suite, folder), InputError);
      assertStringIncludes(fault.message, `no .jsonl or .parquet file of ${suite}: ${folder} (name it `);
    }
  }));

Deno.test("readBenchmark() reads the snapshot of a hub data set, whose files are links into another folder", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/blobs`);
    const snapshot = `${folder}/snapshots/0123`;
    await Deno.mkdir(`${snapshot}/data`, { recursive: true });
    for (const [index, blob] of ["train-00000-of-00002", "train-00001-of-00002"].entries()) {
      await Deno.copyFile(`${PARQUET}amc/data/${blob}.parquet`, `${folder}/blobs/${index}`);
      await Deno.symlink(`../../../blobs/${index}`, `${snapshot}/data/${blob}.parquet`);
    }
    await Deno.symlink("../../blobs/gone", `${snapshot}/train.jsonl`);
    await Deno.symlink("train-1.jsonl", `${snapshot}/train-1.jsonl`); // leads to itself
    await Deno.writeTextFile(`${snapshot}/README.md`, "# a data set");
    assertEquals(await answersOf("AMC23", snapshot), ["1", "3", "5", "7", "9", "11", "13"]);
    // A split that is not the suite's is another set of problems.
    await writeRows(`${folder}/other/data/validation-00000-of-00001.jsonl`, ["1"]);
    await assertRejects(() => readBenchmark("AMC23", `${folder}/other`), InputError, "no .jsonl or .parquet");
  }));

Deno.test("readBenchmark() reads files whose endings and names are capitals, and skips a byte order mark", () =>
  withFolder(async (folder) => {
    await writeRows(`${folder}/AMC.JSONL`, ["1"]);
    assertEquals(await answersOf("AMC23", `${folder}/AMC.JSONL`), ["1"]);
    await writeRows(`${folder}/all/AIME24.JSONL`, ["24"]);
    await writeRows(`${folder}/all/Math-500/Test.JsonL`, ["500"]);
    assertEquals(await answersOf("AIME24", `${folder}/all`), ["24"]);
    assertEquals(await answersOf("MATH-500", `${folder}/all`), ["500"]);
    const [shard] = [...Deno.readDirSync(`${PARQUET}amc/data`)].map(({ name }) => name).sort();
    await Deno.copyFile(`${PARQUET}amc/data/${shard}`, `${folder}/AMC.PARQUET`);
    assertEquals((await answersOf("AMC23", `${folder}/AMC.PARQUET`)).length > 0, true);
    const rows = '\ufeff{"question": "q", "answer": 7}\r\n{"question": "q", "answer": 8}\r\n';
    await Deno.writeTextFile(`${folder}/marked.jsonl`, rows);
    assertEquals(await answersOf("AMC23", `${folder}/marked.jsonl`), ["7", "8"]);
  }));

Deno.test("readBenchmark() names the line, the ending or the file that it cannot read", () =>
  withFolder(async (folder) => {
    const refusal = async (name: string, content: string | Uint8Array): Promise<string> => {
      const path = `${folder}/${name}`;
      await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
      const fault = await assertRejects(() => readBenchmark("AMC23", path, { partial: true }), InputError);
      assertEquals(
        [fault.message.includes("\n"), fault.message.includes(path)],
        [false, true],
        fault.message,
      );
      return fault.message;
    };
    const row = '{"problem": "p", "answer": 1}\n';
    assertStringIncludes(await refusal("a.jsonl", `${row}{`), "line 2 is not JSON");
    assertStringIncludes(await refusal("b.jsonl", "[1]"), "line 1 is no object");
    assertStringIncludes(await refusal("c.csv", "a,b"), "a benchmark is a .jsonl or .parquet file");
    assertStringIncludes(await refusal("d.jsonl", new Uint8Array([0x22, 0xff])), "not UTF-8 text");
    assertStringIncludes(await refusal("e.jsonl", row.repeat(100_001)), "more than 100000 rows");
    const whole = await Deno.readFile(`${PARQUET}olympiad/olympiad_bench.parquet`);
    const parquet = "not a parquet file that can be read";
    assertStringIncludes(await refusal("f.parquet", "PAR1 is not enough"), parquet);
    assertStringIncludes(await refusal("g.parquet", whole.subarray(0, whole.length - 9)), parquet);
    assertStringIncludes(await refusal("h.parquet", whole.slice().fill(0xff, 4, 200)), parquet);
    await assertRejects(
      () => readBenchmark("AMC23", `${folder}/none.jsonl`),
      InputError,
      "there is no file or folder with AMC23",
    );
  }));
