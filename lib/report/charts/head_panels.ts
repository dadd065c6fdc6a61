import { curveHeights, type CurvePoint, type ReferenceLine } from "./_curve_marks.ts";
import { paddedExtent } from "./_extent.ts";
import { TOP_LEGEND_HEIGHT } from "./_panel_parts.ts";
import { layerCurve } from "./layer_curve.ts";
import { type Panel, panelTitle } from "./vega_lite.ts";

/** One projection, or one way of steering: a value per head. */
export interface HeadSeries {
  /** Title of its panel, say "Q projection". */
  readonly title: string;
  /** Its heads; `layer` of a point counts heads from zero. */
  readonly heads: readonly (Omit<CurvePoint, "layer"> & { readonly head: number })[];
}

/** Panels with the head on x, side by side. */
export interface HeadPanelsInput {
  /** The panels from left to right. */
  readonly series: readonly HeadSeries[];
  /** Dashed lines through every panel; labelled right of the last. @default {[]} */
  readonly references?: readonly ReferenceLine[];
  /** Title of the y axis with its unit. */
  readonly yTitle: string;
  /** Decimals of the heights in labels. @default {1} */
  readonly digits?: number;
  /** Width of each plot in pixels. @default {260} */
  readonly width?: number;
  /** Height of each plot in pixels. @default {280} */
  readonly height?: number;
}

/**
 * A value per head in one panel per projection: one y axis for all, uncertainty as bars and bands, the same reference
 * lines through all, labelled once.
 *
 * Source: the look of the paper's Figures 5, 20 and 21 (class: code).
 *
 * @throws RangeError when there is no panel, a panel has no head or a value is not finite.
 *
 * @example
 * ```ts
 * import { figureSpec, headPanels } from "../mod.ts";
 * const heads = [30, 31].map((value, head) => ({ head, value, error: [value - 1, value + 1] as const }));
 * const references = [{ label: "Skip-Attn", value: 28 }];
 * const panels = headPanels({ series: [{ title: "Q", heads }, { title: "V", heads }], references, yTitle: "Accuracy (%)" });
 * const text = JSON.stringify(figureSpec(panels, { title: "By head" }));
 * if (text.split("Skip-Attn: 28.0").length !== 4) throw new Error("one label expected, in the rows of its three marks");
 * ```
 */
export function headPanels(input: HeadPanelsInput): readonly Panel[] {
  const { series, references = [], yTitle, digits = 1, width = 260, height = 280 } = input;
  const curves = series.map(({ heads }) => [{
    name: "One head",
    points: heads.map(({ head, ...point }) => ({ ...point, layer: head })),
  }]);
  const yExtent = paddedExtent(curveHeights({ curves: curves.flat(), references }), { what: "heads" });
  return series.map(({ title }, index) => ({
    ...layerCurve({
      curves: curves[index] as typeof curves[number],
      references,
      referenceLabels: index === series.length - 1 ? "right" : "none",
      digits,
      xTitle: "Head",
      // The axis is shared: its title stands once, its numbers in every panel.
      yTitle: index === 0 ? yTitle : "",
      yExtent,
      width,
      height,
    }),
    // No panel has a legend that would need room over the plot.
    title: panelTitle(title, { drawnAbove: TOP_LEGEND_HEIGHT }),
  }));
}
