import type { Json } from "../../core/mod.ts";
import { colourBar, type ColourScale, colourScale } from "./_colour_scale.ts";
import { wholeTicks } from "./_extent.ts";
import { countAxis, listAxis, quantitative, titled } from "./_panel_parts.ts";
import { textWidth } from "./_text_width.ts";
import { FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** A run of tokens with a name. */
export interface StripSegment {
  /** What the tokens are, say "question". */
  readonly label: string;
  /** First position. */
  readonly from: number;
  /** Position after the last. */
  readonly to: number;
}

/** Tokens × layers as a strip of coloured cells. */
export interface HeatStripInput {
  /** `values[layer][position]`; null or missing where there is none. */
  readonly values: readonly (readonly (number | null)[])[];
  /** Names of the rows. @default {their numbers} */
  readonly rowLabels?: readonly string[];
  /** The tokens as `tokenLabel` shows them, drawn upright under the strip. @default {numbers of positions} */
  readonly tokens?: readonly string[];
  /** Runs of tokens, marked by brackets over the strip and by lines through it. @default {[]} */
  readonly segments?: readonly StripSegment[];
  /** How values become colours. @default {blue – white – orange, or white – orange when no value is negative} */
  readonly colours?: ColourScale;
  /** Title of the colour bar with its unit; a line break starts a second line. */
  readonly barTitle: string;
  /** Title of the y axis. @default {"Layer"} */
  readonly rowTitle?: string;
  /** Title of the x axis. @default {"Position (tokens)"} */
  readonly xTitle?: string;
  /** Title of the panel. */
  readonly title?: string;
  /** Width of a cell in whole pixels. @default {as fits 900 pixels, 2 to 18; at least 14 with tokens} */
  readonly cellWidth?: number;
  /** Height of a cell in whole pixels. @default {24 for up to 12 rows, else 14} */
  readonly cellHeight?: number;
}

/** Height of one line of bracket labels. */
const LABEL_LINE = 15;

/** Distance of the brackets from the strip. */
const BRACKET = 9;

/**
 * Line of each bracket label, 0 the lowest: the lowest where it leaves its neighbours room. Centres and widths in pixels.
 */
function labelLines(
  labels: readonly { readonly centre: number; readonly width: number }[],
): readonly number[] {
  const ends: number[] = [];
  return labels.map(({ centre, width }) => {
    const from = centre - width / 2;
    const free = ends.findIndex((end) => end + 6 <= from);
    const line = free < 0 ? ends.length : free;
    ends[line] = centre + width / 2;
    return line;
  });
}

/** Brackets over the strip, their labels, and lines at their borders. */
function bracketMarks(
  segments: readonly StripSegment[],
  frame: { readonly cellWidth: number; readonly height: number; readonly positions: number },
): { readonly marks: readonly Json[]; readonly drawnAbove: number } {
  if (segments.length === 0) return { marks: [], drawnAbove: 0 };
  const { cellWidth, height, positions } = frame;
  const centres = segments.map(({ from, to }) => cellWidth * (from + to) / 2);
  const lines = labelLines(segments.map(({ label }, index) => ({
    centre: centres[index] as number,
    width: textWidth(label, { size: FONT_SIZES.mark }),
  })));
  const rule = (values: readonly Json[], style: Readonly<Record<string, Json>>): Json => ({
    data: { values },
    mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth: 1.2, ...style },
    encoding: {
      x: { field: "x", type: "quantitative", scale: null, axis: null },
      x2: { field: "x2" },
      y: { field: "y", type: "quantitative", scale: null, axis: null },
      y2: { field: "y2" },
    },
  });
  const brackets = segments.flatMap(({ from, to }, index) => {
    // A pixel of air between neighbouring brackets.
    const left = cellWidth * from + 1, right = cellWidth * to - 1, centre = centres[index] as number;
    const line = lines[index] as number;
    return [
      { x: left, x2: right, y: -BRACKET, y2: -BRACKET },
      { x: left, x2: left, y: -BRACKET, y2: -BRACKET + 5 },
      { x: right, x2: right, y: -BRACKET, y2: -BRACKET + 5 },
      ...(line === 0 ? [] : [{ x: centre, x2: centre, y: -BRACKET, y2: -BRACKET - 1 - line * LABEL_LINE }]),
    ];
  });
  const borders = [...new Set(segments.flatMap(({ from, to }) => [from, to]))]
    .filter((place) => place > 0 && place < positions)
    .map((place) => ({ x: cellWidth * place, x2: cellWidth * place, y: 0, y2: height }));
  const texts = segments.map(({ label }, index) => ({
    label,
    x: centres[index] as number,
    y: -BRACKET - 5 - (lines[index] as number) * LABEL_LINE,
  }));
  return {
    marks: [
      rule(borders, { strokeWidth: 1, strokeDash: [3, 2] }),
      rule(brackets, {}),
      {
        data: { values: texts },
        mark: { type: "text", baseline: "alphabetic", color: FIGURE_COLOURS.ink, fontSize: FONT_SIZES.mark },
        encoding: {
          x: { field: "x", type: "quantitative", scale: null, axis: null },
          y: { field: "y", type: "quantitative", scale: null, axis: null },
          text: { field: "label", type: "nominal" },
        },
      },
    ],
    drawnAbove: BRACKET + 5 + LABEL_LINE * (Math.max(...lines) + 1),
  };
}

/**
 * A value per token and layer as a strip: one row per layer, row 0 on top, the tokens from left to right, brackets that
 * name runs of tokens.
 *
 * Source: the content of the paper's Figure 22 (class: inferred): layers as rows, vertical lines at the borders of the
 * prompt's parts.
 *
 * @throws RangeError when no cell has a value, one is not finite, labels are missing or a segment is empty or overlaps.
 *
 * @example
 * ```ts
 * import { figureSpec, heatStrip } from "../mod.ts";
 * const values = [[0, 0.5, 1, -0.2], [0.1, 0.2, 0.3, null]];
 * const segments = [{ label: "question", from: 0, to: 3 }, { label: "answer", from: 3, to: 4 }];
 * const spec = figureSpec([heatStrip({ values, segments, barTitle: "Magnitude" })], { title: "Adapters" });
 * if (!JSON.stringify(spec).includes('"answer"')) throw new Error("bracket expected");
 * ```
 */
export function heatStrip(input: HeatStripInput): Panel {
  const { values, rowLabels, tokens, segments = [], barTitle, rowTitle = "Layer", title } = input;
  const positions = Math.max(0, ...values.map((row) => row.length));
  for (
    const [what, labels, count] of [["row", rowLabels, values.length], ["token", tokens, positions]] as const
  ) {
    if (labels !== undefined && labels.length !== count) {
      throw new RangeError(
        `Cannot draw a strip as each ${what} needs a label: current are ${labels.length} for ${count}`,
      );
    }
  }
  segments.forEach(({ label, from, to }, index) => {
    if (!(from < to && from >= (segments[index - 1]?.to ?? 0) && to <= positions)) {
      throw new RangeError(
        `Cannot draw a strip as segment "${label}" must lie after the one before and within ${positions} tokens: ` +
          `current is ${from} to ${to}`,
      );
    }
  });
  const cells = values.flatMap((row, layer) =>
    row.flatMap((value, position) =>
      value === null ? [] : [{
        layer,
        position,
        value,
        left: position - 0.5,
        right: position + 0.5,
        top: layer - 0.5,
        bottom: layer + 0.5,
      }]
    )
  );
  const scale = colourScale(cells.map(({ value }) => value), input.colours);
  const fitting = Math.floor(900 / positions);
  const cellWidth = input.cellWidth ?? Math.max(tokens === undefined ? 2 : 14, Math.min(18, fitting));
  const cellHeight = input.cellHeight ?? (values.length <= 12 ? 24 : 14);
  const width = cellWidth * positions, height = cellHeight * values.length;
  const { marks, drawnAbove } = bracketMarks(segments, { cellWidth, height, positions });
  const xAxis = tokens === undefined
    ? countAxis(wholeTicks(0, positions - 1, { most: 14 }))
    : { ...listAxis(tokens), labelAngle: -90, labelAlign: "right", labelBaseline: "middle" };
  const yAxis = rowLabels === undefined
    ? countAxis(wholeTicks(0, values.length - 1, { most: 16 }))
    : { ...listAxis(rowLabels) };
  const x = quantitative("left", [-0.5, positions - 0.5], {
    ...xAxis,
    title: input.xTitle ?? "Position (tokens)",
    domain: false,
  });
  const y = quantitative("top", [values.length - 0.5, -0.5], { ...yAxis, title: rowTitle, domain: false });
  const whole = {
    data: { values: [{}] },
    encoding: { x: { value: 0 }, x2: { value: width }, y: { value: 0 }, y2: { value: height } },
  };
  return {
    ...titled(title, { drawnAbove }),
    width,
    height,
    layer: [
      // Grey where there is no token, as white is 0.
      { ...whole, mark: { type: "rect", color: "#EFEFEF" } },
      {
        data: { values: cells },
        mark: { type: "rect" },
        encoding: {
          x,
          x2: { field: "right" },
          y,
          y2: { field: "bottom" },
          color: { field: "value", type: "quantitative", scale, legend: colourBar(barTitle, { height }) },
        },
      },
      { ...whole, mark: { type: "rect", filled: false, stroke: FIGURE_COLOURS.quiet, strokeWidth: 0.8 } },
      ...marks,
    ],
  };
}
