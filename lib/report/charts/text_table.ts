import { titled } from "./_panel_parts.ts";
import type { Json } from "../../core/mod.ts";
import { textWidth } from "./_text_width.ts";
import { FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import type { Panel } from "./vega_lite.ts";

/** What stands in a cell: a text, a number, a number with its uncertainty, or nothing that applies. */
export type TableCell =
  | string
  | number
  | null
  | { readonly value: number; readonly plusMinus: number }
  | { readonly value: number; readonly low: number; readonly high: number };

/** One column. */
export interface TableColumn {
  /** What stands over it, with the unit of its numbers. */
  readonly title: string;
  /** Decimals of its numbers; whole numbers from a thousand are grouped. @default {1} */
  readonly digits?: number;
  /** Side that its cells keep to. @default {"right" if it holds a number, else "left"} */
  readonly align?: "left" | "right";
  /** Texts longer than this many pixels go on in a second line. @default {260} */
  readonly mostWidth?: number;
}

/** One row. */
export interface TableRow {
  /** Its cells, one per column. */
  readonly cells: readonly TableCell[];
  /** A heading spans the row in bold over the rows that follow; only its first cell is shown. @default {"row"} */
  readonly kind?: "row" | "heading" | "emphasis";
}

/** A table. */
export interface TextTableInput {
  /** The columns from left to right. */
  readonly columns: readonly TableColumn[];
  /** The rows from top to bottom. */
  readonly rows: readonly TableRow[];
  /** Title of the panel. */
  readonly title?: string;
}

const LINE = 17;
const PAD = 5;
const COLUMN_GAP = 22;
const SIZE = FONT_SIZES.mark;

function format(value: number, digits: number): string {
  if (!Number.isFinite(value)) {
    throw new RangeError(`Cannot set a table as its numbers must be finite: current value is ${value}`);
  }
  const [whole = "", decimals] = Math.abs(value).toFixed(digits).split(".");
  // A thin space between groups of three, as readers of any language understand.
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, "\u2009");
  const text = decimals === undefined ? grouped : `${grouped}.${decimals}`;
  return value < 0 && Number(value.toFixed(digits)) !== 0 ? `−${text}` : text;
}

/** The text of a cell as tables show it; "–" where nothing applies. */
function cellText(cell: TableCell, { digits = 1 }: TableColumn): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return cell;
  if (typeof cell === "number") return format(cell, digits);
  return "plusMinus" in cell
    ? `${format(cell.value, digits)} ± ${format(cell.plusMinus, digits)}`
    : `${format(cell.value, digits)} [${format(cell.low, digits)}, ${format(cell.high, digits)}]`;
}

function alignOf(column: TableColumn, cells: readonly (TableCell | undefined)[]): "left" | "right" {
  const numeric = cells.some((cell) => cell !== undefined && cell !== null && typeof cell !== "string");
  return column.align ?? (numeric ? "right" : "left");
}

/** Breaks a text at spaces into lines of at most `most` pixels; a longer word has a line of its own. */
function wrap(
  text: string,
  options: { readonly most: number; readonly weight: "normal" | "bold" },
): readonly string[] {
  const { most, weight } = options;
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    for (const word of paragraph.split(" ")) {
      const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
      if (lines.length === 0) lines.push(word);
      else if (textWidth(longer, { size: SIZE, weight }) > most) lines.push(word);
      else lines[lines.length - 1] = longer;
    }
    return lines;
  });
}

function checkTable({ columns, rows }: TextTableInput): void {
  if (columns.length === 0) {
    throw new RangeError("Cannot set a table as it needs a column: current count is 0");
  }
  const wrong = rows.find(({ cells, kind }) => kind !== "heading" && cells.length !== columns.length);
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot set a table as each row must have ${columns.length} cells: current count is ${wrong.cells.length}`,
    );
  }
}

/**
 * A table as a drawing: numbers right-aligned under their titles, long texts in several lines, rules above, below and
 * under the titles.
 *
 * @throws RangeError when there is no column, a row has too few or too many cells or a number is not finite.
 *
 * @example
 * ```ts
 * import { figureSpec, textTable } from "../mod.ts";
 * const columns = [{ title: "Model" }, { title: "Accuracy (%)" }];
 * const rows = [{ cells: ["base A", { value: 41.12, plusMinus: 0.53 }] }, { cells: ["base B", null] }];
 * const spec = JSON.stringify(figureSpec([textTable({ columns, rows })], { title: "Accuracy" }));
 * if (!spec.includes("41.1 ± 0.5") || !spec.includes("–")) throw new Error("cells expected");
 * ```
 */
export function textTable(input: TextTableInput): Panel {
  checkTable(input);
  const { columns, rows, title } = input;
  const body = rows.filter(({ kind }) => kind !== "heading");
  const set = (text: string, place: number, weight: "normal" | "bold") =>
    wrap(text, { most: columns[place]?.mostWidth ?? 260, weight });
  const head = columns.map(({ title }, place) => set(title, place, "bold"));
  const lines = rows.map(({ cells, kind = "row" }) => {
    const weight = kind === "row" ? "normal" as const : "bold" as const;
    const shown = kind === "heading" ? cells.slice(0, 1) : cells;
    return {
      kind,
      weight,
      // A heading may run on over the other columns.
      cells: shown.map((cell, place) => {
        const text = cellText(cell, columns[place] as TableColumn);
        return kind === "heading" ? [text] : set(text, place, weight);
      }),
    };
  });
  const widths = columns.map((_, place) =>
    Math.ceil(Math.max(
      ...(head[place] as readonly string[]).map((line) => textWidth(line, { size: SIZE, weight: "bold" })),
      ...lines.filter(({ kind }) => kind !== "heading").flatMap(({ cells, weight }) =>
        (cells[place] ?? []).map((line) => textWidth(line, { size: SIZE, weight }))
      ),
    ))
  );
  const lefts = widths.map((_, place) =>
    widths.slice(0, place).reduce((sum, width) => sum + width + COLUMN_GAP, PAD)
  );
  const width = (lefts.at(-1) as number) + (widths.at(-1) as number) + PAD;
  const sides = columns.map((column, place) => alignOf(column, body.map(({ cells }) => cells[place])));
  const texts: { text: string; x: number; y: number; side: "left" | "right"; weight: string }[] = [];
  const shades: Json[] = [];
  const place = (cells: readonly (readonly string[])[], top: number, weight: string): number => {
    const most = Math.max(...cells.map((cell) => cell.length));
    cells.forEach((cell, column) => {
      const side = sides[column] as "left" | "right";
      const x = (lefts[column] as number) + (side === "right" ? widths[column] as number : 0);
      cell.forEach((text, line) => {
        texts.push({ text, x, y: top + PAD + LINE * line + LINE / 2, side, weight });
      });
    });
    return top + 2 * PAD + LINE * most;
  };
  let top = place(head, 0, "bold");
  const headHeight = top;
  for (const { kind, weight, cells } of lines) {
    const from = top;
    top = place(cells, top, weight);
    if (kind === "heading") shades.push({ from, to: top });
  }
  const pixels = (field: string) => ({ field, type: "quantitative", scale: null, axis: null });
  const across = { x: { value: 0 }, x2: { value: width } };
  const rule = (values: readonly Json[], strokeWidth: number): Json => ({
    data: { values },
    mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth },
    encoding: { ...across, y: pixels("y") },
  });
  const layers: Json[] = [];
  if (shades.length > 0) {
    layers.push({
      data: { values: shades },
      mark: { type: "rect", color: "#F1F1F1" },
      encoding: { ...across, y: pixels("from"), y2: { field: "to" } },
    });
  }
  layers.push(rule([{ y: 0 }, { y: top }], 1.6), rule([{ y: headHeight }], 1));
  for (const side of ["left", "right"] as const) {
    for (const weight of ["normal", "bold"]) {
      const values = texts.filter((text) => text.side === side && text.weight === weight);
      if (values.length === 0) continue;
      layers.push({
        data: { values: values.map(({ text, x, y }) => ({ text, x, y })) },
        mark: {
          type: "text",
          align: side,
          baseline: "middle",
          fontSize: SIZE,
          fontWeight: weight,
          color: FIGURE_COLOURS.ink,
        },
        encoding: { x: pixels("x"), y: pixels("y"), text: { field: "text", type: "nominal" } },
      });
    }
  }
  return {
    ...titled(title, { drawnAbove: 0 }),
    width,
    height: top,
    layer: layers,
  };
}

/**
 * The same table as Markdown, for documents: one line per row, headings in bold.
 *
 * @throws RangeError as `textTable`.
 *
 * @example
 * ```ts
 * import { markdownTable } from "../mod.ts";
 * const columns = [{ title: "Donor" }, { title: "Gain", digits: 2 }];
 * const text = markdownTable({ columns, rows: [{ cells: ["A | B", { value: 1, low: 0.9, high: 1.1 }] }] });
 * if (text !== "| Donor | Gain |\n| :-- | --: |\n| A \\| B | 1.00 [0.90, 1.10] |\n") throw new Error(text);
 * ```
 */
export function markdownTable(input: TextTableInput): string {
  checkTable(input);
  const { columns, rows } = input;
  const body = rows.filter(({ kind }) => kind !== "heading");
  const escape = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", "<br>");
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const sides = columns.map((column, place) => alignOf(column, body.map(({ cells }) => cells[place])));
  return [
    line(columns.map(({ title }) => escape(title))),
    line(sides.map((side) => side === "right" ? "--:" : ":--")),
    ...rows.map(({ cells, kind = "row" }) =>
      line(columns.map((column, place) => {
        const cell = cells[place];
        const text = cell === undefined || kind === "heading" && place > 0
          ? ""
          : escape(cellText(cell, column));
        return text !== "" && kind !== "row" ? `**${text}**` : text;
      }))
    ),
  ].join("");
}
