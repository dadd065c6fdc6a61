import { assertEquals, assertThrows } from "@std/assert";
import { finalNormShift, throughFinalNorm } from "../../lib/analysis/mod.ts";
import { assertClose } from "../tolerances.ts";
import { analysisGolden } from "./_golden.ts";

const { lens: { epsilon, gain, vector, behind, base, steered, normedShift } } = await analysisGolden();

Deno.test("throughFinalNorm() is the RMSNorm of torch", () => {
  assertClose(throughFinalNorm(vector, { gain, epsilon }), behind, "float64Arithmetic");
});

Deno.test("finalNormShift() is the difference of two norms of torch, row by row", () => {
  const rows = { base: Float32Array.from(base.flat()), steered: Float32Array.from(steered.flat()) };
  assertClose(finalNormShift(rows, { gain, epsilon }), normedShift.flat(), "operatorFloat32");
});

Deno.test("finalNormShift() is zero where nothing was steered, and the whole norm from a zero residual", () => {
  const finalNorm = { gain: [2, 1], epsilon: 0 }, some = Float32Array.of(3, 4), none = new Float32Array(2);
  assertEquals([...finalNormShift({ base: some, steered: some }, finalNorm)], [0, 0]);
  assertClose(
    finalNormShift({ base: none, steered: some }, finalNorm),
    throughFinalNorm(some, finalNorm),
    "operatorFloat32",
  );
});

Deno.test("finalNormShift() refuses rows that do not match, and numbers that are none", () => {
  const finalNorm = { gain: [1, 1], epsilon: 1e-6 }, two = new Float32Array(2);
  assertThrows(
    () => finalNormShift({ base: two, steered: new Float32Array(4) }, finalNorm),
    RangeError,
    "current counts are 2 and 4",
  );
  assertThrows(
    () => finalNormShift({ base: new Float32Array(3), steered: new Float32Array(3) }, finalNorm),
    RangeError,
    "[rows, 2]",
  );
  const broken = Float32Array.of(0, 0, NaN, 1);
  assertThrows(
    () => finalNormShift({ base: new Float32Array(4), steered: broken }, finalNorm),
    RangeError,
    "row 1 is not",
  );
  assertThrows(() => throughFinalNorm([1], finalNorm), RangeError, "2 values: current count is 1");
  assertThrows(() => throughFinalNorm([1], { gain: [1], epsilon: -1 }), RangeError, "epsilon -1");
});
