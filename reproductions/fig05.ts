/**
 * fig5: the vector of the layer before the last, let into one query, key or value head of the last block.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { PENULTIMATE_DIFFERENCES, penultimateStudy } from "./_penultimate.ts";

const TITLE = "The penultimate vector in single heads of the last block";

/** Fig 5: mean accuracy when s_26 enters a single projection of the last block. */
export const fig05: Reproduction = {
  id: "fig5",
  slug: "penultimate-qkv",
  title: TITLE,
  itemClass: "caption",
  differences: PENULTIMATE_DIFFERENCES,
  run: (bench) =>
    penultimateStudy(bench, {
      role: "a",
      decoding: "sampling",
      outputs: false,
      attention: true,
      problems: 2,
      title: TITLE,
    }),
};
