import { assertEquals, assertThrows } from "@std/assert";
import { tokenLabel } from "../../../lib/report/mod.ts";

Deno.test("tokenLabel() makes every token visible", () => {
  const cases = [
    ["To", '"To"'],
    [" To", '"␣To"'],
    ["  x ", '"␣␣x␣"'],
    [" ", '"␣"'],
    ["a b", '"a b"'],
    ["\n\n", '"\\n\\n"'],
    [":\t\r", '":\\t\\r"'],
    ["\u00a0x", '"\\u00a0x"'],
    ["\u200b", '"\\u200b"'],
    [" Шаг", '"␣Шаг"'],
    ["\\boxed", '"\\boxed"'],
    ["", '""'],
    ["的解", '"\\u7684\\u89e3"'],
  ] as const;
  for (const [text, label] of cases) assertEquals(tokenLabel(text), label);
});

Deno.test("tokenLabel() keeps both ends of a long token within the length", () => {
  const label = tokenLabel("\\displaystyle\\begin{aligned}", { most: 20 });
  assertEquals(label, '"\\displays…aligned}"');
  assertEquals([...label].length, 20);
  assertEquals(tokenLabel("x".repeat(18), { most: 20 }), `"${"x".repeat(18)}"`);
  assertThrows(() => tokenLabel("x", { most: 4 }), RangeError, "current value is 4");
});
