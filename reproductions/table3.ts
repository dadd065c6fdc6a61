/**
 * table3 (the number is inferred): top tokens of each layer's vector, read directly and after propagation.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { LENS_TABLE_DIFFERENCES, lensTableFindings } from "./_lens_table.ts";

const title = "Tokens that each layer's vector reads as";

/** Table 3 (inferred): top tokens of each layer's vector, read directly and after propagation. */
export const table3: Reproduction = {
  id: "table3",
  slug: "logit-lens",
  title,
  itemClass: "inferred",
  differences: LENS_TABLE_DIFFERENCES,
  run: (bench) => lensTableFindings(bench, { side: "top", title }),
};
