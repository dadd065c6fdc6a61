/**
 * fig18 (the number is inferred): cosines between mean final-layer shifts, on the second model.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { FINAL_SHIFT_DIFFERENCES, finalDifferenceFindings } from "./_final_differences.ts";
import { MEAN_SHIFT_FAULT } from "./_lens.ts";

const title = "How alike the final-layer shifts of different layers are, second model";

/** Fig 18 (inferred): as fig 4, on the second model. */
export const fig18: Reproduction = {
  id: "fig18",
  slug: "final-shift-similarity-b",
  title,
  itemClass: "inferred",
  publishedFault: MEAN_SHIFT_FAULT,
  differences: FINAL_SHIFT_DIFFERENCES,
  run: (bench) =>
    finalDifferenceFindings(bench, {
      role: "b",
      title,
      remark: "The number of the paper's figure is inferred.",
    }),
};
