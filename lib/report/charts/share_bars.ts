import type { Json } from "../../core/mod.ts";
import { channelsOf } from "./_colour_scale.ts";
import { listAxis, quantitative } from "./_panel_parts.ts";
import { textWidth } from "./_text_width.ts";
import { CATEGORY_COLOURS, FIGURE_COLOURS, FONT_SIZES } from "./figure_style.ts";
import { type Panel, panelTitle } from "./vega_lite.ts";

/** One bar: the parts of a whole. */
export interface ShareBar {
  /** What the bar stands for, say a layer; a line break starts a second line. */
  readonly label: string;
  /** Share of each category; those that are left out are 0. */
  readonly shares: Readonly<Record<string, number>>;
  /** Ends of the error bar at the upper edge of the first category. */
  readonly error?: readonly [low: number, high: number];
}

/** A panel of stacked bars that fill one height. */
export interface ShareBarsInput {
  /** The bars from left to right. */
  readonly bars: readonly ShareBar[];
  /** The categories from bottom to top, with colours other than the usual ones where given. */
  readonly categories: readonly { readonly name: string; readonly colour?: string }[];
  /** Number of bars left of a gap, say before the controls. @default {no gap} */
  readonly divideAfter?: number;
  /** What stands over the bars left and right of the gap. @default {nothing} */
  readonly parts?: readonly [left: string, right: string];
  /** Title of the x axis. @default {none} */
  readonly xTitle?: string;
  /** Title of the y axis. @default {"Share (%)"} */
  readonly yTitle?: string;
  /** Title of the panel. */
  readonly title?: string;
  /** Width of a bar with its space in pixels. @default {44} */
  readonly barWidth?: number;
  /** Height of the plot in pixels. @default {300} */
  readonly height?: number;
}

/** Rounding that sums of shares are allowed. */
const SUM_TOLERANCE = 1e-6;

/** Space between the bars and the controls, in bars. */
const GAP = 0.6;

/**
 * Stacked bars of shares that sum to one, bottom to top in the order of the categories, with the per cent written into
 * parts that have room.
 *
 * Source: the content of the paper's Figure 16 (class: review).
 *
 * @throws RangeError when there is no bar, shares of a bar are negative or do not sum to 1, a category is unknown, there
 * are more categories than colours or the gap lies outside.
 *
 * @example
 * ```ts
 * import { figureSpec, shareBars } from "../mod.ts";
 * const bars = [{ label: "0", shares: { English: 0.75, Russian: 0.25 } }, { label: "Random", shares: { English: 1 } }];
 * const categories = [{ name: "English" }, { name: "Russian" }];
 * const panel = shareBars({ bars, categories, divideAfter: 1, xTitle: "Layer" });
 * if (!JSON.stringify(figureSpec([panel], { title: "Languages" })).includes('"75"')) throw new Error("per cent expected");
 * ```
 */
export function shareBars(input: ShareBarsInput): Panel {
  const { bars, categories, divideAfter, parts, xTitle, yTitle = "Share (%)", title } = input;
  const { barWidth = 44, height = 300 } = input;
  const names = categories.map(({ name }) => name);
  if (bars.length === 0 || names.length > CATEGORY_COLOURS.length) {
    throw new RangeError(
      `Cannot draw shares as there must be bars and at most ${CATEGORY_COLOURS.length} categories: ` +
        `current counts are ${bars.length} and ${names.length}`,
    );
  }
  if (divideAfter !== undefined && !(divideAfter > 0 && divideAfter < bars.length)) {
    throw new RangeError(
      `Cannot divide bars as divideAfter must lie in (0, ${bars.length}): current value is ${divideAfter}`,
    );
  }
  // A label wider than its bar takes a wider place; the bars keep one width.
  const slots = bars.map(({ label }) => {
    const lines = label.split("\n").map((line) => textWidth(line, { size: FONT_SIZES.tick }));
    return Math.max(1, (Math.max(...lines) + 8) / barWidth);
  });
  const places: number[] = [];
  let end = -0.5;
  slots.forEach((slot, index) => {
    if (index === divideAfter) end += GAP;
    places.push(Math.round((end + slot / 2) * 1000) / 1000);
    end += slot;
  });
  const rows = bars.flatMap(({ label, shares }, index) => {
    const unknown = Object.keys(shares).find((name) => !names.includes(name));
    const values = names.map((name) => shares[name] ?? 0);
    const sum = values.reduce((a, b) => a + b, 0);
    if (
      unknown !== undefined || !values.every((value) => value >= 0) || !(Math.abs(sum - 1) <= SUM_TOLERANCE)
    ) {
      throw new RangeError(
        `Cannot draw shares as those of "${label}" must be of ${names.join(", ")} and sum to 1: ` +
          (unknown === undefined ? `current sum is ${sum}` : `current is "${unknown}"`),
      );
    }
    let from = 0;
    return names.map((category, part) => {
      const low = from, share = values[part] as number;
      from += share;
      const place = places[index] as number;
      return {
        bar: label,
        category,
        share,
        low: 100 * low,
        high: 100 * Math.min(1, from),
        middle: 100 * (low + share / 2),
        place,
        left: place - 0.42,
        right: place + 0.42,
        text: (100 * share).toFixed(0),
      };
    }).filter(({ share }) => share > 0);
  });
  const labels = bars.map(({ label }) => label);
  const x = (field: string) =>
    quantitative(field, [-0.5, end], {
      ...listAxis(labels),
      values: places,
      // Places after the gap are not whole numbers: a label is found by the order of its place.
      labelExpr: `split([${labels.map((label) => JSON.stringify(label)).join(", ")}][indexof([${
        places.join(", ")
      }], datum.value)], '\\n')`,
      labelAngle: 0,
      labelBaseline: "top",
      title: xTitle ?? null,
      domain: false,
    });
  const y = (field: string) => ({
    field,
    type: "quantitative",
    scale: { domain: [0, 100], nice: false },
    axis: { title: yTitle, domain: false, grid: false, tickCount: 5 },
  });
  const colours = categories.map(({ colour }, index) => colour ?? CATEGORY_COLOURS[index] as string);
  const layers: Json[] = [{
    data: { values: rows },
    mark: { type: "rect", stroke: "white", strokeWidth: 0.8 },
    encoding: {
      x: x("left"),
      x2: { field: "right" },
      y: y("low"),
      y2: { field: "high" },
      color: {
        field: "category",
        type: "nominal",
        // Listed from top to bottom, as the parts are stacked.
        scale: { domain: names.toReversed(), range: colours.toReversed() },
        legend: { title: null, orient: "right", symbolType: "square", offset: 14 },
      },
    },
  }];
  const written = rows.filter(({ share }) => share * height >= FONT_SIZES.note + 4);
  for (const dark of [false, true]) {
    const values = written.filter(({ category }) =>
      isDark(colours[names.indexOf(category)] as string) === dark
    );
    if (values.length === 0) continue;
    layers.push({
      data: { values },
      mark: {
        type: "text",
        baseline: "middle",
        color: dark ? "white" : FIGURE_COLOURS.ink,
        fontSize: FONT_SIZES.note,
      },
      encoding: { x: x("place"), y: y("middle"), text: { field: "text", type: "nominal" } },
    });
  }
  const errors = bars.flatMap(({ error }, index) =>
    error === undefined
      ? []
      // Right of the number, which stands in the middle.
      : [{ place: (places[index] as number) + 0.33, low: 100 * error[0], high: 100 * error[1] }]
  );
  if (errors.length > 0) {
    const data = { values: errors };
    layers.push({
      data,
      mark: { type: "rule", color: FIGURE_COLOURS.ink, strokeWidth: 1.6 },
      encoding: { x: x("place"), y: y("low"), y2: { field: "high" } },
    });
    for (const edge of ["low", "high"]) {
      layers.push({
        data,
        mark: {
          type: "tick",
          orient: "horizontal",
          color: FIGURE_COLOURS.ink,
          thickness: 1.6,
          size: 6,
          opacity: 1,
        },
        encoding: { x: x("place"), y: y(edge) },
      });
    }
  }
  if (parts !== undefined && divideAfter !== undefined) {
    layers.push({
      data: {
        values: [
          { place: -0.42, text: parts[0] },
          { place: (places[divideAfter] as number) - 0.42, text: parts[1] },
        ],
      },
      mark: {
        type: "text",
        align: "left",
        baseline: "alphabetic",
        dy: -8,
        color: FIGURE_COLOURS.quiet,
        fontSize: FONT_SIZES.mark,
      },
      encoding: { x: x("place"), y: { value: 0 }, text: { field: "text", type: "nominal" } },
    });
  }
  return {
    ...(title === undefined
      ? {}
      : { title: panelTitle(title, { drawnAbove: parts === undefined ? 0 : 18 }) }),
    width: Math.round(barWidth * (end + 0.5)),
    height,
    layer: layers,
  };
}

/** Whether white is easier to read on a colour than ink. */
function isDark(colour: string): boolean {
  const [red, green, blue] = channelsOf(colour) as [number, number, number];
  return 0.299 * red + 0.587 * green + 0.114 * blue < 120;
}
