import type { Json } from "../../core/mod.ts";

/** A point of a line without markers. */
export interface LinePoint {
  /** Place on the x axis. */
  readonly x: number;
  /** Height. */
  readonly value: number;
  /** Ends of the shaded band, say a bootstrap interval. */
  readonly band?: readonly [low: number, high: number];
}

/** A line with what tells it apart. */
interface MarkedLine {
  /** Its value of the field that tells lines apart. */
  readonly key: Readonly<Record<string, Json>>;
  /** Colour of its band. */
  readonly shade: string;
  /** Its points, in order. */
  readonly points: readonly LinePoint[];
}

/** How lines without markers are drawn. */
interface LineMarksOptions {
  /** Encoding of x, without field. */
  readonly x: Readonly<Record<string, Json>>;
  /** Encoding of y, without field. */
  readonly y: Readonly<Record<string, Json>>;
  /** Encoding of the colour that tells lines apart. */
  readonly colour: Readonly<Record<string, Json>>;
  /** Encoding of the dashes that tell lines apart. @default {none} */
  readonly dash?: Readonly<Record<string, Json>>;
  /** Field that the lines are numbered in. */
  readonly detail: string;
  /** Opacity of the bands. */
  readonly bandOpacity: number;
}

/** Lines with their bands: first all bands, then the lines over them. */
export function lineMarks(
  lines: readonly MarkedLine[],
  options: LineMarksOptions,
): readonly Json[] {
  const { x, y, colour, dash, detail, bandOpacity } = options;
  const rows = lines.flatMap(({ key, shade, points }) =>
    points.map(({ x, value, band }) => ({
      ...key,
      x,
      value,
      ...(band === undefined ? {} : { low: band[0], high: band[1], shade }),
    }))
  );
  const banded = rows.filter((row) => "low" in row);
  const alone = lines.flatMap(({ shade, points }) =>
    points.length === 1 ? points.map(({ x, value }) => ({ x, value, shade })) : []
  );
  const common = { detail: { field: detail, type: "nominal" }, x: { ...x, field: "x" } };
  return [
    ...(banded.length === 0 ? [] : [{
      data: { values: banded },
      mark: { type: "area", opacity: bandOpacity },
      encoding: {
        ...common,
        y: { ...y, field: "low" },
        y2: { field: "high" },
        // The colour itself, not by a scale: a second channel with a scale would enter the lines' legend, which would
        // then be as faint as the bands, and dots in place of a bar.
        fill: { field: "shade", type: "nominal", scale: null },
      },
    }]),
    {
      data: { values: rows },
      mark: { type: "line", strokeWidth: 2, strokeJoin: "round" },
      encoding: {
        ...common,
        y: { ...y, field: "value" },
        stroke: colour,
        ...(dash === undefined ? {} : { strokeDash: dash }),
      },
    },
    // A line through one point has no length.
    ...(alone.length === 0 ? [] : [{
      data: { values: alone },
      mark: { type: "point", filled: true, size: 30, opacity: 1 },
      encoding: {
        x: { ...x, field: "x" },
        y: { ...y, field: "value" },
        fill: { field: "shade", type: "nominal", scale: null },
      },
    }]),
  ];
}
