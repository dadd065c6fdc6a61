import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { sha256 } from "../../../lib/core/mod.ts";
import { renderPng, renderSvg, type VegaLiteSpec } from "../../../lib/report/mod.ts";
import { boxFigure, curveFigure } from "../_figures.ts";

/** Width and height of a PNG, from its first chunk. */
function sizeOf(png: Uint8Array): [width: number, height: number] {
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

function textSvg(text: string, weight = "normal"): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">` +
    `<text x="10" y="25" font-family="DejaVu Sans, Verdana" font-weight="${weight}" font-size="16">${text}</text></svg>`;
}

Deno.test("renderSvg() gives the same text whatever was drawn before", async () => {
  const first = await renderSvg(curveFigure());
  await renderSvg(boxFigure());
  assertEquals(await renderSvg(curveFigure()), first);
});

Deno.test("renderSvg() leaves the figure as it was", async () => {
  const figure = curveFigure(), before = structuredClone(figure);
  await renderSvg(figure);
  assertEquals(figure, before);
});

Deno.test("renderSvg() refuses a figure that the compiler warns about", async () => {
  const spec: VegaLiteSpec = {
    data: { values: [{ a: 1 }] },
    mark: "point",
    encoding: { size3: { field: "a" } },
  };
  await assertRejects(() => renderSvg(spec), TypeError, "without warning");
});

Deno.test("renderPng() draws as many pixels as the scale asks for, opaque and again the same", async () => {
  const svg = await renderSvg(boxFigure());
  const [, width, height] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  const once = await renderPng(svg, { scale: 1 });
  assertEquals(sizeOf(once), [Math.ceil(Number(width)), Math.ceil(Number(height))]);
  const twice = await renderPng(svg);
  assert(Math.abs(sizeOf(twice)[0] - 2 * Number(width)) <= 1);
  assertEquals(sha256(await renderPng(svg)), sha256(twice));
  await assertRejects(() => renderPng(svg, { scale: 0 }), RangeError, "current value is 0");
});

Deno.test("renderPng() has a glyph for every kind of character that labels use", async () => {
  // U+E000 belongs to nobody: it shows what a missing glyph looks like.
  const missing = sha256(await renderPng(textSvg("\ue000")));
  const blank = sha256(await renderPng(textSvg("")));
  assertNotEquals(missing, blank);
  for (const character of ["A", "Щ", "я", "␣", "−", "Δ", "τ", "±", "→", "–", "é"]) {
    const drawn = sha256(await renderPng(textSvg(character)));
    assert(drawn !== missing && drawn !== blank, `no glyph for ${character}`);
  }
  assertNotEquals(await renderPng(textSvg("A", "bold")), await renderPng(textSvg("A")));
});

Deno.test("renderSvg() and renderPng() give the recorded bytes", async () => {
  // A figure without our style. The digests change with the versions of Vega, the renderer or the font alone: when they
  // do on one machine and not on another, drawing depends on the machine.
  const spec: VegaLiteSpec = {
    title: "Δp of ␣To",
    data: { values: [{ layer: 0, value: 0.31 }, { layer: 1, value: 0.74 }, { layer: 2, value: 0.52 }] },
    mark: { type: "line", point: true, interpolate: "monotone" },
    encoding: { x: { field: "layer", type: "quantitative" }, y: { field: "value", type: "quantitative" } },
    config: { font: "DejaVu Sans" },
  };
  const svg = await renderSvg(spec);
  assertEquals(sha256(svg), "d09336a5c4fd5db6292a3ea38b13f00f51df016d595c9810f0213c9c0bd9e2d4");
  assertEquals(
    sha256(await renderPng(svg)),
    "c70318bb0f902912885822c4bc8bd867e5631135b9c89e5e86faecc22c38d13b",
  );
});
