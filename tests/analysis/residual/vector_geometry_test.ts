import { assert, assertEquals, assertThrows } from "@std/assert";
import { cosineMatrix, vectorGeometry } from "../../../lib/analysis/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";
import { assertClose } from "../../tolerances.ts";
import { analysisGolden } from "../_golden.ts";

const { spectra } = await analysisGolden();

Deno.test("vectorGeometry() has the singular values, norms and stable rank of numpy", () => {
  for (const { rows, values, stableRank, norms } of spectra) {
    const geometry = vectorGeometry(rows);
    assertClose(geometry.singularValues, values, "float64Arithmetic");
    assertClose(geometry.norms, norms, "float64Arithmetic");
    assertClose([geometry.stableRank as number], [stableRank], "float64Arithmetic");
  }
});

Deno.test("vectorGeometry() at unit length has the singular values of the scaled rows", () => {
  for (const { rows, unitValues } of spectra) {
    const { singularValues } = vectorGeometry(rows, { scale: "unit" });
    assertClose(singularValues, unitValues, "float64Arithmetic");
  }
});

Deno.test("vectorGeometry() has the cosines of torch, and none for a zero vector", () => {
  for (const { rows, cosines, norms } of spectra) {
    const geometry = vectorGeometry(rows);
    // The golden file writes 7 where torch has no cosine.
    const filled = geometry.cosines.map((row) => row.map((value) => value ?? 7));
    assertClose(filled.flat(), cosines.flat(), "float64Arithmetic");
    const missing = geometry.cosines.flat().filter((value) => value === null).length;
    assertEquals(missing, norms.includes(0) ? 2 * rows.length - 1 : 0);
  }
});

Deno.test("vectorGeometry() finds small singular values to their own precision", () => {
  // σ₁σ₂ is the determinant 1e-12 and σ₁² + σ₂² = 2 + 1e-24, so σ₂ = 1e-12/√2 up to 1e-24 of itself.
  const [first, second] = vectorGeometry([[1, 1], [0, 1e-12]]).singularValues as [number, number];
  assertClose([first], [Math.SQRT2], "float64Arithmetic");
  assertClose([second], [1e-12 / Math.SQRT2], "float64Arithmetic");
});

Deno.test("vectorGeometry() survives numbers whose squares overflow or vanish", () => {
  for (const scale of [1e200, 1e-200]) {
    const { norms, singularValues, stableRank, cosines } = vectorGeometry([[3 * scale, 0], [
      3 * scale,
      4 * scale,
    ]]);
    assertClose(norms, [3 * scale, 5 * scale], "float64Arithmetic");
    // Eigenvalues of [[9, 9], [9, 25]]: 17 ± √145.
    const squares = [17 + Math.sqrt(145), 17 - Math.sqrt(145)];
    assertClose(singularValues, squares.map((square) => scale * Math.sqrt(square)), "float64Arithmetic");
    assertClose([stableRank as number], [34 / (squares[0] as number)], "float64Arithmetic");
    assertClose([cosines[0]?.[1] as number], [0.6], "float64Arithmetic");
  }
});

Deno.test("vectorGeometry() of orthogonal vectors of one length has their number as stable rank", () => {
  const identity = Array.from({ length: 5 }, (_, i) => Array.from({ length: 9 }, (_, j) => i === j ? -2 : 0));
  const { singularValues, stableRank } = vectorGeometry(identity);
  assertEquals(singularValues, [2, 2, 2, 2, 2]);
  assertEquals(stableRank, 5);
});

Deno.test("vectorGeometry() keeps squares of a wide random matrix: Σσ² is its sum of squares", () => {
  const stream = new RandomStream(0, "geometry");
  const rows = Array.from({ length: 32 }, () => Float32Array.from({ length: 256 }, () => stream.normal()));
  const { singularValues } = vectorGeometry(rows);
  const squares = rows.reduce((sum, row) => row.reduce((part, value) => part + value * value, sum), 0);
  assertClose([singularValues.reduce((sum, value) => sum + value * value, 0)], [squares], {
    dtype: "float64",
    device: "cpu",
    kind: "relative",
    measured: 6.3e-15,
    bound: 1e-12,
    reason: "a few thousand rotations of 256 entries each, every one a rounding of 2^-53",
  });
  assert(
    singularValues.every((value, place) => place === 0 || value <= (singularValues[place - 1] as number)),
  );
});

Deno.test("vectorGeometry() drops the sign of directions on request, and nothing else changes", () => {
  const vectors = [[1, 0, 0], [-3, 4, 0]], kept = vectorGeometry(vectors);
  const dropped = vectorGeometry(vectors, { sign: "drop" });
  assertEquals(kept.cosines[0]?.[1], -0.6);
  assertEquals(dropped.cosines[0]?.[1], 0.6);
  assertEquals(dropped.singularValues, kept.singularValues);
});

Deno.test("vectorGeometry() of zero vectors has neither cosines nor a stable rank", () => {
  const geometry = vectorGeometry([[0, 0], [0, 0]], { scale: "unit" });
  assertEquals(geometry, {
    norms: [0, 0],
    cosines: [[null, null], [null, null]],
    singularValues: [0, 0],
    stableRank: null,
  });
});

Deno.test("cosineMatrix() has rows of the first list and columns of the second", () => {
  assertEquals(cosineMatrix([[1, 0], [0, 0]], [[0, 1], [2, 0], [-3, 0]]), [[0, 1, -1], [null, null, null]]);
});

Deno.test("cosineMatrix() refuses nothing, lengths that differ and numbers that are none", () => {
  assertThrows(() => cosineMatrix([], [[1]]), RangeError, "current count is 0");
  assertThrows(() => cosineMatrix([[1, 2]], [[1]]), RangeError, "current lengths are 2 and 1");
  assertThrows(
    () => cosineMatrix([[1, 2], [1]], [[1, 2]]),
    RangeError,
    "vector 1 as it must have 2 values: current count is 1",
  );
  assertThrows(() => vectorGeometry([[1, NaN]]), RangeError, "vector 0 as its values must be finite");
});
