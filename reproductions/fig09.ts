/**
 * fig9: accuracy of steering vectors trained in one layer of the second model, by layer.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { singleLayerStudy } from "./_single_layer.ts";

/** Fig 9: as Fig 1 on the second model, with the last two layers by name, whose numbers are attested. */
export const fig09: Reproduction = {
  id: "fig9",
  slug: "single-layer-b",
  title: "Accuracy of steering vectors trained in one layer of the second model",
  itemClass: "code",
  differences: [
    "Uncertainty covers evaluation seeds, training seeds and problems; the published band covers evaluation seeds of one run.",
    "The last checkpoint of every run is used; the published one was chosen on the test problems.",
  ],
  run: (bench) => singleLayerStudy(bench, { role: "b", depths: { penultimate_layer: 2, last_layer: 1 } }),
};
