import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { rankCorrelation } from "../../../lib/analysis/mod.ts";

Deno.test("rankCorrelation() is 1 − 6 Σd² / (n (n² − 1)) where no values are equal", () => {
  const a = [86, 97, 99, 100, 101, 103, 106, 110, 112, 113], b = [2, 20, 28, 27, 50, 29, 7, 17, 6, 12];
  // Σd² = 194, a worked example of many textbooks.
  assertAlmostEquals(rankCorrelation(a, b) ?? NaN, 1 - 6 * 194 / 990, 1e-12);
  assertAlmostEquals(rankCorrelation([...a].reverse(), [...b].reverse()) ?? NaN, 1 - 6 * 194 / 990, 1e-12);
});

Deno.test("rankCorrelation() looks at order alone, and turns its sign with it", () => {
  assertEquals(rankCorrelation([1, 2, 3], [1, 100, 1e6]), 1);
  assertEquals(rankCorrelation([1, 2, 3], [-1, -100, -1e6]), -1);
});

Deno.test("rankCorrelation() gives equal values the mean of their ranks", () => {
  // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: Σ(u − 2.5)(v − 2.5) = 4.5, squares 4.5 and 5.
  assertAlmostEquals(rankCorrelation([0, 7, 7, 9], [1, 2, 3, 4]) ?? NaN, 4.5 / Math.sqrt(4.5 * 5), 1e-12);
  assertEquals(rankCorrelation([3, 3, 3], [1, 2, 3]), null);
});

Deno.test("rankCorrelation() refuses lists that do not match", () => {
  for (const [a, b] of [[[1, 2], [1]], [[1], [1]], [[1, NaN], [1, 2]]] as const) {
    assertThrows(() => rankCorrelation(a, b), RangeError, "Cannot correlate ranks");
  }
});
