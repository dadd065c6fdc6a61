import { assert, assertEquals, assertRejects } from "@std/assert";
import { fetchDataset } from "../../../lib/checkpoint/mod.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { BENCHMARK_SUITES, type SuiteName } from "../../../lib/problems/mod.ts";
import { openSuite } from "../../../tasks/study/suite.ts";
import { stubHub } from "../../checkpoint/_stub_hub.ts";
import { inFolder } from "../_tiny_zoo.ts";

/** Where the publishers of each suite keep its rows; AIME25 comes in two halves. */
const LAYOUTS: Readonly<Record<SuiteName, readonly string[]>> = {
  "AIME24": ["aime_2024_problems.jsonl"],
  "AIME25": ["aime2025-I.jsonl", "aime2025-II.jsonl"],
  "AMC23": ["data/train-00000-of-00001.jsonl"],
  "MATH-500": ["test.jsonl"],
  "Minerva-Math": ["data/train-00000-of-00001.jsonl"],
  "OlympiadBench": ["data/train-00000-of-00001.jsonl"],
};

/** Puts a suite's data set into a hub cache, by way of a hub that has it; answers are 0, 1, 2 … */
async function cacheSuite(
  suite: SuiteName,
  options: { readonly folder: string; readonly hubCache: string; readonly hubId?: string },
): Promise<void> {
  const { size, hubIds, problemFields, answerFields } = BENCHMARK_SUITES[suite],
    { folder, hubCache } = options;
  const name = options.hubId ?? hubIds[0] as string, source = `${folder}/source/${name}`;
  const field = answerFields[0] as string, files = LAYOUTS[suite];
  const lines = Array.from({ length: size }, (_, i) => {
    const answer = field === "solution" ? `so \\boxed{${i}}` : `${i}`;
    return `${JSON.stringify({ [problemFields[0] as string]: `Q${i}?`, [field]: answer })}\n`;
  });
  await Deno.mkdir(`${source}/data`, { recursive: true });
  await Promise.all(files.map((path, part) => {
    const share = size / files.length;
    return Deno.writeTextFile(`${source}/${path}`, lines.slice(part * share, (part + 1) * share).join(""));
  }));
  const hub = await stubHub(source, { kind: "dataset", name });
  await fetchDataset(name, { hubCache, fetch: hub.fetch });
}

Deno.test("openSuite() finds all six benchmarks in the hub cache as their publishers lay them out", async () => {
  await inFolder(async (folder) => {
    const hubCache = `${folder}/cache`, suites = Object.keys(BENCHMARK_SUITES) as SuiteName[];
    for (const suite of suites) await cacheSuite(suite, { folder, hubCache });
    const { set, benchmarks } = await openSuite("math", { problems: undefined, data: undefined, hubCache });
    assertEquals([set, benchmarks.map(({ name }) => name)], [null, suites]);
    for (const { name, problems, samples } of benchmarks) {
      const { size, samplesPerProblem } = BENCHMARK_SUITES[name as SuiteName];
      assertEquals(samples, samplesPerProblem);
      assertEquals(
        problems.map(({ question }) => question),
        Array.from({ length: size }, (_, i) => `Q${i}?`),
      );
      assertEquals(problems.map(({ answer }) => answer), Array.from({ length: size }, (_, i) => `${i}`));
    }
  });
});

Deno.test("openSuite() takes the hub id of another data set, at a revision", async () => {
  await inFolder(async (folder) => {
    const hubCache = `${folder}/cache`;
    await cacheSuite("AMC23", { folder, hubCache, hubId: "ada/my-amc" });
    for (const data of ["ada/my-amc", "ada/my-amc@main"]) {
      const { benchmarks } = await openSuite("amc23", { problems: 3, data, hubCache });
      assertEquals(benchmarks.map(({ problems }) => problems.length), [3]);
    }
    const refused = async (name: string, data: string | undefined, line: string) => {
      const error = await assertRejects(
        () => openSuite(name, { problems: undefined, data, hubCache }),
        InputError,
      );
      assertEquals(error.message, line);
    };
    await refused(
      "amc23",
      "ada/my-amc@v9",
      `"ada/my-amc@v9" is neither a file or folder nor a data set in the hub cache: ${hubCache} ` +
        "(fetch it once: deno task fetch --dataset ada/my-amc@v9)",
    );
    await refused(
      "amc23",
      undefined,
      "--suite amc23 needs --data with the problems of AMC23 (give the .jsonl or .parquet file or its folder, or " +
        "fetch them once: deno task fetch --dataset knoveleng/AMC-23)",
    );
  });
});

Deno.test("openSuite() names only the benchmarks that are not cached, and reads no other suite's data set", async () => {
  await inFolder(async (folder) => {
    const hubCache = `${folder}/cache`;
    for (const suite of ["AIME24", "MATH-500", "OlympiadBench"] as const) {
      await cacheSuite(suite, { folder, hubCache });
    }
    const error = await assertRejects(
      () => openSuite("math", { problems: undefined, data: undefined, hubCache }),
      InputError,
    );
    assert(error.message.includes("with the problems of AIME25, AMC23, Minerva-Math ("), error.message);
    assert(
      error.message.endsWith("fetch --dataset opencompass/AIME2025 knoveleng/AMC-23 knoveleng/Minerva-Math)"),
      error.message,
    );
    await assertRejects(
      () => openSuite("amc23", { problems: undefined, data: "HuggingFaceH4/MATH-500", hubCache }),
      InputError,
      "AMC23",
    );
  });
});
