import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import {
  compareMetrics,
  type Expectation,
  formatCheckTable,
  readExpectations,
} from "../../lib/report/mod.ts";

const SOURCE = { source: "expected/full/fig1.json" };

function verdict(value: number | null, expected: number | null, tolerance: number): string | undefined {
  const expectation: Expectation = { metric: "a", expected, tolerance, reason: "for this test" };
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
  const expected = [{ metric: "typo", expected: 1, tolerance: 1, reason: "for this test" }];
  const message = 'unknown metric "typo": expected/full/fig1.json (use one of a)';
  assertThrows(
    () => compareMetrics([{ name: "a", value: 1, unit: "" }], expected, SOURCE),
    InputError,
    message,
  );
});

Deno.test("formatCheckTable() aligns names left and numbers right", () => {
  const check = { expected: 24.8, tolerance: 1.5, verdict: "pass", source: "" } as const;
  const table = formatCheckTable([
    { ...check, metric: "accuracy.base", value: 100 / 3 },
    { ...check, metric: "share", value: null, verdict: "fail" },
    { metric: "b", value: 1, expected: null, tolerance: null, verdict: "not-checked", source: "" },
  ]);
  assertEquals(table.split("\n"), [
    "metric          value  expected  tolerance  verdict",
    "accuracy.base  33.333      24.8        1.5  pass",
    "share               –      24.8        1.5  fail",
    "b                   1         –          –  not-checked",
  ]);
});

Deno.test("readExpectations() reads a file and refuses wrong ones in one line", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/fig1.json`;
  const check = { metric: "a", expected: 1, tolerance: 0.5, reason: "spread over 5 seeds" };
  const write = (content: unknown) => Deno.writeTextFile(path, JSON.stringify(content));
  const file = { schemaVersion: 1, id: "fig1", madeBy: "by hand", checks: [check] };
  try {
    await write(file);
    assertEquals((await readExpectations(path, { id: "fig1" })).checks, [check]);
    const refused = async (content: unknown, part: string) => {
      await write(content);
      await assertRejects(() => readExpectations(path, { id: "fig1" }), InputError, part);
    };
    await refused({ ...file, id: "fig2" }, 'are of "fig2", not of "fig1"');
    await refused({ ...file, checks: [{ ...check, tolerance: -1 }] }, "checks[0].tolerance");
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
