/**
 * fig20: the vector of the layer before the last of model B, let into parts of the last block, at temperature 1.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { PENULTIMATE_DIFFERENCES, penultimateStudy } from "./_penultimate.ts";

const TITLE = "The penultimate vector of model B in parts of the last block";

/** Fig 20: heads' outputs, queries, keys and values of the Llama model, at temperature 1. */
export const fig20: Reproduction = {
  id: "fig20",
  slug: "penultimate-heads-b",
  title: TITLE,
  itemClass: "code",
  differences: PENULTIMATE_DIFFERENCES,
  run: (bench) =>
    penultimateStudy(bench, {
      role: "b",
      decoding: "sampling",
      outputs: true,
      attention: true,
      problems: 1.5,
      title: TITLE,
    }),
};
