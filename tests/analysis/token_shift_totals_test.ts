import { assertEquals, assertThrows } from "@std/assert";
import { TokenShiftTotals } from "../../lib/analysis/mod.ts";

/** Three rows over four tokens; each row sums to 0. */
function filled(): TokenShiftTotals {
  const totals = new TokenShiftTotals(4);
  totals.add(Float64Array.of(0.5, -0.25, -0.25, 0), { maxToken: 0, minToken: 1 });
  totals.add(Float64Array.of(0.25, -0.5, 0.25, 0), { maxToken: 0, minToken: 1 });
  totals.add(Float64Array.of(-0.75, 0, -0.25, 1), { maxToken: 3, minToken: 0 });
  return totals;
}

Deno.test("TokenShiftTotals averages each token over all rows, and the means cancel", () => {
  const means = filled().means();
  assertEquals([...means].map((mean) => mean * 3), [0, -0.75, -0.25, 1]);
  assertEquals(means.reduce((sum, mean) => sum + mean), 0);
});

Deno.test("TokenShiftTotals ranks tokens that lead two rows, both ways, and all where none does", () => {
  const totals = filled();
  assertEquals(totals.top().map(({ token, leads }) => [token, leads]), [[0, 2]]);
  assertEquals(totals.top({ side: "falling" }).map(({ token, leads }) => [token, leads]), [[1, 2]]);
  assertEquals(totals.top({ minimumCount: 1 }).map(({ token }) => token), [3, 0]);
  // No token leads nine rows: the filter is dropped, and equal means would come by id.
  assertEquals(totals.top({ minimumCount: 9 }).map(({ token }) => token), [3, 0, 2, 1]);
  assertEquals(totals.top({ minimumCount: 9, first: 2, side: "falling" }).map(({ token }) => token), [1, 2]);
});

Deno.test("TokenShiftTotals refuses rows of another size and averages of nothing", () => {
  const totals = new TokenShiftTotals(2);
  assertThrows(() => totals.means(), RangeError, "current count is 0");
  assertThrows(
    () => totals.add(new Float64Array(3), { maxToken: 0, minToken: 1 }),
    RangeError,
    "must have 2 tokens",
  );
  assertThrows(
    () => totals.add(new Float64Array(2), { maxToken: 2, minToken: 1 }),
    RangeError,
    "led by 2 and 1",
  );
  assertThrows(() => new TokenShiftTotals(0), RangeError, "current value is 0");
});
