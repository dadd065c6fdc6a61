import { goldAnswer } from "./_gold_answer.ts";
import { judgeAnswer, type JudgeRules } from "./_judge_answer.ts";
import { type AnswerMode, extractAnswer } from "./extract_answer.ts";
import { findAnswer, lastNumber } from "./find_answer.ts";
import { gradeBoxed } from "./grade_boxed.ts";
import {
  type AnswerReason,
  GRADER_VERSIONS,
  type GraderName,
  isRight,
  type Verdict,
  verdictOf,
} from "./verdict.ts";

/** A way of judging completions. */
export interface Grader {
  /** What results call it. */
  readonly name: GraderName;
  /** Changes with every change of a verdict. */
  readonly version: string;
  /** Judges a completion against a gold answer. Never throws, and takes a bounded amount of work. */
  readonly grade: (completion: string, gold: string) => Verdict;
}

/** How a grader looks and compares. */
export interface GraderOptions {
  /** Where completions say their answer. `@default "box"` */
  readonly mode?: AnswerMode;
  /**
   * Whether a decimal is right that rounds the gold answer to the digits it has. Off for rewards: a model would learn to
   * round. `@default false`
   */
  readonly roundings?: boolean;
}

/** The judgement of one answer. */
export interface AnswerVerdict {
  /** Whether the answer says what the gold answer says. */
  readonly correct: boolean;
  /** Why. */
  readonly reason: AnswerReason;
}

function rulesOf(grader: "box" | "math-verify", roundings: boolean): JudgeRules {
  const isVerify = grader === "math-verify";
  return { decimals: roundings ? "any digits" : isVerify ? "six places" : "six digits", isLenient: isVerify };
}

/**
 * Whether an answer says what a gold answer says; the order matters.
 *
 * Both are read, as LaTeX, plain text or Unicode, and taken apart into lists, sets, tuples, intervals, regions, matrices,
 * equations, inequalities, numbers with units, numbers in a base, ratios and words, and their expressions are compared:
 * exactly where they are rational numbers, by value with a bound on the rounding error where they are not, and at 24
 * fixed points where they have variables. The gold answer sets what may be left out: a gold inequality accepts the
 * interval it describes and a gold interval no inequality, so that repeating the question earns nothing; a gold `x = 5`
 * accepts `5`, units and percent signs may be left out, and a list accepts its values in any order but never more of
 * them. What cannot be decided, as what `1/2x` divides, is not read, and earns nothing. docs/grading.md has the kinds.
 *
 * There is no clock: length, depth, items, digits and operations are bounded, so a judgement is a pure function of its
 * two texts. A decimal with fewer than six digits equals only the number it spells.
 *
 * @example
 * ```ts
 * import { compareAnswers } from "@small-vectors/steering";
 * if (!compareAnswers("\\frac{\\sqrt{3}}{3}", "1/√3").correct) throw new Error("they are one number");
 * if (compareAnswers("(1, 3]", "1 < x \\le 3").correct) throw new Error("that repeats the question");
 * if (compareAnswers("\\frac{1}{3}", "0.33").correct) throw new Error("a third has more digits");
 * if (!compareAnswers("\\frac{1}{3}", "0.33", { roundings: true }).correct) throw new Error("0.33 rounds a third");
 * ```
 */
export function compareAnswers(
  gold: string,
  answer: string,
  options: Pick<GraderOptions, "roundings"> & { readonly grader?: "box" | "math-verify" } = {},
): AnswerVerdict {
  const { roundings = false, grader = "box" } = options;
  const { reason } = judgeAnswer(goldAnswer(gold), answer, rulesOf(grader, roundings));
  return { correct: isRight(reason), reason };
}

function gradeBox(
  completion: string,
  gold: string,
  { mode = "box", roundings = false }: GraderOptions,
): Verdict {
  const { text, fault } = extractAnswer(completion, { mode });
  if (text === null || fault !== null) return verdictOf("box", text, fault ?? "no box");
  return verdictOf("box", text, compareAnswers(gold, text, { roundings }).reason);
}

/** A completion, or in mode "answer" what its tags hold; where they hold nothing, the verdict that says so. */
function saidIn(completion: string, grader: GraderName, mode: AnswerMode): string | Verdict {
  if (mode === "box") return completion;
  const { text, fault } = extractAnswer(completion, { mode });
  return text === null || fault !== null ? verdictOf(grader, text, fault ?? "no answer tags") : text;
}

function gradeNumber(completion: string, gold: string, { mode = "box" }: GraderOptions): Verdict {
  if (mode === "box") return gradeBoxed(completion, gold);
  const said = saidIn(completion, "box-number", mode);
  if (typeof said !== "string") return said;
  return { ...gradeBoxed(`\\boxed{${said}}`, gold), extracted: said };
}

/** math-verify's way: what stands between answer tags is put into a box, as the paper's reward does. */
function gradeAnywhere(
  completion: string,
  gold: string,
  { mode = "box", roundings = false }: GraderOptions,
): Verdict {
  const said = saidIn(completion, "math-verify", mode);
  if (typeof said !== "string") return said;
  const text = findAnswer(mode === "box" ? said : `\\boxed{${said}}`);
  if (text === null) return verdictOf("math-verify", null, "no answer");
  const { reason } = compareAnswers(gold, text, { roundings, grader: "math-verify" });
  return verdictOf("math-verify", text, reason);
}

/**
 * The last number of a completion, or the one that it announces as its answer, boxed or not. It must be a plain one: a
 * term such as `7 + 8` is worth as much as its value, and would let a model earn by repeating the question.
 */
function gradeLastNumber(completion: string, gold: string, { mode = "box" }: GraderOptions): Verdict {
  const said = saidIn(completion, "last-number", mode);
  if (typeof said !== "string") return said;
  const text = lastNumber(said.replace(/\\boxed\{([^{}]*)\}/g, " $1 ").replaceAll("**", " "));
  if (text === null) return verdictOf("last-number", null, "no answer");
  return verdictOf("last-number", text, gradeBoxed(`\\boxed{${text}}`, gold).reason);
}

const GRADES: Readonly<
  Record<GraderName, (completion: string, gold: string, options: GraderOptions) => Verdict>
> = {
  "box-number": gradeNumber,
  "box": gradeBox,
  "math-verify": gradeAnywhere,
  "last-number": gradeLastNumber,
};

/**
 * A grader by its name. `box-number` is the reward of the embedded zoo: the plain number in the last box. `box` is the
 * strict grader of mathematics, and the one to train on: the last box, compared by {@link compareAnswers}. `math-verify`
 * looks where math-verify looks, outside of boxes too, and compares as its documentation says: decimals agree in six
 * places, tuples and sets of the same values are one, words are compared without their case. `last-number` is for plain
 * questions that ask for a number and for no box: the last number of the text, or the one behind "answer".
 *
 * @example
 * ```ts
 * import { graderNamed } from "@small-vectors/steering";
 * const strict = graderNamed("box"), lenient = graderNamed("math-verify");
 * const text = "Adding both, the answer is $\\frac{8}{2}$.";
 * if (strict.grade(text, "4").reason !== "no box") throw new Error("no box, no answer");
 * const { correct, extracted, grader, version } = lenient.grade(text, "4");
 * if (!correct || extracted !== "\\frac{8}{2}") throw new Error("the last formula is the answer");
 * if (grader !== lenient.name || version !== lenient.version) throw new Error("a verdict names its grader");
 * ```
 */
export function graderNamed(name: GraderName, options: GraderOptions = {}): Grader {
  return {
    name,
    version: GRADER_VERSIONS[name],
    grade: (completion, gold) => GRADES[name](completion, gold, options),
  };
}
