/**
 * fig3: what the last-layer vector boosts, and how much of its gain the opener alone recovers.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { LAST_LAYER_DIFFERENCES, LAST_LAYER_FAULT, lastLayerStudy } from "./_last_layer.ts";

/** Fig 3: the last-layer vector mainly boosts the opener; prefixing the opener gives most of the gain. */
export const fig03: Reproduction = {
  id: "fig3",
  slug: "last-layer",
  title: "What the last-layer vector boosts, and what its opener alone recovers",
  itemClass: "caption",
  publishedFault: LAST_LAYER_FAULT,
  differences: LAST_LAYER_DIFFERENCES,
  run: (bench) => lastLayerStudy(bench, "a"),
};
