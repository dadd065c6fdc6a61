import type { Json } from "../../core/mod.ts";

/** The colours of all figures; they differ in lightness, so that they stay apart in print and for all readers. */
export const FIGURE_COLOURS: {
  /** The subject of a figure: steered models. */
  readonly subject: string;
  /** What the subject is compared with, say the opener alone. */
  readonly companion: string;
  /** The unsteered model. */
  readonly base: string;
  /** Reference lines, text and axes. */
  readonly ink: string;
  /** Less important text and lines. */
  readonly quiet: string;
} = { subject: "#F28E2B", companion: "#56B4E9", base: "#999999", ink: "#1A1A1A", quiet: "#5F5F5F" };

/** Colours of the curves of one panel, in order. The third and fourth stay apart from the first two without hue. */
export const SERIES_COLOURS: readonly string[] = [
  FIGURE_COLOURS.subject,
  FIGURE_COLOURS.companion,
  "#2E4057",
  "#B85C9E",
];

/** Marker shapes of the curves of one panel, in order: they tell curves apart without colour. */
export const SERIES_SHAPES: readonly string[] = ["circle", "square", "diamond", "triangle-up"];

/**
 * Colours of the parts of a whole, in order; the last is for what belongs to no part. Neighbours differ in lightness,
 * and all of them from each other for readers who do not tell red from green.
 */
export const CATEGORY_COLOURS: readonly string[] = [
  FIGURE_COLOURS.companion,
  FIGURE_COLOURS.subject,
  "#2E4057",
  "#F2D75C",
  "#B85C9E",
  "#2A9D8F",
  "#E3C3B0",
  FIGURE_COLOURS.base,
];

/**
 * Colours of an order, from its first to its last: viridis at equal steps, without its lightest tenth, which paper would
 * swallow. Lightness rises all the way.
 */
export const ORDER_COLOURS: readonly string[] = [
  ...["#440154", "#482575", "#414487", "#35608D", "#2A788E"],
  ...["#21918D", "#22A884", "#43BF71", "#7AD151", "#BCDF27"],
];

/** The font of all figures, then what a viewer without it may use. */
export const FIGURE_FONT = "DejaVu Sans, Verdana, Arial, sans-serif";

/** The font of texts that are shown token by token: all its characters have one width. */
export const MONO_FONT = "DejaVu Sans Mono, Menlo, Consolas, monospace";

/** Font sizes in pixels. */
export const FONT_SIZES: {
  readonly title: number;
  readonly subtitle: number;
  readonly panel: number;
  readonly axis: number;
  readonly tick: number;
  readonly mark: number;
  readonly note: number;
} = { title: 16, subtitle: 11.5, panel: 13.5, axis: 13, tick: 12, mark: 12, note: 10 };

/** The Vega-Lite `config` of every figure. */
export const FIGURE_CONFIG: Readonly<Record<string, Json>> = {
  font: FIGURE_FONT,
  background: "white",
  padding: 14,
  view: { stroke: null },
  axis: {
    domainColor: FIGURE_COLOURS.ink,
    gridColor: FIGURE_COLOURS.ink,
    gridOpacity: 0.1,
    labelColor: FIGURE_COLOURS.ink,
    labelFontSize: FONT_SIZES.tick,
    tickColor: FIGURE_COLOURS.ink,
    titleColor: FIGURE_COLOURS.ink,
    titleFontSize: FONT_SIZES.axis,
    titleFontWeight: "normal",
    titlePadding: 10,
  },
  legend: {
    labelColor: FIGURE_COLOURS.ink,
    labelFontSize: FONT_SIZES.tick,
    labelLimit: 0,
    symbolSize: 140,
    titleFontSize: FONT_SIZES.tick,
  },
  title: {
    anchor: "start",
    color: FIGURE_COLOURS.ink,
    fontSize: FONT_SIZES.title,
    offset: 20,
    subtitleColor: FIGURE_COLOURS.quiet,
    subtitleFontSize: FONT_SIZES.subtitle,
    subtitleLineHeight: 16,
    subtitlePadding: 6,
  },
};
