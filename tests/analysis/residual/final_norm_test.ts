import { assertThrows } from "@std/assert";
import { throughFinalNorm } from "../../../lib/analysis/mod.ts";
import { assertClose } from "../../tolerances.ts";
import { analysisGolden } from "../_golden.ts";

const { lens: { epsilon, gain, vector, behind, base, steered, normedShift } } = await analysisGolden();

Deno.test("throughFinalNorm() is the RMSNorm of torch", () => {
  assertClose(throughFinalNorm(vector, { gain, epsilon }), behind, "float64Arithmetic");
});

Deno.test("throughFinalNorm() of two streams differs as the norms of torch do, row by row", () => {
  const of = (rows: readonly (readonly number[])[]) =>
    rows.flatMap((row) => [...throughFinalNorm(row, { gain, epsilon })]);
  const before = of(base), differences = of(steered).map((value, at) => value - (before[at] as number));
  assertClose(differences, normedShift.flat(), "operatorFloat32");
});

Deno.test("throughFinalNorm() refuses vectors that do not match, and numbers that are none", () => {
  const finalNorm = { gain: [1, 1], epsilon: 1e-6 };
  assertThrows(() => throughFinalNorm([1], finalNorm), RangeError, "2 values: current count is 1");
  assertThrows(() => throughFinalNorm([1], { gain: [1], epsilon: -1 }), RangeError, "epsilon -1");
});
