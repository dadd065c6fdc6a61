import { assertEquals } from "@std/assert";
import { formatNoticedChanges, type MetricCheck, noticedChanges } from "../../lib/report/mod.ts";

const check = (expected: number | null, tolerance: number | null): MetricCheck => ({
  metric: "a",
  value: expected,
  expected,
  tolerance,
  verdict: tolerance === null ? "not-checked" : "pass",
  source: "",
});

Deno.test("noticedChanges() counts checks whose tolerance is narrower than a share of their value", () => {
  const checks = [
    check(50, 0), // notices everything
    check(-50, 0.4), // 0.8 %
    check(50, 0.5), // 1 % itself passes
    check(50, 2), // 4 %
    check(50, 9), // 18 %
    check(50, 49),
    check(50, 50), // passes a 0
    check(0, 1),
    check(null, 0),
    check(null, null),
  ];
  assertEquals(noticedChanges(checks), { checks: 7, noticed: [2, 4, 5], acceptZero: 1 });
});

Deno.test("formatNoticedChanges() has a row per item and a sum", () => {
  const text = formatNoticedChanges([
    { id: "fig1", checks: [check(50, 0.1), check(50, 60)] },
    { id: "control-random", checks: [check(50, 3)] },
  ]);
  assertEquals(text.split("\n"), [
    "noticed         checks  1 %  5 %  20 %  accept 0",
    "fig1                 2    1    1     1         1",
    "control-random       1    0    0     1         0",
    "all                  3    1    1     2         1",
  ]);
});
