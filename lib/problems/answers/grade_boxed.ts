import { boxText, lastBoxes } from "./_box.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** A command that sets its argument in another font and says nothing else. */
const FONT =
  /^\\(?:math(?:bf|rm|it|sf|tt|normal)|text(?:bf|rm|it|sf|tt|normal|up)?|boldsymbol|bm|mbox)\s*\{([^]*)\}$/;

/** A text without fonts around all of it. */
function withoutFonts(text: string): string {
  let bare = text.trim();
  while (bare.startsWith("\\")) {
    const inside = FONT.exec(bare)?.[1];
    if (inside === undefined) return bare;
    bare = inside.trim();
  }
  return bare;
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
 * Strict: a last box that never closes is wrong whatever came before it, nothing outside a box counts, boxes that are
 * one answer together are no number, and what the box holds must be the gold number (`7`, `007`, `7.0`, `$7$` and
 * `\mathbf{7}` are one number; `1,000` is 1000) or, where the gold answer is no number, the gold text. Never throws.
 *
 * Source: the reward of the paper, "strict last box" part (class: code).
 *
 * @example
 * ```ts
 * import { gradeBoxed } from "@small-vectors/steering";
 * if (!gradeBoxed("So \\boxed{12}.", "12").correct) throw new Error("12 is 12");
 * if (gradeBoxed("\\boxed{12} or \\boxed{12", "12").correct) throw new Error("the last box is open");
 * if (gradeBoxed("\\boxed{11} or \\boxed{12}", "12").correct) throw new Error("two answers are none");
 * ```
 */
export function gradeBoxed(completion: string, gold: string): Verdict {
  const boxes = lastBoxes(completion), last = boxes.at(-1);
  if (last === undefined) return verdictOf("box-number", null, "no box");
  if (last.text === null) return verdictOf("box-number", null, "unbalanced box");
  const extracted = boxText(boxes);
  if (last.text.trim() === "") return verdictOf("box-number", extracted, "empty box");
  const bare = withoutFonts(extracted), expected = canonicalNumber(gold);
  if (expected === null) {
    return verdictOf("box-number", extracted, bare === withoutFonts(gold) ? "equal" : "different");
  }
  const given = canonicalNumber(bare);
  const reason = given === null ? "not a number" : given === expected ? "equal" : "different";
  return verdictOf("box-number", extracted, reason);
}
