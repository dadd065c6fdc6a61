import { boxText, lastBoxes } from "./_box.ts";

/** Where a completion says its answer: in its last box, or between its last `<answer>` tags. */
export type AnswerMode = "box" | "answer";

/** Why a completion gave no answer. */
export type ExtractionFault =
  | "no box"
  | "unbalanced box"
  | "empty box"
  | "no answer tags"
  | "empty answer tags";

/** The answer of a completion. */
export interface ExtractedAnswer {
  /** The text between the braces or the tags; null when there is none. */
  readonly text: string | null;
  /** Null when there is an answer. */
  readonly fault: ExtractionFault | null;
}

/** What the last pair of tags holds; a pair opens at the first opening tag after the pair before it. */
function taggedText(completion: string): string | null {
  let found: string | null = null;
  for (let from = 0;;) {
    const open = completion.indexOf("<answer>", from);
    if (open < 0) return found;
    const close = completion.indexOf("</answer>", open);
    if (close < 0) return found;
    found = completion.slice(open + "<answer>".length, close);
    from = close + "</answer>".length;
  }
}

/**
 * The answer a completion commits to. In mode "box" that is what its last `\boxed{…}` holds (without one, its last
 * `\fbox{…}`); a last box that never closes is no answer, whatever came before it. Boxes with nothing but a comma,
 * "and" or "or" between them are one answer, a list; where the text goes on in other words, it corrects itself, and the
 * last box stands alone. A `\boxed` that is only named, with no operand behind it, is no box. In mode "answer" the
 * answer is what the last pair of `<answer>` tags holds. There is no fallback to other text: a number in passing is no
 * answer. Never throws.
 *
 * Source: the two answer modes of the paper's reward (class: code).
 *
 * `@default {mode: "box"}`
 *
 * @example
 * ```ts
 * import { extractAnswer } from "@small-vectors/steering";
 * const { text } = extractAnswer("So \\boxed{\\frac{1}{2}}.");
 * if (text !== "\\frac{1}{2}") throw new Error("the box holds one half");
 * if (extractAnswer("\\boxed{2} and \\boxed{3}").text !== "2, 3") throw new Error("both boxes are the answer");
 * if (extractAnswer("\\boxed{2}. No, \\boxed{3}").text !== "3") throw new Error("the text corrects itself");
 * if (extractAnswer("<answer>7</answer>", { mode: "answer" }).text !== "7") throw new Error("the tags hold 7");
 * ```
 */
export function extractAnswer(
  completion: string,
  options: { readonly mode?: AnswerMode } = {},
): ExtractedAnswer {
  if (options.mode === "answer") {
    const text = taggedText(completion);
    if (text === null) return { text, fault: "no answer tags" };
    return { text, fault: text.trim() === "" ? "empty answer tags" : null };
  }
  const boxes = lastBoxes(completion), last = boxes.at(-1);
  if (last === undefined) return { text: null, fault: "no box" };
  if (last.text === null) return { text: null, fault: "unbalanced box" };
  return { text: boxText(boxes), fault: last.text.trim() === "" ? "empty box" : null };
}
