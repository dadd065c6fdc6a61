import { assertEquals } from "@std/assert";
import { shiftProfile, type ShiftRow, tokenClass } from "../../../lib/analysis/mod.ts";

function row(sample: number, position: number, klNats: number): ShiftRow {
  const tokens = { source: 0, baseToken: 0, steeredToken: 0, maxToken: position, minToken: 0 };
  return { sample, position, ...tokens, maxShift: klNats / 10, minShift: 0, klNats, followed: [] };
}

// Text 0 has three positions, texts 1 and 2 have two and one.
const ROWS = [row(0, 0, 1), row(0, 1, 4), row(0, 10, 7), row(1, 0, 3), row(1, 1, 6), row(2, 0, 5)];

Deno.test("shiftProfile() averages KL by position, in numerical order, with the error over texts", () => {
  assertEquals(shiftProfile(ROWS), [
    { key: 0, rows: 3, texts: 3, mean: 3, standardError: 2 / Math.sqrt(3) },
    { key: 1, rows: 2, texts: 2, mean: 5, standardError: 1 },
    { key: 10, rows: 1, texts: 1, mean: 7, standardError: null },
  ]);
});

Deno.test("shiftProfile() gives each text one vote per key, however many rows it has", () => {
  // Text 0: (1 + 4 + 7)/3 = 4, text 1: 4.5, text 2: 5. Pooled rows would give 26/6.
  const [all] = shiftProfile(ROWS, { by: () => "all" });
  assertEquals([all?.rows, all?.texts, all?.mean], [6, 3, 4.5]);
});

Deno.test("shiftProfile() groups any value by the class of the boosted token", () => {
  const texts = new Map([[0, "So"], [1, "7"], [10, "\n"]]);
  const profile = shiftProfile(ROWS, {
    by: (r) => tokenClass(texts.get(r.maxToken) as string),
    value: (r) => r.maxShift,
  });
  assertEquals(profile.map(({ key, rows }) => [key, rows]), [["number", 2], ["process word", 3], [
    "structure symbol",
    1,
  ]]);
  assertEquals(profile[0]?.mean, 0.5);
});
