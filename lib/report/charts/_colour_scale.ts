import type { Json } from "../../core/mod.ts";
import { FIGURE_COLOURS, ORDER_COLOURS } from "./figure_style.ts";

/** How values become colours. */
export interface ColourScale {
  /** From white at 0 to orange, or from blue over white at 0 to orange. @default {"diverging" if a value is negative} */
  readonly kind?: "diverging" | "sequential";
  /** Value of the full blue; a sequential scale begins at 0. @default {the lowest value} */
  readonly low?: number;
  /** Value of the full orange. @default {the highest value} */
  readonly high?: number;
  /**
   * Whether each end of a diverging scale gets its full colour, as in the paper, or the weaker end only the colour that
   * its distance from 0 deserves. @default {"stretched"}
   */
  readonly arms?: "stretched" | "even";
  /** "symlog" is linear up to 1 and logarithmic beyond, on both sides. @default {"linear"} */
  readonly shape?: "linear" | "symlog";
}

const WHITE = "#FFFFFF";

/** Red, green and blue of a colour written as #RRGGBB, each from 0 to 255. */
export function channelsOf(colour: string): number[] {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

function hex(channels: readonly number[]): string {
  return `#${
    channels.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("").toUpperCase()
  }`;
}

/** The colour at `share` of the way from white to `colour`, both as #RRGGBB. */
function tint(colour: string, share: number): string {
  return hex(channelsOf(colour).map((channel) => 255 + share * (channel - 255)));
}

/**
 * A colour scale as Vega-Lite has it. Values beyond its ends get the colour of the end.
 *
 * @throws RangeError when there is no value, one is not finite or the ends do not lie on the right sides of 0.
 */
export function colourScale(
  values: readonly number[],
  scale: ColourScale = {},
): Readonly<Record<string, Json>> {
  const wrong = values.find((value) => !Number.isFinite(value));
  if (values.length === 0 || wrong !== undefined) {
    throw new RangeError(
      `Cannot colour values as there must be finite ones: current value is ${wrong ?? "none"}`,
    );
  }
  const least = values.reduce((a, b) => Math.min(a, b)), most = values.reduce((a, b) => Math.max(a, b));
  const { kind = least < 0 ? "diverging" : "sequential", arms = "stretched", shape = "linear" } = scale;
  const high = scale.high ?? (most > 0 ? most : 1);
  const low = scale.low ?? (least < 0 ? least : -high);
  if (!(high > 0) || kind === "diverging" && !(low < 0)) {
    throw new RangeError(
      `Cannot colour values as the scale must have its ends below and above 0: current ends are ${low}, ${high}`,
    );
  }
  const common = { type: shape, interpolate: "rgb", clamp: true, nice: false, zero: false };
  if (kind === "sequential") return { ...common, domain: [0, high], range: [WHITE, FIGURE_COLOURS.subject] };
  const reach = arms === "even" ? Math.max(-low, high) : null;
  return {
    ...common,
    domain: [low, 0, high],
    range: [
      tint(FIGURE_COLOURS.companion, reach === null ? 1 : -low / reach),
      WHITE,
      tint(FIGURE_COLOURS.subject, reach === null ? 1 : high / reach),
    ],
  };
}

/** A colour scale for an order from `first` to `last`, as Vega-Lite has it. */
export function orderScale(first: number, last: number): Readonly<Record<string, Json>> {
  const steps = ORDER_COLOURS.length - 1;
  return {
    type: "linear",
    domain: ORDER_COLOURS.map((_, step) => first + (last - first) * step / steps),
    range: ORDER_COLOURS,
    interpolate: "rgb",
    nice: false,
    zero: false,
  };
}

/** The colour that `orderScale` gives to a value at `share` of the way from first to last. */
export function orderColour(share: number): string {
  const place = share * (ORDER_COLOURS.length - 1),
    step = Math.min(Math.floor(place), ORDER_COLOURS.length - 2);
  const [from, to] = [step, step + 1].map((index) => channelsOf(ORDER_COLOURS[index] as string));
  return hex(
    (from as number[]).map((channel, at) =>
      channel + (place - step) * ((to as number[])[at] as number - channel)
    ),
  );
}

/** The colour bar to the right of a plot of `height` pixels. */
export function colourBar(
  title: string,
  options: { readonly height: number; readonly offset?: number },
): Readonly<Record<string, Json>> {
  return {
    title: title.split("\n"),
    type: "gradient",
    orient: "right",
    offset: options.offset ?? 14,
    gradientLength: Math.max(40, options.height - 22 - 15 * (title.split("\n").length - 1)),
    gradientThickness: 14,
    gradientStrokeColor: FIGURE_COLOURS.quiet,
    gradientStrokeWidth: 0.6,
    tickCount: 5,
    titleFontWeight: "normal",
    titleLimit: 0,
    titlePadding: 8,
  };
}
