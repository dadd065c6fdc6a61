import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { mean, philox, RandomStream, rolloutUniform, standardDeviation } from "../../lib/core/mod.ts";

const hex = (words: readonly number[]): string =>
  words.map((word) => word.toString(16).padStart(8, "0")).join(" ");

const uniforms = (stream: RandomStream, count: number): number[] =>
  Array.from({ length: count }, () => stream.uniform());

/** Pearson's statistic of counts against equal shares; under equality its mean is the degrees of freedom. */
function chiSquare(counts: readonly number[]): number {
  const share = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - share) ** 2 / share, 0);
}

/** Five standard deviations above the mean of chi-square: a fair stream passes all but once in a million. */
const chiSquareBound = (bins: number): number => bins - 1 + 5 * Math.sqrt(2 * (bins - 1));

Deno.test("philox() gives the known answers of its authors", () => {
  const ones = 0xffffffff;
  assertEquals(hex(philox([0, 0, 0, 0], [0, 0])), "6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  assertEquals(hex(philox([ones, ones, ones, ones], [ones, ones])), "408f276d 41c83b0e a20bc7c6 6d5451fd");
  assertEquals(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  );
});

Deno.test("philox() changes half of its bits with one bit of the counter or of the key", () => {
  const bits = (word: number): number => word.toString(2).replaceAll("0", "").length;
  const base = philox([1, 2, 3, 4], [5, 6]);
  const changed = (other: readonly number[]): number =>
    other.reduce((sum, word, index) => sum + bits((word ^ (base[index] as number)) >>> 0), 0);
  // 128 fair bits: mean 64, standard deviation √32 ≈ 5.7; the bound is five of them.
  for (
    const other of [philox([1, 2, 3, 5], [5, 6]), philox([0, 2, 3, 4], [5, 6]), philox([1, 2, 3, 4], [5, 7])]
  ) {
    assertAlmostEquals(changed(other), 64, 5 * Math.sqrt(32));
  }
});

Deno.test("RandomStream.uniform() reads the words of philox in order, as 24-bit midpoints", () => {
  // A stream without a path keeps the starting values of its path hash.
  const words = [0, 1].flatMap((block) => philox([block, 0x73747265, 0x811c9dc5, 0x01000193], [9, 0]));
  const expected = words.map((word) => (Math.floor(word / 256) + 0.5) / 2 ** 24);
  assertEquals(uniforms(new RandomStream(9), 8), expected);
});

Deno.test("RandomStream.uniform() stays inside (0, 1), exactly in float32", () => {
  for (const value of uniforms(new RandomStream(1, "range"), 10_000)) {
    assert(value > 0 && value < 1);
  }
  // The two ends of the formula: word 0 and word 2^32 − 1.
  const low = 0.5 / 2 ** 24, high = (2 ** 24 - 0.5) / 2 ** 24;
  assertEquals(Math.fround(low), low);
  assert(low > 0 && high < 1);
});

Deno.test("RandomStream.uniform() is uniform", () => {
  const count = 65_536, values = uniforms(new RandomStream(3, "uniform"), count);
  // The mean of n uniforms has the standard deviation 1/√(12 n).
  assertAlmostEquals(mean(values), 0.5, 5 / Math.sqrt(12 * count));
  const bins = new Array<number>(64).fill(0);
  for (const value of values) bins[Math.floor(value * 64)] = (bins[Math.floor(value * 64)] as number) + 1;
  assert(chiSquare(bins) < chiSquareBound(64), `chi-square ${chiSquare(bins)}`);
});

Deno.test("RandomStream gives unrelated numbers to neighbouring seeds, paths and draws", () => {
  const count = 16_384;
  const base = uniforms(new RandomStream(7, "corpus", 12), count + 1);
  const others = [
    base.slice(1),
    uniforms(new RandomStream(8, "corpus", 12), count),
    uniforms(new RandomStream(7 + 2 ** 32, "corpus", 12), count),
    uniforms(new RandomStream(7, "corpus", 13), count),
    uniforms(new RandomStream(7, "corpus"), count),
    uniforms(new RandomStream(7, 12, "corpus"), count),
  ];
  for (const other of others) {
    // Products of independent centred uniforms have standard deviation 1/12, their mean 1/(12 √n).
    const products = other.map((value, index) => (value - 0.5) * ((base[index] as number) - 0.5));
    assertAlmostEquals(mean(products), 0, 5 / (12 * Math.sqrt(count)));
  }
});

Deno.test("RandomStream gives 4096 neighbouring paths 4096 first draws without a pattern", () => {
  const bins = new Array<number>(16).fill(0);
  for (let index = 0; index < 4096; index++) {
    const bin = Math.floor(new RandomStream(0, "document", index).uniform() * 16);
    bins[bin] = (bins[bin] as number) + 1;
  }
  assert(chiSquare(bins) < chiSquareBound(16), `chi-square ${chiSquare(bins)}`);
});

Deno.test("RandomStream starts again from the same seed and path", () => {
  assertEquals(uniforms(new RandomStream(4, "a", 1), 9), uniforms(new RandomStream(4, "a", 1), 9));
  assertNotEquals(uniforms(new RandomStream(4, "a", 1), 1), uniforms(new RandomStream(4, "a", "1"), 1));
});

Deno.test("RandomStream.integer() covers its range evenly and refuses an empty one", () => {
  const stream = new RandomStream(5, "integer"), counts = new Map<number, number>();
  for (let index = 0; index < 9_000; index++) {
    const value = stream.integer({ from: -4, below: 5 });
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  assertEquals([...counts.keys()].sort((a, b) => a - b), [-4, -3, -2, -1, 0, 1, 2, 3, 4]);
  assert(chiSquare([...counts.values()]) < chiSquareBound(9));
  assertThrows(() => stream.integer({ below: 0 }), RangeError, "[0, 0)");
});

Deno.test("RandomStream.weighted() draws in proportion and never an element of weight zero", () => {
  const stream = new RandomStream(6, "weighted"), counts = [0, 0, 0, 0], count = 10_000;
  for (let index = 0; index < count; index++) {
    const drawn = stream.weighted([1, 0, 3, 6]);
    counts[drawn] = (counts[drawn] as number) + 1;
  }
  assertEquals(counts[1], 0);
  for (const [index, share] of [[0, 0.1], [2, 0.3], [3, 0.6]] as const) {
    // A binomial share has the standard deviation √(p (1 − p) / n).
    const bound = 5 * Math.sqrt(share * (1 - share) / count);
    assertAlmostEquals((counts[index] as number) / count, share, bound);
  }
});

Deno.test("RandomStream.normal() has mean 0, deviation 1 and the tails of a normal", () => {
  const stream = new RandomStream(8, "normal"), count = 20_000;
  const values = Array.from({ length: count }, () => stream.normal());
  assertAlmostEquals(mean(values), 0, 5 / Math.sqrt(count));
  assertAlmostEquals(standardDeviation(values), 1, 5 / Math.sqrt(2 * count));
  const beyond = values.filter((value) => Math.abs(value) > 1.959964).length / count;
  assertAlmostEquals(beyond, 0.05, 5 * Math.sqrt(0.05 * 0.95 / count));
});

Deno.test("RandomStream.shuffled() is a fair permutation and leaves its argument alone", () => {
  const stream = new RandomStream(9, "shuffle"), list = [0, 1, 2], counts = new Map<string, number>();
  for (let index = 0; index < 6_000; index++) {
    const order = stream.shuffled(list).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(list, [0, 1, 2]);
  assertEquals([...counts.keys()].sort(), ["012", "021", "102", "120", "201", "210"]);
  assert(chiSquare([...counts.values()]) < chiSquareBound(6));
});

Deno.test("rolloutUniform() depends on each of its coordinates and is uniform over positions", () => {
  const at = { seed: 1, prompt: 2, sample: 3, position: 4 };
  const expected = (Math.floor(philox([4, 3, 2, 0], [1, 0x726f6c6c])[0] / 256) + 0.5) / 2 ** 24;
  assertEquals(rolloutUniform(at), expected);
  for (const key of ["seed", "prompt", "sample", "position"] as const) {
    assertNotEquals(rolloutUniform({ ...at, [key]: 5 }), rolloutUniform(at), key);
  }
  const values = Array.from({ length: 16_384 }, (_, position) => rolloutUniform({ ...at, position }));
  assertAlmostEquals(mean(values), 0.5, 5 / Math.sqrt(12 * values.length));
});
