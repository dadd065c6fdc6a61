/**
 * table4 (the number is inferred): bottom tokens of each layer's vector, read directly and after propagation.
 *
 * @module
 */
import type { Reproduction } from "../lib/experiment/mod.ts";
import { LENS_TABLE_DIFFERENCES, lensTableFindings } from "./_lens_table.ts";

const title = "Tokens that each layer's vector is opposed to";

/** Table 4 (inferred): bottom tokens of each layer's vector, read directly and after propagation. */
export const table4: Reproduction = {
  id: "table4",
  slug: "suppressed-table",
  title,
  itemClass: "inferred",
  differences: LENS_TABLE_DIFFERENCES,
  run: (bench) => lensTableFindings(bench, { side: "bottom", title }),
};
