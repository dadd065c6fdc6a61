import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { AttentionChange } from "../../../lib/analysis/mod.ts";

Deno.test("AttentionChange takes the largest and mean change of each head over causal weights", () => {
  const change = new AttentionChange(2);
  // [1, 2, 2, 2]; the weight above the diagonal must not count, whatever it holds.
  change.add({
    dims: [1, 2, 2, 2],
    base: [1, 9, 0.5, 0.5, 1, 9, 0.25, 0.75],
    steered: [1, 0, 0.9, 0.1, 1, 0, 0.25, 0.75],
  });
  const [first, second] = change.heads();
  assertAlmostEquals(first?.max as number, 0.4, 1e-15);
  assertAlmostEquals(first?.mean as number, 0.8 / 3, 1e-15); // three causal weights
  assertAlmostEquals(first?.moved as number, 0.4 / 2, 1e-15); // 0 and 0.4 over two queries
  assertEquals(second, { head: 1, max: 0, mean: 0, moved: 0, queries: 2 });
});

Deno.test("AttentionChange leaves padding out and adds up over batches", () => {
  const one = { dims: [2, 1, 2, 2], base: [1, 0, 1, 0, 1, 0, 1, 0], steered: [1, 0, 0, 1, 1, 0, 0, 1] };
  const whole = new AttentionChange(1), padded = new AttentionChange(1);
  whole.add(one);
  assertEquals(whole.heads()[0], { head: 0, max: 1, mean: 4 / 6, moved: 0.5, queries: 4 });
  padded.add({ ...one, lengths: [2, 1] }); // the second row's second query is padding
  padded.add({ ...one, lengths: [1, 0] });
  assertEquals(padded.heads()[0], { head: 0, max: 1, mean: 2 / 5, moved: 1 / 4, queries: 4 });
});

Deno.test("AttentionChange reads the last queries when there are more keys", () => {
  const change = new AttentionChange(1);
  change.add({ dims: [1, 1, 1, 3], base: [1, 0, 0], steered: [0.5, 0.25, 0.25] });
  assertEquals(change.heads()[0], { head: 0, max: 0.5, mean: 1 / 3, moved: 0.5, queries: 1 });
});

Deno.test("AttentionChange refuses shapes, lengths and numbers that make no sense", () => {
  const change = new AttentionChange(1);
  const good = { dims: [1, 1, 1, 1], base: [1], steered: [1] };
  assertThrows(() => change.heads(), RangeError, "current count is 0");
  assertThrows(
    () => change.add({ ...good, dims: [1, 2, 1, 1] }),
    RangeError,
    "[batch, 1, seq, kv_seq ≥ seq]",
  );
  assertThrows(() => change.add({ ...good, base: [1, 2] }), RangeError, "2 and 1 weights");
  assertThrows(() => change.add({ ...good, lengths: [2] }), RangeError, "[0, 1]");
  assertThrows(() => change.add({ ...good, steered: [NaN] }), RangeError, "row 0, head 0, query 0, key 0");
  assertThrows(() => new AttentionChange(0), RangeError, "current value is 0");
});
