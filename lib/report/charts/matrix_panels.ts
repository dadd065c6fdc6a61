import { type ColourScale, heatMap, type HeatMapInput } from "./heat_map.ts";
import type { Panel } from "./vega_lite.ts";

/** One kind of matrix in several versions, say one cosine under three averages. */
export interface MatrixRow {
  /** What the matrices hold, say "Shift and mean shift". */
  readonly title: string;
  /** The versions by name, say of the average. */
  readonly matrices: Readonly<Record<string, HeatMapInput["values"]>>;
}

/** A grid of heat maps under one colour scale. */
export interface MatrixPanelsInput
  extends Pick<HeatMapInput, "rowTitle" | "columnTitle" | "barTitle" | "triangle" | "missing" | "cell"> {
  /** One row of panels per kind of matrix. */
  readonly rows: readonly MatrixRow[];
  /** Names of the versions to draw, from left to right. */
  readonly shown: readonly string[];
  /** How values become colours; ends that are left out are those of all panels together. */
  readonly colours?: ColourScale;
}

/**
 * Heat maps of several matrices in several versions, row after row for a figure of `shown.length` columns. All have one
 * colour scale; its bar stands at the end of each row.
 *
 * Source: the look of the paper's Figures 2 and 14 (class: code): two kinds of cosine, each under three averages.
 *
 * @throws RangeError when nothing is shown, a version is missing or a matrix cannot be drawn.
 *
 * @example
 * ```ts
 * import { figureSpec, matrixPanels } from "../mod.ts";
 * const matrices = { "mean of tokens": [[1, 0.5], [0, 1]], "mean of texts": [[1, 0.4], [0, 1]] };
 * const shown = ["mean of tokens", "mean of texts"];
 * const titles = { rowTitle: "Source layer", columnTitle: "Read layer", barTitle: "Cosine" };
 * const panels = matrixPanels({ rows: [{ title: "Diff-Diff", matrices }], shown, ...titles });
 * figureSpec(panels, { title: "Persistence", columns: shown.length });
 * if (panels.length !== 2) throw new Error("two panels expected");
 * ```
 */
export function matrixPanels(input: MatrixPanelsInput): readonly Panel[] {
  const { rows, shown, colours = {}, rowTitle, columnTitle, ...rest } = input;
  if (rows.length === 0 || shown.length === 0) {
    throw new RangeError(
      `Cannot draw matrices as there must be some to show: current are ${rows.length} rows of ${shown.length}`,
    );
  }
  const panels = rows.flatMap(({ title, matrices }) =>
    shown.map((name, place) => {
      const values = matrices[name];
      if (values === undefined) {
        const names = Object.keys(matrices).join(", ");
        throw new RangeError(
          `Cannot draw matrices as "${title}" must have one of ${names}: current is "${name}"`,
        );
      }
      return { title: `${title}: ${name}`, values, last: place === shown.length - 1, first: place === 0 };
    })
  );
  const drawn = panels.flatMap(({ values }) =>
    values.flatMap((row, at) => row.filter((_, column) => rest.triangle !== "upper" || at <= column))
  ).filter((value) => value !== null);
  const low = drawn.reduce((a, b) => Math.min(a, b), 0), high = drawn.reduce((a, b) => Math.max(a, b), 0);
  const shared: ColourScale = {
    ...(low < 0 ? { low } : {}),
    ...(high > 0 ? { high } : {}),
    kind: low < 0 ? "diverging" : "sequential",
    ...colours,
  };
  return panels.map(({ title, values, last, first }) =>
    heatMap({
      ...rest,
      values,
      title,
      colours: shared,
      rowTitle: first ? rowTitle : "",
      columnTitle,
      bar: last ? "right" : "none",
    })
  );
}
