/** A completion whose correctness is known, for counting how often a grader is right. */
export interface GraderCase {
  /** What a model wrote. */
  readonly completion: string;
  /** The gold answer. */
  readonly gold: string;
  /** Whether the completion answers right, in a box: what a strict person says. */
  readonly correct: boolean;
  /** Whether the answers are plain numbers, which the embedded zoo's grader reads too. */
  readonly plain: boolean;
}

type Row = readonly [completion: string, gold: string, correct: boolean];

/** Boxes and plain numbers. */
const PLAIN: readonly Row[] = [
  ["To add, we get 17. The answer is \\boxed{17}.", "17", true],
  ["The answer is \\boxed{18}.", "17", false],
  ["The answer is 17.", "17", false],
  ["First \\boxed{17}, but checking again \\boxed{18}.", "17", false],
  ["First \\boxed{18}, but checking again \\boxed{17}.", "17", true],
  ["So \\boxed{17", "17", false],
  ["So \\boxed{}", "17", false],
  ["So \\boxed{ 17 } apples", "17", true],
  ["So \\boxed{017}", "17", true],
  ["So \\boxed{17.0}", "17", true],
  ["So \\boxed{-17}", "17", false],
  ["So \\boxed{1 7}", "17", false],
  ["So \\boxed{4{,}096}", "4096", true],
  ["So \\fbox{17}", "17", true],
];

/** Mathematics: other spellings of a value, and other values of a like spelling. */
const MATHEMATICS: readonly Row[] = [
  ["\\boxed{\\frac{6}{8}}", "\\frac{3}{4}", true],
  ["\\boxed{0.75}", "\\frac{3}{4}", true],
  ["\\boxed{0.7}", "\\frac{3}{4}", false],
  ["\\boxed{\\frac{2}{\\sqrt{2}}}", "\\sqrt{2}", true],
  ["\\boxed{\\sqrt{3}}", "\\sqrt{2}", false],
  ["\\boxed{(x+1)^2}", "x^2+2x+1", true],
  ["\\boxed{x^2+1}", "x^2+2x+1", false],
  ["\\boxed{3, -3}", "-3, 3", true],
  ["\\boxed{3}", "-3, 3", false],
  ["\\boxed{(2, 1)}", "(1, 2)", false],
  ["\\boxed{x = 12}", "12", true],
  ["\\boxed{30^\\circ}", "30", true],
  ["\\boxed{\\text{(D)}}", "D", true],
  ["\\boxed{[0, 5]}", "[0, 5)", false],
  ["\\boxed{\\pi/6}", "\\frac{\\pi}{6}", true],
  ["\\boxed{2\\pi}", "\\frac{\\pi}{6}", false],
];

/** Mathematics in plain text, and what reads like it; answers that a strict grader and a lenient one judge differently. */
const READINGS: readonly Row[] = [
  ["\\boxed{2√13}", "2\\sqrt{13}", true],
  ["\\boxed{2√13}", "6", false],
  ["\\boxed{x^-1}", "\\frac{1}{x}", true],
  ["\\boxed{4(\\frac12)}", "\\frac{9}{2}", false],
  ["\\boxed{\\ln 2/2}", "\\frac{\\ln 2}{2}", true],
  ["\\boxed{\\boldsymbol{\\frac12}}", "\\frac{1}{2}", true],
  ["\\boxed{2} and \\boxed{3}", "2, 3", true],
  ["\\boxed{x+y<0}", "x+y>0", false],
  ["The answer is $\\frac{3}{4}$.", "\\frac{3}{4}", false],
  ["So 12 + 5 = 17 in all.", "17", false],
  ["\\boxed{1, 2}", "(1, 2)", false],
  ["\\boxed{\\{1, 2\\}}", "(1, 2)", false],
  ["\\boxed{2, 2}", "2", false],
  ["\\boxed{1.41421}", "\\sqrt{2}", true],
];

function caseOf([completion, gold, correct]: Row, plain: boolean): GraderCase {
  return { completion, gold, correct, plain };
}

/**
 * A fixed small set of completions with known verdicts: boxes and plain numbers first, mathematics after them.
 *
 * @example
 * ```ts
 * import { gradeBoxed, GRADER_CASES } from "@small-vectors/steering/grader";
 * const plain = GRADER_CASES.filter((known) => known.plain);
 * const agreed = plain.filter(({ completion, gold, correct }) => gradeBoxed(completion, gold).correct === correct);
 * if (agreed.length !== plain.length) throw new Error("every plain case is judged as known");
 * ```
 */
export const GRADER_CASES: readonly GraderCase[] = [
  ...PLAIN.map((row) => caseOf(row, true)),
  ...MATHEMATICS.map((row) => caseOf(row, false)),
  ...READINGS.map((row) => caseOf(row, false)),
];
