import type { Json } from "../../core/mod.ts";
import { paddedExtent } from "./_extent.ts";
import { quantitative, titled, TOP_LEGEND_HEIGHT, topLegend } from "./_panel_parts.ts";
import { curveHeights, type LayerCurve, type ReferenceLine, referenceMarks } from "./_curve_marks.ts";
import { FIGURE_COLOURS, SERIES_COLOURS, SERIES_SHAPES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** A plot with the layer on x. */
export interface LayerCurveInput {
  /** The curves, first on top. */
  readonly curves: readonly LayerCurve[];
  /** Dashed lines; a line that names a curve takes its colour. @default {[]} */
  readonly references?: readonly ReferenceLine[];
  /** Labels with heights right of the plot, or none where a neighbour has them. @default {"right"} */
  readonly referenceLabels?: "right" | "none";
  /** Decimals of the heights in labels. @default {1} */
  readonly digits?: number;
  /** Ends of the y axis, for panels that share it. @default {all data with five per cent to spare} */
  readonly yExtent?: readonly [low: number, high: number];
  /** Title of the x axis. @default {"Layer"} */
  readonly xTitle?: string;
  /** Title of the y axis with its unit. */
  readonly yTitle: string;
  /** Title of the panel, for figures of several. */
  readonly title?: string;
  /** Width of the plot in pixels. @default {640} */
  readonly width?: number;
  /** Height of the plot in pixels. @default {300} */
  readonly height?: number;
}

/**
 * Curves over layers with bands, error bars, markers and single runs, among dashed reference lines whose labels stand
 * to the right of the plot and never overlap. Curves differ in colour and marker; x may also count heads, places or
 * singular values.
 *
 * Source: the look of the paper's Figure 1 (class: code): orange curve with round markers, black dashed references,
 * five per cent of head-room.
 *
 * @throws RangeError when there is no curve, a value is not finite, there are more curves than colours or a reference
 * line names no curve.
 *
 * @example
 * ```ts
 * import { figureSpec, layerCurve } from "../mod.ts";
 * const points = [{ layer: 0, value: 30 }, { layer: 1, value: 40, error: [37, 43] as const }];
 * const references = [{ label: "Base", value: 25 }];
 * const panel = layerCurve({ curves: [{ name: "vector", points }], references, yTitle: "Accuracy (%)" });
 * if (!JSON.stringify(figureSpec([panel], { title: "By layer" })).includes("Base: 25.0")) throw new Error("label expected");
 * ```
 */
export function layerCurve(input: LayerCurveInput): Panel {
  const { curves, references = [], xTitle = "Layer", yTitle, title, width = 640, height = 300 } = input;
  const { referenceLabels = "right", digits = 1 } = input;
  if (curves.length === 0 || curves.length > SERIES_COLOURS.length) {
    throw new RangeError(
      `Cannot draw curves as there must be 1 to ${SERIES_COLOURS.length}: current count is ${curves.length}`,
    );
  }
  const layers = curves.flatMap(({ points }) => points.map(({ layer }) => layer));
  const first = Math.min(...layers), last = Math.max(...layers);
  const heights = curveHeights(input);
  const own = paddedExtent(heights, { what: "a curve" });
  const extent = input.yExtent ?? own;
  const names = curves.map(({ name }) => name);
  // What is drawn last lies on top: the first curve.
  const rows = curves.toReversed().flatMap(({ name, points }) =>
    points.map(({ layer, value, band, error }) => ({
      curve: name,
      layer,
      value,
      ...(band === undefined ? {} : {
        bandLow: band[0],
        bandHigh: band[1],
        shade: SERIES_COLOURS[names.indexOf(name)] as string,
      }),
      ...(error === undefined ? {} : { errorLow: error[0], errorHigh: error[1] }),
    }))
  );
  const runs = curves.flatMap(({ name, points }) =>
    points.flatMap(({ layer, runs = [] }) => runs.map((value) => ({ curve: name, layer, value })))
  );
  // Labels at whole layers, as many as have room: fifteen over the usual width.
  const step = Math.max(1, Math.ceil((last - first) / Math.min(14, Math.floor(width / 28))));
  const ticks = Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, index) => first + index * step,
  );
  const x = quantitative("layer", [first - 0.4, last + 0.4], {
    title: xTitle,
    values: ticks,
    format: "d",
    grid: false,
  });
  const y = (field: string) => quantitative(field, extent, { title: yTitle, domain: false, tickCount: 6 });
  const colour = {
    field: "curve",
    type: "nominal",
    scale: { domain: names, range: SERIES_COLOURS.slice(0, names.length) },
    legend: names.length > 1 ? topLegend() : null,
  };
  const shape = {
    field: "curve",
    type: "nominal",
    scale: { domain: names, range: SERIES_SHAPES.slice(0, names.length) },
    legend: colour.legend,
  };
  const part = (
    filter: (row: typeof rows[number]) => boolean,
    layer: Readonly<Record<string, Json>>,
  ): Json[] => {
    const values = rows.filter(filter);
    return values.length === 0 ? [] : [{ data: { values }, ...layer }];
  };
  const lines = references.map((line) => {
    const place = line.curve === undefined ? 0 : names.indexOf(line.curve);
    if (place < 0) {
      throw new RangeError(
        `Cannot draw a reference line as its curve must be one of ${
          names.join(", ")
        }: current is "${line.curve}"`,
      );
    }
    return line.curve === undefined ? line : { ...line, colour: SERIES_COLOURS[place] as string };
  });
  const drawnAbove = names.length > 1 ? TOP_LEGEND_HEIGHT : 0;
  return {
    ...titled(title, { drawnAbove }),
    width,
    height,
    layer: [
      ...referenceMarks(lines, { width, height, extent, labels: referenceLabels, digits }),
      ...part((row) => "bandLow" in row, {
        mark: { type: "area", opacity: 0.22 },
        encoding: {
          x,
          y: y("bandLow"),
          y2: { field: "bandHigh" },
          detail: { field: "curve", type: "nominal" },
          // Not by the scale: the legend would become as faint as the bands.
          fill: { field: "shade", type: "nominal", scale: null },
        },
      }),
      ...part((row) => "errorLow" in row, {
        mark: { type: "rule", strokeWidth: 1.6 },
        encoding: { x, y: y("errorLow"), y2: { field: "errorHigh" }, color: colour },
      }),
      ...part(() => true, {
        mark: { type: "line", strokeWidth: 2.5 },
        encoding: { x, y: y("value"), color: colour },
      }),
      ...(runs.length === 0 ? [] : [{
        data: { values: runs },
        // Beside the marker, which would hide them.
        mark: {
          type: "point",
          filled: true,
          size: 20,
          opacity: 0.8,
          color: FIGURE_COLOURS.quiet,
          xOffset: 9,
        },
        encoding: { x, y: y("value") },
      }]),
      ...part(() => true, {
        mark: { type: "point", filled: true, size: 70, opacity: 1, stroke: "white", strokeWidth: 1 },
        encoding: { x, y: y("value"), color: colour, shape },
      }),
    ],
  };
}
