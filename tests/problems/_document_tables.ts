/** Lines of a Markdown table whose columns are as wide as the formatter makes them. */
export function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] as readonly string[]).map((_, c) =>
    Math.max(3, ...rows.map((row) => (row[c] as string).length))
  );
  const line = (cells: readonly string[]): string =>
    `| ${
      cells.map((cell, c) => c === 0 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number))
        .join(" | ")
    } |`;
  const rule = widths.map((width, c) => c === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  const [header, ...body] = rows;
  return [line(header as readonly string[]), `| ${rule.join(" | ")} |`, ...body.map(line)];
}

/** A text with what stands between its marks of a name replaced. */
export function withBlock(text: string, name: string, lines: readonly string[]): string {
  const open = `<!-- ${name} -->`, close = `<!-- /${name} -->`;
  const from = text.indexOf(open), to = text.indexOf(close);
  if (from < 0 || to < from) throw new RangeError(`Cannot write the table as there is no ${open} … ${close}`);
  return `${text.slice(0, from + open.length)}\n\n${lines.join("\n")}\n\n${text.slice(to)}`;
}
