import type { Json } from "../../core/mod.ts";
import { colourBar, type ColourScale, colourScale } from "./_colour_scale.ts";
import { wholeTicks } from "./_extent.ts";
import { countAxis, listAxis, quantitative, titled } from "./_panel_parts.ts";
import { textWidth } from "./_text_width.ts";
import { FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

export type { ColourScale };

/** A matrix as coloured squares. */
export interface HeatMapInput {
  /** `values[row][column]`; null where there is none. */
  readonly values: readonly (readonly (number | null)[])[];
  /** Title of the y axis: what the rows are. Row 0 is on top. */
  readonly rowTitle: string;
  /** Title of the x axis: what the columns are. */
  readonly columnTitle: string;
  /** Names of the rows. @default {their numbers} */
  readonly rowLabels?: readonly string[];
  /** Names of the columns. @default {their numbers} */
  readonly columnLabels?: readonly string[];
  /** How values become colours. @default {blue – white – orange, or white – orange when no value is negative} */
  readonly colours?: ColourScale;
  /** Title of the colour bar with its unit; a line break starts a second line. */
  readonly barTitle: string;
  /** A colour bar on the right, or none where a neighbour has the same. @default {"right"} */
  readonly bar?: "right" | "none";
  /** Upper: cells below the diagonal stay blank whatever they hold. @default {"all"} */
  readonly triangle?: "all" | "upper";
  /** What stands in place of a value that is null. @default {"hatched"} */
  readonly missing?: "hatched" | "blank";
  /** A cross over every cell whose value is above this. @default {no crosses} */
  readonly crossAbove?: number;
  /** Decimals of the values written into the cells. @default {no values} */
  readonly cellDigits?: number;
  /** Side of a cell in whole pixels. @default {as large as fits 330 pixels, at least 14; wider for written values} */
  readonly cell?: number;
  /** Title of the panel. */
  readonly title?: string;
}

/** Half the width of a cross, in cells. */
const CROSS_ARM = 0.25;

function checkShape({ values, rowLabels, columnLabels }: HeatMapInput): { rows: number; columns: number } {
  const rows = values.length, columns = values[0]?.length ?? 0;
  if (columns === 0 || values.some((row) => row.length !== columns)) {
    const lengths = values.map((row) => row.length).join(", ");
    throw new RangeError(
      `Cannot draw a heat map as its rows must have one length from 1: current are [${lengths}]`,
    );
  }
  for (const [count, labels] of [[rows, rowLabels], [columns, columnLabels]] as const) {
    if (labels !== undefined && labels.length !== count) {
      throw new RangeError(
        `Cannot draw a heat map as each row and column needs a label: current are ${labels.length} for ${count}`,
      );
    }
  }
  return { rows, columns };
}

/** The cells that are drawn with a colour, and those that are drawn as missing. */
function cellsOf(input: HeatMapInput): {
  readonly known: readonly { readonly row: number; readonly column: number; readonly value: number }[];
  readonly unknown: readonly { readonly row: number; readonly column: number }[];
} {
  const cells = input.values.flatMap((values, row) => values.map((value, column) => ({ row, column, value })))
    .filter(({ row, column }) => input.triangle !== "upper" || row <= column);
  return {
    known: cells.flatMap(({ row, column, value }) => value === null ? [] : [{ row, column, value }]),
    unknown: cells.flatMap(({ row, column, value }) => value === null ? [{ row, column }] : []),
  };
}

/**
 * A matrix as a heat map of square cells: row 0 on top, rows on y, columns on x; white is 0.
 *
 * Source: the look of the paper's Figures 2, 4, 13 and 26 (class: code): blue #56B4E9 – white – orange #F28E2B, crosses
 * in black over white, colour bar on the right.
 *
 * @throws RangeError when rows differ in length, no cell has a value, one is not finite or labels are missing.
 *
 * @example
 * ```ts
 * import { figureSpec, heatMap } from "../mod.ts";
 * const values = [[0.2, 1], [null, -0.1]];
 * const panel = heatMap({
 *   values, rowTitle: "First layer", columnTitle: "Second layer", barTitle: "Gain", triangle: "upper", crossAbove: 0.99,
 * });
 * const spec = JSON.stringify(figureSpec([panel], { title: "Pairs" }));
 * if (!spec.includes('"domain":[-0.1,0,1]')) throw new Error("white at 0 expected");
 * ```
 */
export function heatMap(input: HeatMapInput): Panel {
  const { rows, columns } = checkShape(input);
  const { rowTitle, columnTitle, rowLabels, columnLabels, barTitle, bar = "right", title, cellDigits } =
    input;
  const { known, unknown } = cellsOf(input);
  const scale = colourScale(known.map(({ value }) => value), input.colours);
  const texts = cellDigits === undefined ? [] : known.map((cell) => ({
    ...cell,
    // A true minus sign is as wide as a digit; a hyphen is lost beside one.
    text: cell.value.toFixed(cellDigits).replace("-", "−"),
  }));
  const widest = Math.max(0, ...texts.map(({ text }) => textWidth(text, { size: FONT_SIZES.note })));
  const cell = input.cell ?? Math.max(14, Math.ceil(widest) + 8, Math.floor(330 / Math.max(rows, columns)));
  const width = cell * columns, height = cell * rows;
  const edges = (place: number) => ({ low: place - 0.5, high: place + 0.5 });
  const box = ({ row, column }: { readonly row: number; readonly column: number }) => ({
    left: edges(column).low,
    right: edges(column).high,
    top: edges(row).low,
    bottom: edges(row).high,
  });
  const axis = (count: number, labels: readonly string[] | undefined, axisTitle: string) => ({
    ...(labels === undefined ? countAxis(wholeTicks(0, count - 1, { most: 16 })) : listAxis(labels)),
    title: axisTitle,
    domain: false,
  });
  const wide = Math.max(
    0,
    ...(columnLabels ?? []).map((label) => textWidth(label, { size: FONT_SIZES.tick })),
  );
  const slant = wide > cell - 4
    ? { labelAngle: -35, labelAlign: "right", labelBaseline: "middle" }
    : { labelAngle: 0 };
  const x = (field: string) =>
    quantitative(field, [-0.5, columns - 0.5], { ...axis(columns, columnLabels, columnTitle), ...slant });
  const y = (field: string) => quantitative(field, [rows - 0.5, -0.5], axis(rows, rowLabels, rowTitle));
  const area = { x: x("left"), x2: { field: "right" }, y: y("top"), y2: { field: "bottom" } };
  const layers: Json[] = [];
  if (unknown.length > 0 && input.missing !== "blank") {
    const data = { values: unknown.map(box) };
    layers.push({ data, mark: { type: "rect", color: "#EFEFEF" }, encoding: area });
    layers.push({
      data,
      mark: { type: "rule", color: FIGURE_COLOURS.base, strokeWidth: 0.8 },
      encoding: { ...area, y: y("bottom"), y2: { field: "top" } },
    });
  }
  layers.push({
    data: {
      values: known.map((place) => ({
        row: place.row,
        column: place.column,
        value: place.value,
        ...box(place),
      })),
    },
    mark: { type: "rect" },
    encoding: {
      ...area,
      color: {
        field: "value",
        type: "quantitative",
        scale,
        legend: bar === "none" ? null : colourBar(barTitle, { height }),
      },
    },
  });
  const { crossAbove } = input;
  if (crossAbove !== undefined) {
    const crossed = known.filter(({ value }) => value > crossAbove).flatMap(({ row, column }) =>
      [-1, 1].map((way) => ({
        fromX: column - CROSS_ARM,
        toX: column + CROSS_ARM,
        fromY: row - way * CROSS_ARM,
        toY: row + way * CROSS_ARM,
      }))
    );
    for (const [color, strokeWidth] of [["white", 4], ["black", 2]] as const) {
      if (crossed.length === 0) continue;
      layers.push({
        data: { values: crossed },
        mark: { type: "rule", color, strokeWidth, strokeCap: "round" },
        encoding: { x: x("fromX"), x2: { field: "toX" }, y: y("fromY"), y2: { field: "toY" } },
      });
    }
  }
  if (texts.length > 0) {
    layers.push({
      data: { values: texts },
      mark: { type: "text", baseline: "middle", color: FIGURE_COLOURS.ink, fontSize: FONT_SIZES.note },
      encoding: { x: x("column"), y: y("row"), text: { field: "text", type: "nominal" } },
    });
  }
  // A frame, so that white cells have an edge.
  layers.push({
    data: { values: [{}] },
    mark: { type: "rect", filled: false, stroke: FIGURE_COLOURS.quiet, strokeWidth: 0.8 },
    encoding: { x: { value: 0 }, x2: { value: width }, y: { value: 0 }, y2: { value: height } },
  });
  return {
    ...titled(title, { drawnAbove: 26 }),
    width,
    height,
    layer: layers,
  };
}
