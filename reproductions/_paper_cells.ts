import type { TableCell } from "../lib/report/mod.ts";

/** A number as tables of settings show it: whole numbers whole, others with no more than four digits. */
function settingCell(value: number | null | undefined): TableCell {
  if (value === null || value === undefined) return null;
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(4))).replace(/^-/, "−");
}

/** Cells of numbers by name, ours or the paper's; nothing for one that is not there. */
export function settingCells(
  values: readonly { readonly name: string; readonly value: number | null }[] | undefined,
): (name: string) => TableCell {
  const byName = new Map(values?.map(({ name, value }) => [name, value]));
  return (name) => settingCell(byName.get(name));
}
