import { assert, assertEquals, assertThrows } from "@std/assert";
import { figureSpec, heatMap, type HeatMapInput, matrixPanels, renderSvg } from "../../../lib/report/mod.ts";
import { fillsOf, marksOf, rowsOf, textsOf, wordsOf } from "../_svg.ts";

const titles = { rowTitle: "First", columnTitle: "Second", barTitle: "Gain" };

function map(values: HeatMapInput["values"], more: Partial<HeatMapInput> = {}) {
  return figureSpec([heatMap({ values, ...titles, ...more })], { title: "Map" });
}

Deno.test("heatMap() draws white at 0, full blue at the least and full orange at the greatest value", async () => {
  const svg = await renderSvg(map([[-0.5, 0], [0.5, 1]]));
  const cells = fillsOf(svg, "rect").filter(({ label }) => label.includes("value"));
  const fills = Object.fromEntries(
    cells.map(({ label, fill }) => [/value: ([−\d.]+)/.exec(label)?.[1], fill]),
  );
  assertEquals(fills, {
    "−0.5": "rgb(86, 180, 233)",
    "0": "rgb(255, 255, 255)",
    // Half way from white to (242, 142, 43).
    "0.5": "rgb(249, 199, 149)",
    "1": "rgb(242, 142, 43)",
  });
});

Deno.test("heatMap() gives even arms one measure", () => {
  const spec = JSON.stringify(map([[-0.25, 1]], { colours: { arms: "even" } }));
  // A quarter of the way from white to (86, 180, 233).
  assert(spec.includes('"range":["#D5ECFA","#FFFFFF","#F28E2B"]'), spec);
});

Deno.test("heatMap() begins at white without negative values", () => {
  const spec = JSON.stringify(map([[0.25, 4]]));
  assert(spec.includes('"domain":[0,4],"range":["#FFFFFF","#F28E2B"]'), spec);
});

Deno.test("heatMap() has rows from top to bottom, columns from left to right and square cells", async () => {
  const spec = map([[1, 2, 3], [4, 5, 6]], { cellDigits: 0, rowLabels: ["up", "down"], bar: "none" });
  assertEquals([spec.width, spec.height], [330, 220]);
  const texts = textsOf(await renderSvg(spec));
  const at = (text: string) => texts.findLast((found) => found.text === text) as { x: number; y: number };
  assertEquals([at("3").x - at("1").x, at("4").y - at("1").y], [220, 110]);
  assert(at("up").y < at("down").y);
  assertEquals(at("1").x, at("4").x);
});

Deno.test("heatMap() leaves the lower triangle blank, hatches nulls and crosses what is above the bound", () => {
  const values = [[0.995, null, 0.5], [9, 0.99, 1.2], [9, 9, 0.2]];
  const spec = map(values, { triangle: "upper", crossAbove: 0.99 });
  const cells = rowsOf(spec).filter((row) => "value" in row).map((row) => row.value);
  assertEquals(cells, [0.995, 0.5, 0.99, 1.2, 0.2]);
  // Two strokes for each of two crosses, black over white.
  const crosses = marksOf(spec).filter(({ mark }) => mark.strokeCap === "round");
  assertEquals(crosses.map(({ mark, rows }) => [mark.color, mark.strokeWidth, rows.length]), [
    ["white", 4, 4],
    [
      "black",
      2,
      4,
    ],
  ]);
  assertEquals(crosses[0]?.rows[0], { fromX: -0.25, toX: 0.25, fromY: 0.25, toY: -0.25 });
  const hatched = marksOf(spec).filter(({ rows }) => rows.length === 1 && "left" in (rows[0] ?? {}));
  assertEquals(hatched.map(({ mark, rows }) => [mark.type, rows[0]?.left, rows[0]?.top]), [[
    "rect",
    0.5,
    -0.5,
  ], [
    "rule",
    0.5,
    -0.5,
  ]]);
  assertEquals(
    marksOf(map(values, { triangle: "upper", missing: "blank" })).length,
    marksOf(map(values, { triangle: "upper" })).length - 2,
  );
});

Deno.test("heatMap() names the bar, and has none beside a neighbour", async () => {
  assert(wordsOf(await renderSvg(map([[0, 1]]))).includes("Gain"));
  assert(!wordsOf(await renderSvg(map([[0, 1]], { bar: "none" }))).includes("Gain"));
});

Deno.test("heatMap() refuses ragged rows, missing labels, no values and values that are not finite", () => {
  assertThrows(() => map([[1], [1, 2]]), RangeError, "[1, 2]");
  assertThrows(() => map([]), RangeError, "current are []");
  assertThrows(() => map([[1]], { rowLabels: [] }), RangeError, "0 for 1");
  assertThrows(() => map([[null]]), RangeError, "current value is none");
  assertThrows(() => map([[NaN]]), RangeError, "NaN");
  assertThrows(() => map([[1]], { colours: { kind: "diverging", low: 0.5 } }), RangeError, "0.5, 1");
});

Deno.test("matrixPanels() gives all panels one scale and each row one bar", async () => {
  const rows = [
    { title: "D", matrices: { a: [[1, 0.5], [0, 1]], b: [[1, -0.5], [0, 1]] } },
    { title: "V", matrices: { a: [[1, 0.1], [-7, 1]], b: [[1, 2], [0, 1]] } },
  ];
  const all = matrixPanels({ rows, shown: ["b", "a"], ...titles, triangle: "upper" });
  assertEquals(all.map(({ title }) => (title as { text: string }).text), ["D: b", "D: a", "V: b", "V: a"]);
  for (const panel of all) {
    // −7 lies in the triangle that is not drawn.
    assert(JSON.stringify(panel).includes('"domain":[-0.5,0,2]'), JSON.stringify(panel));
  }
  const svg = await renderSvg(figureSpec(all, { title: "Four", columns: 2 }));
  assertEquals(wordsOf(svg).filter((text) => text === "Gain").length, 2);
  const place = Object.fromEntries(textsOf(svg).map(({ text, x, y }) => [text, { x, y }]));
  assertEquals(place["D: b"]?.y, place["D: a"]?.y);
  assertEquals(place["D: b"]?.x, place["V: b"]?.x);
  assert((place["V: b"]?.y as number) > (place["D: b"]?.y as number));
});

Deno.test("matrixPanels() refuses versions that are missing", () => {
  const rows = [{ title: "D", matrices: { a: [[1]] } }];
  assertThrows(() => matrixPanels({ rows, shown: ["b"], ...titles }), RangeError, 'current is "b"');
  assertThrows(() => matrixPanels({ rows, shown: [], ...titles }), RangeError, "1 rows of 0");
});
