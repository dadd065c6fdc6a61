import type { Json } from "../core/mod.ts";
import { FIGURE_COLOURS, FONT_SIZES, SERIES_COLOURS, SERIES_SHAPES } from "./figure_style.ts";
import { labelPlaces } from "./_label_places.ts";
import { type Panel, panelTitle } from "./vega_lite.ts";

/** One layer of a curve. */
export interface CurvePoint {
  /** Layer, from zero. */
  readonly layer: number;
  /** Height of the marker. */
  readonly value: number;
  /** Ends of the shaded band, say ± one standard deviation over evaluation seeds. */
  readonly band?: readonly [low: number, high: number];
  /** Ends of the error bar, say a bootstrap interval. */
  readonly error?: readonly [low: number, high: number];
  /** Values of single runs, say one per training seed, drawn as small dots. */
  readonly runs?: readonly number[];
}

/** A curve over layers. */
export interface LayerCurve {
  /** Name for the legend, which appears when there are two curves or more. */
  readonly name: string;
  /** Its layers; those that are left out have no marker. */
  readonly points: readonly CurvePoint[];
}

/** A horizontal line to compare with. */
export interface ReferenceLine {
  /** What the line is. */
  readonly label: string;
  /** Its height. */
  readonly value: number;
  /** Ends of its shaded band. */
  readonly band?: readonly [low: number, high: number];
}

/** A plot with the layer on x. */
export interface LayerCurveInput {
  /** The curves, first on top. */
  readonly curves: readonly LayerCurve[];
  /** Dashed lines; labelled on the right with their height to one decimal. @default {[]} */
  readonly references?: readonly ReferenceLine[];
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

/** Ends of the y axis: all data with five per cent to spare on both sides. */
function extentOf(input: LayerCurveInput): [low: number, high: number] {
  const values = [
    ...input.curves.flatMap(({ points }) =>
      points.flatMap((
        point,
      ) => [point.value, ...(point.band ?? []), ...(point.error ?? []), ...(point.runs ?? [])])
    ),
    ...(input.references ?? []).flatMap((line) => [line.value, ...(line.band ?? [])]),
  ];
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot draw a curve as its values must be finite: current value is ${wrong}`);
  }
  const low = Math.min(...values), high = Math.max(...values);
  const spare = 0.05 * (high - low || 1);
  return [low - spare, high + spare];
}

function referenceLayers(
  references: readonly ReferenceLine[],
  frame: { readonly width: number; readonly height: number; readonly extent: readonly [number, number] },
): Json[] {
  const { width, height, extent: [low, high] } = frame;
  const wanted = references.map(({ value }) => height * (high - value) / (high - low));
  const places = labelPlaces(wanted, { gap: FONT_SIZES.mark + 6, low: 0, high: height });
  const rows = references.map((line, index) => ({
    label: `${line.label}: ${line.value.toFixed(1)}`,
    value: line.value,
    ...(line.band === undefined ? {} : { low: line.band[0], high: line.band[1] }),
    place: Math.round((places[index] as number) * 100) / 100,
  }));
  const pixels = { type: "quantitative", scale: null, axis: null };
  const layers: Json[] = [];
  if (rows.some((row) => "low" in row)) {
    layers.push({
      data: { values: rows.filter((row) => "low" in row) },
      mark: { type: "rect", color: FIGURE_COLOURS.ink, opacity: 0.1 },
      encoding: {
        x: { value: 0 },
        x2: { value: width },
        y: { field: "low", type: "quantitative" },
        y2: { field: "high" },
      },
    });
  }
  layers.push({
    data: { values: rows },
    mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeDash: [7, 5], strokeWidth: 1.8 },
    encoding: { x: { value: 0 }, x2: { value: width }, y: { field: "value", type: "quantitative" } },
  });
  rows.forEach((row, index) => {
    layers.push({
      data: { values: [{ from: Math.round((wanted[index] as number) * 100) / 100, to: row.place }] },
      mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth: 1 },
      encoding: {
        x: { value: width + 2 },
        x2: { value: width + 14 },
        y: { field: "from", ...pixels },
        y2: { field: "to" },
      },
    });
  });
  layers.push({
    data: { values: rows },
    mark: {
      type: "text",
      align: "left",
      baseline: "middle",
      color: FIGURE_COLOURS.ink,
      fontSize: FONT_SIZES.mark,
    },
    encoding: {
      x: { value: width + 19 },
      y: { field: "place", ...pixels },
      text: { field: "label", type: "nominal" },
    },
  });
  return layers;
}

/**
 * Curves over layers with bands, error bars, markers and single runs, among dashed reference lines whose labels stand
 * to the right of the plot and never overlap.
 *
 * Source: the look of the paper's Figure 1 (class: code): orange curve with round markers, black dashed references,
 * five per cent of head-room.
 *
 * @throws RangeError when there is no curve, a value is not finite or there are more curves than colours.
 *
 * @example
 * ```ts
 * import { figureSpec, layerCurve } from "./mod.ts";
 * const points = [{ layer: 0, value: 30 }, { layer: 1, value: 40, error: [37, 43] as const }];
 * const references = [{ label: "Base", value: 25 }];
 * const panel = layerCurve({ curves: [{ name: "vector", points }], references, yTitle: "Accuracy (%)" });
 * if (!JSON.stringify(figureSpec([panel], { title: "By layer" })).includes("Base: 25.0")) throw new Error("label expected");
 * ```
 */
export function layerCurve(input: LayerCurveInput): Panel {
  const { curves, references = [], xTitle = "Layer", yTitle, title, width = 640, height = 300 } = input;
  if (curves.length === 0 || curves.length > SERIES_COLOURS.length) {
    throw new RangeError(
      `Cannot draw curves as there must be 1 to ${SERIES_COLOURS.length}: current count is ${curves.length}`,
    );
  }
  const layers = curves.flatMap(({ points }) => points.map(({ layer }) => layer));
  const first = Math.min(...layers), last = Math.max(...layers);
  const extent = extentOf(input);
  // What is drawn last lies on top: the first curve.
  const rows = curves.toReversed().flatMap(({ name, points }) =>
    points.map(({ layer, value, band, error }) => ({
      curve: name,
      layer,
      value,
      ...(band === undefined ? {} : { bandLow: band[0], bandHigh: band[1] }),
      ...(error === undefined ? {} : { errorLow: error[0], errorHigh: error[1] }),
    }))
  );
  const runs = curves.flatMap(({ name, points }) =>
    points.flatMap(({ layer, runs = [] }) => runs.map((value) => ({ curve: name, layer, value })))
  );
  // About a dozen labels, at whole layers.
  const step = Math.max(1, Math.ceil((last - first) / 14));
  const ticks = Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, index) => first + index * step,
  );
  const names = curves.map(({ name }) => name);
  const x = {
    field: "layer",
    type: "quantitative",
    scale: { domain: [first - 0.4, last + 0.4], nice: false, zero: false },
    axis: { title: xTitle, values: ticks, format: "d", grid: false },
  };
  const y = (field: string) => ({
    field,
    type: "quantitative",
    scale: { domain: extent, nice: false, zero: false },
    axis: { title: yTitle, domain: false, tickCount: 6 },
  });
  const colour = {
    field: "curve",
    type: "nominal",
    scale: { domain: names, range: SERIES_COLOURS.slice(0, names.length) },
    legend: names.length > 1 ? { title: null, orient: "top", offset: 6 } : null,
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
  return {
    ...(title === undefined ? {} : { title: panelTitle(title, { drawnAbove: 0 }) }),
    width,
    height,
    layer: [
      ...(references.length === 0 ? [] : referenceLayers(references, { width, height, extent })),
      ...part((row) => "bandLow" in row, {
        mark: { type: "area", opacity: 0.22 },
        encoding: { x, y: y("bandLow"), y2: { field: "bandHigh" }, color: colour },
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
