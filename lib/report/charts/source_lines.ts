import { titled } from "./_panel_parts.ts";
import type { Json } from "../../core/mod.ts";
import { colourBar, orderColour, orderScale } from "./_colour_scale.ts";
import { type ReferenceLine, referenceMarks } from "./_curve_marks.ts";
import { paddedExtent, wholeTicks } from "./_extent.ts";
import { lineMarks } from "./_line_marks.ts";
import { textWidth } from "./_text_width.ts";
import { FONT_SIZES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** What one source layer does to the layers after it. */
export interface SourceLine {
  /** The layer that the line starts from; gives its colour. */
  readonly source: number;
  /** Its values by layer, in order. */
  readonly points: readonly {
    readonly layer: number;
    readonly value: number;
    /** Ends of the shaded band. */
    readonly band?: readonly [low: number, high: number];
  }[];
}

/** A panel of lines coloured by their source layer. */
export interface SourceLinesInput {
  /** The lines. */
  readonly lines: readonly SourceLine[];
  /** Title of the x axis. @default {"Layer"} */
  readonly xTitle?: string;
  /** Title of the y axis with its unit. */
  readonly yTitle: string;
  /** Title of the colour bar. @default {"Source layer"} */
  readonly barTitle?: string;
  /** A colour bar on the right, or none where a neighbour has the same. @default {"right"} */
  readonly bar?: "right" | "none";
  /** Dashed lines to compare with, labelled left of the colour bar. @default {[]} */
  readonly references?: readonly ReferenceLine[];
  /** Decimals of the heights in labels. @default {2} */
  readonly digits?: number;
  /** Ends of the y axis, for panels that share it. @default {all data with five per cent to spare} */
  readonly yExtent?: readonly [low: number, high: number];
  /** Title of the panel. */
  readonly title?: string;
  /** Width of the plot in pixels. @default {420} */
  readonly width?: number;
  /** Height of the plot in pixels. @default {300} */
  readonly height?: number;
}

/**
 * One line per source layer over the layers that feel it, dark for early sources and light for late ones, with bands.
 *
 * @throws RangeError when there is no line, a source comes twice or a value is not finite.
 *
 * @example
 * ```ts
 * import { figureSpec, sourceLines } from "../mod.ts";
 * const lines = [0, 1].map((source) => ({ source, points: [source, 2].map((layer) => ({ layer, value: 1 / (layer + 1) })) }));
 * const spec = figureSpec([sourceLines({ lines, yTitle: "Cosine" })], { title: "Persistence" });
 * if (!JSON.stringify(spec).includes('"#440154"')) throw new Error("colours by layer expected");
 * ```
 */
export function sourceLines(input: SourceLinesInput): Panel {
  const { lines, xTitle = "Layer", yTitle, barTitle = "Source layer", bar = "right", references = [] } =
    input;
  const { digits = 2, title, width = 420, height = 300 } = input;
  const sources = lines.map(({ source }) => source);
  if (new Set(sources).size !== sources.length) {
    throw new RangeError(
      `Cannot draw lines as each source must come once: current are ${sources.join(", ")}`,
    );
  }
  const points = lines.flatMap(({ points }) => points);
  const own = paddedExtent([
    ...points.flatMap(({ value, band = [] }) => [value, ...band]),
    ...references.flatMap(({ value, band = [] }) => [value, ...band]),
  ], { what: "lines" });
  const extent = input.yExtent ?? own;
  const layers = points.map(({ layer }) => layer);
  const first = Math.min(...layers), last = Math.max(...layers);
  // One source alone still needs two ends of the scale.
  const firstSource = Math.min(...sources), lastSource = Math.max(firstSource + 1, ...sources);
  // The bar stands beyond the labels of reference lines.
  const widths = references.map(({ label, value }) =>
    textWidth(`${label}: ${value.toFixed(digits)}`, { size: FONT_SIZES.mark })
  );
  const beside = widths.length === 0 ? 14 : Math.ceil(Math.max(...widths)) + 36;
  const legend: Json = bar === "none" ? null : {
    ...colourBar(barTitle, { height, offset: beside }),
    values: wholeTicks(firstSource, lastSource, { most: 8 }),
    format: "d",
  };
  const marks = lineMarks(
    lines.map(({ source, points }) => ({
      key: { source },
      shade: orderColour((source - firstSource) / (lastSource - firstSource)),
      points: points.map(({ layer, ...point }) => ({ ...point, x: layer })),
    })),
    {
      x: {
        type: "quantitative",
        scale: { domain: [first - 0.4, last + 0.4], nice: false, zero: false },
        axis: { title: xTitle, values: wholeTicks(first, last, { most: 16 }), format: "d", grid: false },
      },
      y: {
        type: "quantitative",
        scale: { domain: extent, nice: false, zero: false },
        axis: { title: yTitle, domain: false, tickCount: 6 },
      },
      colour: {
        field: "source",
        type: "quantitative",
        scale: orderScale(firstSource, lastSource),
        legend,
      },
      detail: "source",
      bandOpacity: 0.13,
    },
  );
  return {
    ...titled(title, { drawnAbove: 0 }),
    width,
    height,
    layer: [...referenceMarks(references, { width, height, extent, labels: "right", digits }), ...marks],
  };
}
