import { assertAlmostEquals, assertEquals } from "@std/assert";
import { type MetricValue, paperChecks, type PaperItem, type PaperValue } from "../../lib/report/mod.ts";

function itemOf(values: readonly Partial<PaperValue>[]): PaperItem {
  return {
    schemaVersion: 1,
    item: "fig1",
    title: "made up",
    paper: { arxiv: "0", version: null, code: "none" },
    model: "M",
    values: values.map((value) => ({
      ...{ name: "a", what: "a", value: 20, unit: "%", std: null, source: "code" as const },
      ...value,
    })),
    statements: [],
  };
}

const within = (low: number, high: number) => ({ kind: "interval", level: 0.95, low, high }) as const;

function verdict(ours: Partial<MetricValue> | null, paper: Partial<PaperValue>) {
  const values = ours === null ? [] : [{ name: "a", value: 20, unit: "%", ...ours }];
  const [check] = paperChecks(values, itemOf([paper]), { source: "here" });
  return check;
}

Deno.test("paperChecks() combines the paper's ± with our interval on the paper's side", () => {
  // Ours is 24, 3 above its lower end; the paper's ± is 1.96 · 2.
  const check = verdict({ value: 24, uncertainty: within(21, 99) }, { value: 20.5, std: 2 });
  assertAlmostEquals(check?.tolerance ?? NaN, Math.hypot(3, 1.96 * 2) + 0.1, 1e-12);
  assertEquals([check?.verdict, check?.source], ["pass", "here"]);
  assertEquals(verdict({ value: 26, uncertainty: within(23, 99) }, { value: 20.5, std: 2 })?.verdict, "fail");
  // The other side of the interval counts where the paper's number lies there.
  assertEquals(verdict({ value: 16, uncertainty: within(15, 20) }, { value: 20 })?.verdict, "pass");
  assertEquals(verdict({ value: 16, uncertainty: within(10, 19.5) }, { value: 20 })?.verdict, "fail");
  const std = { kind: "std", over: "evaluation seeds", std: 2 } as const;
  assertEquals(verdict({ value: 16, uncertainty: std }, { value: 19.9 })?.verdict, "pass");
  assertEquals(verdict({ value: 16, uncertainty: std }, { value: 20.1 })?.verdict, "fail");
});

Deno.test("paperChecks() gives a number without any ± the last digit that it is written with, and a count none", () => {
  assertEquals(
    verdict({ value: 14.77e9, unit: "parameters" }, { value: 14.7e9, unit: "parameters" })?.verdict,
    "pass",
  );
  assertEquals(
    verdict({ value: 14.9e9, unit: "parameters" }, { value: 14.7e9, unit: "parameters" })?.verdict,
    "fail",
  );
  assertEquals(verdict({ value: 30, unit: "problems" }, { value: 30, unit: "problems" })?.verdict, "pass");
  assertEquals(verdict({ value: 31, unit: "problems" }, { value: 30, unit: "problems" })?.verdict, "fail");
});

Deno.test("paperChecks() leaves what is unknown, chosen or not applicable unchecked", () => {
  assertEquals(paperChecks([], itemOf([{ value: null, source: null }]), { source: "here" }), []);
  for (const unit of ["per step", "steps"]) {
    assertEquals(verdict({ value: 0.1, unit }, { value: 0.01, unit })?.verdict, "not-checked");
  }
  assertEquals(verdict({ value: null }, {})?.verdict, "not-checked");
  assertEquals(verdict(null, {})?.verdict, "not-checked");
});
