import type { Json } from "../../core/mod.ts";
import { FIGURE_CONFIG, FONT_SIZES } from "./figure_style.ts";

/** A Vega-Lite specification as plain JSON. */
export type VegaLiteSpec = Readonly<Record<string, Json>>;

/** One drawing area of a figure: a unit or layered specification without what only the whole figure has. */
export type Panel = Readonly<Record<string, Json>>;

/** What stands over a figure. */
export interface FigureOptions {
  /** The title. */
  readonly title: string;
  /** Lines under the title: what models, what the marks mean. @default {[]} */
  readonly subtitle?: readonly string[];
  /** Panels in one row; the others follow in rows below. @default {all in one row} */
  readonly columns?: number;
  /** Space between neighbouring panels in pixels. @default {44} */
  readonly spacing?: number;
}

/**
 * Panels side by side (one alone goes without its own title) as one self-contained Vega-Lite 6 specification: data inside, no addresses, one style.
 *
 * @throws RangeError when there is no panel or `columns` is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { figureSpec } from "../mod.ts";
 * const panel = { mark: "point", data: { values: [{ a: 1 }] }, encoding: { x: { field: "a", type: "quantitative" } } };
 * const spec = figureSpec([panel], { title: "A point" });
 * if (spec.$schema !== "https://vega.github.io/schema/vega-lite/v6.json") throw new Error("Vega-Lite 6 expected");
 * ```
 */
export function figureSpec(panels: readonly Panel[], options: FigureOptions): VegaLiteSpec {
  const first = panels[0];
  if (first === undefined) {
    throw new RangeError("Cannot make a figure as it needs a panel: current count is 0");
  }
  const { title, subtitle = [], columns = panels.length, spacing = 44 } = options;
  if (!Number.isInteger(columns) || columns < 1) {
    throw new RangeError(
      `Cannot make a figure as columns must be a whole number from 1: current value is ${columns}`,
    );
  }
  const head = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: title, ...(subtitle.length > 0 ? { subtitle } : {}) },
    config: FIGURE_CONFIG,
  };
  if (panels.length === 1) return { ...first, ...head };
  return {
    ...head,
    // Columns as wide as their own panels need: a legend beside one must not widen the others.
    ...(columns < panels.length ? { concat: panels, columns, align: "each" } : { hconcat: panels }),
    spacing,
    // Colours and shapes mean something else in each panel.
    resolve: {
      scale: {
        color: "independent",
        fill: "independent",
        stroke: "independent",
        shape: "independent",
        strokeDash: "independent",
      },
    },
  };
}

/**
 * A figure with one more line under its title. Throws a `RangeError` for a spec that has no title of its own.
 *
 * @example
 * ```ts
 * import { figureSpec, textTable, withSubtitle } from "../mod.ts";
 * const panel = textTable({ columns: [{ title: "a" }], rows: [{ cells: ["1"] }] });
 * const { title } = withSubtitle(figureSpec([panel], { title: "One" }), "and a remark");
 * if (JSON.stringify(title) !== '{"text":"One","subtitle":["and a remark"]}') throw new Error("not under the title");
 * ```
 */
export function withSubtitle(spec: VegaLiteSpec, line: string): VegaLiteSpec {
  const { title } = spec as {
    readonly title?: { readonly text: string; readonly subtitle?: readonly string[] };
  };
  if (title === undefined) {
    throw new RangeError("Cannot add a subtitle as the figure must have a title: current value is undefined");
  }
  return { ...spec, title: { ...title, subtitle: [...title.subtitle ?? [], line] } };
}

/** Distance from the top of a plot to the title of its panel, in pixels. */
const PANEL_TITLE_HEIGHT = 42;

/**
 * The title of a panel that stands beside others. Titles are laid out over what is drawn above a plot; told how many
 * pixels that is, titles of neighbours come out on one line.
 *
 * @example
 * ```ts
 * import { panelTitle } from "../mod.ts";
 * const { text } = panelTitle("a Shifts", { drawnAbove: 12 }) as { text: string };
 * if (text !== "a Shifts") throw new Error(text);
 * ```
 */
export function panelTitle(text: string, options: { readonly drawnAbove: number }): Json {
  return {
    text,
    anchor: "start",
    fontSize: FONT_SIZES.panel,
    offset: PANEL_TITLE_HEIGHT - options.drawnAbove,
  };
}
