import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { trainProblem } from "../../lib/problems/mod.ts";
import { parseSteeringConfig, trainingDataFault, trainingProblems } from "../../lib/train/mod.ts";

const PROBLEMS = Array.from({ length: 7 }, (_, index) => ({ question: `Q${index}`, answer: `${index}` }));
const DATA = { file: "mine.jsonl", question: "question", answer: "answer" };
const CONFIG = { seed: 3, families: [], data: DATA } as const;

Deno.test("trainingProblems() asks each problem of a file once, then all of them again in another order", () => {
  const asked = trainingProblems(CONFIG, { problems: PROBLEMS });
  const epochs = [0, 7, 14].map((from) => asked.slice(from, from + 7).map(({ answer }) => answer));
  for (const epoch of epochs) assertEquals([...epoch].sort().join(), "0,1,2,3,4,5,6");
  assertNotEquals(epochs[0], epochs[1]);
  assertNotEquals(epochs[1], epochs[2]);
  // What is asked at a place depends on the place alone, and on the seed.
  const anew = trainingProblems(CONFIG, { problems: PROBLEMS });
  assertEquals(anew.slice(10, 16), asked.slice(7, 21).slice(3, 9));
  assertNotEquals(
    trainingProblems({ ...CONFIG, seed: 4 }, { problems: PROBLEMS }).slice(0, 7),
    asked.slice(0, 7),
  );
  assertThrows(() => trainingProblems(CONFIG, {}), RangeError, "must have a problem");
});

Deno.test("trainingProblems() draws from families in turn", () => {
  const asked = trainingProblems({ seed: 5, families: ["sums", "larger"] }, {});
  assertEquals(asked.slice(1, 4), [
    trainProblem("larger", { seed: 5, index: 0 }),
    trainProblem("sums", { seed: 5, index: 1 }),
    trainProblem("larger", { seed: 5, index: 1 }),
  ]);
});

Deno.test("parseSteeringConfig() wants families or data, and keeps data in the name of a run", () => {
  const run = {
    ...{ layers: [0], seed: 0, steps: 1, prompts: 1, samples: 2, maxNewTokens: 4, learningRates: [0.1] },
    ...{ warmupShare: 0, maxNorm: 1 },
  };
  const parse = (more: object) => parseSteeringConfig({ ...run, ...more }, { where: "here" });
  assertEquals(parse({ data: DATA }).data, DATA);
  assertEquals([parse({ data: { file: "a.json" } }).data?.question, parse({ data: DATA }).families], [
    "question",
    [],
  ]);
  for (const more of [{}, { families: [] }, { families: ["sums"], data: DATA }]) {
    assertThrows(() => parse(more), Error, "there must be families or data, not both");
  }
  assertThrows(() => parse({ data: { ...DATA, sha256: "ab" } }), Error, "must be a SHA-256");
  assertEquals(trainingDataFault({ file: "mine.jsonl" }), null);
  assert(trainingDataFault({ file: "" })?.startsWith("file: "));
});
