import type { Json } from "../../core/mod.ts";
import { smallTitle } from "./_panel_parts.ts";
import { FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** A histogram, already counted. */
export interface HistogramPanel {
  /** What it is of, say "Layer 3". */
  readonly title: string;
  /** Edges of the bins, rising: one more than counts. */
  readonly edges: readonly number[];
  /** How many values lie in each bin. */
  readonly counts: readonly number[];
  /** Ends of the tails: bins whose middle lies beyond are coloured, and the ends marked and written. */
  readonly tails?: readonly [low: number, high: number];
  /** What stands at the right over the panel, say a share. */
  readonly note?: string;
}

/** Histograms as small panels with shared axes. */
export interface HistogramPanelsInput {
  /** The panels, row after row. */
  readonly panels: readonly HistogramPanel[];
  /** Title of the x axis with its unit. */
  readonly xTitle: string;
  /** Title of the y axis. @default {"Count"} */
  readonly yTitle?: string;
  /** Counts on a logarithmic axis show tails of a few beside bodies of many. @default {"log"} */
  readonly countScale?: "log" | "linear";
  /** Decimals of the ends of the tails. @default {2} */
  readonly digits?: number;
  /** Width of each plot in pixels. @default {190} */
  readonly width?: number;
  /** Height of each plot in pixels. @default {120} */
  readonly height?: number;
}

/** Where bars of a logarithmic axis begin: a count of 1 has a height. */
const LOG_FLOOR = 0.7;

function check({ title, edges, counts }: HistogramPanel): void {
  const rising = edges.every((edge, index) =>
    Number.isFinite(edge) && (index === 0 || edge > (edges[index - 1] as number))
  );
  if (counts.length === 0 || edges.length !== counts.length + 1 || !rising) {
    throw new RangeError(
      `Cannot draw the histogram "${title}" as its edges must rise and be one more than its counts: ` +
        `current are ${edges.length} and ${counts.length}`,
    );
  }
  const wrong = counts.find((count) => !(count >= 0 && Number.isFinite(count)));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot draw the histogram "${title}" as counts must be >= 0: current value is ${wrong}`,
    );
  }
}

/**
 * Histograms as small panels under the same axes, with coloured tails: blue below, orange above.
 *
 * Source: the content of the paper's Figures 17 (class: code) and 24 (class: inferred): a panel per layer, logarithmic
 * counts.
 *
 * @throws RangeError when there is no panel, edges do not rise or do not match the counts, or a count is negative.
 *
 * @example
 * ```ts
 * import { figureSpec, histogramPanels } from "../mod.ts";
 * const panels = [0, 1].map((layer) => ({
 *   title: `Layer ${layer}`, edges: [-1, 0, 1, 2], counts: [3, 900, 1], tails: [0, 1] as const,
 * }));
 * const spec = figureSpec(histogramPanels({ panels, xTitle: "Cosine" }), { title: "Tails", columns: 1 });
 * if ((spec.concat as unknown[]).length !== 2) throw new Error("two panels expected");
 * ```
 */
export function histogramPanels(input: HistogramPanelsInput): readonly Panel[] {
  const { panels, xTitle, yTitle = "Count", countScale = "log", digits = 2, width = 190, height = 120 } =
    input;
  panels.forEach(check);
  if (panels.length === 0) {
    throw new RangeError("Cannot draw histograms as there must be at least one: current count is 0");
  }
  const domain = [
    Math.min(...panels.map(({ edges }) => edges[0] as number)),
    Math.max(...panels.map(({ edges }) => edges.at(-1) as number)),
  ];
  const most = Math.max(1, ...panels.flatMap(({ counts }) => counts));
  const floor = countScale === "log" ? LOG_FLOOR : 0;
  const x = (field: string) => ({
    field,
    type: "quantitative",
    scale: { domain, nice: false, zero: false },
    axis: { title: xTitle, tickCount: 4, grid: false },
  });
  // Powers of ten, few enough for a small panel.
  const powers = Math.ceil(Math.log10(most));
  const stride = Math.max(1, Math.ceil(powers / 4));
  const ticks = Array.from({ length: Math.floor(powers / stride) + 1 }, (_, index) => 10 ** (index * stride))
    .filter((tick) => tick <= most * 1.6);
  const y = (field: string) => ({
    field,
    type: "quantitative",
    scale: {
      type: countScale,
      domain: [floor, countScale === "log" ? most * 1.6 : most * 1.06],
      nice: false,
    },
    axis: {
      title: yTitle,
      domain: false,
      ...(countScale === "log" ? { values: ticks, format: "~s" } : { tickCount: 4 }),
    },
  });
  return panels.map(({ title, edges, counts, tails, note }) => {
    const rows = counts.map((count, bin) => {
      const left = edges[bin] as number, right = edges[bin + 1] as number, middle = (left + right) / 2;
      const part = tails === undefined
        ? "plain"
        : middle < tails[0]
        ? "low"
        : middle > tails[1]
        ? "high"
        : "body";
      return { left, right, floor, count, part };
    }).filter(({ count }) => count > 0);
    const layers: Json[] = [...smallTitle(title, { width, ...(note === undefined ? {} : { note }) })];
    layers.push({
      data: { values: rows },
      // The line closes the seams that smoothing leaves between neighbours.
      mark: { type: "rect", strokeWidth: 0.6 },
      encoding: {
        x: x("left"),
        x2: { field: "right" },
        y: y("floor"),
        y2: { field: "count" },
        ...Object.fromEntries(["fill", "stroke"].map((channel) => [channel, {
          field: "part",
          type: "nominal",
          scale: {
            domain: ["low", "body", "high", "plain"],
            range: [
              FIGURE_COLOURS.companion,
              FIGURE_COLOURS.base,
              FIGURE_COLOURS.subject,
              FIGURE_COLOURS.companion,
            ],
          },
          legend: null,
        }])),
      },
    });
    if (tails !== undefined) {
      tails.forEach((tail, index) => {
        const data = { values: [{ tail, text: tail.toFixed(digits).replace("-", "−") }] };
        layers.push({
          data,
          mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth: 1, strokeDash: [3, 2] },
          encoding: { x: x("tail"), y: { value: 0 }, y2: { value: height } },
        });
        layers.push({
          data,
          mark: {
            type: "text",
            align: index === 0 ? "right" : "left",
            dx: index === 0 ? -3 : 3,
            dy: 8,
            fontSize: FONT_SIZES.note,
            color: FIGURE_COLOURS.ink,
          },
          encoding: { x: x("tail"), y: { value: 0 }, text: { field: "text", type: "nominal" } },
        });
      });
    }
    return { width, height, layer: layers };
  });
}
