import type { Findings } from "../lib/experiment/mod.ts";
import type { PaperItem, TableCell } from "../lib/report/mod.ts";

/** A number as tables of settings show it: whole numbers whole, others with no more than four digits. */
function settingCell(value: number | null | undefined): TableCell {
  if (value === null || value === undefined) return null;
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(4))).replace(/^-/, "−");
}

/** Cells of our metrics by name. */
export function ourCells(values: Findings["values"]): (name: string) => TableCell {
  const byName = new Map(values.map(({ name, value }) => [name, value]));
  return (name) => settingCell(byName.get(name));
}

/** Cells of the paper's numbers by name; nothing where the paper is not given or does not say. */
export function paperCells(paper: PaperItem | null | undefined): (name: string) => TableCell {
  const byName = new Map((paper?.values ?? []).map(({ name, value }) => [name, value]));
  return (name) => settingCell(byName.get(name));
}
