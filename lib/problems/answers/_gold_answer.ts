import { extractAnswer } from "./extract_answer.ts";

/** Formulas within dollar signs or TeX's brackets. */
const FORMULA = /\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\[([^]+?)\\\]|\\\(([^]+?)\\\)/g;

/** Words that say when the answer before them holds, so that it is not all of it. */
const CONDITION = /\b(?:where|with|for|if|when|such|any|all|some|arbitrary)\b/i;

/** Between two formulas of one answer. */
const CONNECTION = /^\s*(?:,|;|and|or|,\s*and|,\s*or)?\s*$/;

/**
 * The answer in a gold text: what its last box holds, or, where words lead up to formulas and nothing but a unit or a
 * mark stands behind them, the last formulas that a comma, "and" or "or" joins. Any other text is the answer itself.
 */
export function goldAnswer(gold: string): string {
  if (gold.includes("\\boxed") || gold.includes("\\fbox")) {
    const { text, fault } = extractAnswer(gold);
    if (text !== null && fault === null) return text;
  }
  if (!/\$|\\[([]/.test(gold)) return gold;
  const found = [...gold.matchAll(FORMULA)], first = found[0], last = found.at(-1);
  if (first === undefined || last === undefined) return gold;
  const lead = gold.slice(0, first.index), rest = gold.slice(last.index + last[0].length);
  const isLead = /[A-Za-z]{2}.*[A-Za-z]{2}|[A-Za-z]{4}/.test(lead.replace(/\\[A-Za-z]+/g, ""));
  if (
    !isLead || CONDITION.test(gold.slice(first.index)) ||
    !/^[\s.,;:!]*(?:[A-Za-z]+\s*){0,2}[\s.]*$/.test(rest)
  ) return gold;
  const joined: string[] = [];
  let before = gold.length;
  for (const { index, 0: whole, 1: display, 2: inline, 3: square, 4: round } of found.reverse()) {
    if (joined.length > 0 && !CONNECTION.test(gold.slice(index + whole.length, before))) break;
    joined.unshift((display ?? inline ?? square ?? round) as string);
    before = index;
  }
  return joined.join(", ") + (joined.length === 1 ? ` ${rest.replace(/[.,;:!\s]+$/, "")}` : "");
}
