import { assertEquals } from "@std/assert";
import { shiftProfile, type ShiftRow } from "../../../lib/analysis/mod.ts";

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

Deno.test("shiftProfile() gives each text one vote per position, however many rows it has", () => {
  // Text 0: (1 + 5)/2 = 3, text 1: 9. Pooled rows would give 5.
  const [all] = shiftProfile([row(0, 0, 1), row(0, 0, 5), row(1, 0, 9)]);
  assertEquals([all?.rows, all?.texts, all?.mean], [3, 2, 6]);
});
