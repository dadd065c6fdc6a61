import type { Json } from "../../core/mod.ts";
import { paddedExtent } from "./_extent.ts";
import { listAxis, quantitative, titled, TOP_LEGEND_HEIGHT, topLegend } from "./_panel_parts.ts";
import { textWidth } from "./_text_width.ts";
import { CATEGORY_COLOURS, FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** One token with its number. */
export interface TokenBar {
  /** The token as `tokenLabel` shows it. */
  readonly label: string;
  /** Length of its bar; negative ones point left. */
  readonly value: number;
  /** Ends of its error bar. */
  readonly error?: readonly [low: number, high: number];
  /** What it is counted as, say its language: gives its colour and an entry of the legend. */
  readonly category?: string;
}

/** A panel of horizontal bars. */
export interface TokenBarsInput {
  /** The bars from top to bottom. */
  readonly bars: readonly TokenBar[];
  /** Number of bars above a dividing line, say between the lowest and the highest. @default {no line} */
  readonly divideAfter?: number;
  /** The categories in the order of the legend. @default {none: all bars in the colour of the subject} */
  readonly categories?: readonly string[];
  /** Title of the x axis with its unit. */
  readonly xTitle: string;
  /** Decimals of the numbers at the bars. @default {2} */
  readonly digits?: number;
  /** Ends of the x axis, for panels that share it. @default {all data and 0, with room for the numbers} */
  readonly xExtent?: readonly [low: number, high: number];
  /** A legend of the categories over the panel, or none where a neighbour has the same. @default {"top"} */
  readonly legend?: "top" | "none";
  /** Title of the panel. */
  readonly title?: string;
  /** Width of the plot in pixels. @default {240} */
  readonly width?: number;
  /** Height of a bar with its space in pixels. @default {19} */
  readonly rowHeight?: number;
}

/** Where the number of each bar stands, and the ends of the axis that leave room for it. */
function layout(input: TokenBarsInput): {
  readonly extent: readonly [low: number, high: number];
  readonly texts: readonly { readonly text: string; readonly tip: number }[];
} {
  const { bars, digits = 2, width = 240 } = input;
  const texts = bars.map(({ value, error }) => ({
    text: value.toFixed(digits).replace("-", "−"),
    tip: value < 0 ? Math.min(value, error?.[0] ?? value) : Math.max(value, error?.[1] ?? value),
  }));
  const [low, high] = paddedExtent(bars.flatMap(({ value, error = [] }) => [0, value, ...error]), {
    what: "bars",
    spare: 0,
  });
  if (input.xExtent !== undefined) return { extent: input.xExtent, texts };
  const room = Math.max(...texts.map(({ text }) => textWidth(text, { size: FONT_SIZES.note }))) + 8;
  // The numbers take `room` pixels at each end that has bars; the rest of the width is for low … high.
  const leftRoom = low < 0 ? room : 4, rightRoom = high > 0 ? room : 4;
  const perPixel = (high - low || 1) / Math.max(20, width - leftRoom - rightRoom);
  return { extent: [low - leftRoom * perPixel, high + rightRoom * perPixel], texts };
}

/**
 * Horizontal bars of tokens with their numbers: labels on the left, from top to bottom in the given order.
 *
 * Source: the content of the paper's Figure 15 and Tables 3 and 4 (class: review, inferred).
 *
 * @throws RangeError when there is no bar, a number is not finite, a category is not in the list, there are more
 * categories than colours or the dividing line lies outside.
 *
 * @example
 * ```ts
 * import { figureSpec, tokenBars, tokenLabel } from "../mod.ts";
 * const bars = [{ label: tokenLabel(" Пусть"), value: -0.31 }, { label: tokenLabel("\\frac{"), value: 0.12 }];
 * const panel = tokenBars({ bars, divideAfter: 1, xTitle: "Cosine" });
 * if (!JSON.stringify(figureSpec([panel], { title: "Tokens" })).includes("−0.31")) throw new Error("number expected");
 * ```
 */
export function tokenBars(input: TokenBarsInput): Panel {
  const { bars, divideAfter, categories = [], legend = "top", xTitle, title, width = 240, rowHeight = 19 } =
    input;
  const wrong = bars.find(({ category }) => category !== undefined && !categories.includes(category));
  if (wrong !== undefined || categories.length > CATEGORY_COLOURS.length) {
    throw new RangeError(
      `Cannot draw bars as categories must be of a list of at most ${CATEGORY_COLOURS.length}: ` +
        `current is "${wrong?.category ?? categories.join(", ")}"`,
    );
  }
  if (divideAfter !== undefined && !(divideAfter > 0 && divideAfter < bars.length)) {
    throw new RangeError(
      `Cannot divide bars as divideAfter must lie in (0, ${bars.length}): current value is ${divideAfter}`,
    );
  }
  const { extent, texts } = layout(input);
  const rows = bars.map(({ label, value, error, category }, place) => ({
    place,
    top: place - 0.38,
    bottom: place + 0.38,
    zero: 0,
    label,
    value,
    ...(error === undefined ? {} : { low: error[0], high: error[1] }),
    ...(category === undefined ? {} : { category }),
    ...texts[place],
  }));
  const height = rowHeight * bars.length;
  const x = (field: string) => quantitative(field, extent, { title: xTitle, domain: false, tickCount: 4 });
  const y = (field: string) =>
    quantitative(field, [bars.length - 0.5, -0.5], {
      ...listAxis(bars.map(({ label }) => label)),
      title: null,
      domain: false,
    });
  const ink = FIGURE_COLOURS.ink;
  const color: Json = categories.length === 0 ? { value: FIGURE_COLOURS.subject } : {
    field: "category",
    type: "nominal",
    scale: { domain: categories, range: CATEGORY_COLOURS.slice(0, categories.length) },
    legend: legend === "top" ? topLegend("square") : null,
  };
  const layers: Json[] = [{
    data: { values: rows },
    mark: { type: "rect" },
    encoding: { x: x("zero"), x2: { field: "value" }, y: y("top"), y2: { field: "bottom" }, color },
  }];
  const withError = rows.filter((row) => "low" in row);
  if (withError.length > 0) {
    // White under black: legible on dark bars too.
    for (const [color, strokeWidth] of [["white", 3.6], [ink, 1.4]] as const) {
      layers.push({
        data: { values: withError },
        mark: { type: "rule", color, strokeWidth },
        encoding: { x: x("low"), x2: { field: "high" }, y: y("place") },
      });
    }
  }
  layers.push({
    data: { values: [{ zero: 0 }] },
    mark: { type: "rule", color: ink, strokeWidth: 1 },
    encoding: { x: x("zero"), y: { value: 0 }, y2: { value: height } },
  });
  for (const side of ["left", "right"] as const) {
    const values = rows.filter(({ value }) => side === "left" ? value < 0 : value >= 0);
    if (values.length === 0) continue;
    layers.push({
      data: { values },
      mark: {
        type: "text",
        align: side === "left" ? "right" : "left",
        dx: side === "left" ? -4 : 4,
        baseline: "middle",
        color: ink,
        fontSize: FONT_SIZES.note,
      },
      encoding: { x: x("tip"), y: y("place"), text: { field: "text", type: "nominal" } },
    });
  }
  if (divideAfter !== undefined) {
    layers.push({
      data: { values: [{ place: divideAfter - 0.5 }] },
      mark: { type: "rule", color: FIGURE_COLOURS.quiet, strokeWidth: 1, strokeDash: [3, 3] },
      encoding: { x: { value: 0 }, x2: { value: width }, y: y("place") },
    });
  }
  const drawnAbove = categories.length === 0 || legend === "none" ? 0 : TOP_LEGEND_HEIGHT;
  return {
    ...titled(title, { drawnAbove }),
    width,
    height,
    layer: layers,
  };
}
