import { assertEquals, assertThrows } from "@std/assert";
import { followedSeries, poolShifts, type ShiftRow, shiftShares } from "../../../lib/analysis/mod.ts";
import type { ProbabilityShift } from "../../../lib/decode/mod.ts";

/** A shift whose row r boosts token r by r/10 and follows one token with Δp r/100. */
function shiftOf(rows: number): ProbabilityShift {
  const index = Array.from({ length: rows }, (_, row) => row);
  return {
    rows,
    maxShift: Float64Array.from(index, (row) => row / 10),
    maxToken: Int32Array.from(index),
    minShift: Float64Array.from(index, (row) => -row),
    minToken: Int32Array.from(index, (row) => row + 1),
    baseToken: Int32Array.from(index, (row) => row % 2),
    steeredToken: Int32Array.from(index, (row) => row === 0 ? 5 : row),
    klNats: Float64Array.from(index, (row) => row / 7),
    followed: [Float64Array.from(index, (row) => row / 100)],
  };
}

const STOP = 9;

Deno.test("poolShifts() reads each row on the token before the one it predicts and drops the row on the stop token", () => {
  const sample = { tokens: [1, 2, 3, 4, STOP], promptLength: 2, shift: shiftOf(4) };
  const { rows, kept, truncated } = poolShifts([sample, sample], { stopTokens: [STOP] });
  assertEquals([kept, truncated], [2, 0]);
  assertEquals(rows.map((row) => row.source), [2, 3, 4, 2, 3, 4]);
  assertEquals(rows.map((row) => row.position), [0, 1, 2, 0, 1, 2]);
  assertEquals(rows.map((row) => row.sample), [0, 0, 0, 1, 1, 1]);
  assertEquals(rows.map((row) => row.maxToken), [0, 1, 2, 0, 1, 2]);
  assertEquals(rows.map((row) => row.klNats), [0, 1 / 7, 2 / 7, 0, 1 / 7, 2 / 7]);
});

Deno.test("poolShifts() keeps the row on the stop token as published", () => {
  const sample = { tokens: [1, 2, 3, 4, STOP], promptLength: 2, shift: shiftOf(4) };
  const { rows } = poolShifts([sample], { stopTokens: [STOP], asPublished: true });
  assertEquals(rows.map((row) => row.source), [2, 3, 4, STOP]);
});

Deno.test("poolShifts() leaves truncated texts out, or keeps all their rows", () => {
  const sample = { tokens: [1, 2, 3, 4], promptLength: 2, shift: shiftOf(3) };
  const skipped = poolShifts([sample], { stopTokens: [STOP] });
  assertEquals([skipped.rows.length, skipped.kept, skipped.truncated], [0, 0, 1]);
  const kept = poolShifts([sample], { stopTokens: [STOP], truncated: "keep" });
  assertEquals(kept.rows.map((row) => row.source), [2, 3, 4]);
});

Deno.test("poolShifts() does not take a stop token in the prompt for the end of an answer", () => {
  const sample = { tokens: [1, STOP], promptLength: 2, shift: shiftOf(1) };
  assertEquals(poolShifts([sample], { stopTokens: [STOP] }).truncated, 1);
});

Deno.test("poolShifts() refuses a shift with another number of rows", () => {
  const sample = { tokens: [1, 2, 3, 4, STOP], promptLength: 2, shift: shiftOf(3) };
  assertThrows(() => poolShifts([sample], { stopTokens: [STOP] }), RangeError, "must have 4 rows");
});

function rowsOf(sample: number): readonly ShiftRow[] {
  const text = { tokens: [1, 2, 3, 4, STOP], promptLength: 2, shift: shiftOf(4) };
  return poolShifts(Array(sample).fill(text), { stopTokens: [STOP] }).rows;
}

Deno.test("followedSeries() splits a token's shifts at the first answer position", () => {
  assertEquals(followedSeries(rowsOf(2)), { first: [0, 0], other: [0.01, 0.02, 0.01, 0.02] });
  const unfollowed = rowsOf(1).map((row) => ({ ...row, followed: [] }));
  assertThrows(() => followedSeries(unfollowed), RangeError, "none was followed");
});

Deno.test("shiftShares() counts rows whose boosted token either model prefers", () => {
  // maxToken 0 1 2; baseToken 0 1 0; steeredToken 5 1 2.
  assertEquals(shiftShares(rowsOf(1), { text: String }), { reinforced: 2 / 3, preferred: 2 / 3 });
  // Tokens 0 and 5 spelled alike.
  assertEquals(shiftShares(rowsOf(1), { text: (token) => String(token % 5) }).preferred, 1);
  assertEquals(shiftShares([], { text: String }), { reinforced: null, preferred: null });
});
