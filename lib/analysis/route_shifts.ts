import type { Tensor } from "../core/mod.ts";
import { type ProbabilityShift, probabilityShift } from "./probability_shift.ts";
import type { TokenShiftTotals } from "./token_shift_totals.ts";

/**
 * A way of letting the penultimate layer's vector into the last block: whole (no_patch), around its attention
 * (skip_attn), added to its output alone (skip_layer), or not at all (base).
 */
export type ShiftRoute = "no_patch" | "skip_attn" | "skip_layer" | "base";

/** Two routes, compared from the first to the second: Δp = p_to − p_from, KL(from ‖ to). */
export interface RoutePair {
  /** The baseline, P of KL(P ‖ Q). */
  readonly from: ShiftRoute;
  /** The other, Q. */
  readonly to: ShiftRoute;
}

/**
 * The pairs of Figure 6. The published script compares Skip-Attn, as the baseline, with each of the three others
 * (class: code; which of them the figure shows is not known); the fourth is the whole effect of the vector, from base.
 */
export const ROUTE_PAIRS: readonly RoutePair[] = [
  { from: "skip_attn", to: "no_patch" },
  { from: "skip_attn", to: "skip_layer" },
  { from: "skip_attn", to: "base" },
  { from: "base", to: "no_patch" },
];

/** What changes from one route to another, row by row. */
export interface RouteShift extends RoutePair {
  /** `skip_attn→no_patch`. */
  readonly name: string;
  /** Δp and KL; `base` in its names stands for the route `from`, `steered` for `to`. */
  readonly shift: ProbabilityShift;
}

/**
 * Compares the next-token distributions of one text under several routes; each holds logits [rows, vocab] at the same
 * rows. Text by text, so that no logits are kept; `totals`, by the name of a pair, add up over texts.
 *
 * Source: Figure 6, direction KL(baseline ‖ other) (class: code).
 *
 * @throws RangeError for a route without logits, and as `probabilityShift`.
 *
 * @example
 * ```ts
 * import { routeShifts } from "./mod.ts";
 * import { tensor } from "../core/mod.ts";
 * const row = (p: number) => tensor("float32", [1, 2], [Math.log(p), Math.log(1 - p)]);
 * const logits = { no_patch: row(0.8), skip_attn: row(0.5), skip_layer: row(0.5), base: row(0.5) };
 * const [first, second] = routeShifts(logits);
 * if (first?.name !== "skip_attn→no_patch" || Math.abs(first.shift.maxShift[0]! - 0.3) > 1e-6) throw new Error("+0.3");
 * if (second?.shift.klNats[0] !== 0) throw new Error("equal routes");
 * ```
 */
export function routeShifts(
  logits: { readonly [Route in ShiftRoute]?: Tensor<"float32"> },
  options: {
    /** @default {ROUTE_PAIRS} */
    readonly pairs?: readonly RoutePair[];
    /** @default {1} */
    readonly temperature?: number;
    /** Tokens whose Δp is kept at every row. @default {[]} */
    readonly follow?: readonly number[];
    /** Totals by the name of a pair. */
    readonly totals?: ReadonlyMap<string, TokenShiftTotals>;
    /** Rows, from the first, that go into totals. @default {all} */
    readonly totalRows?: number;
  } = {},
): readonly RouteShift[] {
  const { pairs = ROUTE_PAIRS, totals, ...rest } = options;
  const of = (route: ShiftRoute): Tensor<"float32"> => {
    const found = logits[route];
    if (found === undefined) {
      throw new RangeError(
        `Cannot compare routes as "${route}" must have logits: there are ${
          Object.keys(logits).join(", ") || "none"
        }`,
      );
    }
    return found;
  };
  return pairs.map(({ from, to }) => {
    const name = `${from}→${to}`, total = totals?.get(name);
    const shift = probabilityShift({ base: of(from), steered: of(to) }, {
      ...rest,
      ...(total === undefined ? {} : { totals: total }),
    });
    return { from, to, name, shift };
  });
}
