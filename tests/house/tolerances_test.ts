import { assertThrows } from "@std/assert";
import { assertClose, type Tolerance, TOLERANCES } from "../tolerances.ts";

const absolute: Tolerance = {
  dtype: "float64",
  device: "cpu",
  kind: "absolute",
  measured: null,
  bound: 0.5,
  reason: "for this test",
};
const relative: Tolerance = { ...absolute, kind: "relative", bound: 0.01 };

Deno.test("assertClose() passes at the bound and fails beyond it", () => {
  assertClose([1, 2.5], [1, 2], absolute);
  assertThrows(() => assertClose([1, 2.625], [1, 2], absolute), Error, "0.625");
});

Deno.test("assertClose() measures relative error against the largest expected value", () => {
  assertClose([100, 0.5], [100, 0], relative);
  assertThrows(() => assertClose([100, 2], [100, 0], relative), Error, "max rel 0.02");
  assertThrows(() => assertClose([1e-300], [0], relative));
});

Deno.test("assertClose() says where the worst element is, and both values", () => {
  assertThrows(
    () => assertClose([1, 5, 3.75], [1, 2, 3], absolute),
    Error,
    "max abs 3, max rel 1, at index 1: 5 against 2",
  );
});

Deno.test("assertClose() never passes NaN, and infinities only against themselves", () => {
  const wide: Tolerance = { ...absolute, bound: Infinity };
  for (const rule of [wide, { ...wide, kind: "relative" } as const]) {
    assertThrows(() => assertClose([NaN], [1], rule));
    assertThrows(() => assertClose([1], [NaN], rule));
    assertThrows(() => assertClose([NaN], [NaN], rule));
    assertThrows(() => assertClose([Infinity], [1], rule));
  }
  assertClose([Infinity, 1], [Infinity, 1], "exact");
  assertThrows(() => assertClose([Infinity, 2], [Infinity, 1], relative));
});

Deno.test("assertClose() compares lengths first", () => {
  assertThrows(() => assertClose([1], [1, 2], absolute), Error, "1 against 2");
});

Deno.test("every tolerance has a reason, and was measured below its bound", () => {
  for (const [name, rule] of Object.entries<Tolerance>(TOLERANCES)) {
    if (rule.reason.length < 20) throw new Error(`${name} gives no reason`);
    if (rule.measured !== null && rule.measured > rule.bound) {
      throw new Error(`${name} was measured beyond its bound`);
    }
  }
});
