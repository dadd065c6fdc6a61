/// <reference lib="dom" />
import embed, { type VisualizationSpec } from "vega-embed";

/** Replaces the picture of a figure by one that tells its values under the pointer and can be exported. */
export async function drawFigure(figure: HTMLElement): Promise<void> {
  const path = figure.dataset.spec;
  if (path === undefined) return;
  const spec = await (await fetch(path)).json() as VisualizationSpec;
  const place = document.createElement("div");
  place.className = "live";
  await embed(place, spec, {
    renderer: "svg",
    actions: { export: { svg: true, png: true }, source: true, compiled: false, editor: false },
    config: { mark: { tooltip: { content: "encoding" } }, tooltipFormat: { numberFormat: ".4~g" } },
    tooltip: { theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light" },
    downloadFileName: path.split("/").at(-2) ?? "figure",
  });
  const picture = figure.querySelector("img");
  const drawing = place.querySelector("svg");
  place.querySelector("summary")?.setAttribute("aria-label", "Export this figure");
  drawing?.setAttribute("role", "img");
  drawing?.setAttribute("aria-label", picture?.alt ?? "figure");
  picture?.replaceWith(place);
  figure.dataset.live = "true";
}
