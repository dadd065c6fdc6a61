import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError, type Tensor } from "../../lib/core/mod.ts";
import {
  mergeVectors,
  pairVectors,
  randomDirections,
  rearrangeVectors,
  scaleVectors,
  type SteeringVectors,
  sumVectors,
} from "../../lib/decode/mod.ts";
import { loadNpyVectors } from "../../lib/vectors/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { npyOf } from "../checkpoint/_npy_bytes.ts";
import { assertClose } from "../tolerances.ts";
import { allLayers, randomVectors, withEachFamily } from "./_tiny_model.ts";

const ROWS = [[5, 17, 40, 2, 9]];
const set = (vectors: Readonly<Record<number, readonly number[]>>): SteeringVectors =>
  new Map(Object.entries(vectors).map(([layer, values]) => [Number(layer), Float32Array.from(values)]));
const plain = (vectors: SteeringVectors) => [...vectors].map(([layer, vector]) => [layer, ...vector]);

Deno.test("sumVectors() adds layer by layer, from the lowest up, and leaves its inputs alone", () => {
  const first = set({ 3: [1, 2] }), second = set({ 3: [10, -2], 0: [5, 6] });
  assertEquals(plain(sumVectors([first, second, second])), [[0, 10, 12], [3, 21, -2]]);
  assertEquals([plain(first), plain(second)], [[[3, 1, 2]], [[0, 5, 6], [3, 10, -2]]]);
  const alone = sumVectors([first]);
  (alone.get(3) as Float32Array)[0] = 9;
  assertEquals(plain(first), [[3, 1, 2]]);
  assertThrows(
    () => sumVectors([first, set({ 1: [1] })]),
    RangeError,
    "Cannot add vectors as they must be of one width: current widths are 2 and 1",
  );
});

Deno.test("scaleVectors() multiplies; the factor 1 changes nothing, and what is not finite is refused", () => {
  const vectors = set({ 2: [1, -2], 5: [0.5, 4] });
  assertEquals(plain(scaleVectors(vectors, -2)), [[2, -2, 4], [5, -1, -8]]);
  assertEquals(plain(scaleVectors(vectors, 1)), plain(vectors));
  for (const factor of [NaN, Infinity]) {
    assertThrows(() => scaleVectors(vectors, factor), RangeError, `current value is ${factor}`);
  }
});

Deno.test("mergeVectors() joins runs of one layer each, nothing else", () => {
  const merged = mergeVectors([set({ 4: [1, 2] }), set({ 0: [3, 4] }), set({ 1: [5, 6] })]);
  assertEquals(plain(merged), [[0, 3, 4], [1, 5, 6], [4, 1, 2]]);
  const wrong: readonly (readonly [readonly SteeringVectors[], string])[] = [
    [[set({ 0: [1], 2: [2] })], "each set must have one layer: current layers are 0, 2"],
    [[set({ 0: [1] }), new Map()], "each set must have one layer: current layers are none"],
    [[set({ 3: [1] }), set({ 3: [1] })], "layer 3 must be of one set"],
    [[set({ 3: [1] }), set({ 1: [1, 2] })], "they must be of one width"],
  ];
  for (const [sets, message] of wrong) assertThrows(() => mergeVectors(sets), RangeError, message);
});

Deno.test("pairVectors() takes two layers as they are, and one once", () => {
  const merged = set({ 0: [1], 1: [2], 2: [3] });
  assertEquals(plain(pairVectors(merged, [2, 0])), [[0, 1], [2, 3]]);
  assertEquals(plain(pairVectors(merged, [1, 1])), [[1, 2]]);
  assertThrows(
    () => pairVectors(merged, [1, 5]),
    RangeError,
    "Cannot pair layer 5 as the vectors must have it: current layers are 0, 1, 2",
  );
});

Deno.test("pairs of a merged set sum to it, scaling by 0 is the base model, and by 1 the vectors themselves", () =>
  withEachFamily(async (model) => {
    const logitsOf = async (steer: SteeringVectors) =>
      ((await model.run(ROWS, { steer })).logits as Tensor<"float32">).data;
    const layers = allLayers(model.config);
    const vectors = randomVectors(model.config, layers);
    const merged = mergeVectors(layers.map((layer) => pairVectors(vectors, [layer, layer])));
    const whole = await logitsOf(vectors);
    assertEquals(await logitsOf(merged), whole);
    assertEquals(await logitsOf(pairVectors(merged, [0, 1])), whole);
    assertEquals(
      await logitsOf(sumVectors(layers.map((layer) => pairVectors(merged, [layer, layer])))),
      whole,
    );
    assertEquals(await logitsOf(scaleVectors(vectors, 1)), whole);
    const base = ((await model.run(ROWS)).logits as Tensor<"float32">).data;
    assertClose(await logitsOf(scaleVectors(vectors, 0)), base, "rewrittenGraphFloat32");
    const back = sumVectors([vectors, scaleVectors(vectors, -1)]);
    assertClose(await logitsOf(back), base, "rewrittenGraphFloat32");
  }));

Deno.test("randomDirections() keeps layers and norms, points anywhere, and is the same for the same draw alone", () => {
  const wide = new Float32Array(400).fill(0.25); // norm 5
  const vectors: SteeringVectors = new Map([[2, wide], [6, wide], [7, new Float32Array(400)]]);
  const draw = (seed: number, number: number) => randomDirections(vectors, { seed, draw: number });
  const first = draw(0, 0), norm = (vector: Float32Array | undefined) => Math.hypot(...vector ?? []);
  assertEquals([...first.keys()], [2, 6, 7]);
  // A float32 of 24 bits per component.
  for (const layer of [2, 6]) assert(Math.abs(norm(first.get(layer)) - 5) < 1e-5);
  assertEquals(norm(first.get(7)), 0);
  assertEquals(plain(draw(0, 0)), plain(first));
  const cosine = (a: Float32Array | undefined, b: Float32Array | undefined) =>
    [...a ?? []].reduce((sum, value, i) => sum + value * (b?.[i] ?? NaN), 0) / 25;
  // Independent directions of 400 numbers have a cosine of 0 ± 0.05: five of these.
  const others = [first.get(6), draw(0, 1).get(2), draw(1, 0).get(2), wide];
  for (const other of others) assert(Math.abs(cosine(first.get(2), other)) < 0.25);
  // A layer's direction does not depend on what else is in the set.
  const alone = randomDirections(new Map([[6, wide]]), { seed: 0, draw: 0 });
  assertEquals(alone.get(6), first.get(6));
});

Deno.test("rearrangeVectors() moves vectors with their norms or those of the layers, and refuses other orders", () => {
  const vectors = set({ 4: [3, 4], 1: [0, 2], 0: [0, 0] });
  const moved = (norms: "as they are" | "of the layer", order: readonly number[]) =>
    plain(rearrangeVectors(vectors, { order, norms }));
  assertEquals(moved("as they are", [4, 0, 1]), [[0, 3, 4], [1, 0, 0], [4, 0, 2]]);
  // Layer 0 has no length to give, and a vector of zeros no direction.
  assertEquals(moved("of the layer", [4, 0, 1]), [[0, 0, 0], [1, 0, 0], [4, 0, 5]]);
  assertEquals(moved("as they are", [0, 1, 4]), [[0, 0, 0], [1, 0, 2], [4, 3, 4]]);
  for (const order of [[0, 1], [0, 1, 1], [0, 1, 5]]) {
    assertThrows(
      () => rearrangeVectors(vectors, { order, norms: "as they are" }),
      RangeError,
      "the order must name each layer once: current layers are 0, 1, 4",
    );
  }
});

Deno.test("loadNpyVectors() reads row l as layer l and leaves rows of zeros out", () =>
  withFolder(async (folder) => {
    const path = `${folder}/steering_vectors.npy`;
    await Deno.writeFile(path, npyOf([3, 2], [1, 2, 0, 0, -3, 0]));
    assertEquals(plain(await loadNpyVectors(path, null)), [[0, 1, 2], [2, -3, 0]]);
    assertEquals((await loadNpyVectors(path, tinyConfig({ layers: 3, embed: 2 }))).size, 2);
  }));

Deno.test("loadNpyVectors() refuses another shape, another model, values that are not finite, and zeros alone", () =>
  withFolder(async (folder) => {
    const path = `${folder}/steering_vectors.npy`;
    const config = tinyConfig({ layers: 2, embed: 2 });
    const refused = async (dims: readonly number[], values: readonly number[]) => {
      await Deno.writeFile(path, npyOf(dims, values));
      const { message } = await assertRejects(() => loadNpyVectors(path, config), InputError);
      assertStringIncludes(message, path);
      return message;
    };
    assertStringIncludes(await refused([2], [1, 2]), "must be a matrix [layers, embed], found [2]");
    assertStringIncludes(await refused([1, 2, 1], [1, 2]), "found [1, 2, 1]");
    assertStringIncludes(await refused([0, 2], []), "found [0, 2]");
    assertStringIncludes(
      await refused([3, 2], [1, 2, 3, 4, 5, 6]),
      "steering vectors must be [2, 2] for this model, found [3, 2]",
    );
    assertStringIncludes(await refused([2, 1], [1, 2]), "found [2, 1]");
    assertStringIncludes(await refused([2, 2], [1, 2, NaN, 4]), "the vector of layer 1 holds NaN");
    assertStringIncludes(await refused([2, 2], [0, 0, 0, 0]), "every vector is zero");
  }));
