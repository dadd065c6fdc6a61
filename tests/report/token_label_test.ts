import { assertEquals } from "@std/assert";
import { tokenLabel } from "../../lib/report/mod.ts";

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
  ] as const;
  for (const [text, label] of cases) assertEquals(tokenLabel(text), label);
});
