import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { accuracyBars, figureSpec, layerCurve, renderSvg, shiftBoxes } from "../../lib/report/mod.ts";
import { boxFigure, curveFigure } from "./_figures.ts";
import { rowsOf, textsOf } from "./_svg.ts";

Deno.test("figureSpec() holds its data and no address but the schema's", () => {
  for (const figure of [curveFigure(), boxFigure()]) {
    const addresses = [...JSON.stringify(figure).matchAll(/"(url|https?:[^"]*)"/g)].map((match) => match[1]);
    assertEquals(addresses, ["https://vega.github.io/schema/vega-lite/v6.json"]);
  }
  assertThrows(() => figureSpec([], { title: "None" }), RangeError, "current count is 0");
  assertThrows(() => figureSpec([{}], { title: "None", columns: 0 }), RangeError, "current value is 0");
});

Deno.test("layerCurve() keeps the labels of close reference lines apart and near their lines", async () => {
  const texts = textsOf(await renderSvg(curveFigure()));
  const place = (label: string) => texts.find(({ text }) => text === label)?.y as number;
  const greedy = place("Base, greedy: 24.8"),
    sampling = place("Base, τ = 1: 24.3"),
    all = place("All layers: 44.0");
  assertAlmostEquals(sampling - greedy, 18, 0.02);
  assert(all < greedy - 100);
});

Deno.test("layerCurve() carries every number it draws", () => {
  const rows = rowsOf(curveFigure());
  for (const value of [30, 42, 36, 38]) {
    const row = rows.find((candidate) => candidate.value === value && "bandLow" in candidate);
    assertEquals([row?.bandLow, row?.bandHigh, row?.errorLow, row?.errorHigh], [
      value - 1,
      value + 1,
      value - 2,
      value + 2,
    ]);
    assertEquals(rows.filter((candidate) => candidate.value === value + 0.5).length, 1);
  }
});

Deno.test("layerCurve() draws one point, flat curves and several curves without warning", async () => {
  const one = layerCurve({ curves: [{ name: "a", points: [{ layer: 3, value: 5 }] }], yTitle: "y" });
  const points = [{ layer: 0, value: 1 }, { layer: 7, value: 2 }];
  const names = ["a", "b", "c", "d"];
  const four = layerCurve({ curves: names.map((name) => ({ name, points })), yTitle: "y", title: "of two" });
  const svg = await renderSvg(figureSpec([one, four], { title: "Two" }));
  for (const name of names) assert(textsOf(svg).some(({ text }) => text === name), `no legend entry ${name}`);
});

Deno.test("layerCurve() refuses no curve, too many curves and values that are not finite", () => {
  assertThrows(() => layerCurve({ curves: [], yTitle: "y" }), RangeError, "current count is 0");
  const points = [{ layer: 0, value: NaN }];
  assertThrows(() => layerCurve({ curves: [{ name: "a", points }], yTitle: "y" }), RangeError, "NaN");
  const curves = ["a", "b", "c", "d", "e"].map((name) => ({ name, points: [{ layer: 0, value: 1 }] }));
  assertThrows(() => layerCurve({ curves, yTitle: "y" }), RangeError, "current count is 5");
});

Deno.test("shiftBoxes() and accuracyBars() put the titles of their panels on one line", async () => {
  const texts = textsOf(await renderSvg(boxFigure()));
  const [a, b] = ["a Most boosted tokens", "b Accuracy"].map((title) =>
    texts.find(({ text }) => text === title)?.y
  );
  assert(a !== undefined && a === b, `${a} against ${b}`);
});

Deno.test("shiftBoxes() labels each box with its token and count", async () => {
  const texts = textsOf(await renderSvg(boxFigure())).map(({ text }) =>
    text.replace(/<\/?tspan[^>]*>/g, "|")
  );
  for (const label of ['"␣To"', '"\\n"', "n = 9"]) assert(texts.includes(label), `${label} not in ${texts}`);
  assert(texts.some((text) => text.includes('"To"') && text.includes("at pos. 0")));
});

Deno.test("shiftBoxes() slants labels that do not fit", async () => {
  const box = {
    count: 1,
    lowerQuartile: 0,
    median: 0,
    upperQuartile: 0,
    lowerWhisker: 0,
    upperWhisker: 0,
    fliers: [],
  };
  const panel = (label: string) => shiftBoxes({ boxes: [{ label, box }, { label: "b", box }], yTitle: "y" });
  const slanted = await renderSvg(
    figureSpec([panel("a token far longer than a box is wide")], { title: "t" }),
  );
  const straight = await renderSvg(figureSpec([panel("short")], { title: "t" }));
  const turned = /rotate\((-35|325)\)[^>]*>(a token|short)/;
  assert(turned.test(slanted) && !turned.test(straight));
});

Deno.test("shiftBoxes() refuses no boxes, numbers that are not finite and a line outside", () => {
  assertThrows(() => shiftBoxes({ boxes: [], yTitle: "y" }), RangeError, "current count is 0");
  const box = {
    count: 1,
    lowerQuartile: 0,
    median: NaN,
    upperQuartile: 0,
    lowerWhisker: 0,
    upperWhisker: 0,
    fliers: [],
  };
  assertThrows(() => shiftBoxes({ boxes: [{ label: "a", box }], yTitle: "y" }), RangeError, "NaN");
  const boxes = [{ label: "a", box: { ...box, median: 0 } }];
  assertThrows(() => shiftBoxes({ boxes, divideAfter: 1, yTitle: "y" }), RangeError, "(0, 1)");
});

Deno.test("accuracyBars() writes each value with one decimal over its bar", async () => {
  const texts = textsOf(await renderSvg(boxFigure()));
  const value = (text: string) =>
    texts.find((candidate) => candidate.text === text) as { x: number; y: number };
  for (const text of ["24.8", "38.7", "14.3", "25.5", "29.4"]) assert(value(text) !== undefined, text);
  // The higher the value, the higher on the page; within a group, series by series to the right.
  assert(
    value("38.7").y < value("29.4").y && value("29.4").y < value("25.5").y &&
      value("25.5").y < value("14.3").y,
  );
  assert(value("14.3").x < value("25.5").x && value("25.5").x < value("29.4").x);
});

Deno.test("accuracyBars() refuses unknown and repeated series and negative values", () => {
  const panel = (bars: { series: string; value: number }[]) =>
    accuracyBars({ groups: [{ label: "g", bars }], series: [{ name: "a" }], yTitle: "y" });
  assertThrows(() => panel([{ series: "b", value: 1 }]), RangeError, '"b"');
  assertThrows(() => panel([{ series: "a", value: 1 }, { series: "a", value: 2 }]), RangeError, "once");
  assertThrows(() => panel([{ series: "a", value: -1 }]), RangeError, "not negative");
  assertThrows(() => panel([]), RangeError, "current count is 0");
});
