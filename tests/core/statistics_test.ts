import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { mean, quantile, standardDeviation } from "../../lib/core/mod.ts";
import { assertClose } from "../tolerances.ts";

const VALUES = [7.25, -3.5, 0.125, 19.0, 2.0, 2.0, -11.75];

Deno.test("mean() and standardDeviation() agree with NumPy", () => {
  // NumPy 2: x.mean(), x.std(), x.std(ddof=1)
  const expected = [2.1607142857142856, 8.776672176274783, 9.479889428227978];
  const actual = [mean(VALUES), standardDeviation(VALUES), standardDeviation(VALUES, { ddof: 1 })];
  assertClose(actual, expected, "float64Arithmetic");
});

Deno.test("quantile() agrees with NumPy's default", () => {
  // NumPy 2: numpy.quantile(x, q)
  const shares = [0, 0.05, 0.25, 1 / 3, 0.5, 0.9, 0.975, 1];
  const expected = [
    -11.75,
    -9.274999999999999,
    -1.6875,
    0.125,
    2.0,
    11.950000000000005,
    17.237499999999997,
    19.0,
  ];
  assertClose(shares.map((share) => quantile(VALUES, share)), expected, "float64Arithmetic");
});

Deno.test("quantile() sorts by value and leaves its argument alone", () => {
  const values = [10, 9, 100, 1];
  assertEquals(quantile(values, 1), 100);
  assertEquals(values, [10, 9, 100, 1]);
  assertEquals(quantile([5], 0.3), 5);
});

Deno.test("quantile() refuses a share outside [0, 1]", () => {
  for (const share of [-0.1, 1.1, NaN]) assertThrows(() => quantile([1], share), RangeError, `${share}`);
});

Deno.test("the statistics of nothing are NaN", () => {
  for (
    const value of [mean([]), standardDeviation([]), quantile([], 0.5), standardDeviation([1], { ddof: 1 })]
  ) {
    assertEquals(value, NaN);
  }
});

Deno.test("standardDeviation() keeps its digits far from zero", () => {
  assertAlmostEquals(standardDeviation([1e9 + 1, 1e9 + 2, 1e9 + 3]), Math.sqrt(2 / 3), 1e-12);
});
