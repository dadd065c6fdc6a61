import { assertEquals, assertThrows } from "@std/assert";
import { featureExamples, type FeatureTrace } from "../../../lib/analysis/mod.ts";

/** Ten tokens, numbered from ten times the index; one activation. */
function trace(index: number, options: { at: number; peak: number; correct: boolean }): FeatureTrace {
  const activations = new Array<number>(10).fill(0);
  activations[options.at] = options.peak;
  return { tokens: activations.map((_, t) => 10 * index + t), activations, correct: options.correct };
}

const TRACES = [
  trace(0, { at: 0, peak: 1, correct: true }),
  trace(1, { at: 9, peak: 4, correct: false }),
  trace(2, { at: 5, peak: 2, correct: true }),
  trace(3, { at: 5, peak: 0, correct: true }), // never fires
  trace(4, { at: 4, peak: 2, correct: true }),
];

Deno.test("featureExamples() shows the strongest generations of each kind around their peaks", () => {
  const examples = featureExamples(TRACES, { perKind: 2, reach: 2 });
  assertEquals(examples.map(({ generation, correct, from, tokens }) => [generation, correct, from, tokens]), [
    [1, false, 7, [17, 18, 19]],
    [2, true, 3, [23, 24, 25, 26, 27]],
    [4, true, 2, [42, 43, 44, 45, 46]],
  ]);
  assertEquals(examples.map(({ peak }) => peak), [4, 2, 2]);
  assertEquals(examples[1]?.activations, [0, 0, 2, 0, 0]);
  assertEquals(examples[1]?.shades, [0, 0, 0.5, 0, 0]); // over the strongest of all examples
});

Deno.test("featureExamples() leaves out generations in which the feature never fires", () => {
  assertEquals(featureExamples(TRACES, { perKind: 9 }).map(({ generation }) => generation), [1, 2, 4, 0]);
  assertEquals(featureExamples([]), []);
});

Deno.test("featureExamples() takes the first of equal peaks", () => {
  const flat = { tokens: [1, 2, 3], activations: Float32Array.of(0, 5, 5), correct: true };
  assertEquals(featureExamples([flat], { reach: 0 })[0]?.tokens, [2]);
});

Deno.test("featureExamples() refuses ragged and negative activations", () => {
  const bad = (activations: readonly number[]) => () =>
    featureExamples([{ tokens: [1, 2], activations, correct: true }]);
  assertThrows(bad([1]), RangeError, "has 2 and 1");
  assertThrows(bad([1, -1]), RangeError, "token 1 has -1");
  assertThrows(bad([NaN, 1]), RangeError, "token 0 has NaN");
  assertThrows(() => featureExamples([], { reach: -1 }), RangeError, "current values are 3, -1");
});
