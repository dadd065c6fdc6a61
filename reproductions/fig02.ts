/**
 * fig2: how the shift that a vector causes lives on in later layers.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { PERSISTENCE_DIFFERENCES, PERSISTENCE_FAULT, persistenceFindings } from "./_persistence.ts";

const title = "How the shift of one vector lives on in later layers";

/** Fig 2: cosine of the per-token shift with the data-set mean shift and with the target layer's vector. */
export const fig02: Reproduction = {
  id: "fig2",
  slug: "persistence",
  title,
  itemClass: "caption",
  publishedFault: PERSISTENCE_FAULT,
  differences: PERSISTENCE_DIFFERENCES,
  run: (bench) => persistenceFindings(bench, { role: "a", title }),
};
