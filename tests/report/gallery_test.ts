import { assert, assertEquals, assertThrows } from "@std/assert";
import { renderSvg, type VegaLiteSpec } from "../../lib/report/mod.ts";
import { validateSpec } from "./_validate_spec.ts";
import { boxFigure, curveFigure } from "./_figures.ts";
import { GALLERY } from "./_gallery.ts";
import { textsOf, wordsOf } from "./_svg.ts";

// The first use of the schema compiles it, which takes seconds: everything that needs it stands in this file.

Deno.test("validateSpec() accepts every kind of small figure", () => {
  validateSpec(curveFigure());
  validateSpec(boxFigure());
});

Deno.test("validateSpec() refuses what Vega-Lite does not know", () => {
  const figure = curveFigure() as unknown as { layer: Record<string, unknown>[] };
  const [first, ...rest] = figure.layer;
  const wrong = { ...figure, layer: [{ ...first, mark: { type: "rect", opacity: "half" } }, ...rest] };
  assertThrows(() => validateSpec(wrong as unknown as VegaLiteSpec), TypeError, "/layer/0/mark");
});

for (const [name, make] of Object.entries(GALLERY)) {
  Deno.test(`${name} is valid, holds its data and is drawn whole without warning`, async () => {
    const figure = make();
    validateSpec(figure);
    const addresses = [...JSON.stringify(figure).matchAll(/"(url|https?:[^"]*)"/g)].map((match) => match[1]);
    assertEquals(addresses, ["https://vega.github.io/schema/vega-lite/v6.json"]);
    // The renderer refuses what the compiler warns about.
    const svg = await renderSvg(figure);
    assertEquals(svg.match(/NaN|undefined|Infinity/g), null);
    const [, width, height] = /width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
    for (const { text, x, y } of textsOf(svg)) {
      assert(
        x >= 0 && x <= Number(width) && y >= 0 && y <= Number(height),
        `"${text}" at ${x}, ${y} lies outside`,
      );
    }
    assert(wordsOf(svg).some((text) => text.includes("Made-up numbers")));
    assertEquals(await renderSvg(make()), svg);
  });
}
