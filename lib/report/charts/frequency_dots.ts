import type { Json } from "../../core/mod.ts";
import { paddedExtent } from "./_extent.ts";
import { listAxis, quantitative, textAt, titled } from "./_panel_parts.ts";
import { textWidth } from "./_text_width.ts";
import { FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** One row: a difference, its uncertainty and what chance gives. */
export interface FrequencyDot {
  /** What the row is of, say "feature 17". */
  readonly label: string;
  /** The difference, say of firing frequencies on correct and incorrect answers. */
  readonly difference: number;
  /** Ends of the error bar, say a bootstrap interval. */
  readonly error?: readonly [low: number, high: number];
  /** What the difference is without association, say the middle 95 % of permutations. */
  readonly nullBand: readonly [low: number, high: number];
  /** What stands right of the row, say both frequencies. */
  readonly note?: string;
}

/** A panel of differences, one per row. */
export interface FrequencyDotsInput {
  /** The rows from top to bottom. */
  readonly dots: readonly FrequencyDot[];
  /** Title of the x axis with its unit. */
  readonly xTitle: string;
  /** What the grey band is. @default {"Grey: 95 % of permutations"} */
  readonly nullLabel?: string;
  /** What the notes are. @default {nothing} */
  readonly noteTitle?: string;
  /** Title of the panel. */
  readonly title?: string;
  /** Width of the plot in pixels. @default {380} */
  readonly width?: number;
  /** Height of a row in pixels. @default {22} */
  readonly rowHeight?: number;
}

/** How far the line of explanations reaches above the plot, in pixels. */
const HEAD_HEIGHT = 20;

/**
 * Differences as dots with error bars over the grey band that chance gives; dots beyond their band are filled.
 *
 * Source: the content of the paper's Figure 7 (class: review).
 *
 * @throws RangeError when there is no row or a number is not finite.
 *
 * @example
 * ```ts
 * import { figureSpec, frequencyDots } from "../mod.ts";
 * const nullBand = [-0.02, 0.02] as const;
 * const dots = [{ label: "feature 17", difference: 0.11, error: [0.07, 0.15] as const, nullBand, note: "31 / 20 %" }];
 * const spec = JSON.stringify(figureSpec([frequencyDots({ dots, xTitle: "Difference" })], { title: "Features" }));
 * if (!spec.includes('"beyond":true')) throw new Error("a dot beyond its band expected");
 * ```
 */
export function frequencyDots(input: FrequencyDotsInput): Panel {
  const { dots, xTitle, nullLabel = "Grey: 95 % of permutations", noteTitle, title, width = 380 } = input;
  const { rowHeight = 22 } = input;
  const [low, high] = paddedExtent(
    dots.flatMap(({ difference, error = [], nullBand }) => [0, difference, ...error, ...nullBand]),
    { what: "differences" },
  );
  const rows = dots.map(({ label, difference, error, nullBand, note }, place) => ({
    place,
    top: place - 0.5,
    bottom: place + 0.5,
    label,
    difference,
    ...(error === undefined ? {} : { low: error[0], high: error[1] }),
    nullLow: nullBand[0],
    nullHigh: nullBand[1],
    beyond: difference < nullBand[0] || difference > nullBand[1],
    ...(note === undefined ? {} : { note }),
  }));
  const x = (field: string) =>
    quantitative(field, [low, high], { title: xTitle, domain: false, tickCount: 6 });
  const y = (field: string) =>
    quantitative(field, [dots.length - 0.5, -0.5], {
      ...listAxis(dots.map(({ label }) => label)),
      title: null,
      domain: false,
    });
  const height = rowHeight * dots.length;
  const data = { values: rows };
  const layers: Json[] = [
    {
      data,
      // The line closes the seams that smoothing leaves between rows.
      mark: { type: "rect", fill: "#DDDDDD", stroke: "#DDDDDD", strokeWidth: 0.6 },
      encoding: { x: x("nullLow"), x2: { field: "nullHigh" }, y: y("top"), y2: { field: "bottom" } },
    },
    {
      data: { values: [{ zero: 0 }] },
      mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth: 1 },
      encoding: { x: x("zero"), y: { value: 0 }, y2: { value: height } },
    },
  ];
  const withError = rows.filter((row) => "low" in row);
  if (withError.length > 0) {
    layers.push({
      data: { values: withError },
      mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth: 1.6 },
      encoding: { x: x("low"), x2: { field: "high" }, y: y("place") },
    });
  }
  for (const beyond of [true, false]) {
    const values = rows.filter((row) => row.beyond === beyond);
    if (values.length === 0) continue;
    layers.push({
      data: { values },
      mark: {
        type: "point",
        shape: "circle",
        size: 80,
        opacity: 1,
        strokeWidth: 1.6,
        fill: beyond ? FIGURE_COLOURS.subject : "white",
        stroke: FIGURE_COLOURS.ink,
      },
      encoding: { x: x("difference"), y: y("place") },
    });
  }
  const noted = rows.filter((row) => "note" in row);
  if (noted.length > 0) {
    layers.push({
      data: { values: noted },
      mark: {
        type: "text",
        align: "left",
        baseline: "middle",
        fontSize: FONT_SIZES.mark,
        color: FIGURE_COLOURS.ink,
      },
      encoding: { x: { value: width + 14 }, y: y("place"), text: { field: "note", type: "nominal" } },
    });
  }
  layers.push(textAt(`${nullLabel}. Filled: beyond it.`, { x: 0, y: -8 }));
  if (noteTitle !== undefined) {
    const explained = textWidth(`${nullLabel}. Filled: beyond it.`, { size: FONT_SIZES.note });
    layers.push(textAt(noteTitle, { x: Math.max(width + 14, explained + 14), y: -8 }));
  }
  return {
    ...titled(title, { drawnAbove: HEAD_HEIGHT }),
    width,
    height,
    layer: layers,
  };
}
