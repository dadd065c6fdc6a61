import { InputError } from "../../lib/core/mod.ts";
import type { Reproduction } from "../../lib/experiment/mod.ts";
import { REPRODUCTIONS } from "../../reproductions/mod.ts";

/** What every command that measures tables and figures says of its arguments, and of going on. */
export const ITEM_ARGUMENTS = {
  resume: "give the same command again to go on: finished measurements are kept unless --no-cache is given",
  positionals: { metavar: "ID", help: "fig1, fig3, a slug such as last-layer, or all", least: 1 },
} as const;

/** The items that ids or slugs name, each once, in the paper's order; `all` names every one. */
export function chooseReproductions(names: readonly string[]): readonly Reproduction[] {
  for (const name of names) {
    if (name === "all" || REPRODUCTIONS.some((item) => item.id === name || item.slug === name)) continue;
    throw new InputError(`unknown table or figure "${name}"`, {
      repair: `known: ${REPRODUCTIONS.map((item) => `${item.id} (${item.slug})`).join(", ")}, all`,
    });
  }
  if (names.includes("all")) return REPRODUCTIONS;
  return REPRODUCTIONS.filter((item) => names.includes(item.id) || names.includes(item.slug));
}
