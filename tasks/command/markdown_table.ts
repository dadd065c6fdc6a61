/** Display width, one column per character: the tables hold no wide ones. */
const widthOf = (text: string): number => [...text].length;

/**
 * Rows as lines of a Markdown table that also reads well on a screen. The first row is the head; columns whose every
 * cell begins with a digit or a sign, head aside, stand to the right.
 */
export function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const columns = head.map((title, c) => {
    const cells = body.map((row) => row[c] ?? "");
    return {
      width: Math.max(3, widthOf(title), ...cells.map(widthOf)),
      right: cells.length > 0 && cells.every((cell) => /^[-−+]?\d|^-$/.test(cell)),
    };
  });
  const line = (row: readonly string[]): string => {
    const cells = columns.map(({ width, right }, c) => {
      const cell = row[c] ?? "", space = " ".repeat(width - widthOf(cell));
      return right ? `${space}${cell}` : `${cell}${space}`;
    });
    return `| ${cells.join(" | ")} |`;
  };
  const rule = columns.map(({ width, right }) => right ? `${"-".repeat(width - 1)}:` : "-".repeat(width));
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)];
}
