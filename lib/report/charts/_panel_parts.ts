import type { Json } from "../../core/mod.ts";
import { FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import { panelTitle } from "./vega_lite.ts";

/** How far a legend over a plot reaches above it, in pixels. */
export const TOP_LEGEND_HEIGHT = 26;

/**
 * A legend in one line over the plot, placed by hand: one in the layout would push the title of its panel off the
 * line of its neighbours' titles.
 */
export function topLegend(symbolType?: string): Json {
  return {
    title: null,
    orient: "none",
    legendX: 0,
    legendY: -TOP_LEGEND_HEIGHT,
    direction: "horizontal",
    ...(symbolType === undefined ? {} : { symbolType }),
  };
}

/** The title of a panel, where it has one; see {@link panelTitle}. */
export function titled(
  title: string | undefined,
  options: { readonly drawnAbove: number },
): { readonly title?: Json } {
  return title === undefined ? {} : { title: panelTitle(title, options) };
}

/** The encoding of a number by a place on an axis from one end of `domain` to the other. */
export function quantitative(
  field: string,
  domain: readonly number[],
  axis: Readonly<Record<string, Json>>,
): Readonly<Record<string, Json>> {
  return { field, type: "quantitative", scale: { domain, nice: false, zero: false }, axis };
}

/** An axis of places 0, 1, … whose labels are read off a list, so that two places may have one label. */
export function listAxis(labels: readonly string[]): Readonly<Record<string, Json>> {
  return {
    values: labels.map((_, place) => place),
    labelExpr: `split([${labels.map((label) => JSON.stringify(label)).join(", ")}][datum.value], '\\n')`,
    labelLineHeight: 15,
    labelLimit: 0,
    labelPadding: 6,
    labelOverlap: false,
    labelFlush: false,
    grid: false,
    ticks: false,
  };
}

/**
 * An axis of whole numbers. Not by `format`, which would round the places of cells' edges too where a drawing describes
 * its marks in words.
 */
export function countAxis(ticks: readonly number[]): Readonly<Record<string, Json>> {
  return { values: ticks, labelExpr: "format(datum.value, 'd')", grid: false };
}

/** A text at a place of the plot given in pixels from its upper left corner; what lies outside is drawn too. */
export function textAt(
  text: string,
  options: {
    readonly x: number;
    readonly y: number;
    readonly align?: "left" | "center" | "right";
    readonly baseline?: "top" | "middle" | "bottom" | "alphabetic";
    readonly size?: number;
    readonly weight?: "normal" | "bold";
    readonly colour?: string;
  },
): Json {
  const { x, y, align = "left", baseline = "alphabetic", size = FONT_SIZES.note, weight = "normal", colour } =
    options;
  return {
    data: { values: [{ text }] },
    mark: {
      type: "text",
      align,
      baseline,
      fontSize: size,
      fontWeight: weight,
      color: colour ?? FIGURE_COLOURS.quiet,
    },
    encoding: { x: { value: x }, y: { value: y }, text: { field: "text", type: "nominal" } },
  };
}

/**
 * The line over a small panel: its name on the left, a number or a note on the right. Drawn as text of the plot, so
 * that panels of a grid keep one size whatever stands over them.
 */
export function smallTitle(
  title: string,
  options: { readonly width: number; readonly note?: string },
): readonly Json[] {
  const { width, note } = options;
  const head = textAt(title, {
    x: 0,
    y: -7,
    size: FONT_SIZES.tick,
    weight: "bold",
    colour: FIGURE_COLOURS.ink,
  });
  return note === undefined ? [head] : [head, textAt(note, { x: width, y: -7, align: "right" })];
}
