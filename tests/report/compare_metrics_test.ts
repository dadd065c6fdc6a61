import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import {
  comparedValues,
  compareMetrics,
  type Expectation,
  formatCheckTable,
  readExpectations,
} from "../../lib/report/mod.ts";

const SOURCE = { source: "expected/full/fig1.json", at: "recorded" } as const;

function verdict(value: number | null, expected: number | null, tolerance: number): string | undefined {
  const expectation: Expectation = {
    metric: "a",
    expected,
    tolerance,
    reason: "for this test",
    others: null,
  };
  return compareMetrics([{ name: "a", value, unit: "" }], [expectation], SOURCE)[0]?.verdict;
}

Deno.test("compareMetrics() passes values within the tolerance, ends included", () => {
  assertEquals(verdict(40, 40, 0), "pass");
  assertEquals(verdict(42, 40, 2), "pass");
  assertEquals(verdict(38, 40, 2), "pass");
  assertEquals(verdict(42.01, 40, 2), "fail");
  assertEquals(verdict(0.3, 0.1, 0.2), "pass"); // 0.3 − 0.1 = 0.19999999999999998
  assertEquals(verdict(0.8, 0.7, 0.1), "pass"); // 0.8 − 0.7 = 0.10000000000000009
  assertEquals(verdict(0.80001, 0.7, 0.1), "fail");
});

Deno.test("compareMetrics() never passes NaN, infinities or missing values", () => {
  for (const value of [NaN, Infinity, -Infinity, null]) assertEquals(verdict(value, 40, 1e300), "fail");
  assertEquals(compareMetrics([{ name: "a", value: NaN, unit: "" }], [], SOURCE)[0]?.value, null);
});

Deno.test("compareMetrics() passes a value that is rightly not applicable, and nothing else, where null is expected", () => {
  assertEquals(verdict(null, null, 0), "pass");
  assertEquals(verdict(0, null, 0), "fail");
  assertEquals(verdict(NaN, null, 0), "fail");
});

Deno.test("compareMetrics() lists values without expectation as not checked", () => {
  assertEquals(compareMetrics([{ name: "b", value: 3, unit: "" }], [], SOURCE), [
    { metric: "b", value: 3, expected: null, tolerance: null, verdict: "not-checked", source: "" },
  ]);
});

Deno.test("compareMetrics() refuses an expectation for a metric that does not exist", () => {
  const expected = [{ metric: "typo", expected: 1, tolerance: 1, reason: "for this test", others: null }];
  const message = 'unknown metric "typo": expected/full/fig1.json (use one of a)';
  assertThrows(
    () => compareMetrics([{ name: "a", value: 1, unit: "" }], expected, SOURCE),
    InputError,
    message,
  );
});

Deno.test("compareMetrics() holds the recorded seed to its value and interval, other seeds to what is expected of them", () => {
  const expected: Expectation = {
    metric: "a",
    expected: 40,
    tolerance: 0.5,
    reason: "a forked answer",
    interval: [30, 50],
    others: { expected: 43, tolerance: 4, reason: "spread over seeds" },
  };
  const interval = (low: number, high: number) => ({ kind: "interval", level: 0.95, low, high }) as const;
  const check = (
    value: number,
    at: "recorded" | "other",
    ends: readonly [number, number] | null = [30, 50],
  ) =>
    compareMetrics(
      [{ name: "a", value, unit: "%", ...(ends === null ? {} : { uncertainty: interval(...ends) }) }],
      [expected],
      { ...SOURCE, at },
    )[0];
  assertEquals([check(40.5, "recorded")?.verdict, check(40.6, "recorded")?.verdict], ["pass", "fail"]);
  assertEquals([check(47, "other")?.verdict, check(40, "other")?.verdict, check(47.1, "other")?.verdict], [
    "pass",
    "pass",
    "fail",
  ]);
  // Ends of the interval may move by twice as much; those of other seeds are not compared.
  assertEquals(check(40, "recorded", [29, 51])?.verdict, "pass");
  assertEquals(check(40, "recorded", [28.9, 50])?.verdict, "fail");
  assertEquals(check(40, "recorded", [30, 51.1])?.interval, {
    found: [30, 51.1],
    expected: [30, 50],
    passes: false,
  });
  assertEquals(check(40, "recorded", null)?.verdict, "fail");
  assertEquals([check(44, "other", [0, 99])?.verdict, check(44, "other")?.interval], ["pass", undefined]);
  const open = compareMetrics([{ name: "a", value: 7, unit: "%" }], [{ ...expected, others: null }], {
    ...SOURCE,
    at: "other",
  });
  assertEquals(open.map(({ verdict }) => verdict), ["not-checked"]);
});

Deno.test("comparedValues() adds what each claim says and by how much", () => {
  const claim = (holds: boolean | null, interval: { level: number; low: number; high: number } | null) => ({
    claim: `claim_${holds}`,
    statement: "",
    holds,
    effect: { name: "gain", value: holds === null ? null : 2, unit: "points" },
    interval,
    note: "",
  });
  const value = { name: "accuracy.base", value: 3, unit: "%" };
  const ends = { level: 0.95, low: 1, high: 3 };
  assertEquals(
    comparedValues({ values: [value], claims: [claim(true, ends), claim(false, null), claim(null, null)] }),
    [
      value,
      { name: "claim.claim_true", value: 1, unit: "verdict" },
      {
        name: "claim.claim_true.effect",
        value: 2,
        unit: "points",
        uncertainty: { kind: "interval", ...ends },
      },
      { name: "claim.claim_false", value: 0, unit: "verdict" },
      { name: "claim.claim_false.effect", value: 2, unit: "points" },
      { name: "claim.claim_null", value: null, unit: "verdict" },
      { name: "claim.claim_null.effect", value: null, unit: "points" },
    ],
  );
});

Deno.test("formatCheckTable() aligns names left and numbers right", () => {
  const check = { expected: 24.8, tolerance: 1.5, verdict: "pass", source: "" } as const;
  const table = formatCheckTable([
    { ...check, metric: "accuracy.base", value: 100 / 3 },
    { ...check, metric: "share", value: null, verdict: "fail" },
    { metric: "b", value: 1, expected: null, tolerance: null, verdict: "not-checked", source: "" },
    {
      ...check,
      metric: "c",
      value: 24.8,
      verdict: "fail",
      interval: { found: [1, 2], expected: [1, 3], passes: false },
    },
  ]);
  assertEquals(table.split("\n"), [
    "metric          value  expected  tolerance  verdict",
    "accuracy.base  33.333      24.8        1.5  pass",
    "share               –      24.8        1.5  fail",
    "b                   1         –          –  not-checked",
    "c                24.8      24.8        1.5  fail (interval [1, 2], expected [1, 3])",
  ]);
});

Deno.test("readExpectations() reads a file and refuses wrong ones in one line", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/fig1.json`;
  const others = { expected: 1.1, tolerance: 0.5, reason: "spread over seeds" };
  const check = {
    metric: "a",
    expected: 1,
    tolerance: 0.1,
    reason: "a fork",
    interval: [0.5, 2] as const,
    others,
  };
  const write = (content: unknown) => Deno.writeTextFile(path, JSON.stringify(content));
  const file = { schemaVersion: 2, id: "fig1", seed: 0, madeBy: "by hand", checks: [check] };
  try {
    await write(file);
    assertEquals((await readExpectations(path, { id: "fig1" })).checks, [check]);
    const refused = async (content: unknown, part: string) => {
      await write(content);
      await assertRejects(() => readExpectations(path, { id: "fig1" }), InputError, part);
    };
    await refused({ ...file, id: "fig2" }, 'are of "fig2", not of "fig1"');
    await refused({ ...file, checks: [{ ...check, tolerance: -1 }] }, "checks[0].tolerance");
    await refused({ ...file, schemaVersion: 1 }, "schemaVersion: must be 2: record again");
    await refused(
      { ...file, checks: [{ ...check, others: { ...others, tolerance: -1 } }] },
      "checks[0].others.tolerance",
    );
    await refused({ ...file, checks: [check, check] }, "metrics must be unique");
    await refused({ ...file, checks: [{ ...check, tolerence: 1 }] }, "tolerence");
    await assertRejects(
      () => readExpectations(`${folder}/none.json`, { id: "fig1" }),
      InputError,
      `cannot read file of expected values: ${folder}/none.json`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
