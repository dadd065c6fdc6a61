/**
 * fig1: accuracy of steering vectors trained in one layer, by layer.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { singleLayerStudy } from "./_single_layer.ts";

/** Fig 1: mean accuracy on six benchmarks, one vector s_l trained per layer. */
export const fig01: Reproduction = {
  id: "fig1",
  slug: "single-layer",
  title: "Accuracy of steering vectors trained in one layer",
  itemClass: "caption",
  differences: [
    "Uncertainty covers evaluation seeds, training seeds and problems; the published band covers evaluation seeds of one run.",
    "The last checkpoint of every run is used; the published one was chosen on the test problems.",
  ],
  run: (bench) => singleLayerStudy(bench, { role: "a" }),
};
