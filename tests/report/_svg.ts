/** What a specification holds and what a drawing shows. */

/** All inline rows of a specification. */
export function rowsOf(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(rowsOf);
  if (typeof value !== "object" || value === null) return [];
  const { data, ...rest } = value as { data?: { values: Record<string, unknown>[] } };
  return [...(data?.values ?? []), ...Object.values(rest).flatMap(rowsOf)];
}

/** Texts of an SVG with their places in the whole drawing. */
export function textsOf(svg: string): { text: string; x: number; y: number }[] {
  const found: { text: string; x: number; y: number }[] = [];
  const stack: [number, number][] = [[0, 0]];
  for (
    const { index, 0: tag, 1: closing, 2: name, 3: attributes } of svg.matchAll(/<(\/?)([a-z]+)([^>]*)>/g)
  ) {
    if (closing === "/") {
      stack.pop();
      continue;
    }
    const [, dx = "0", dy = "0"] = /translate\(([-\d.e]+),([-\d.e]+)\)/.exec(attributes as string) ?? [];
    const [x, y] = stack.at(-1) as [number, number];
    const place: [number, number] = [x + Number(dx), y + Number(dy)];
    if (name === "text") {
      found.push({
        text: svg.slice(index + tag.length).split("</text>")[0] as string,
        x: place[0],
        y: place[1],
      });
    }
    if (!tag.endsWith("/>")) stack.push(place);
  }
  return found;
}

/** Marks of a kind that stand for rows of data: what an SVG says about the row, and the fill, in the order drawn. */
export function fillsOf(svg: string, kind: "rect" | "symbol"): { label: string; fill: string; d: string }[] {
  const groups = svg.split(/<g class="mark-/).filter((group) => group.startsWith(kind));
  return groups.flatMap((group) =>
    [...group.matchAll(/<path aria-label="([^"]*)"[^>]*? d="([^"]*)"[^>]*?fill="([^"]*)"/g)].map((
      [, label, d, fill],
    ) => ({
      label: label as string,
      d: d as string,
      fill: fill as string,
    }))
  );
}

/** The words of an SVG without their places; lines of one text are joined by |. */
export function wordsOf(svg: string): string[] {
  return textsOf(svg).map(({ text }) => text.replace(/<\/?tspan[^>]*>/g, "|"));
}

/** The layers of a specification that have data of their own: mark and rows, in the order drawn. */
export function marksOf(
  value: unknown,
): { mark: Record<string, unknown>; rows: Record<string, unknown>[]; encoding: Record<string, unknown> }[] {
  if (Array.isArray(value)) return value.flatMap(marksOf);
  if (typeof value !== "object" || value === null) return [];
  const { data, mark, encoding, ...rest } = value as {
    data?: { values: Record<string, unknown>[] };
    mark?: Record<string, unknown>;
    encoding?: Record<string, unknown>;
  };
  const own = data === undefined || mark === undefined
    ? []
    : [{ mark, rows: data.values, encoding: encoding ?? {} }];
  return [...own, ...Object.values(rest).flatMap(marksOf)];
}
