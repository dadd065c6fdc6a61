/**
 * fig14 (the number is inferred): how the shift that a vector causes lives on in later layers, on the second model.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { PERSISTENCE_DIFFERENCES, PERSISTENCE_FAULT, persistenceFindings } from "./_persistence.ts";

const title = "How the shift of one vector lives on in later layers, second model";

/** Fig 14 (inferred): as fig 2, on the second model. */
export const fig14: Reproduction = {
  id: "fig14",
  slug: "persistence-b",
  title,
  itemClass: "inferred",
  publishedFault: PERSISTENCE_FAULT,
  differences: PERSISTENCE_DIFFERENCES,
  run: (bench) =>
    persistenceFindings(bench, { role: "b", title, remark: "The number of the paper's figure is inferred." }),
};
