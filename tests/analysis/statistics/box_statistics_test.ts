import { assertEquals, assertThrows } from "@std/assert";
import { boxStatistics } from "../../../lib/analysis/mod.ts";

Deno.test("boxStatistics() ends whiskers at the last datum inside the fences", () => {
  // Quartiles 3.5 and 8.5, fences −4 and 16: 30 lies outside.
  assertEquals(boxStatistics([30, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), {
    count: 11,
    mean: 85 / 11,
    lowerQuartile: 3.5,
    median: 6,
    upperQuartile: 8.5,
    lowerWhisker: 1,
    upperWhisker: 10,
    fliers: [30],
  });
});

Deno.test("boxStatistics() gives a whisker no length when no datum lies between the edge and the fence", () => {
  // Quartiles 0 and 2.5, upper fence 6.25: all data inside the fence lie below the upper edge.
  const box = boxStatistics([0, 0, 0, 10]);
  assertEquals([box.upperQuartile, box.upperWhisker, box.fliers], [2.5, 2.5, [10]]);
});

Deno.test("boxStatistics() of one value is that value everywhere", () => {
  const box = boxStatistics([0.25]);
  assertEquals([box.lowerWhisker, box.median, box.upperWhisker, box.fliers], [0.25, 0.25, 0.25, []]);
});

Deno.test("boxStatistics() refuses no values and values that are not finite", () => {
  assertThrows(() => boxStatistics([]), RangeError, "current count is 0");
  assertThrows(() => boxStatistics([1, NaN]), RangeError, "value 1 must be finite: it is NaN");
});
