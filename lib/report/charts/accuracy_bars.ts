import type { Json } from "../../core/mod.ts";
import { TOP_LEGEND_HEIGHT, topLegend } from "./_panel_parts.ts";
import { FIGURE_COLOURS, FONT_SIZES, SERIES_COLOURS } from "./figure_style.ts";
import { type Panel, panelTitle } from "./vega_lite.ts";

/** One bar of a group. */
export interface Bar {
  /** The series it belongs to: gives its colour and its name in the legend. */
  readonly series: string;
  /** Its height. */
  readonly value: number;
  /** Ends of its error bar. */
  readonly error?: readonly [low: number, high: number];
}

/** Bars side by side over one label. */
export interface BarGroup {
  /** The label; a line break starts a second line. */
  readonly label: string;
  /** The bars, in the order of the series. */
  readonly bars: readonly Bar[];
}

/** A panel of grouped bars. */
export interface AccuracyBarsInput {
  /** The groups from left to right. */
  readonly groups: readonly BarGroup[];
  /**
   * The series from left to right with their colours.
   * @default {the subject's colour for one series; base, companion, subject and purple in order for several}
   */
  readonly series: readonly { readonly name: string; readonly colour?: string }[];
  /** Title of the y axis with its unit. */
  readonly yTitle: string;
  /** Title of the panel. */
  readonly title?: string;
  /** Width of the plot in pixels. @default {320, or more as the numbers over the bars need} */
  readonly width?: number;
  /** Height of the plot in pixels. @default {300} */
  readonly height?: number;
}

const DEFAULT_COLOURS = [
  FIGURE_COLOURS.base,
  FIGURE_COLOURS.companion,
  FIGURE_COLOURS.subject,
  SERIES_COLOURS[3] as string,
];

/** Width that the number over a bar takes, with its space. */
const NUMBER_WIDTH = 31;

/**
 * Grouped bars from zero with error bars and the value, to one decimal, over each.
 *
 * Source: the look of the right half of the paper's Figure 3 (class: code).
 *
 * @throws RangeError for no groups, unknown or repeated series, or values that are negative or not finite.
 *
 * @example
 * ```ts
 * import { accuracyBars, figureSpec } from "../mod.ts";
 * const bars = [{ series: "Base", value: 14.26 }, { series: "Vector", value: 29.4, error: [29, 29.8] as const }];
 * const series = [{ name: "Base" }, { name: "Vector" }];
 * const panel = accuracyBars({ groups: [{ label: "Sampling", bars }], series, yTitle: "Accuracy (%)" });
 * if (!JSON.stringify(figureSpec([panel], { title: "Bars" })).includes('"14.3"')) throw new Error("rounded value expected");
 * ```
 */
export function accuracyBars(input: AccuracyBarsInput): Panel {
  const { groups, series, yTitle, title, height = 300 } = input;
  const names = series.map(({ name }) => name);
  const rows = groups.flatMap(({ label, bars }) =>
    bars.map(({ series: name, value, error }) => {
      if (!names.includes(name) || bars.filter((bar) => bar.series === name).length > 1) {
        throw new RangeError(
          `Cannot draw bars as each must be of one of ${names.join(", ")}, once: current is "${name}"`,
        );
      }
      const ends = error ?? [value, value];
      if (![value, ...ends].every((number) => Number.isFinite(number) && number >= 0)) {
        throw new RangeError(
          `Cannot draw bars as values must be finite and not negative: current are ${[value, ...ends]}`,
        );
      }
      return {
        group: label,
        series: name,
        value,
        low: ends[0],
        high: ends[1],
        top: Math.max(value, ends[1]),
        text: value.toFixed(1),
      };
    })
  );
  if (rows.length === 0) {
    throw new RangeError("Cannot draw bars as there must be at least one: current count is 0");
  }
  // Four fifths of the width are bars, the rest lies between the groups.
  const width = input.width ?? Math.max(320, Math.ceil(groups.length * names.length * NUMBER_WIDTH / 0.8));
  const high = Math.max(...rows.map(({ top }) => top)) * 1.1 || 1;
  const x = {
    field: "group",
    type: "nominal",
    scale: { domain: groups.map(({ label }) => label), paddingInner: 0.22, paddingOuter: 0.12 },
    axis: {
      title: null,
      labelAngle: 0,
      labelExpr: "split(datum.label, '\\n')",
      labelLineHeight: 15,
      labelPadding: 7,
      ticks: false,
      labelLimit: 0,
    },
  };
  const xOffset = { field: "series", type: "nominal", scale: { domain: names, paddingInner: 0.06 } };
  const centre = { ...xOffset, bandPosition: 0.5 };
  const y = (field: string) => ({
    field,
    type: "quantitative",
    scale: { domain: [0, high], nice: false },
    axis: { title: yTitle, domain: false, tickCount: 6 },
  });
  const withError = rows.filter(({ low, high }) => high > low);
  const layers: Json[] = [{
    data: { values: rows },
    mark: { type: "bar" },
    encoding: {
      x,
      xOffset,
      y: y("value"),
      color: {
        field: "series",
        type: "nominal",
        scale: {
          domain: names,
          range: series.map(({ colour }, index) =>
            colour ??
              (names.length === 1
                ? FIGURE_COLOURS.subject
                : DEFAULT_COLOURS[index % DEFAULT_COLOURS.length] as string)
          ),
        },
        legend: names.length > 1 ? topLegend("square") : null,
      },
    },
  }];
  if (withError.length > 0) {
    layers.push({
      data: { values: withError },
      mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth: 1.6 },
      encoding: { x, xOffset: centre, y: y("low"), y2: { field: "high" } },
    });
    for (const end of ["low", "high"]) {
      layers.push({
        data: { values: withError },
        mark: {
          type: "tick",
          orient: "horizontal",
          color: FIGURE_COLOURS.ink,
          thickness: 1.6,
          opacity: 1,
          size: 9,
        },
        encoding: { x, xOffset: centre, y: y(end) },
      });
    }
  }
  layers.push({
    data: { values: rows },
    mark: { type: "text", baseline: "bottom", dy: -4, color: FIGURE_COLOURS.ink, fontSize: FONT_SIZES.mark },
    encoding: { x, xOffset: centre, y: y("top"), text: { field: "text", type: "nominal" } },
  });
  return {
    ...(title === undefined
      ? {}
      : { title: panelTitle(title, { drawnAbove: names.length > 1 ? TOP_LEGEND_HEIGHT : 0 }) }),
    width,
    height,
    layer: layers,
  };
}
