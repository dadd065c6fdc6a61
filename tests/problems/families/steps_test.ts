import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../../lib/core/mod.ts";
import {
  offBy,
  operandValue,
  slipKind,
  slippedResult,
  stepResult,
  stepText,
} from "../../../lib/problems/families/_steps.ts";

Deno.test("slipKind() tells carries and borrows from easy steps", () => {
  assertEquals(slipKind("add", 14, 25), "easyAdd");
  assertEquals(slipKind("add", 15, 25), "carryAdd");
  assertEquals(slipKind("subtract", 25, 15), "easySubtract");
  assertEquals(slipKind("subtract", 24, 15), "borrowSubtract");
  assertEquals(slipKind("multiple", 24, 5), "multiple");
});

Deno.test("stepResult() computes each kind", () => {
  assertEquals(stepResult("add", 14, 25), 39);
  assertEquals(stepResult("subtract", 14, 25), -11);
  assertEquals(stepResult("multiply", 7, 8), 56);
  assertEquals(stepResult("divide", 56, 7), 8);
  assertEquals(stepResult("divide", 57, 7), 8);
  assertEquals(stepResult("multiple", 55, 6), 54);
  assertEquals(stepResult("larger", 5, 9), 9);
});

Deno.test("stepText() writes each kind", () => {
  const plain = { product: "\\times", quotient: "frac" } as const;
  assertEquals(stepText({ kind: "add", left: 1, right: 2, result: 3 }, plain), "1 + 2 = 3");
  assertEquals(stepText({ kind: "subtract", left: 1, right: 2, result: -1 }, plain), "1 - 2 = -1");
  assertEquals(stepText({ kind: "multiply", left: 3, right: 2, result: 6 }, plain), "3 \\times 2 = 6");
  assertEquals(stepText({ kind: "divide", left: 6, right: 2, result: 3 }, plain), "\\frac{6}{2} = 3");
  assertEquals(
    stepText({ kind: "divide", left: 6, right: 2, result: 3 }, { ...plain, quotient: "slash" }),
    "6 / 2 = 3",
  );
  assertEquals(
    stepText({ kind: "multiple", left: 55, right: 6, result: 54 }, { ...plain, product: "\\cdot" }),
    "6 \\cdot 9 = 54",
  );
  assertEquals(stepText({ kind: "larger", left: 5, right: 9, result: 9 }, plain), "9 > 5");
  assertEquals(stepText({ kind: "larger", left: 5, right: 9, result: 5 }, plain), "5 > 9");
});

Deno.test("slippedResult() takes the smaller of two, and is off by an offset elsewhere", () => {
  const options = { habitShare: 0, offsets: [{ by: 10, weight: 1 }], random: new RandomStream(0, "steps") };
  assertEquals(slippedResult({ kind: "larger", left: 5, right: 9 }, options), 5);
  assertEquals(Math.abs(slippedResult({ kind: "larger", left: 5, right: 5 }, options) - 5), 10);
  const seen = new Set(
    Array.from({ length: 50 }, () => slippedResult({ kind: "add", left: 20, right: 9 }, options)),
  );
  assertEquals([...seen].sort(), [19, 39]);
});

Deno.test("offBy() never turns a non-negative number negative", () => {
  const options = { offsets: [{ by: 2, weight: 1 }], random: new RandomStream(0, "off") };
  for (let draw = 0; draw < 50; draw++) assertEquals(offBy(1, options), 3);
  const negative = new Set(Array.from({ length: 50 }, () => offBy(-1, options)));
  assert(negative.has(-3) && negative.has(1));
});

Deno.test("operandValue() refuses a step that is not done", () => {
  assertEquals(operandValue({ step: 0 }, [7]), 7);
  assertThrows(() => operandValue({ step: 1 }, [7]), RangeError, "Cannot read step 1");
});
