import type { Json } from "../../core/mod.ts";
import { labelPlaces } from "./_label_places.ts";
import { FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";

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
  /** Name of the curve that it belongs to, whose colour it takes. @default {none: ink} */
  readonly curve?: string;
}

/** Where reference lines are drawn. */
interface ReferenceFrame {
  /** Width of the plot in pixels. */
  readonly width: number;
  /** Height of the plot in pixels. */
  readonly height: number;
  /** Ends of the linear y axis. */
  readonly extent: readonly [low: number, high: number];
  /** Labels right of the plot, or none. */
  readonly labels: "right" | "none";
  /** Decimals of the heights in labels. */
  readonly digits: number;
}

const round = (pixels: number): number => Math.round(pixels * 100) / 100;

/** Dashed lines across a plot with their bands; labels stand right of it, as near to their lines as they find room. */
export function referenceMarks(
  references: readonly (ReferenceLine & { readonly colour?: string })[],
  frame: ReferenceFrame,
): readonly Json[] {
  if (references.length === 0) return [];
  const { width, height, extent: [low, high], labels, digits } = frame;
  const wanted = references.map(({ value }) => height * (high - value) / (high - low));
  const places = labelPlaces(wanted, { gap: FONT_SIZES.mark + 6, low: 0, high: height });
  const rows = references.map((line, index) => ({
    label: `${line.label}: ${line.value.toFixed(digits)}`,
    value: line.value,
    colour: line.colour ?? FIGURE_COLOURS.ink,
    ...(line.band === undefined ? {} : { low: line.band[0], high: line.band[1] }),
    place: round(places[index] as number),
  }));
  const pixels = { type: "quantitative", scale: null, axis: null };
  const layers: Json[] = [];
  const banded = rows.filter((row) => "low" in row);
  // Colours are written into the marks: a colour channel would keep the curves' legends from becoming one.
  const colours = [...new Set(rows.map(({ colour }) => colour))];
  for (const color of colours) {
    const values = banded.filter(({ colour }) => colour === color);
    if (values.length === 0) continue;
    layers.push({
      data: { values },
      mark: { type: "rect", color, opacity: 0.1 },
      encoding: {
        x: { value: 0 },
        x2: { value: width },
        y: { field: "low", type: "quantitative" },
        y2: { field: "high" },
      },
    });
  }
  for (const color of colours) {
    layers.push({
      data: { values: rows.filter(({ colour }) => colour === color) },
      mark: { type: "rule", color, strokeDash: [7, 5], strokeWidth: 1.8 },
      encoding: { x: { value: 0 }, x2: { value: width }, y: { field: "value", type: "quantitative" } },
    });
  }
  if (labels === "none") return layers;
  rows.forEach((row, index) => {
    layers.push({
      data: { values: [{ from: round(wanted[index] as number), to: row.place }] },
      mark: { type: "rule", color: row.colour, strokeWidth: 1 },
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

/** Every height that a plot of curves and reference lines must show. */
export function curveHeights(input: {
  readonly curves: readonly LayerCurve[];
  readonly references?: readonly ReferenceLine[];
}): readonly number[] {
  return [
    ...input.curves.flatMap(({ points }) =>
      points.flatMap((
        point,
      ) => [point.value, ...(point.band ?? []), ...(point.error ?? []), ...(point.runs ?? [])])
    ),
    ...(input.references ?? []).flatMap((line) => [line.value, ...(line.band ?? [])]),
  ];
}
