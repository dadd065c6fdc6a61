/**
 * fig21: as fig20, greedy.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { PENULTIMATE_DIFFERENCES, penultimateStudy } from "./_penultimate.ts";

const TITLE = "The penultimate vector of model B in parts of the last block, greedy";

/** Fig 21: heads' outputs, queries, keys and values of the Llama model, greedy. */
export const fig21: Reproduction = {
  id: "fig21",
  slug: "penultimate-heads-b-greedy",
  title: TITLE,
  itemClass: "code",
  differences: PENULTIMATE_DIFFERENCES,
  run: (bench) =>
    penultimateStudy(bench, {
      role: "b",
      decoding: "greedy",
      outputs: true,
      attention: false,
      problems: 4,
      title: TITLE,
    }),
};
