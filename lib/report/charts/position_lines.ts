import { paddedExtent, wholeTicks } from "./_extent.ts";
import { lineMarks, type LinePoint } from "./_line_marks.ts";
import { titled, TOP_LEGEND_HEIGHT, topLegend } from "./_panel_parts.ts";
import { SERIES_COLOURS } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

export type { LinePoint };

/** A panel of lines over positions. */
export interface PositionLinesInput {
  /** The lines, first on top, with their names for the legend. */
  readonly lines: readonly { readonly name: string; readonly points: readonly LinePoint[] }[];
  /** Title of the x axis. @default {"Answer position (tokens)"} */
  readonly xTitle?: string;
  /** Title of the y axis with its unit. */
  readonly yTitle: string;
  /** A logarithmic axis shows values above 0 alone. @default {"linear"} */
  readonly yScale?: "linear" | "log";
  /** Title of the panel. */
  readonly title?: string;
  /** Width of the plot in pixels. @default {520} */
  readonly width?: number;
  /** Height of the plot in pixels. @default {300} */
  readonly height?: number;
}

/** Powers of ten within a logarithmic axis; with twice and five times them when there are fewer than three. */
function logTicks([low, high]: readonly [low: number, high: number]): readonly number[] {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const powers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const within = (factors: readonly number[]) =>
    powers.flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)))
      .filter((tick) => tick >= low && tick <= high);
  const tens = within([1]);
  return tens.length >= 3 ? tens : within([1, 2, 5]);
}

/** Dashes of the lines, in order: they tell lines apart without colour. */
const DASHES: readonly (readonly number[])[] = [[1, 0], [8, 3], [2, 2], [8, 3, 2, 3]];

/**
 * Lines over many positions, without markers, with bands: say the KL divergence between two ways of steering at each
 * token of the answers. Lines differ in colour and dashes.
 *
 * Source: one reading of the paper's Figure 6 (class: code).
 *
 * @throws RangeError when there is no line or more than four, or when a value is not finite or not above 0 on a
 * logarithmic axis.
 *
 * @example
 * ```ts
 * import { figureSpec, positionLines } from "../mod.ts";
 * const points = [0.2, 0.05, 0.01].map((value, x) => ({ x, value }));
 * const panel = positionLines({ lines: [{ name: "Skip-Attn", points }], yTitle: "KL (nats)", yScale: "log" });
 * if (!JSON.stringify(figureSpec([panel], { title: "KL" })).includes('"log"')) throw new Error("a log axis expected");
 * ```
 */
export function positionLines(input: PositionLinesInput): Panel {
  const { lines, xTitle = "Answer position (tokens)", yTitle, yScale = "linear", title } = input;
  const { width = 520, height = 300 } = input;
  if (lines.length === 0 || lines.length > SERIES_COLOURS.length) {
    throw new RangeError(
      `Cannot draw lines as there must be 1 to ${SERIES_COLOURS.length}: current count is ${lines.length}`,
    );
  }
  const points = lines.flatMap(({ points }) => points);
  const heights = points.flatMap(({ value, band = [] }) => [value, ...band]);
  if (yScale === "log") {
    const wrong = heights.find((value) => !(value > 0));
    if (wrong !== undefined) {
      throw new RangeError(
        `Cannot draw lines as values of a log axis must be > 0: current value is ${wrong}`,
      );
    }
  }
  const extent = yScale === "linear"
    ? paddedExtent(heights, { what: "lines" })
    : paddedExtent(heights.map(Math.log10), { what: "lines" }).map((power) => 10 ** power);
  const [first, last] = paddedExtent(points.map(({ x }) => x), { what: "lines", spare: 0 });
  const names = lines.map(({ name }) => name);
  const legend = names.length > 1 ? topLegend("stroke") : null;
  const field = { field: "line", type: "nominal", legend };
  // What is drawn last lies on top: the first line.
  const marks = lineMarks(
    lines.map(({ name, points }, place) => ({
      key: { line: name },
      shade: SERIES_COLOURS[place] as string,
      points,
    })).toReversed(),
    {
      x: {
        type: "quantitative",
        scale: { domain: [first, Math.max(last, first + 1)], nice: false, zero: false },
        axis: {
          title: xTitle,
          values: wholeTicks(Math.ceil(first), last, { most: 12 }),
          format: "d",
          grid: false,
          labelFlush: false,
        },
      },
      y: {
        type: "quantitative",
        scale: { type: yScale, domain: extent, nice: false, ...(yScale === "log" ? {} : { zero: false }) },
        axis: {
          title: yTitle,
          domain: false,
          ...(yScale === "log"
            ? { values: logTicks(extent as [number, number]), format: "~g" }
            : { tickCount: 6 }),
        },
      },
      colour: { ...field, scale: { domain: names, range: SERIES_COLOURS.slice(0, names.length) } },
      dash: { ...field, scale: { domain: names, range: DASHES.slice(0, names.length) } },
      detail: "line",
      bandOpacity: 0.2,
    },
  );
  const drawnAbove = names.length > 1 ? TOP_LEGEND_HEIGHT : 0;
  return {
    ...titled(title, { drawnAbove }),
    width,
    height,
    layer: marks,
  };
}
