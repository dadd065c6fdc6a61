import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { readFontMetrics } from "../../../lib/report/charts/_font_metrics.ts";

/** A font of three glyphs (box 500, "A" 700, everything after 600 of 1000 units), written by the specification. */
function tinyFont(): Uint8Array {
  const head = new Uint8Array(54), hhea = new Uint8Array(36), hmtx = new Uint8Array(12);
  new DataView(head.buffer).setUint16(18, 1000); // unitsPerEm
  new DataView(hhea.buffer).setUint16(34, 3); // numberOfHMetrics
  [500, 700, 600].forEach((advance, glyph) => new DataView(hmtx.buffer).setUint16(4 * glyph, advance));
  // Segments: "A" by shift, "a" … "c" through a list (glyphs 2, 0, 1), and the closing segment.
  const segments = [
    { start: 65, end: 65, shift: 1 - 65, range: 0 },
    { start: 97, end: 99, shift: 0, range: 4 },
    { start: 0xffff, end: 0xffff, shift: 1, range: 0 },
  ];
  const cmap = new Uint8Array(12 + 16 + 8 * 3 + 6), view = new DataView(cmap.buffer);
  view.setUint16(2, 1); // one encoding
  view.setUint32(8, 12); // at offset 12
  view.setUint16(12, 4); // format
  view.setUint16(18, 6); // twice the number of segments
  segments.forEach(({ start, end, shift, range }, index) => {
    view.setUint16(26 + 2 * index, end);
    view.setUint16(34 + 2 * index, start);
    view.setUint16(40 + 2 * index, shift & 0xffff);
    view.setUint16(46 + 2 * index, range); // counted from its own place: the list follows the third range
  });
  [2, 0, 1].forEach((glyph, index) => view.setUint16(52 + 2 * index, glyph));
  const tables = { cmap, head, hhea, hmtx };
  const bytes: number[] = [0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0];
  let offset = 12 + 16 * 4;
  for (const [name, table] of Object.entries(tables)) {
    bytes.push(...new TextEncoder().encode(name), 0, 0, 0, 0);
    for (const number of [offset, table.length]) bytes.push(0, 0, number >> 8, number & 255);
    offset += table.length;
  }
  return Uint8Array.from([...bytes, ...Object.values(tables).flatMap((table) => [...table])]);
}

Deno.test("readFontMetrics() finds advances by shift, through a glyph list and for missing characters", () => {
  const width = readFontMetrics(tinyFont());
  assertEquals(width(""), 0);
  assertEquals([..."AabcZ"].map(width), [0.7, 0.6, 0.5, 0.7, 0.5]);
  assertAlmostEquals(width("AAb"), 1.9, 1e-12);
});

Deno.test("readFontMetrics() reads the font of the figures", async () => {
  const url = new URL(import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"));
  const width = readFontMetrics(await Deno.readFile(url));
  // Advances of DejaVu Sans 2.37 in units of 2048, found through the font's other character table (format 12).
  const units = [..."A 0iЩ␣−"].map((character) => Math.round(width(character) * 2048));
  assertEquals(units, [1401, 651, 1303, 569, 2240, 1300, 1716]);
});

Deno.test("readFontMetrics() names the table that is missing", () => {
  assertThrows(() => readFontMetrics(new Uint8Array(12)), RangeError, 'table "head"');
});
