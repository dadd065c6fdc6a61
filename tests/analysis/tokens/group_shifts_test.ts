import { assertEquals, assertThrows } from "@std/assert";
import { groupShifts, type ShiftRow } from "../../../lib/analysis/mod.ts";

const TEXT = (token: number): string => "abcdefgh"[token] as string;

function row(values: Partial<ShiftRow>): ShiftRow {
  return {
    sample: 0,
    position: 0,
    source: 0,
    baseToken: 0,
    steeredToken: 0,
    maxToken: 0,
    maxShift: 0,
    minToken: 0,
    minShift: 0,
    klNats: 0,
    followed: [],
    ...values,
  };
}

const ROWS: readonly ShiftRow[] = [
  row({ position: 0, source: 1, maxToken: 0, maxShift: 0.9, minToken: 1, minShift: -0.4 }),
  row({ position: 1, source: 2, maxToken: 0, maxShift: 0.1, minToken: 1, minShift: -0.2 }),
  row({ position: 2, source: 2, maxToken: 1, maxShift: 0.6, minToken: 2, minShift: -0.5 }),
  row({ position: 3, source: 2, maxToken: 1, maxShift: 0.6, minToken: 2, minShift: -0.3 }),
  row({ position: 4, source: 2, maxToken: 2, maxShift: 0.99, minToken: 0, minShift: -0.9 }),
];

Deno.test("groupShifts() ranks tokens that occur twice by their largest shift", () => {
  const summary = (first: number) =>
    groupShifts(ROWS, { text: TEXT, first }).map(({ label, values, mean, extreme }) => [
      ...[label, values.length, Number(mean.toFixed(9)), extreme],
    ]);
  assertEquals(summary(5), [["a", 2, 0.5, 0.9], ["b", 2, 0.6, 0.6]]);
  assertEquals(summary(1), [["a", 2, 0.5, 0.9]]);
});

Deno.test("groupShifts() orders equal groups by label, whatever the order of rows", () => {
  const rows = [1, 0, 1, 0].map((maxToken) => row({ maxToken, maxShift: 0.5 }));
  const labels = (list: readonly ShiftRow[]) =>
    groupShifts(list, { text: TEXT, first: 5 }).map(({ label }) => label);
  assertEquals(labels(rows), ["a", "b"]);
  assertEquals(labels(rows.toReversed()), ["a", "b"]);
});

Deno.test("groupShifts() refuses to keep fewer than one group", () => {
  assertThrows(() => groupShifts(ROWS, { text: TEXT, first: 0 }), RangeError, "at least 1");
});
