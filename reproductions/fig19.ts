/**
 * fig19: what the last-layer vector of model B boosts, and how much of its gain the opener alone recovers.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { LAST_LAYER_DIFFERENCES, LAST_LAYER_FAULT, lastLayerStudy } from "./_last_layer.ts";

/** Fig 19: as Fig 3, for the Llama model and its opener "Step". */
export const fig19: Reproduction = {
  id: "fig19",
  slug: "last-layer-b",
  title: "What the last-layer vector boosts, and what its opener alone recovers, model B",
  itemClass: "code",
  publishedFault: LAST_LAYER_FAULT,
  differences: [
    ...LAST_LAYER_DIFFERENCES,
    'The opener is put in as "Step"; the published script puts in "To" for every model, so its figure cannot come from it.',
    "A share of a gain that is not established is null; the published greedy numbers would give 900 %.",
  ],
  run: (bench) => lastLayerStudy(bench, "b"),
};
