import { bracedText, lastBox } from "./_box.ts";

/** Why a completion was judged as it was. */
export type VerdictReason =
  | "equal"
  | "different"
  | "no box"
  | "unbalanced box"
  | "empty box"
  | "not a number";

/** The judgement of one completion. */
export interface Verdict {
  /** Whether the last box holds the gold answer. */
  readonly correct: boolean;
  /** Text inside the last box, null when there is none or it never closes. */
  readonly extracted: string | null;
  /** Why. */
  readonly reason: VerdictReason;
}

/** A number in one spelling: no thousands commas, no leading or trailing zeros; null when it is no number. */
function canonicalNumber(text: string): string | null {
  let from = 0, to = text.length;
  // By hand: a pattern anchored at the end takes quadratic time on long runs of spaces.
  while (from < to && /[\s$,]/.test(text[from] as string)) from++;
  while (to > from && /[\s$,]/.test(text[to - 1] as string)) to--;
  const bare = text.slice(from, to).replaceAll("{,}", ",");
  const parts = /^([+-]?)(\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d*))?$/.exec(bare);
  if (parts === null) return null;
  const [, sign = "", whole = "", fraction = ""] = parts;
  if (whole === "" && fraction === "") return null;
  const integer = whole.replaceAll(",", "").replace(/^0+(?=\d)/, "") || "0";
  const decimals = fraction.replace(/0+$/, "");
  const magnitude = decimals === "" ? integer : `${integer}.${decimals}`;
  return sign === "-" && magnitude !== "0" ? `-${magnitude}` : magnitude;
}

/**
 * Grades a completion by its last `\boxed{…}` (or, when there is none, its last `\fbox{…}`) against a gold answer.
 * Strict: a last box that never closes is wrong whatever came before it, nothing outside a box counts, and
 * what it holds must be the gold number (`7`, `007`, `7.0` and `$7$` are one number; `1,000` is 1000) or, where the
 * gold answer is no number, the gold text. Never throws.
 *
 * Source: the reward of the paper, "strict last box" part (class: code).
 *
 * @example
 * ```ts
 * import { gradeBoxed } from "./mod.ts";
 * if (!gradeBoxed("So \\boxed{12}.", "12").correct) throw new Error("12 is 12");
 * if (gradeBoxed("\\boxed{12} or \\boxed{12", "12").correct) throw new Error("the last box is open");
 * ```
 */
export function gradeBoxed(completion: string, gold: string): Verdict {
  const box = lastBox(completion);
  if (box === null) return { correct: false, extracted: null, reason: "no box" };
  const extracted = bracedText(completion, box);
  if (extracted === null) return { correct: false, extracted: null, reason: "unbalanced box" };
  if (extracted.trim() === "") return { correct: false, extracted, reason: "empty box" };
  const expected = canonicalNumber(gold), given = canonicalNumber(extracted);
  if (expected === null) {
    const correct = extracted.trim() === gold.trim();
    return { correct, extracted, reason: correct ? "equal" : "different" };
  }
  if (given === null) return { correct: false, extracted, reason: "not a number" };
  return { correct: given === expected, extracted, reason: given === expected ? "equal" : "different" };
}
