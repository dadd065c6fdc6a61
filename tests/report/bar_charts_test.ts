import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  accuracyBars,
  CATEGORY_COLOURS,
  figureSpec,
  frequencyDots,
  histogramPanels,
  renderSvg,
  scatterPanels,
  shareBars,
  tokenBars,
  tokenLabel,
} from "../../lib/report/mod.ts";
import { fillsOf, marksOf, rowsOf, textsOf, wordsOf } from "./_svg.ts";

Deno.test("tokenBars() draws labels from top to bottom with their numbers beyond the bars", async () => {
  const bars = [
    { label: tokenLabel(" Пусть"), value: -0.4, error: [-0.5, -0.3] as const },
    { label: tokenLabel("\\frac{"), value: 0.25 },
    { label: tokenLabel("\n"), value: 0.5 },
  ];
  const figure = figureSpec([tokenBars({ bars, divideAfter: 1, xTitle: "Cosine" })], { title: "Tokens" });
  const texts = textsOf(await renderSvg(figure));
  const at = (text: string) => texts.find((found) => found.text === text) as { x: number; y: number };
  const labels = ['"␣Пусть"', '"\\frac{"', '"\\n"'].map((label) => at(label).y);
  assertEquals(labels, labels.toSorted((a, b) => a - b));
  assert(at("−0.40").x < at("0.25").x && at("0.25").x < at("0.50").x);
  const tips = rowsOf(figure).filter((row) => "tip" in row && "text" in row).map((
    { label, tip },
  ) => [label, tip]);
  // The number of the first stands beyond its error bar.
  assert(tips.some(([label, tip]) => label === '"␣Пусть"' && tip === -0.5), JSON.stringify(tips));
});

Deno.test("tokenBars() colours categories and refuses unknown ones, lines outside and no bars", async () => {
  const bars = [{ label: "a", value: 1, category: "x" }, { label: "b", value: 2, category: "y" }];
  const panel = tokenBars({ bars, categories: ["y", "x"], xTitle: "Cosine" });
  const svg = await renderSvg(figureSpec([panel], { title: "Tokens" }));
  const fills = fillsOf(svg, "rect").filter(({ label }) => label.includes("category")).map((
    { label, fill },
  ) => [
    /category: (\w)/.exec(label)?.[1],
    fill.toUpperCase(),
  ]);
  assertEquals(fills, [["x", CATEGORY_COLOURS[1]], ["y", CATEGORY_COLOURS[0]]]);
  assertThrows(() => tokenBars({ bars, categories: ["x"], xTitle: "x" }), RangeError, 'current is "y"');
  assertThrows(() => tokenBars({ bars: [], xTitle: "x" }), RangeError, "current count is 0");
  assertThrows(
    () => tokenBars({ bars: [{ label: "a", value: 1 }], divideAfter: 1, xTitle: "x" }),
    RangeError,
    "(0, 1)",
  );
  assertThrows(() => tokenBars({ bars: [{ label: "a", value: NaN }], xTitle: "x" }), RangeError, "NaN");
});

Deno.test("shareBars() stacks shares in per cent from the first category up", async () => {
  const bars = [
    { label: "0", shares: { a: 0.5, b: 0.3, c: 0.2 }, error: [0.45, 0.55] as const },
    { label: "Random\ndirection", shares: { a: 1 } },
  ];
  const categories = ["a", "b", "c"].map((name) => ({ name }));
  const input = { bars, categories, divideAfter: 1, parts: ["Layers", "Controls"] as const, xTitle: "Layer" };
  const figure = figureSpec([shareBars(input)], { title: "Shares" });
  const stacked = marksOf(figure).find(({ mark }) => mark.type === "rect")?.rows ?? [];
  assertEquals(stacked.map(({ bar, category, low, high }) => [bar, category, low, high]), [
    ["0", "a", 0, 50],
    ["0", "b", 50, 80],
    ["0", "c", 80, 100],
    ["Random\ndirection", "a", 0, 100],
  ]);
  const words = wordsOf(await renderSvg(figure));
  for (const text of ["Layers", "Controls", "Layer", "50", "30", "20", "100"]) {
    assert(words.includes(text), text);
  }
  assert(words.some((text) => text.includes("Random") && text.includes("direction")));
  const legend = textsOf(await renderSvg(figure)).filter(({ text }) => ["a", "b", "c"].includes(text));
  assertEquals(legend.toSorted((p, q) => p.y - q.y).map(({ text }) => text), ["c", "b", "a"]);
});

Deno.test("shareBars() refuses shares that do not sum to 1, are negative or of no category", () => {
  const panel = (shares: Record<string, number>) =>
    shareBars({ bars: [{ label: "x", shares }], categories: [{ name: "a" }, { name: "b" }] });
  assertThrows(() => panel({ a: 0.5 }), RangeError, "current sum is 0.5");
  assertThrows(() => panel({ a: 1.5, b: -0.5 }), RangeError, '"x"');
  assertThrows(() => panel({ a: 1, c: 0 }), RangeError, 'current is "c"');
  assertThrows(() => shareBars({ bars: [], categories: [] }), RangeError, "0 and 0");
});

Deno.test("histogramPanels() draws counts by their logarithm and colours tails", async () => {
  const panels = [
    {
      title: "Layer 0",
      edges: [-2, -1, 0, 1, 2],
      counts: [1, 100, 10, 0],
      tails: [-1, 1] as const,
      note: "n = 111",
    },
    { title: "Layer 1", edges: [-1, 0], counts: [5] },
  ];
  const figure = figureSpec(histogramPanels({ panels, xTitle: "Cosine" }), { title: "Counts", columns: 1 });
  const svg = await renderSvg(figure);
  const bins = fillsOf(svg, "rect").filter(({ label }) => label.includes("part:"));
  assertEquals(bins.map(({ label, fill }) => [/part: (\w+)/.exec(label)?.[1], fill]), [
    ["low", "#56B4E9"],
    ["body", "#999999"],
    ["body", "#999999"],
    ["plain", "#56B4E9"],
  ]);
  // Heights above the floor of 0.7 in equal steps of the logarithm.
  const heights = bins.slice(0, 3).map(({ d }) => Math.abs(Number(/v(-?[\d.]+)/.exec(d)?.[1])));
  const [one, hundred, ten] = heights as [number, number, number];
  assertAlmostEquals(hundred - ten, ten - one, 0.02);
  for (const text of ["Layer 0", "Layer 1", "n = 111", "−1.00", "1.00"]) {
    assert(wordsOf(svg).includes(text), text);
  }
});

Deno.test("histogramPanels() refuses edges that do not rise or match and negative counts", () => {
  const panel = (edges: number[], counts: number[]) =>
    histogramPanels({ panels: [{ title: "t", edges, counts }], xTitle: "x" });
  assertThrows(() => panel([0, 1], [1, 2]), RangeError, "2 and 2");
  assertThrows(() => panel([0, 0], [1]), RangeError, '"t"');
  assertThrows(() => panel([0, 1], [-1]), RangeError, "current value is -1");
  assertThrows(() => histogramPanels({ panels: [], xTitle: "x" }), RangeError, "current count is 0");
});

Deno.test("scatterPanels() prints r and draws the line within the frame", async () => {
  const points = [[0, 0], [10, 10]] as const;
  const panels = [
    {
      title: "Layer 0",
      points,
      r: -0.417,
      interval: [-0.5, -0.3] as const,
      line: { slope: 2, intercept: 0 },
    },
    { title: "Layer 1", points, r: null, line: { slope: 0, intercept: 99 } },
  ];
  const figure = figureSpec(scatterPanels({ panels, xTitle: "across", yTitle: "up" }), { title: "Clouds" });
  for (const [side, title] of [["x", "across"], ["y", "up"]]) {
    assert(
      new RegExp(`"${side}":{"field":"${side}"[^}]*},"axis":{"title":"${title}"`).test(
        JSON.stringify(figure),
      ),
    );
  }
  const words = wordsOf(await renderSvg(figure));
  assert(words.includes("r = −0.42 [−0.50, −0.30]") && words.includes("r not defined"), words.join(" · "));
  // y = 2x leaves the frame of −0.5 … 10.5 at its lower and its upper edge; the level line lies outside.
  assertEquals(rowsOf(figure).filter((row) => "x2" in row), [{ x: -0.25, y: -0.5, x2: 5.25, y2: 10.5 }]);
  const none = [{ title: "t", points: [], r: null }];
  assertThrows(
    () => scatterPanels({ panels: none, xTitle: "x", yTitle: "y" }),
    RangeError,
    "current count is 0",
  );
});

Deno.test("frequencyDots() fills the dots beyond their null band", async () => {
  const nullBand = [-0.1, 0.1] as const;
  const dots = [
    { label: "feature 1", difference: 0.2, error: [0.15, 0.25] as const, nullBand, note: "40 / 20 %" },
    { label: "feature 2", difference: 0.05, nullBand },
    { label: "feature 3", difference: -0.15, nullBand },
  ];
  const figure = figureSpec([frequencyDots({ dots, xTitle: "Difference", noteTitle: "both" })], {
    title: "Features",
  });
  const circles = marksOf(figure).filter(({ mark }) => mark.type === "point");
  assertEquals(circles.map(({ mark, rows }) => [mark.fill, rows.map(({ label }) => label)]), [
    ["#F28E2B", ["feature 1", "feature 3"]],
    ["white", ["feature 2"]],
  ]);
  const words = wordsOf(await renderSvg(figure));
  for (
    const text of [
      "feature 1",
      "feature 3",
      "40 / 20 %",
      "both",
      "Grey: 95 % of permutations. Filled: beyond it.",
    ]
  ) {
    assert(words.includes(text), text);
  }
  assertThrows(
    () => frequencyDots({ dots: [{ label: "a", difference: NaN, nullBand }], xTitle: "x" }),
    RangeError,
    "NaN",
  );
});

Deno.test("accuracyBars() widens for many bars and goes without a legend for one series", async () => {
  const bars = (names: readonly string[]) => names.map((series) => ({ series, value: 10 }));
  const panel = (names: readonly string[], groups: number) =>
    accuracyBars({
      groups: Array.from({ length: groups }, (_, index) => ({ label: `g${index}`, bars: bars(names) })),
      series: names.map((name) => ({ name })),
      yTitle: "y",
    });
  // 7 groups of 4 numbers of 31 pixels in four fifths of the width.
  assertEquals([panel(["a", "b", "c", "d"], 7).width, panel(["a"], 2).width], [1085, 320]);
  const words = wordsOf(await renderSvg(figureSpec([panel(["alone"], 2)], { title: "t" })));
  assert(!words.includes("alone") && words.includes("g1"));
});
