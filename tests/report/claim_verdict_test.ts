import { assertEquals, assertThrows } from "@std/assert";
import { intervalVerdict } from "../../lib/report/mod.ts";

Deno.test("intervalVerdict() holds inside, fails outside and is open across an end", () => {
  const above = (low: number, high: number) => intervalVerdict({ low, high }, { above: 0 });
  assertEquals([above(0.1, 2), above(-1, 2), above(-2, -1)], [true, null, false]);
  const between = (low: number, high: number) => intervalVerdict({ low, high }, { above: 50, below: 90 });
  assertEquals([between(60, 80), between(40, 60), between(80, 95), between(40, 95)], [
    true,
    null,
    null,
    null,
  ]);
  assertEquals([between(10, 45), between(91, 99)], [false, false]);
});

Deno.test("intervalVerdict() counts an end that is only touched as outside", () => {
  assertEquals(intervalVerdict({ low: 0, high: 1 }, { above: 0 }), null);
  assertEquals(intervalVerdict({ low: -1, high: 0 }, { above: 0 }), false);
  assertEquals(intervalVerdict({ low: 1, high: 2 }, { below: 1 }), false);
  assertEquals(intervalVerdict({ low: 0, high: 0 }, { above: 0 }), false);
});

Deno.test("intervalVerdict() leaves an effect that is not applicable open, and refuses what makes no sense", () => {
  assertEquals(intervalVerdict({ low: null, high: null }, { above: 0 }), null);
  assertThrows(() => intervalVerdict({ low: 0, high: 1 }, {}), RangeError, "must have an end");
  assertThrows(() => intervalVerdict({ low: 0, high: 1 }, { above: 2, below: 1 }), RangeError, "(2, 1)");
  assertThrows(() => intervalVerdict({ low: 2, high: 1 }, { above: 0 }), RangeError, "[2, 1]");
  assertThrows(() => intervalVerdict({ low: NaN, high: 1 }, { above: 0 }), RangeError, "[NaN, 1]");
});
