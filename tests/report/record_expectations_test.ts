import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { studentQuantile } from "../../lib/report/_student_t.ts";
import {
  compareMetrics,
  readExpectations,
  recordExpectations,
  type RecordExpectationsOptions,
} from "../../lib/report/mod.ts";

/** t(0.995, n) for n = 1 … 30 as printed in statistical tables. */
const TABLE = [
  [63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.25, 3.169],
  [3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845],
  [2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.75],
].flat();

const OPTIONS: RecordExpectationsOptions = {
  id: "fig9",
  madeBy: "by hand",
  floors: [
    { metrics: "*.greedy", unit: "%", least: 3, reason: "three problems" },
    { metrics: "*", unit: "%", least: 0.5, reason: "half a problem" },
  ],
};
const SEEDS = [0, 10, 20, 30, 40];
const runsOf = (metrics: Readonly<Record<string, readonly (number | null | undefined)[]>>) =>
  SEEDS.map((seed, run) => ({
    seed,
    values: Object.entries(metrics).flatMap(([name, values]) => {
      const value = values[run];
      return value === undefined ? [] : [{ name, value, unit: "%" }];
    }),
  }));

Deno.test("studentQuantile() agrees with the tables", () => {
  TABLE.forEach((expected, index) => assertAlmostEquals(studentQuantile(0.995, index + 1), expected, 5e-4));
  assertAlmostEquals(studentQuantile(0.975, 10), 2.228, 5e-4);
  assertAlmostEquals(studentQuantile(0.9, 2), 1.886, 5e-4);
  assertThrows(() => studentQuantile(0.5, 3), RangeError, "current values are 0.5, 3");
  assertThrows(() => studentQuantile(0.995, 0), RangeError, "current values are 0.995, 0");
});

Deno.test("recordExpectations() expects the mean within the prediction interval of one more run", () => {
  const { file, leftOut } = recordExpectations(runsOf({ "accuracy.base": [38, 39, 40, 41, 42] }), OPTIONS);
  const [check] = file.checks;
  assertEquals(leftOut, []);
  assertEquals([file.schemaVersion, file.id, file.madeBy], [1, "fig9", "by hand"]);
  assertEquals([check?.metric, check?.expected], ["accuracy.base", 40]);
  // s = √(10 / 4), t(0.995, 4) = 4.604, √(1 + 1/5)
  assertAlmostEquals(check?.tolerance ?? NaN, 4.6041 * Math.sqrt(2.5) * Math.sqrt(1.2), 1e-3);
  assertEquals(
    check?.reason,
    "99 % prediction interval over evaluation seeds 0, 10, 20, 30, 40: s = 1.58",
  );
});

Deno.test("recordExpectations() never goes below the floor, the first one that fits", () => {
  const same = [50, 50, 50, 50, 50];
  const { file } = recordExpectations(
    runsOf({ "accuracy.base.greedy": same, "accuracy.base": same }),
    OPTIONS,
  );
  assertEquals(file.checks.map(({ tolerance }) => tolerance), [3, 0.5]);
  assertStringIncludes(
    file.checks[0]?.reason ?? "",
    "three problems (wider than the 99 % prediction interval",
  );
});

Deno.test("recordExpectations() expects null where every run has it, and leaves out what only some have", () => {
  const { file, leftOut } = recordExpectations(
    runsOf({
      never: [null, null, null, null, null],
      sometimes: [1, null, 2, 3, undefined],
      always: [1, 1, 1, 1, 1],
      "shift.top_1.max": [1, 2, 3, 4, 5],
    }),
    { ...OPTIONS, leaveOut: ["shift.top_*"] },
  );
  assertEquals(file.checks.map(({ metric, expected, tolerance }) => [metric, expected, tolerance]), [
    ["never", null, 0],
    ["always", 1, 0.5],
  ]);
  assertEquals(leftOut, [
    { metric: "sometimes", reason: "without a value at the evaluation seeds 10, 40" },
    { metric: "shift.top_1.max", reason: 'left out by "shift.top_*"' },
  ]);
});

Deno.test("recordExpectations() reads patterns as names with *, and not as regular expressions", () => {
  const one = [1, 1, 1, 1, 1];
  const runs = runsOf({ "a.texts": one, "a.texts.more": one, "axtexts": one });
  const { leftOut } = recordExpectations(runs, { ...OPTIONS, leaveOut: ["*.texts"] });
  assertEquals(leftOut.map(({ metric }) => metric), ["a.texts"]);
});

Deno.test("recordExpectations() makes a file that can be read and that its own runs pass", async () => {
  const runs = runsOf({ a: [1 / 3, 2 / 3, 1, 4 / 3, 100], b: [0.1, 0.2, 0.1, 0.2, 0.1] });
  const { file } = recordExpectations(runs, OPTIONS);
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, JSON.stringify(file));
    const { checks } = await readExpectations(path, { id: "fig9" });
    assertEquals(checks, file.checks);
    for (const { values } of runs) {
      const verdicts = compareMetrics(values, checks, { source: path }).map(({ verdict }) => verdict);
      assertEquals(verdicts, ["pass", "pass"]);
    }
    const far = runs[0]?.values.map((value) => ({ ...value, value: 1000 })) ?? [];
    assert(compareMetrics(far, checks, { source: path }).every(({ verdict }) => verdict === "fail"));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("recordExpectations() needs two runs of different seeds, and a floor for every unit", () => {
  const runs = runsOf({ a: [1, 2, 3, 4, 5] });
  assertThrows(() => recordExpectations(runs.slice(0, 1), OPTIONS), RangeError, "current seeds are [0]");
  const twice = runs.map((run) => ({ ...run, seed: 3 }));
  assertThrows(() => recordExpectations(twice, OPTIONS), RangeError, "current seeds are [3,3,3,3,3]");
  assertThrows(
    () => recordExpectations(runs, { ...OPTIONS, floors: [] }),
    RangeError,
    'Cannot record "a" as its unit must have a floor: current unit is %',
  );
});

Deno.test("recordExpectations() pools the spread of what is of one kind and differs between runs", () => {
  const { file } = recordExpectations(
    runsOf({
      "accuracy.one": [38, 39, 40, 41, 42],
      "accuracy.two": [70, 70, 70, 70, 70],
      "accuracy.three": [59, 60, 60, 60, 61],
      "gain": [1, 2, 3, 4, 5],
    }),
    { ...OPTIONS, kindOf: (metric, unit) => `${metric.split(".")[0]} ${unit}` },
  );
  const [one, two, three, gain] = file.checks;
  // (10 + 2) / 8 over two metrics: s = 1.2247, t(0.995, 8) = 3.355; the constant one keeps its floor.
  const pooled = 3.355 * Math.sqrt(1.5) * Math.sqrt(1.2);
  assertAlmostEquals(one?.tolerance ?? NaN, pooled, 1e-2);
  assertEquals(two?.tolerance, 0.5);
  assertAlmostEquals(three?.tolerance ?? NaN, pooled, 1e-2);
  assertStringIncludes(one?.reason ?? "", "s = 1.22, of 2 metrics of its kind");
  assertAlmostEquals(gain?.tolerance ?? NaN, 4.6041 * Math.sqrt(2.5) * Math.sqrt(1.2), 1e-3);
});

Deno.test("recordExpectations() never makes a tolerance that one of its runs would fail", () => {
  const steady = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`accuracy.${at}`, [50, 50.1, 50, 50.1, 50]]),
  );
  const { file } = recordExpectations(
    runsOf({ ...steady, "accuracy.odd": [50, 50, 50, 50, 60] }),
    { ...OPTIONS, kindOf: () => "accuracy" },
  );
  const odd = file.checks.find(({ metric }) => metric === "accuracy.odd");
  assertEquals([odd?.expected, odd?.tolerance], [52, 8]);
  assertStringIncludes(odd?.reason ?? "", "the farthest of the recorded runs");
});
