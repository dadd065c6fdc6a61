import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { drawable } from "../../lib/report/charts/_drawable.ts";
import { readFontMetrics } from "../../lib/report/charts/_font_metrics.ts";
import { textWidth } from "../../lib/report/charts/_text_width.ts";
import {
  figureSpec,
  heatStrip,
  markdownTable,
  MONO_FONT,
  renderSvg,
  textTable,
  type TextTableInput,
  tokenText,
} from "../../lib/report/mod.ts";
import { fillsOf, marksOf, rowsOf, textsOf, wordsOf } from "./_svg.ts";

async function fontWidth(file: string): Promise<(text: string) => number> {
  return readFontMetrics(await Deno.readFile(new URL(import.meta.resolve(`dejavu-fonts-ttf/ttf/${file}`))));
}

Deno.test("textWidth() is the font's own for ASCII and no less for what else labels use", async () => {
  const regular = await fontWidth("DejaVuSans.ttf"), bold = await fontWidth("DejaVuSans-Bold.ttf");
  for (let code = 32; code < 127; code++) {
    const character = String.fromCharCode(code);
    assertAlmostEquals(textWidth(character, { size: 1 }), regular(character), 1e-3, character);
  }
  for (const text of ["Найдём ответ", "Δp ± 0,5", "␣To", "α → β"]) {
    assert(textWidth(text, { size: 1 }) >= regular(text), text);
  }
  for (const text of ["Accuracy (%)", "Steering vectors, one per layer", "Remark"]) {
    const share = textWidth(text, { size: 10, weight: "bold" }) / (10 * bold(text));
    assert(share > 0.98 && share < 1.06, `${text}: ${share}`);
  }
});

Deno.test("drawable() writes the codes of what the font lacks", () => {
  assertEquals(drawable("a Щ é λ ∑ − “x” ½ ×"), "a Щ é λ ∑ − “x” ½ ×");
  assertEquals(drawable("解x"), "\\u89e3x");
  assertEquals(drawable("です한ไ、"), "\\u3067\\u3059\\ud55c\\u0e44\\u3001");
  assertEquals(drawable("😀\ud800"), "\\u{1f600}\\ud800");
});

Deno.test("drawable() leaves no character that the font lacks", async () => {
  const width = await fontWidth("DejaVuSans.ttf");
  // U+E000 belongs to nobody: it has the width of the box that stands for a missing glyph.
  const box = width("\ue000");
  const scripts: readonly [from: number, to: number][] = [
    [0x21, 0x7e],
    [0xa1, 0x17f],
    [0x391, 0x3a1],
    [0x3b1, 0x3c9],
    [0x400, 0x45f],
    [0x5d0, 0x5ea],
    [0x2200, 0x22ff],
  ];
  const missing = scripts.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index))
  ).filter((character) => drawable(character) === character && width(character) === box);
  assertEquals(missing, []);
});

Deno.test("heatStrip() has one row per layer, brackets over its segments and no cell for null", async () => {
  const values = [[0.5, -1, 2, 1], [1, null, 0]];
  const segments = [{ label: "question", from: 0, to: 3 }, { label: "answer", from: 3, to: 4 }];
  const figure = figureSpec([heatStrip({ values, segments, barTitle: "Magnitude", cellWidth: 60 })], {
    title: "Strip",
  });
  assertEquals([figure.width, figure.height], [240, 48]);
  const cells = rowsOf(figure).filter((row) => "value" in row);
  assertEquals(cells.map(({ layer, position, value }) => [layer, position, value]), [
    [0, 0, 0.5],
    [0, 1, -1],
    [0, 2, 2],
    [0, 3, 1],
    [1, 0, 1],
    [1, 2, 0],
  ]);
  const lines = rowsOf(figure).filter((row) => "x2" in row);
  assert(
    lines.some(({ x, x2, y, y2 }) => x === 1 && x2 === 179 && y === -9 && y2 === -9),
    JSON.stringify(lines),
  );
  assert(lines.some(({ x, x2, y, y2 }) => x === 180 && x2 === 180 && y === 0 && y2 === 48));
  const svg = await renderSvg(figure);
  const label = Object.fromEntries(textsOf(svg).map(({ text, x, y }) => [text, { x, y }]));
  // Centres 90 and 210 pixels from the left edge, on one line.
  assertEquals(label.answer?.y, label.question?.y);
  assertAlmostEquals((label.answer?.x as number) - (label.question?.x as number), 120, 0.01);
  const white = fillsOf(svg, "rect").filter(({ fill }) => fill === "rgb(255, 255, 255)");
  assertEquals(white.length, 1);
});

Deno.test("heatStrip() lifts a bracket label that has no room beside its neighbour", () => {
  const segments = [{ label: "a long name", from: 0, to: 1 }, { label: "another long name", from: 1, to: 2 }];
  const panel = heatStrip({ values: [[1, 2]], segments, barTitle: "m", cellWidth: 20 });
  const labels = rowsOf(panel).filter((row) => "label" in row).map(({ label, y }) => [label, y]);
  assertEquals(labels, [["a long name", -14], ["another long name", -29]]);
});

Deno.test("heatStrip() refuses segments out of order, labels that do not match and nothing to draw", () => {
  const panel = (more: Record<string, unknown>) => heatStrip({ values: [[1, 2]], barTitle: "m", ...more });
  assertThrows(() => panel({ segments: [{ label: "s", from: 1, to: 3 }] }), RangeError, "1 to 3");
  const overlapping = [{ label: "a", from: 0, to: 2 }, { label: "b", from: 1, to: 2 }];
  assertThrows(() => panel({ segments: overlapping }), RangeError, '"b"');
  assertThrows(() => panel({ tokens: ["x"] }), RangeError, "1 for 2");
  assertThrows(() => panel({ values: [[null]] }), RangeError, "none");
});

Deno.test("tokenText() sets tokens into lines and never breaks one that fits", () => {
  const tokens = ["abcd", "  ef", "\n", "ghijkl", "mn", "o".repeat(12)].map((text, index) => ({
    text,
    value: index,
  }));
  const panel = tokenText({ blocks: [{ heading: "h", tokens }], barTitle: "m", lineLength: 10 });
  const step = 13 * 1233 / 2048;
  const place = (column: number) => Math.round(column * step * 100) / 100;
  const texts = marksOf(panel).find(({ mark }) => mark.font === MONO_FONT)?.rows ?? [];
  assertEquals(texts.map(({ text, x, y }) => [text, x, y]), [
    ["abcd", 0, 34.5],
    ["ef", place(6), 34.5],
    ["↵", place(8), 34.5],
    ["ghijkl", 0, 55.5],
    ["mn", place(6), 55.5],
    // Longer than a line: broken where the lines end.
    ["oo", place(8), 55.5],
    ["o".repeat(10), 0, 76.5],
  ]);
  const boxes = marksOf(panel).find(({ mark }) => mark.type === "rect")?.rows ?? [];
  assertEquals(boxes.map(({ value, left, right }) => [value, left, right]).slice(0, 3), [
    [0, 0, place(4)],
    [1, place(4), place(8)],
    [2, place(8), place(9)],
  ]);
});

Deno.test("tokenText() ends with an ellipsis on the last line allowed", () => {
  const tokens = ["abcd", "efgh", "ijkl", "mnop"].map((text) => ({ text, value: 1 }));
  const texts = (mostLines: number) =>
    (marksOf(tokenText({ blocks: [{ heading: "h", tokens }], barTitle: "m", lineLength: 8, mostLines }))
      .find(({ mark }) => mark.font === MONO_FONT)?.rows ?? []).map(({ text }) => text);
  assertEquals(texts(2), ["abcd", "efgh", "ijkl", "mnop"]);
  assertEquals(texts(1), ["abcd", "efg", "…"]);
});

Deno.test("tokenText() draws its texts in the font of one width, with the colour bar", async () => {
  const tokens = [{ text: "x  y", value: 2 }, { text: "解", value: 0 }, { text: " ", value: null }];
  const svg = await renderSvg(
    figureSpec([tokenText({ blocks: [{ heading: "Correct: 1 + 1?", tokens }], barTitle: "Activation" })], {
      title: "T",
    }),
  );
  const words = wordsOf(svg);
  for (const text of ["Correct: 1 + 1?", "Activation", "x\u00a0\u00a0y", "\\u89e3"]) {
    assert(words.includes(text), text);
  }
  assert(svg.includes(`font-family="${MONO_FONT}"`));
  assertEquals(fillsOf(svg, "rect").filter(({ label }) => label.includes("value")).map(({ fill }) => fill), [
    "rgb(242, 142, 43)",
    "rgb(255, 255, 255)",
  ]);
  const none = [{ heading: "h", tokens: [{ text: "a", value: null }] }];
  assertThrows(() => tokenText({ blocks: none, barTitle: "m" }), RangeError, "none");
  assertThrows(() => tokenText({ blocks: none, barTitle: "m", lineLength: 1 }), RangeError, "12 of 1");
});

const TABLE: TextTableInput = {
  columns: [{ title: "Setting", mostWidth: 80 }, { title: "Steps", digits: 0 }, { title: "Accuracy (%)" }],
  rows: [
    { kind: "heading", cells: ["All of one kind, with a long name"] },
    { cells: ["one two three four", 12345, { value: 41.16, plusMinus: 0.5 }] },
    { cells: ["b", -0.2, null] },
    { kind: "emphasis", cells: ["mean", -7, { value: 3, low: -1, high: 5 }] },
  ],
};

Deno.test("textTable() writes numbers with their uncertainty, right-aligned in their column", async () => {
  const svg = await renderSvg(figureSpec([textTable(TABLE)], { title: "Table" })), texts = textsOf(svg);
  const bold = [...svg.matchAll(/<text[^>]*font-weight="bold"[^>]*>([^<]*)</g)].map(([, text]) => text);
  assert(bold.includes("mean") && bold.includes("Steps") && !bold.includes("b"), bold.join(" · "));
  const at = (text: string) => texts.find((found) => found.text === text) as { x: number; y: number };
  for (
    const text of [
      "41.2 ± 0.5",
      "–",
      "3.0 [−1.0, 5.0]",
      "12\u2009345",
      "0",
      "−7",
      "All of one kind, with a long name",
    ]
  ) {
    assert(at(text) !== undefined, `${text} not in ${texts.map(({ text }) => text).join(" · ")}`);
  }
  assertEquals(at("12\u2009345").x, at("−7").x);
  // "one two three" would take 83.8 of the 80 pixels.
  assertEquals(at("three four").y - at("one two").y, 17);
  assert(at("b").y > at("41.2 ± 0.5").y);
});

Deno.test("markdownTable() holds the same cells", () => {
  assertEquals(
    markdownTable(TABLE),
    [
      "| Setting | Steps | Accuracy (%) |",
      "| :-- | --: | --: |",
      "| **All of one kind, with a long name** |  |  |",
      "| one two three four | 12\u2009345 | 41.2 ± 0.5 |",
      "| b | 0 | – |",
      "| **mean** | **−7** | **3.0 [−1.0, 5.0]** |",
      "",
    ].join("\n"),
  );
});

Deno.test("textTable() and markdownTable() refuse missing cells, no columns and numbers that are not finite", () => {
  const columns = [{ title: "a" }, { title: "b" }];
  for (const make of [textTable, markdownTable]) {
    assertThrows(() => make({ columns, rows: [{ cells: [1] }] }), RangeError, "current count is 1");
    assertThrows(() => make({ columns: [], rows: [] }), RangeError, "current count is 0");
    assertThrows(() => make({ columns, rows: [{ cells: ["x", NaN] }] }), RangeError, "NaN");
  }
});
