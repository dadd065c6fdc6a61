/**
 * fig4: cosines between the mean shifts that vectors of different layers cause at the last layer.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { FINAL_SHIFT_DIFFERENCES, finalDifferenceFindings } from "./_final_differences.ts";
import { MEAN_SHIFT_FAULT } from "./_lens.ts";

const title = "How alike the final-layer shifts of different layers are";

/** Fig 4: cosine between the mean final-layer shifts of layers i and j. */
export const fig04: Reproduction = {
  id: "fig4",
  slug: "final-shift-similarity",
  title,
  itemClass: "caption",
  publishedFault: MEAN_SHIFT_FAULT,
  differences: FINAL_SHIFT_DIFFERENCES,
  run: (bench) => finalDifferenceFindings(bench, { role: "a", title }),
};
