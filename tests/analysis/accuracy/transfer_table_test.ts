import { assert, assertEquals, assertThrows } from "@std/assert";
import { type BenchmarkOutcomes, transferTable } from "../../../lib/analysis/mod.ts";

function condition(right: number, count = 100): BenchmarkOutcomes {
  return { sums: [[Array.from({ length: count }, (_, index) => [index < right ? 1 : 0])]] };
}

const ROW = {
  recipient: "model-2",
  base: condition(20),
  donors: { "model-10": condition(40), "model-2": condition(70), "model-1": condition(10) },
};

Deno.test("transferTable() lists donors in natural order, base last, own = 1 and base = 0", () => {
  const cells = transferTable([ROW]);
  assertEquals(cells.map(({ donor }) => donor), ["model-1", "model-2", "model-10", null]);
  assertEquals(cells.map(({ percent }) => percent), [10, 70, 40, 20]);
  assertEquals(cells.map(({ normalised }) => normalised.value), [-0.2, 1, 0.4, 0]);
  assertEquals(cells[1]?.normalised, { value: 1, low: 1, high: 1, reason: null });
  assertEquals(cells[3]?.normalised, { value: 0, low: 0, high: 0, reason: null });
  const { low, high } = cells[2]?.normalised ?? {};
  assert((low as number) < 0.4 && (high as number) > 0.4 && (low as number) > 0);
});

Deno.test("transferTable() has no normalised value without own vectors or an established gain, and says why", () => {
  const [without] = transferTable([{ ...ROW, recipient: "model-3" }]);
  assertEquals(without?.normalised, {
    value: null,
    low: null,
    high: null,
    reason: "the recipient's own vectors were not measured",
  });
  const [flat] = transferTable([{ ...ROW, base: condition(70) }]);
  assertEquals(flat?.normalised.value, null);
  assertEquals(flat?.normalised.reason, "the gain of 0 points is not established, its interval is [0, 0]");
});

Deno.test("transferTable() as published shows raw cells where it cannot divide", () => {
  const published = (row: typeof ROW) =>
    transferTable([row], { asPublished: true }).map(({ normalised }) => normalised.value);
  assertEquals(published(ROW), [-0.2, 1, 0.4, 0]);
  assertEquals(published({ ...ROW, base: condition(70) }), [10, 70, 40, 70]);
  assertEquals(published({ ...ROW, recipient: "model-3" }), [10, 70, 40, 20]);
});

Deno.test("transferTable() refuses a donor on other problems", () => {
  assertThrows(
    () => transferTable([{ ...ROW, donors: { "model-1": condition(5, 50) } }]),
    RangeError,
    "same problems",
  );
});
