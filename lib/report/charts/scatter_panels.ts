import type { Json } from "../../core/mod.ts";
import { paddedExtent } from "./_extent.ts";
import { quantitative, smallTitle } from "./_panel_parts.ts";
import { FIGURE_COLOURS } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** One cloud of points. */
export interface ScatterPanel {
  /** What it is of, say "Layer 3". */
  readonly title: string;
  /** The points; all are stored in the specification, so thin out what is more than a few hundred. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Pearson's r of the full data; null where it is not defined. */
  readonly r: number | null;
  /** Ends of its interval. */
  readonly interval?: readonly [low: number, high: number];
  /** Least-squares line of the full data. */
  readonly line?: { readonly slope: number; readonly intercept: number };
}

/** Clouds of points as small panels. */
export interface ScatterPanelsInput {
  /** The panels, row after row. */
  readonly panels: readonly ScatterPanel[];
  /** Title of the x axis with its unit. */
  readonly xTitle: string;
  /** Title of the y axis with its unit. */
  readonly yTitle: string;
  /** One pair of axes for all panels, or one for each. @default {"shared"} */
  readonly axes?: "shared" | "own";
  /** Width of each plot in pixels. @default {210} */
  readonly width?: number;
  /** Height of each plot in pixels. @default {150} */
  readonly height?: number;
}

const signed = (value: number): string => value.toFixed(2).replace("-", "−");

/** The part of a line that lies in a rectangle; null when it misses it. */
function clip(
  line: { readonly slope: number; readonly intercept: number },
  frame: { readonly x: readonly [number, number]; readonly y: readonly [number, number] },
): { readonly x: number; readonly y: number; readonly x2: number; readonly y2: number } | null {
  const at = (x: number) => line.slope * x + line.intercept;
  // Where the line enters and leaves the band of heights, in x; a level line does not leave it.
  const crossings = line.slope === 0
    ? [-Infinity, Infinity]
    : frame.y.map((y) => (y - line.intercept) / line.slope).sort((a, b) => a - b);
  const from = Math.max(frame.x[0], crossings[0] as number),
    to = Math.min(frame.x[1], crossings[1] as number);
  const inside = (y: number) => y >= frame.y[0] && y <= frame.y[1];
  if (!(from < to) || line.slope === 0 && !inside(line.intercept)) return null;
  return { x: from, y: at(from), x2: to, y2: at(to) };
}

/**
 * Clouds of points as small panels, each with Pearson's r, its interval and the least-squares line, all given: the
 * panel shows them and computes nothing.
 *
 * Source: the content of the paper's Figure 25 (class: inferred): a panel per layer, line over the points.
 *
 * @throws RangeError when there is no panel or point, or a number is not finite.
 *
 * @example
 * ```ts
 * import { figureSpec, scatterPanels } from "../mod.ts";
 * const points = [[0, 0], [1, 2], [2, 3]] as const;
 * const panels = [{ title: "Layer 0", points, r: 0.982, interval: [0.4, 1] as const, line: { slope: 1.5, intercept: 0.17 } }];
 * const spec = figureSpec(scatterPanels({ panels, xTitle: "Cosine", yTitle: "Magnitude" }), { title: "Alignment" });
 * if (!JSON.stringify(spec).includes("r = 0.98 [0.40, 1.00]")) throw new Error("r expected");
 * ```
 */
export function scatterPanels(input: ScatterPanelsInput): readonly Panel[] {
  const { panels, xTitle, yTitle, axes = "shared", width = 210, height = 150 } = input;
  const extentOf = (clouds: readonly ScatterPanel[]) => {
    const points = clouds.flatMap(({ points }) => points);
    return {
      x: paddedExtent(points.map(([x]) => x), { what: "points" }),
      y: paddedExtent(points.map(([, y]) => y), { what: "points" }),
    };
  };
  const shared = extentOf(panels);
  return panels.map((panel) => {
    const { title, points, r, interval, line } = panel;
    const frame = axes === "shared" ? shared : extentOf([panel]);
    const axis = (field: string, side: "x" | "y") =>
      quantitative(field, frame[side], {
        title: side === "x" ? xTitle : yTitle,
        domain: side === "x",
        tickCount: 4,
        grid: side === "y",
      });
    const ends = interval === undefined ? "" : ` [${interval.map(signed).join(", ")}]`;
    const layers: Json[] = [
      ...smallTitle(title, { width, note: r === null ? "r not defined" : `r = ${signed(r)}${ends}` }),
      {
        data: { values: points.map(([x, y]) => ({ x, y })) },
        mark: { type: "point", filled: true, size: 12, opacity: 0.65, color: FIGURE_COLOURS.companion },
        encoding: { x: axis("x", "x"), y: axis("y", "y") },
      },
    ];
    const drawn = line === undefined ? null : clip(line, frame);
    if (drawn !== null) {
      layers.push({
        data: { values: [drawn] },
        mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth: 1.8 },
        encoding: { x: axis("x", "x"), x2: { field: "x2" }, y: axis("y", "y"), y2: { field: "y2" } },
      });
    }
    return { width, height, layer: layers };
  });
}
