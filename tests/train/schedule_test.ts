import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { scheduleFactor } from "../../lib/train/mod.ts";

Deno.test("scheduleFactor() rises from 0 at the first step to 1 and stays, as in the published runs", () => {
  const schedule = { warmupSteps: 10, decay: "constant", totalSteps: 314 } as const;
  assertEquals([0, 1, 5, 9, 10, 11, 313].map((step) => scheduleFactor(schedule, step)), [
    0,
    0.1,
    0.5,
    0.9,
    1,
    1,
    1,
  ]);
});

Deno.test("scheduleFactor() starts at the peak without a warm-up", () => {
  for (const decay of ["constant", "cosine"] as const) {
    assertEquals(scheduleFactor({ warmupSteps: 0, decay, totalSteps: 7 }, 0), 1);
  }
});

Deno.test("scheduleFactor() falls along a cosine from the end of the warm-up to the floor", () => {
  const schedule = { warmupSteps: 20, decay: "cosine", totalSteps: 120, floor: 0.05 } as const;
  assertEquals(scheduleFactor(schedule, 10), 0.5);
  assertEquals(scheduleFactor(schedule, 20), 1);
  // A quarter, half and three quarters of the way: 0.05 + 0.95·(1 + cos φ)/2.
  assertAlmostEquals(scheduleFactor(schedule, 45), 0.05 + 0.95 * (1 + Math.SQRT1_2) / 2, 1e-12);
  assertAlmostEquals(scheduleFactor(schedule, 70), 0.525, 1e-12);
  assertAlmostEquals(scheduleFactor(schedule, 95), 0.05 + 0.95 * (1 - Math.SQRT1_2) / 2, 1e-12);
  assertAlmostEquals(scheduleFactor(schedule, 120), 0.05, 1e-12);
});

Deno.test("scheduleFactor() never falls below the floor, a tenth where none is given", () => {
  const schedule = { warmupSteps: 3, decay: "cosine", totalSteps: 11 } as const;
  const factors = Array.from({ length: 20 }, (_, step) => scheduleFactor(schedule, step));
  factors.slice(4, 12).forEach((factor, index) => assert(factor < (factors[index + 3] as number)));
  factors.slice(11).forEach((factor) => assertAlmostEquals(factor, 0.1, 1e-12));
});

Deno.test("scheduleFactor() stands when the warm-up takes the whole run", () => {
  const schedule = { warmupSteps: 4, decay: "cosine", totalSteps: 4 } as const;
  assertEquals([0, 3].map((step) => scheduleFactor(schedule, step)), [0, 0.75]);
});
