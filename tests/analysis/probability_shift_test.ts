import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { probabilityShift, TokenShiftTotals } from "../../lib/analysis/mod.ts";
import { RandomStream, tensor } from "../../lib/core/mod.ts";
import { assertClose } from "../tolerances.ts";

/** Logits of one row whose softmax at temperature 1 is `probabilities`, shifted as models may. */
function logitsOf(probabilities: readonly number[], shift = 0): number[] {
  return probabilities.map((probability) => Math.log(probability) + shift);
}

const BASE = [0.6, 0.3, 0.1], STEERED = [0.2, 0.3, 0.5];

Deno.test("probabilityShift() finds the most raised and most lowered token of each row", () => {
  const base = tensor("float32", [2, 3], [...logitsOf(BASE, 40), ...logitsOf(STEERED, -7)]);
  const steered = tensor("float32", [2, 3], [...logitsOf(STEERED), ...logitsOf(BASE)]);
  const shift = probabilityShift({ base, steered }, { follow: [1, 2] });
  assertEquals([...shift.maxToken], [2, 0]);
  assertEquals([...shift.minToken], [0, 2]);
  assertEquals([...shift.baseToken], [0, 2]);
  assertEquals([...shift.steeredToken], [2, 0]);
  // Logits near 40 carry float32 steps of 4e-6.
  [0.4, 0.4].forEach((value, row) => assertAlmostEquals(shift.maxShift[row] as number, value, 2e-6));
  [-0.4, -0.4].forEach((value, row) => assertAlmostEquals(shift.minShift[row] as number, value, 2e-6));
  [0, 0].forEach((value, row) => assertAlmostEquals(shift.followed[0]?.[row] as number, value, 2e-6));
  [0.4, -0.4].forEach((value, row) => assertAlmostEquals(shift.followed[1]?.[row] as number, value, 2e-6));
  // From (.6, .3, .1) to (.2, .3, .5): .6 ln 3 + .1 ln .2; back: .2 ln ⅓ + .5 ln 5.
  [0.4982234, 0.5849977].forEach((value, row) =>
    assertAlmostEquals(shift.klNats[row] as number, value, 1e-5)
  );
});

Deno.test("probabilityShift() divides logits by the temperature", () => {
  // At T = 2 probabilities go as square roots: (4, 1)/5 becomes (2, 1)/3.
  const base = tensor("float32", [1, 2], [0, 0]), steered = tensor("float32", [1, 2], logitsOf([0.8, 0.2]));
  assertAlmostEquals(
    probabilityShift({ base, steered }, { temperature: 2 }).maxShift[0] as number,
    2 / 3 - 0.5,
    1e-7,
  );
});

Deno.test("probabilityShift() reads probabilities as they are", () => {
  const base = tensor("float32", [1, 3], BASE), steered = tensor("float32", [1, 3], STEERED);
  const shift = probabilityShift({ base, steered }, { kind: "probabilities" });
  assertAlmostEquals(shift.maxShift[0] as number, 0.4, 1e-7);
  assertEquals(shift.maxToken[0], 2);
});

Deno.test("probabilityShift() survives masked tokens and gives ties to the lower id", () => {
  const row = tensor("float32", [1, 3], [-Infinity, 1, 1]);
  const shift = probabilityShift({ base: row, steered: row });
  assertEquals([shift.maxShift[0], shift.maxToken[0], shift.minToken[0], shift.baseToken[0]], [0, 0, 0, 1]);
});

Deno.test("probabilityShift() refuses shapes, temperatures, tokens and numbers that make no sense", () => {
  const base = tensor("float32", [1, 2], [0, 0]);
  const wide = tensor("float32", [1, 3], [0, 0, 0]);
  assertThrows(
    () => probabilityShift({ base, steered: wide }),
    RangeError,
    "base is [1,2], steered is [1,3]",
  );
  assertThrows(
    () => probabilityShift({ base, steered: base }, { temperature: 0 }),
    RangeError,
    "current value is 0",
  );
  assertThrows(
    () => probabilityShift({ base, steered: base }, { kind: "probabilities", temperature: 2 }),
    RangeError,
    "1 for probabilities",
  );
  assertThrows(() => probabilityShift({ base, steered: base }, { follow: [2] }), RangeError, "[0, 2)");
  const broken = tensor("float32", [1, 2], [NaN, 0]);
  assertThrows(() => probabilityShift({ base, steered: broken }), RangeError, "row 0");
});

Deno.test("probabilityShift() gives the KL of a float64 softmax, divergent logits included", () => {
  const stream = new RandomStream(0, "kl");
  const logits = () => Float32Array.from({ length: 5 * 30 }, () => 4 * stream.normal());
  const a = logits(), b = logits();
  const { klNats } = probabilityShift({
    base: tensor("float32", [5, 30], a),
    steered: tensor("float32", [5, 30], b),
  }, {
    temperature: 0.7,
  });
  const twin = Array.from({ length: 5 }, (_, row) => {
    const softmax = (values: Float32Array) => {
      const weights = [...values.subarray(row * 30, row * 30 + 30)].map((value) => Math.exp(value / 0.7));
      return weights.map((weight) => weight / weights.reduce((sum, other) => sum + other));
    };
    const p = softmax(a), q = softmax(b);
    return p.reduce((sum, value, token) => sum + value * Math.log(value / (q[token] as number)), 0);
  });
  assertClose(klNats, twin, "float64Arithmetic");
  // The second token's steered probability, e^-800, is 0 in float64; its logarithm is not lost.
  const far = probabilityShift({
    base: tensor("float32", [1, 2], [0, 0]),
    steered: tensor("float32", [1, 2], [0, -800]),
  });
  assertClose(far.klNats, [400 - Math.log(2)], "float64Arithmetic");
});

Deno.test("probabilityShift() has a KL of 0 for equal rows, of probabilities too, and none where steering excludes a token", () => {
  const row = tensor("float32", [1, 3], [-Infinity, 1, 1]), open = tensor("float32", [1, 3], [0, 1, 1]);
  assertEquals(probabilityShift({ base: row, steered: row }).klNats[0], 0);
  const base = tensor("float32", [1, 3], BASE), steered = tensor("float32", [1, 3], STEERED);
  const { klNats } = probabilityShift({ base, steered }, { kind: "probabilities" });
  assertAlmostEquals(klNats[0] as number, 0.4982234, 1e-6);
  assertThrows(() => probabilityShift({ base: open, steered: row }), RangeError, "token 0 is not");
});

Deno.test("probabilityShift() adds rows up in totals, all or the first ones", () => {
  const base = tensor("float32", [2, 3], [...logitsOf(BASE), ...logitsOf(BASE)]);
  const steered = tensor("float32", [2, 3], [...logitsOf(STEERED), ...logitsOf(BASE)]);
  const all = new TokenShiftTotals(3), first = new TokenShiftTotals(3);
  probabilityShift({ base, steered }, { totals: all });
  probabilityShift({ base, steered }, { totals: first, totalRows: 1 });
  assertEquals([all.rows, first.rows], [2, 1]);
  [-0.2, 0, 0.2].forEach((value, token) => assertAlmostEquals(all.means()[token] as number, value, 1e-7));
  [-0.4, 0, 0.4].forEach((value, token) => assertAlmostEquals(first.means()[token] as number, value, 1e-7));
  assertThrows(
    () => probabilityShift({ base, steered }, { totals: all, totalRows: 3 }),
    RangeError,
    "[0, 2]",
  );
});
