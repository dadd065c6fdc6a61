import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { scheme } from "vega";
import { orderColour, orderScale } from "../../lib/report/charts/_colour_scale.ts";
import { paddedExtent, wholeTicks } from "../../lib/report/charts/_extent.ts";
import {
  figureSpec,
  headPanels,
  layerCurve,
  ORDER_COLOURS,
  positionLines,
  renderSvg,
  SERIES_COLOURS,
  sourceLines,
} from "../../lib/report/mod.ts";
import { marksOf, rowsOf, textsOf, wordsOf } from "./_svg.ts";

Deno.test("paddedExtent() adds the same at both ends and refuses what is not finite", () => {
  assertEquals(paddedExtent([3, 1, 5], { what: "x", spare: 0.25 }), [0, 6]);
  assertEquals(paddedExtent([2], { what: "x", spare: 0.5 }), [1.5, 2.5]);
  assertThrows(() => paddedExtent([1, Infinity], { what: "x" }), RangeError, "Cannot draw x");
  assertThrows(() => paddedExtent([], { what: "x" }), RangeError, "current count is 0");
});

Deno.test("wholeTicks() steps by 1, 2, 5, 10, 20, … at multiples of the step", () => {
  assertEquals(wholeTicks(0, 4, { most: 8 }), [0, 1, 2, 3, 4]);
  assertEquals(wholeTicks(1, 9, { most: 6 }), [2, 4, 6, 8]);
  assertEquals(wholeTicks(0, 27, { most: 8 }), [0, 5, 10, 15, 20, 25]);
  assertEquals(wholeTicks(0, 95, { most: 11 }), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
  assertEquals(wholeTicks(0, 100, { most: 7 }), [0, 20, 40, 60, 80, 100]);
  assertEquals(wholeTicks(3, 3, { most: 8 }), [3]);
});

Deno.test("layerCurve() gives a reference line the colour of its curve", () => {
  const curves = ["a", "b"].map((name) => ({
    name,
    points: [{ layer: 0, value: 1 }, { layer: 1, value: 2 }],
  }));
  const references = [{ label: "of b", value: 1.5, curve: "b" }, { label: "of all", value: 1.2 }];
  const rows = rowsOf(layerCurve({ curves, references, yTitle: "y" })).filter((row) => "colour" in row);
  assertEquals(
    new Set(rows.map(({ label, colour }) => `${label} ${colour}`)),
    new Set([
      `of b: 1.5 ${SERIES_COLOURS[1]}`,
      "of all: 1.2 #1A1A1A",
    ]),
  );
  const wrong = [{ label: "of c", value: 1, curve: "c" }];
  assertThrows(() => layerCurve({ curves, references: wrong, yTitle: "y" }), RangeError, 'current is "c"');
});

Deno.test("layerCurve() shades the bands of reference lines in the colours of their lines", () => {
  const curves = ["a", "b"].map((name) => ({
    name,
    points: [{ layer: 0, value: 1 }, { layer: 1, value: 2 }],
  }));
  const panel = layerCurve({
    curves,
    references: [
      { label: "of a", value: 1, band: [0.9, 1.1], curve: "a" },
      { label: "of b", value: 1.5, band: [1.4, 1.6], curve: "b" },
      { label: "without", value: 2, curve: "b" },
    ],
    yTitle: "y",
  });
  const shaded = marksOf(panel).filter(({ mark }) => mark.type === "rect").flatMap(({ mark, rows }) =>
    rows.map(({ label }) => `${label} ${mark.color}`)
  );
  assertEquals(shaded, [`of a: 1.0 ${SERIES_COLOURS[0]}`, `of b: 1.5 ${SERIES_COLOURS[1]}`]);
});

Deno.test("layerCurve() labels whole layers from the first to the last, as many as have room", () => {
  const ticks = (from: number, to: number, width: number) => {
    const points = Array.from({ length: to - from + 1 }, (_, at) => ({ layer: from + at, value: at }));
    const text = JSON.stringify(layerCurve({ curves: [{ name: "a", points }], yTitle: "y", width }));
    return JSON.parse(/"values":(\[[\d,]*\]),"format":"d"/.exec(text)?.[1] ?? "null");
  };
  assertEquals(ticks(0, 7, 640), [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals(ticks(2, 2, 640), [2]);
  assertEquals(ticks(0, 27, 640), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26]);
  assertEquals(ticks(0, 7, 112), [0, 2, 4, 6]);
});

Deno.test("layerCurve() shows its curves in the legend in full colour, bands or not", async () => {
  const points = [0, 1].map((layer) => ({ layer, value: layer, band: [layer - 1, layer + 1] as const }));
  const panel = layerCurve({ curves: ["a", "b"].map((name) => ({ name, points })), yTitle: "y" });
  const svg = await renderSvg(figureSpec([panel], { title: "Two" }));
  const drawn = svg.split("role-legend-symbol").slice(1).map((symbol) =>
    /<path[^>]*>/.exec(symbol)?.[0] ?? ""
  );
  assertEquals(drawn.map((path) => /fill="([^"]*)"/.exec(path)?.[1]), SERIES_COLOURS.slice(0, 2));
  assert(drawn.every((path) => !/opacity="0\.\d/.test(path)), drawn.join());
});

Deno.test("layerCurve() keeps titles on one line whether or not a panel has a legend", async () => {
  const points = [{ layer: 0, value: 1 }, { layer: 1, value: 2 }];
  const one = layerCurve({ curves: [{ name: "a", points }], yTitle: "y", title: "left" });
  const two = layerCurve({
    curves: [{ name: "a", points }, { name: "b", points }],
    yTitle: "y",
    title: "right",
  });
  const texts = textsOf(await renderSvg(figureSpec([one, two], { title: "Two" })));
  const height = (title: string) => texts.find(({ text }) => text === title)?.y as number;
  assertAlmostEquals(height("left"), height("right"), 1.5);
});

Deno.test("headPanels() shares the y axis and labels reference lines once, at the right", async () => {
  const series = [
    { title: "Q", heads: [{ head: 0, value: 10, error: [8, 12] as const }, { head: 1, value: 11 }] },
    { title: "V", heads: [{ head: 0, value: 30 }] },
  ];
  const panels = headPanels({
    series,
    references: [{ label: "Skip", value: 20, band: [19, 21] }],
    yTitle: "Accuracy",
  });
  // From 8 to 30 with five per cent of 22 on both sides.
  for (const panel of panels) {
    assert(JSON.stringify(panel).includes('"domain":[6.9,31.1]'), JSON.stringify(panel));
  }
  const texts = textsOf(await renderSvg(figureSpec(panels, { title: "Heads" })));
  const labels = texts.filter(({ text }) => text === "Skip: 20.0");
  assertEquals(labels.length, 1);
  const title = texts.find(({ text }) => text === "V") as { x: number };
  assert((labels[0] as { x: number }).x > title.x);
  assertEquals(texts.filter(({ text }) => text === "Accuracy").length, 1);
  assertEquals(texts.filter(({ text }) => text === "Head").length, 2);
});

Deno.test("sourceLines() draws one line and one band per source in colours by layer", async () => {
  const lines = [4, 2, 7].map((source) => ({
    source,
    points: [0, 1].map((step) => ({ layer: source + step, value: 1 - step / 2, band: [0.4, 1.1] as const })),
  }));
  const figure = figureSpec([
    sourceLines({ lines, yTitle: "Cosine", references: [{ label: "bound", value: 0.3 }] }),
  ], {
    title: "Lines",
  });
  const svg = await renderSvg(figure);
  const colours = [...svg.matchAll(/stroke="(rgb\([^"]*\)|#[0-9a-f]{6})"[^>]*stroke-width="2"/g)].map((
    match,
  ) => match[1]);
  assertEquals(new Set(colours).size, 3, `${colours}`);
  assert(!svg.includes("role-legend-symbol") && svg.includes("role-legend-gradient"));
  const [area, line] = ["area", "line"].map((type) => marksOf(figure).find(({ mark }) => mark.type === type));
  assertEquals([area?.rows.length, line?.rows.length], [6, 6]);
  for (const text of ["Source layer", "Cosine", "bound: 0.30"]) assert(wordsOf(svg).includes(text), text);
  const single = [...lines, { source: 9, points: [{ layer: 9, value: 1 }] }];
  const dots = marksOf(sourceLines({ lines: single, yTitle: "y" })).filter(({ mark }) =>
    mark.type === "point"
  );
  assertEquals(dots.map(({ rows }) => rows), [[{ x: 9, value: 1, shade: ORDER_COLOURS[9] as string }]]);
  const twice = [lines[0], lines[0]] as typeof lines;
  assertThrows(() => sourceLines({ lines: twice, yTitle: "y" }), RangeError, "4, 4");
  assertThrows(() => sourceLines({ lines: [], yTitle: "y" }), RangeError, "current count is 0");
});

Deno.test("orderColour() is what the scale gives, and both are viridis", () => {
  const { domain, range } = orderScale(10, 28) as { domain: number[]; range: string[] };
  assertEquals(domain, [10, 12, 14, 16, 18, 20, 22, 24, 26, 28]);
  assertEquals(range.map((_, step) => orderColour(step / 9)), range);
  // Half way between the first two.
  assertEquals(orderColour(0.5 / 9), "#461365");
  // Viridis without its lightest tenth, as Vega has it.
  const viridis = scheme("viridis") as unknown as (share: number) => string;
  const hex = range.map((_, step) => {
    const channels = (viridis(step / 10).match(/\d+/g) ?? []).map((channel) =>
      Number(channel).toString(16).padStart(2, "0")
    );
    return `#${channels.join("").toUpperCase()}`;
  });
  assertEquals(range, hex);
});

Deno.test("positionLines() tells lines apart by colour and dashes and takes a logarithmic axis", async () => {
  const lines = ["Skip-Attn", "Base"].map((name, index) => ({
    name,
    points: [0, 1, 2].map((x) => ({ x, value: 10 ** (index - x) })),
  }));
  const svg = await renderSvg(
    figureSpec([positionLines({ lines, yTitle: "KL", yScale: "log" })], { title: "KL" }),
  );
  assert(["Skip-Attn", "Base", "Answer position (tokens)"].every((text) => wordsOf(svg).includes(text)));
  // Equal ratios are equal distances: the path of the first line has three points on a straight one.
  const [, path] = /aria-roledescription="line mark"[^>]* d="(M[^"]*)"/.exec(svg) ?? [];
  const [a, b, c] = (path ?? "").slice(1).split("L").map((point) => Number(point.split(",")[1])) as [
    number,
    number,
    number,
  ];
  assertAlmostEquals(b - a, c - b, 0.01);
  assert(new Set([...svg.matchAll(/stroke-dasharray="([^"]*)"/g)].map((match) => match[1])).size >= 2);
  const zero = [{ name: "a", points: [{ x: 0, value: 0 }] }];
  assertThrows(
    () => positionLines({ lines: zero, yTitle: "y", yScale: "log" }),
    RangeError,
    "current value is 0",
  );
  const many = ["a", "b", "c", "d", "e"].map((name) => ({ name, points: [{ x: 0, value: 1 }] }));
  assertThrows(() => positionLines({ lines: many, yTitle: "y" }), RangeError, "current count is 5");
});
