import type { ExtractionFault } from "./extract_answer.ts";

/**
 * The graders: `box-number` takes the plain number in the last box, `box` the mathematics in it, `math-verify` looks
 * where math-verify looks and compares by its rules, and `last-number` takes the last number wherever it stands.
 */
export const GRADER_NAMES = ["box-number", "box", "math-verify", "last-number"] as const;

/** One of the graders. */
export type GraderName = typeof GRADER_NAMES[number];

/** Why an answer was judged right or wrong. */
export type AnswerReason =
  /** Right: the same text, or the same words where the gold answer is words. */
  | "same text"
  /** Right: other text with the same meaning. */
  | "same value"
  /** Wrong: both were read and differ. */
  | "different"
  /** Wrong: one is a number and the other a set, an interval, an equation, words, … */
  | "different kind"
  /** Wrong: more or fewer values than the gold answer has. */
  | "different count"
  /** Wrong: both carry a unit and the units differ. */
  | "different unit"
  /** Wrong: read, but not to be told apart or together within the bounds. */
  | "not comparable"
  /** Wrong: the answer, or the gold answer, is no mathematics that can be read, and the texts differ. */
  | "unreadable answer"
  | "unreadable gold"
  /** Wrong: longer or deeper than what is read. */
  | "too long";

/** Why a completion was judged as it was: of its answer, of its number, or for want of one. */
export type VerdictReason =
  | AnswerReason
  | ExtractionFault
  /** Right: the gold number, in some spelling. */
  | "equal"
  /** Wrong: the gold answer is a number and the answer none. */
  | "not a number"
  /** Wrong: nothing in the completion that could be an answer. */
  | "no answer";

/** The judgement of one completion. */
export interface Verdict {
  /** Whether the completion's answer says what the gold answer says. */
  readonly correct: boolean;
  /** The answer that was judged; null when the completion gives none. */
  readonly extracted: string | null;
  /** Why. */
  readonly reason: VerdictReason;
  /** Who judged. */
  readonly grader: GraderName;
  /** Which version of the grader. */
  readonly version: string;
}

/**
 * The version of each grader, which rises whenever a verdict may change. That of `math-verify` begins with the version
 * of the package that it follows.
 */
export const GRADER_VERSIONS: Readonly<Record<GraderName, string>> = {
  "box-number": "2",
  "box": "2",
  "math-verify": "0.9.0-1",
  "last-number": "1",
};

/** Whether a reason is that of a right answer. */
export function isRight(reason: VerdictReason): boolean {
  return reason === "same text" || reason === "same value" || reason === "equal";
}

/** The verdict for a reason. */
export function verdictOf(grader: GraderName, extracted: string | null, reason: VerdictReason): Verdict {
  return { correct: isRight(reason), extracted, reason, grader, version: GRADER_VERSIONS[grader] };
}
