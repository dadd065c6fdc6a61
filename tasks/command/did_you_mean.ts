import { suggestion } from "../../lib/core/mod.ts";

/** The repair of a word that is none of those that are known: one that is like it, or what else helps. */
export function didYouMean(
  word: string,
  known: readonly string[],
  otherwise?: string,
): { readonly repair?: string } {
  const meant = suggestion(word, known);
  const repair = meant === undefined ? otherwise : `did you mean ${meant}?`;
  return repair === undefined ? {} : { repair };
}
