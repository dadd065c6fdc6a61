import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { studentQuantile } from "../../lib/report/_student_quantile.ts";
import {
  compareMetrics,
  type MetricValue,
  readExpectations,
  recordExpectations,
  type RecordExpectationsOptions,
  type Rounding,
} from "../../lib/report/mod.ts";

/** t(0.995, n) for n = 1 … 30 as printed in statistical tables. */
const TABLE = [
  [63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.25, 3.169],
  [3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845],
  [2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.75],
].flat();

const ROUNDINGS: Readonly<Record<string, Rounding>> = {
  "%": { ofError: 0.1, ofSize: 0.001, reason: "a tenth" },
  "layers": { ofError: 0, ofSize: 0, reason: "a count" },
  "index": { ofError: 0, ofSize: 0, identity: true, reason: "which one" },
};
/** One check is all: an interval over seeds that one run in a hundred leaves. */
const OPTIONS: RecordExpectationsOptions = {
  id: "fig9",
  madeBy: "by hand",
  roundingOf: (unit) => ROUNDINGS[unit] ?? null,
  checksOfAPass: 1,
};
const SEEDS = [0, 10, 20, 30, 40];

type Numbers = readonly (number | null)[];

/** Runs that measure each metric's numbers in turn; `half` is half of its 95 % interval. */
function runsOf(metrics: Readonly<Record<string, Numbers>>, options: { unit?: string; half?: number } = {}) {
  const { unit = "%", half } = options;
  return SEEDS.map((seed, run) => ({
    seed,
    values: Object.entries(metrics).map(([name, numbers]): MetricValue => {
      const value = numbers[run] ?? null;
      const ends = value === null || half === undefined
        ? {}
        : { uncertainty: { kind: "interval", level: 0.95, low: value - half, high: value + half } as const };
      return { name, value, unit, ...ends };
    }),
  }));
}

const only = (numbers: Numbers, options: { unit?: string; half?: number } = {}) => {
  const [check] = recordExpectations(runsOf({ a: numbers }, options), OPTIONS).checks;
  if (check === undefined) throw new Error("one check");
  return check;
};

Deno.test("studentQuantile() agrees with the tables", () => {
  TABLE.forEach((expected, index) => assertAlmostEquals(studentQuantile(0.995, index + 1), expected, 5e-4));
  assertAlmostEquals(studentQuantile(0.975, 10), 2.228, 5e-4);
  assertAlmostEquals(studentQuantile(0.9, 2), 1.886, 5e-4);
  assertAlmostEquals(studentQuantile(0.975, 10_000), 1.96, 5e-4); // the normal law's
  assertThrows(() => studentQuantile(0.5, 3), RangeError, "current values are 0.5, 3");
  assertThrows(() => studentQuantile(0.995, 0), RangeError, "current values are 0.995, 0");
});

Deno.test("recordExpectations() expects the first run's value of its seed, within what rounding moves", () => {
  const file = recordExpectations(runsOf({ a: [38, 39, 40, 41, 42] }, { half: 3.92 }), OPTIONS);
  const [check] = file.checks;
  assertEquals([file.schemaVersion, file.id, file.seed, file.madeBy], [2, "fig9", 0, "by hand"]);
  assertEquals([check?.expected, check?.interval], [38, [34.08, 41.92]]);
  assertEquals(check?.tolerance, 0.2); // a tenth of a standard error of 2
  assertEquals(check?.reason, "a tenth");
  // Without an interval the spread between seeds counts: s = √(10 / 4), of which a tenth, its last digit up.
  assertEquals(only([38, 39, 40, 41, 42]).tolerance, 0.159);
  // What never differs is left with its size's rounding.
  assertEquals(only([38, 38, 38, 38, 38]).tolerance, 0.038);
});

Deno.test("recordExpectations() holds counts to themselves, however they are spread", () => {
  const count = only([3, 4, 5, 4, 3], { unit: "layers" });
  assertEquals([count.expected, count.tolerance], [3, 0]);
  assertEquals(count.others?.expected, 3.8);
  assert((count.others?.tolerance ?? 0) >= 1.2);
  assertEquals(only([14_770_033_664, 14_770_033_664], { unit: "layers" }).expected, 14_770_033_664);
  // Which one it is has no mean.
  assertEquals(only([3, 4, 5, 4, 3], { unit: "index" }).others, null);
  const same = only([3, 3, 3, 3, 3], { unit: "index" });
  assertEquals([same.tolerance, same.others?.expected, same.others?.tolerance], [0, 3, 0]);
});

Deno.test("recordExpectations() expects the mean from other seeds, within the prediction interval of one more run", () => {
  const { others } = only([38, 39, 40, 41, 42]);
  assertEquals(others?.expected, 40);
  // s = √(10 / 4), t(0.995, 4) = 4.604, √(1 + 1/5)
  assertAlmostEquals(others?.tolerance ?? NaN, 4.6041 * Math.sqrt(2.5) * Math.sqrt(1.2), 0.01);
  assertEquals(others?.reason, "spread from first seeds 0, 10, 20, 30, 40: s = 1.58");
  // Of a pass of 2500 checks any one leaves its interval once in a hundred.
  const { others: wide } = recordExpectations(runsOf({ a: [38, 39, 40, 41, 42] }), {
    ...OPTIONS,
    checksOfAPass: 2500,
  }).checks[0] ?? {};
  assert(studentQuantile(1 - 0.01 / 2500 / 2, 4) * Math.sqrt(2.5) * Math.sqrt(1.2) > 40);
  assertEquals(wide?.tolerance, 38); // five runs say too little of one metric, but 0 does not lie near 40
  assertStringIncludes(wide?.reason ?? "", "narrowed");
});

Deno.test("recordExpectations() takes the standard error for the spread between seeds where that is narrower", () => {
  const { others } = only([38, 39, 40, 41, 42], { half: 1.96 });
  assertAlmostEquals(others?.tolerance ?? NaN, 2.576 * 1 * Math.sqrt(1.2), 0.02);
  assertStringIncludes(
    others?.reason ?? "",
    "mean from first seeds 0, 10, 20, 30, 40; spread at most the standard error 1",
  );
  // None of the recorded runs may fall outside.
  assertEquals(only([38, 39, 40, 41, 52], { half: 1.96 }).others?.tolerance, 10);
});

Deno.test("recordExpectations() lets no tolerance pass a 0 that does not lie within the measurement error", () => {
  const near = recordExpectations(runsOf({ a: [1, 1.2, 0.9, 1.1, 1] }, { half: 40 }), OPTIONS).checks[0];
  assertEquals([near?.tolerance, near?.reason], [2.05, "a tenth; 0 lies within the measurement error"]);
  assertStringIncludes(near?.others?.reason ?? "", "0 lies within the measurement error");
  // An interval of ±0.6 around 0.7 leaves 0 out, and few seeds would pass it.
  const apart = only([0.7, 0.1, 1.3, 0.4, 1], { half: 0.6 });
  assertEquals(apart.others?.tolerance, 0.665); // short of 0
  const lone = only([10, 14, 6, 12, 8]);
  assertEquals(lone.others?.tolerance, 9.5);
  assertStringIncludes(lone.others?.reason ?? "", "narrowed, as 0 does not lie there");
  // A run that was recorded counts for more than that.
  assertEquals(only([0.7, -0.3, 1.7, 0.4, 1], { half: 0.6 }).others?.tolerance, 1);
  // Around 0 itself there is nothing to narrow.
  const around = only([0, 1, -1, 2, -2]);
  assert((around.others?.tolerance ?? 0) > 2 && !around.others?.reason.includes("narrowed"));
});

Deno.test("recordExpectations() expects null where every run has it, and compares at one seed what only some have", () => {
  const { checks } = recordExpectations(
    runsOf({ never: [null, null, null, null, null], first: [1, null, 2, 3, 4], later: [null, 1, 1, 1, 1] }),
    OPTIONS,
  );
  assertEquals(checks.map(({ metric, expected, tolerance }) => [metric, expected, tolerance]), [
    ["never", null, 0],
    ["first", 1, 0.001],
    ["later", null, 0],
  ]);
  assertEquals(checks.map(({ others }) => others?.expected), [null, undefined, undefined]);
});

Deno.test("recordExpectations() makes a file that can be read and that its own runs pass", async () => {
  const runs = runsOf(
    { a: [1 / 3, 2 / 3, 1, 4 / 3, 100], b: [0.1, 0.2, 0.1, 0.2, 0.1], c: [5, 5, 5, 5, 5] },
    {
      half: 0.123456789123,
    },
  );
  const file = recordExpectations(runs, OPTIONS);
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, JSON.stringify(file));
    const { checks } = await readExpectations(path, { id: "fig9" });
    assertEquals(checks, file.checks);
    for (const [turn, { values }] of runs.entries()) {
      for (const at of turn === 0 ? ["recorded", "other"] as const : ["other"] as const) {
        const verdicts = compareMetrics(values, checks, { source: path, at }).map(({ verdict }) => verdict);
        assertEquals(verdicts, ["pass", "pass", "pass"]);
      }
    }
    const far = runs[0]?.values.map((value) => ({ ...value, value: 1000 })) ?? [];
    for (const at of ["recorded", "other"] as const) {
      assert(compareMetrics(far, checks, { source: path, at }).every(({ verdict }) => verdict === "fail"));
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("recordExpectations() needs runs of different seeds and the same metrics, and a rounding for every unit", () => {
  const runs = runsOf({ a: [1, 2, 3, 4, 5] });
  assertThrows(() => recordExpectations(runs.slice(0, 1), OPTIONS), RangeError, "current seeds are [0]");
  const twice = runs.map((run) => ({ ...run, seed: 3 }));
  assertThrows(() => recordExpectations(twice, OPTIONS), RangeError, "current seeds are [3,3,3,3,3]");
  const other = { seed: 50, values: [{ name: "b", value: 1, unit: "%" }] };
  assertThrows(() => recordExpectations([...runs, other], OPTIONS), RangeError, "seed 50 has others");
  assertThrows(
    () => recordExpectations(runsOf({ a: [1, 2, 3, 4, 5] }, { unit: "furlongs" }), OPTIONS),
    RangeError,
    'Cannot record "a" as its unit must have a rounding: current unit is "furlongs"',
  );
});

Deno.test("recordExpectations() pools the spread of what is of one kind and differs between runs", () => {
  const { checks } = recordExpectations(
    runsOf({
      "accuracy.one": [38, 39, 40, 41, 42],
      "accuracy.two": [70, 70, 70, 70, 70],
      "accuracy.three": [59, 60, 60, 60, 61],
      "gain": [51, 52, 53, 54, 55],
    }),
    { ...OPTIONS, kindOf: (metric, unit) => `${metric.split(".")[0]} ${unit}` },
  );
  const [one, two, three, gain] = checks.map(({ others }) => others);
  // (10 + 2) / 8 over two metrics: s = 1.2247, t(0.995, 8) = 3.355; the constant one keeps its rounding.
  const pooled = 3.355 * Math.sqrt(1.5) * Math.sqrt(1.2);
  assertAlmostEquals(one?.tolerance ?? NaN, pooled, 1e-2);
  assertEquals([two?.tolerance, two?.reason], [0.123, "the same from first seeds 0, 10, 20, 30, 40"]);
  assertAlmostEquals(three?.tolerance ?? NaN, pooled, 1e-2);
  assertStringIncludes(one?.reason ?? "", "s = 1.22, of 2 metrics of its kind");
  assertAlmostEquals(gain?.tolerance ?? NaN, 4.6041 * Math.sqrt(2.5) * Math.sqrt(1.2), 1e-2);
});
