import { quantitative, titled } from "./_panel_parts.ts";
import type { Json } from "../../core/mod.ts";
import { FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** The numbers of a box, already computed. */
export interface BoxNumbers {
  /** How many values the box stands for. */
  readonly count: number;
  /** Lower edge. */
  readonly lowerQuartile: number;
  /** Line across. */
  readonly median: number;
  /** Upper edge. */
  readonly upperQuartile: number;
  /** End of the lower whisker. */
  readonly lowerWhisker: number;
  /** End of the upper whisker. */
  readonly upperWhisker: number;
  /** Values beyond the whiskers. */
  readonly fliers: readonly number[];
}

/** One box with its label. */
export interface LabelledBox {
  /** The label, say a token as `tokenLabel` shows it; a line break starts a second line. */
  readonly label: string;
  /** Its numbers. */
  readonly box: BoxNumbers;
  /** Subjects are drawn in the colour of the figure's subject, companions in the other. @default {"companion"} */
  readonly role?: "companion" | "subject";
}

/** A panel of boxes. */
export interface ShiftBoxesInput {
  /** The boxes from left to right. */
  readonly boxes: readonly LabelledBox[];
  /** Number of boxes left of a dividing line. @default {no line} */
  readonly divideAfter?: number;
  /** Title of the y axis with its unit. */
  readonly yTitle: string;
  /** Title of the x axis. */
  readonly xTitle?: string;
  /** Title of the panel. */
  readonly title?: string;
  /** Width of the plot in pixels. @default {72 to 120 per box, as the labels need} */
  readonly width?: number;
  /** Height of the plot in pixels. @default {300} */
  readonly height?: number;
}

const HALF_WIDTH = 0.3;

/** How far the counts reach above the plot, in pixels. */
const COUNT_HEIGHT = 3 + FONT_SIZES.note;

/**
 * Box plots drawn from numbers: the specification carries quartiles, whiskers and fliers and no raw data. The count of
 * each box stands over it.
 *
 * Source: the look of the left half of the paper's Figure 3 (class: code).
 *
 * @throws RangeError when there is no box, a number is not finite or the dividing line lies outside.
 *
 * @example
 * ```ts
 * import { figureSpec, shiftBoxes, tokenLabel } from "../mod.ts";
 * const quartiles = { lowerQuartile: 0.2, median: 0.3, upperQuartile: 0.5 };
 * const box = { count: 9, ...quartiles, lowerWhisker: 0, upperWhisker: 0.8, fliers: [0.99] };
 * const panel = shiftBoxes({ boxes: [{ label: tokenLabel(" To"), box }], yTitle: "Δp" });
 * if (!JSON.stringify(figureSpec([panel], { title: "Boxes" })).includes("n = 9")) throw new Error("count expected");
 * ```
 */
export function shiftBoxes(input: ShiftBoxesInput): Panel {
  const { boxes, divideAfter, yTitle, xTitle, title, height = 300 } = input;
  if (boxes.length === 0) {
    throw new RangeError("Cannot draw boxes as there must be at least one: current count is 0");
  }
  if (divideAfter !== undefined && !(divideAfter > 0 && divideAfter < boxes.length)) {
    throw new RangeError(
      `Cannot divide boxes as divideAfter must lie in (0, ${boxes.length}): current value is ${divideAfter}`,
    );
  }
  // Room for the longest label, as far as that is sensible; then labels slant, or they would run into each other.
  const longest = Math.max(
    ...boxes.flatMap(({ label }) => label.split("\n").map((line) => [...line].length)),
  );
  const wanted = Math.max(72, Math.ceil(longest * FONT_SIZES.tick * 0.62) + 10);
  const width = input.width ?? boxes.length * Math.min(wanted, 120);
  const slanted = wanted * boxes.length > width;
  const rows = boxes.map(({ label, box, role = "companion" }, place) => ({
    place,
    left: place - HALF_WIDTH,
    right: place + HALF_WIDTH,
    label,
    role,
    lowerWhisker: box.lowerWhisker,
    lowerQuartile: box.lowerQuartile,
    median: box.median,
    upperQuartile: box.upperQuartile,
    upperWhisker: box.upperWhisker,
    text: `n = ${box.count}`,
  }));
  const fliers = boxes.flatMap(({ box }, place) => box.fliers.map((value) => ({ place, value })));
  const values = [
    ...rows.flatMap((
      row,
    ) => [row.lowerWhisker, row.lowerQuartile, row.median, row.upperQuartile, row.upperWhisker]),
    ...fliers.map(({ value }) => value),
  ];
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot draw boxes as their numbers must be finite: current value is ${wrong}`);
  }
  const low = Math.min(0, ...values), high = Math.max(0, ...values);
  const spare = 0.04 * (high - low || 1);
  // Labels are read off a list by place, so that two boxes may have one label.
  const labels = boxes.map(({ label }) => JSON.stringify(label)).join(", ");
  const x = quantitative("place", [-0.6, boxes.length - 0.4], {
    title: xTitle ?? null,
    values: rows.map(({ place }) => place),
    labelExpr: `split([${labels}][datum.value], '\\n')`,
    labelAngle: slanted ? -35 : 0,
    labelAlign: slanted ? "right" : "center",
    labelBaseline: slanted ? "middle" : "top",
    labelLineHeight: 15,
    labelLimit: 0,
    labelPadding: 7,
    labelOverlap: false,
    labelFlush: false,
    grid: false,
    ticks: false,
  });
  const y = (field: string) =>
    quantitative(field, [low - spare, high + spare], { title: yTitle, domain: false, tickCount: 6 });
  const data = { values: rows };
  const ink = FIGURE_COLOURS.ink;
  const whisker = (from: string, to: string): Json => ({
    data,
    mark: { type: "rule", color: ink, strokeWidth: 1.5 },
    encoding: { x, y: y(from), y2: { field: to } },
  });
  const cap = (field: string): Json => ({
    data,
    mark: { type: "tick", orient: "horizontal", color: ink, thickness: 1.5, opacity: 1, size: 14 },
    encoding: { x, y: y(field) },
  });
  const layers: Json[] = [
    whisker("upperQuartile", "upperWhisker"),
    whisker("lowerWhisker", "lowerQuartile"),
    cap("upperWhisker"),
    cap("lowerWhisker"),
    {
      data,
      mark: { type: "rect", stroke: ink, strokeWidth: 1.5 },
      encoding: {
        x: { ...x, field: "left" },
        x2: { field: "right" },
        y: y("lowerQuartile"),
        y2: { field: "upperQuartile" },
        color: {
          field: "role",
          type: "nominal",
          scale: {
            domain: ["companion", "subject"],
            range: [FIGURE_COLOURS.companion, FIGURE_COLOURS.subject],
          },
          legend: null,
        },
      },
    },
    {
      data,
      mark: { type: "rule", color: ink, strokeWidth: 2.6 },
      encoding: { x: { ...x, field: "left" }, x2: { field: "right" }, y: y("median") },
    },
  ];
  if (fliers.length > 0) {
    layers.push({
      data: { values: fliers },
      mark: { type: "point", filled: false, color: ink, size: 22, strokeWidth: 1.1, opacity: 0.55 },
      encoding: { x, y: y("value") },
    });
  }
  if (divideAfter !== undefined) {
    layers.push({
      data: { values: [{ place: divideAfter - 0.5 }] },
      mark: { type: "rule", color: ink, strokeWidth: 1.5 },
      encoding: { x, y: { value: 0 }, y2: { value: height } },
    });
  }
  layers.push({
    data,
    mark: { type: "text", baseline: "bottom", color: FIGURE_COLOURS.quiet, fontSize: FONT_SIZES.note },
    encoding: { x, y: { value: -3 }, text: { field: "text", type: "nominal" } },
  });
  return {
    ...titled(title, { drawnAbove: COUNT_HEIGHT }),
    width,
    height,
    layer: layers,
  };
}
