import type { Findings } from "../lib/experiment/mod.ts";
import type { PaperItem, TableCell } from "../lib/report/mod.ts";

/** A number as tables of settings show it: no more digits than it has. */
export function settingCell(value: number | null | undefined): TableCell {
  return value === null || value === undefined ? null : String(Number(value.toPrecision(6)));
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
