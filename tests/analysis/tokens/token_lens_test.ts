import { assertEquals, assertThrows } from "@std/assert";
import { lensTokens, meanReading, throughFinalNorm, TokenLens } from "../../../lib/analysis/mod.ts";
import { tensor } from "../../../lib/core/mod.ts";
import { assertClose } from "../../tolerances.ts";
import { analysisGolden } from "../_golden.ts";

const { lens: expected } = await analysisGolden();
const lens = new TokenLens(tensor("float32", [12, 6], expected.unembedding.flat()));

Deno.test("TokenLens.read() has torch's cosines and products", () => {
  const { cosine, dot } = lens.read(expected.vector);
  assertClose(cosine, expected.cosine, "float64Arithmetic");
  assertClose(dot, expected.dot, "float64Arithmetic");
});

Deno.test("TokenLens.read() behind the final norm has torch's cosines", () => {
  const behind = throughFinalNorm(expected.vector, { gain: expected.gain, epsilon: expected.epsilon });
  assertClose(lens.read(behind).cosine, expected.behindCosine, "float64Arithmetic");
});

Deno.test("TokenLens.read() of the mean shift behind the final norm is the mean change of torch's logits", () => {
  const norm = { gain: expected.gain, epsilon: expected.epsilon }, count = expected.base.length;
  const mean = new Float64Array(6);
  for (const [rows, sign] of [[expected.steered, 1], [expected.base, -1]] as const) {
    for (const row of rows) {
      throughFinalNorm(row, norm).forEach((value, at) =>
        mean[at] = (mean[at] as number) + sign * value / count
      );
    }
  }
  assertClose(lens.read(mean).dot, expected.logitChange, "operatorFloat32");
});

Deno.test("meanReading() is the mean token by token, of readings of one vocabulary", () => {
  const one = { cosine: Float64Array.of(0.5, 0), dot: Float64Array.of(2, 1) };
  const other = { cosine: Float64Array.of(0.25, 1), dot: Float64Array.of(4, 1) };
  const mean = { cosine: Float64Array.of(0.375, 0.5), dot: Float64Array.of(3, 1) };
  assertEquals(meanReading([one, other]), mean);
  assertThrows(() => meanReading([]), RangeError, "the same tokens");
});

Deno.test("lensTokens() ranks as torch's topk does, at both ends and by either reading", () => {
  const reading = lens.read(expected.vector);
  const ids = (options: Parameters<typeof lensTokens>[1]) =>
    lensTokens(reading, options).map(({ token }) => token);
  assertEquals(ids({ count: 4 }), expected.topByCosine);
  assertEquals(ids({ count: 4, side: "bottom", rankBy: "dot" }), expected.bottomByDot);
});

Deno.test("lensTokens() lists every token once, strongest first, when asked for more than there are", () => {
  const listed = lensTokens(lens.read(expected.vector), { count: 100 });
  assertEquals(listed.length, 12);
  assertEquals(new Set(listed.map(({ token }) => token)).size, 12);
  const cosines = listed.map(({ cosine }) => cosine as number);
  assertEquals(cosines, cosines.toSorted((a, b) => b - a));
});

Deno.test("lensTokens() gives ties to the lower id and leaves out what is not eligible", () => {
  const reading = { cosine: Float64Array.of(0.5, 0.7, 0.5, 0.7, 0.1), dot: Float64Array.of(1, 2, 3, 4, 5) };
  const ids = (options: Parameters<typeof lensTokens>[1]) =>
    lensTokens(reading, options).map(({ token }) => token);
  assertEquals(ids({ count: 3 }), [1, 3, 0]);
  assertEquals(ids({ count: 2, side: "bottom" }), [4, 0]);
  assertEquals(ids({ count: 3, eligible: (token) => token !== 1 }), [3, 0, 2]);
  assertEquals(lensTokens(reading, { count: 1 }), [{ token: 1, cosine: 0.7, dot: 2 }]);
});

Deno.test("a zero row of the unembedding has no cosine and is in no ranking by cosine", () => {
  const padded = new TokenLens(tensor("float32", [3, 2], [0, 0, 3, 4, -1, 0]));
  const reading = padded.read([1, 0]);
  assertEquals([...reading.cosine], [NaN, 0.6, -1]);
  assertEquals(lensTokens(reading, { side: "bottom" }).map(({ token }) => token), [2, 1]);
  assertEquals(lensTokens(reading, { rankBy: "dot" })[1], { token: 0, cosine: null, dot: 0 });
});

Deno.test("TokenLens refuses what it cannot read", () => {
  assertThrows(() => new TokenLens(tensor("float32", [4], [1, 2, 3, 4])), RangeError, "[4]");
  assertThrows(() => new TokenLens(tensor("float32", [2, 1], [1, Infinity])), RangeError, "row 1 is not");
  assertThrows(() => lens.read(new Float32Array(6)), RangeError, "must not be zero");
  assertThrows(() => lens.read([1]), RangeError, "6 values: current count is 1");
  assertThrows(() => lens.read([1, 2, 3, 4, 5, NaN]), RangeError, "value 5 is NaN");
  assertThrows(() => lensTokens(lens.read(expected.vector), { count: 0 }), RangeError, "current value is 0");
});
