import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  finalDifferenceSimilarity,
  similarityBlocks,
  type TextDifferences,
} from "../../../lib/analysis/mod.ts";
import { RandomStream } from "../../../lib/core/mod.ts";
import { assertClose } from "../../tolerances.ts";

function differences(...sums: number[][]): TextDifferences {
  return {
    texts: sums.map((_, text) => text),
    rows: sums.map(() => 1),
    sums: sums.map((sum) => Float64Array.from(sum)),
  };
}

Deno.test("finalDifferenceSimilarity() is the cosine of means over all tokens, so long texts count more", () => {
  // Layer 0: (3, 0) + (0, 4) = (3, 4). Layer 1: along x. Layer 2: along −y.
  const matrix = finalDifferenceSimilarity([
    differences([3, 0], [0, 4]),
    differences([1, 0], [7, 0]),
    differences([0, -1], [0, -1]),
  ]);
  assertClose(matrix.flat() as number[], [1, 0.6, -0.8, 0.6, 1, 0, -0.8, 0, 1], "float64Arithmetic");
});

Deno.test("finalDifferenceSimilarity() has null for a layer without any difference", () => {
  assertEquals(finalDifferenceSimilarity([differences([1, 0]), differences([0, 0])]), [[1, null], [
    null,
    null,
  ]]);
});

Deno.test("similarityBlocks() averages the upper block and the last column, not the diagonal", () => {
  // Angles of 0°, 60°, 90° and the last at 180°: cosines .5, 0, cos 30°; with the last −1, −.5, 0.
  const at = (degrees: number) =>
    differences([Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)]);
  const blocks = similarityBlocks([[at(0), at(60), at(90), at(180)]], { draws: 20 });
  assertClose([blocks.among.mean], [(0.5 + 0 + Math.sqrt(3) / 2) / 3], "float64Arithmetic");
  assertClose([blocks.withLast.mean], [-0.5], "float64Arithmetic");
  assertClose([blocks.difference.mean], [(0.5 + Math.sqrt(3) / 2) / 3 + 0.5], "float64Arithmetic");
  // One text: every draw is that text.
  assertEquals([blocks.among.low, blocks.among.high], [blocks.among.mean, blocks.among.mean]);
  assertEquals(blocks.droppedDraws, 0);
});

/** Layers whose texts scatter about (1, 0), the last about (0, 1), with normal noise of the given size. */
function noisyLayers(options: { texts: number; noise: number; seed: number }): TextDifferences[] {
  const stream = new RandomStream(options.seed, "noisy layers");
  const text = (x: number, y: number) => [x, y].map((value) => value + options.noise * stream.normal());
  return [0, 1, 2, 3].map((layer) =>
    differences(...Array.from({ length: options.texts }, () => layer < 3 ? text(1, 0) : text(0, 1)))
  );
}

Deno.test("similarityBlocks() has the interval that first-order error propagation gives", () => {
  // The angle of a mean of n texts with noise s across it has standard deviation s/√n; the cosine of two layers at
  // right angles moves by the difference of their angles. The mean over three early layers: s/√n · √(1/3 + 1).
  const texts = 400, noise = 0.5;
  const { withLast } = similarityBlocks([noisyLayers({ texts, noise, seed: 3 })], { draws: 1000 });
  const expected = 2 * 1.96 * noise / Math.sqrt(texts) * Math.sqrt(4 / 3);
  const width = withLast.high - withLast.low;
  // 1000 draws know a 95 % width to some 5 %, and the noise of 400 texts its own size to 4 %.
  assert(Math.abs(width / expected - 1) < 0.2, `${width} against ${expected}`);
  assert(withLast.low < withLast.mean && withLast.mean < withLast.high);
});

Deno.test("similarityBlocks() separates two mechanisms and is the same for the same seed", () => {
  const layers = noisyLayers({ texts: 60, noise: 0.4, seed: 1 });
  const one = similarityBlocks([layers], { draws: 200, seed: 5 });
  assert(one.difference.low > 0.5);
  assertEquals(similarityBlocks([layers], { draws: 200, seed: 5 }), one);
  assert(similarityBlocks([layers], { draws: 200, seed: 6 }).among.low !== one.among.low);
});

Deno.test("similarityBlocks() pairs the draws: equal layers differ by nothing in any of them", () => {
  const layer = noisyLayers({ texts: 20, noise: 2, seed: 2 })[0] as TextDifferences;
  const { difference } = similarityBlocks([[layer, layer, layer]], { draws: 50 });
  assertClose([difference.low, difference.high], [0, 0], {
    dtype: "float64",
    device: "cpu",
    kind: "absolute",
    measured: null,
    bound: 1e-15,
    reason: "cosines of equal vectors are 1 up to one rounding",
  });
});

Deno.test("similarityBlocks() counts draws in which a mean difference vanishes", () => {
  // Two texts cancel: a draw with one of each has no mean difference, half of all draws.
  const odd = differences([1, 0], [-1, 0], [1, 0]), plain = differences([1, 1], [1, 1], [1, 1]);
  const { droppedDraws, among } = similarityBlocks([[odd, plain, plain]], { draws: 200 });
  assertEquals(droppedDraws, 0); // three texts of ±1 never cancel
  assertClose([among.mean], [Math.SQRT1_2], "float64Arithmetic");
  const even = differences([2, 0], [-1, 0], [1, 0]);
  assert(similarityBlocks([[even, plain, plain]], { draws: 200 }).droppedDraws > 0);
});

Deno.test("similarityBlocks() and finalDifferenceSimilarity() refuse what cannot be compared", () => {
  const one = differences([1, 0]);
  assertThrows(() => similarityBlocks([[one, one]]), RangeError, "current count is 2");
  assertThrows(() => similarityBlocks([[one, differences([0, 0]), one]]), RangeError, "layer 1 causes none");
  assertThrows(() => finalDifferenceSimilarity([]), RangeError, "none");
  assertThrows(
    () => finalDifferenceSimilarity([one, differences([1, 0], [1, 0])]),
    RangeError,
    "same texts: layer 1",
  );
  assertThrows(
    () => finalDifferenceSimilarity([one, { ...one, sums: [] }]),
    RangeError,
    "1 and 0 for 1 texts",
  );
  assertThrows(() => finalDifferenceSimilarity([one, differences([1])]), RangeError, "layer 1, text 0");
});
