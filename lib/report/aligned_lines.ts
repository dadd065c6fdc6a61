/**
 * Rows of cells as lines in aligned columns: those in `left` to the left, numbers to the right.
 *
 * @example
 * ```ts
 * import { alignedLines } from "./mod.ts";
 * const [head, row] = alignedLines([["name", "count"], ["a", "7"]]);
 * if (head !== "name  count" || row !== "a         7") throw new Error("words to the left");
 * ```
 */
export function alignedLines(
  rows: readonly (readonly string[])[],
  left: readonly number[] = [0],
): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, at) => left.includes(at) ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))
      .join("  ").trimEnd()
  );
}
