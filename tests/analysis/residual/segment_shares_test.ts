import { assertEquals, assertThrows } from "@std/assert";
import { type SegmentRange, SegmentShares, stripRow } from "../../../lib/analysis/mod.ts";

/** template system template question template answer, as a chat template lays a prompt out. */
const RANGES: readonly SegmentRange[] = [
  { segment: "template", from: 0, to: 1 },
  { segment: "system", from: 1, to: 3 },
  { segment: "template", from: 3, to: 4 },
  { segment: "question", from: 4, to: 5 },
  { segment: "answer", from: 5, to: 8 },
];

Deno.test("SegmentShares splits |magnitude| by segment, wherever its parts stand", () => {
  const shares = new SegmentShares();
  shares.add([1, -4, 4, -1, 2, 0, 2, -2], RANGES); // 16 over 8 positions
  assertEquals(shares.read(), [
    { segment: "system", tokens: 2, share: 0.5, meanAbsolute: 4, concentration: 2 },
    { segment: "question", tokens: 1, share: 0.125, meanAbsolute: 2, concentration: 1 },
    { segment: "template", tokens: 2, share: 0.125, meanAbsolute: 1, concentration: 0.5 },
    { segment: "answer", tokens: 3, share: 0.25, meanAbsolute: 4 / 3, concentration: 2 / 3 },
  ]);
});

Deno.test("SegmentShares adds texts up and reads the prompt alone", () => {
  const shares = new SegmentShares();
  shares.add([1, -4, 4, -1, 2, 0, 2, -2], RANGES);
  shares.add([-6, 100], [{ segment: "question", from: 0, to: 1 }, { segment: "answer", from: 1, to: 2 }]);
  const prompt = shares.read({ without: ["answer"] });
  assertEquals(prompt.map(({ segment, share, tokens }) => [segment, share, tokens]), [
    ["system", 8 / 18, 2],
    ["question", 8 / 18, 2],
    ["template", 2 / 18, 2],
  ]);
  assertEquals(prompt[1]?.concentration, 4 / 3); // 4 per position over 3
});

Deno.test("SegmentShares has no share of nothing", () => {
  const shares = new SegmentShares();
  shares.add([0, 0], [{ segment: "system", from: 0, to: 2 }]);
  assertEquals(shares.read()[0], {
    segment: "system",
    tokens: 2,
    share: null,
    meanAbsolute: 0,
    concentration: null,
  });
  assertEquals(shares.read()[3]?.meanAbsolute, null);
});

Deno.test("SegmentShares refuses gaps, overlaps, other lengths and NaN, and then keeps nothing of the text", () => {
  const shares = new SegmentShares();
  const add = (magnitudes: readonly number[], ...ranges: readonly [number, number][]) => () =>
    shares.add(magnitudes, ranges.map(([from, to]) => ({ segment: "system" as const, from, to })));
  assertThrows(add([1, 2, 3], [0, 1], [2, 3]), RangeError, "[2, 3)");
  assertThrows(add([1, 2, 3], [0, 2], [1, 3]), RangeError, "[1, 3)");
  assertThrows(add([1, 2], [0, 3]), RangeError, "up to 2");
  assertThrows(add([1, 2], [0, 1]), RangeError, "end at 1");
  assertThrows(add([1, NaN], [0, 2]), RangeError, "position 1 has NaN");
  assertEquals(shares.read()[0]?.tokens, 0);
});

Deno.test("stripRow() divides by maximum minus minimum and keeps signs", () => {
  assertEquals([...stripRow([-2, 0, 6]) as Float64Array], [-0.25, 0, 0.75]);
  assertEquals(stripRow([3, 3, 3]), null);
  assertThrows(() => stripRow([]), RangeError, "current count is 0");
  assertThrows(() => stripRow([1, NaN]), RangeError, "position 1 has NaN");
});
