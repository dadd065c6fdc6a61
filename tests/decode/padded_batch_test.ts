import { assertEquals, assertThrows } from "@std/assert";
import { padRight } from "../../lib/decode/mod.ts";

Deno.test("padRight() lays tokens left and zeros right", () => {
  const batch = padRight([[4, 5, 6], [7], [8, 9]], { vocab: 10 });
  assertEquals(batch.tokens.dims, [3, 3]);
  assertEquals(Array.from(batch.tokens.data, Number), [4, 5, 6, 7, 0, 0, 8, 9, 0]);
  assertEquals([batch.lengths, batch.seq], [[3, 1, 2], 3]);
});

Deno.test("padRight() refuses empty batches, empty rows and ids that are no tokens", () => {
  assertThrows(() => padRight([], { vocab: 10 }), RangeError, "got 0 rows");
  assertThrows(() => padRight([[1], []], { vocab: 10 }), RangeError, "rows of at least one token");
  for (const id of [10, -1, 1.5, NaN]) {
    assertThrows(() => padRight([[1], [2, id]], { vocab: 10 }), RangeError, `Cannot lay out row 1`);
    assertThrows(() => padRight([[1], [2, id]], { vocab: 10 }), RangeError, `current value is ${id}`);
  }
});
