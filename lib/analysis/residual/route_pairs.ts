import type { WholeRoute } from "../../probe/mod.ts";

/**
 * Two ways of letting the penultimate layer's vector into the last block, compared from the first to the second:
 * Δp = p_to − p_from, KL(from ‖ to). The ways are whole (no_patch), around its attention (skip_attn), added to its
 * output alone (skip_layer), or not at all (base).
 */
export interface RoutePair {
  /** The baseline, P of KL(P ‖ Q). */
  readonly from: WholeRoute;
  /** The other, Q. */
  readonly to: WholeRoute;
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
