import type { ArchitectureRow } from "./architectures/architecture_row.ts";
import { llama } from "./architectures/llama.ts";
import { mistral } from "./architectures/mistral.ts";
import { qwen2 } from "./architectures/qwen2.ts";
import { qwen3 } from "./architectures/qwen3.ts";

/** A family of decoders that is supported, by the `model_type` of its config.json. */
export type Architecture = "llama" | "mistral" | "qwen2" | "qwen3";

/** What tells each family from the others; one that is missing does not compile. */
const ROWS: { readonly [Family in Architecture]: ArchitectureRow } = { llama, mistral, qwen2, qwen3 };

/** The families' names, in alphabetical order. */
export const ARCHITECTURES = Object.keys(ROWS) as readonly Architecture[];

/**
 * What tells a family from the others. A new family whose block is built of the parts that are there is a file in
 * `architectures/`, and a row in the table that this looks up.
 *
 * @example
 * ```ts
 * import { ARCHITECTURES, architectureRow } from "@small-vectors/steering/checkpoint";
 * const normed = ARCHITECTURES.filter((name) => architectureRow(name).headNorms);
 * if (normed.join() !== "qwen3") throw new Error("one family has norms of query and key heads");
 * ```
 */
export function architectureRow(architecture: Architecture): ArchitectureRow {
  return ROWS[architecture];
}
