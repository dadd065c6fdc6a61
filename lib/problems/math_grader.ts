import type { MathJsonExpression } from "@cortex-js/compute-engine/latex-syntax";
import { InputError } from "../core/mod.ts";
import { isAdmissible } from "./_admissible.ts";
import { type ExpressionReader, readAnswer, wordsOf } from "./_answer_form.ts";
import { compareForms } from "./_compare_forms.ts";
import { expressionOf } from "./_expression.ts";
import { type AnswerMode, extractAnswer, type ExtractionFault } from "./extract_answer.ts";

/** Why an answer was judged right or wrong. */
export type MathReason =
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

/** The judgement of one answer. */
export interface MathVerdict {
  /** Whether the answer says what the gold answer says. */
  readonly correct: boolean;
  /** Why. */
  readonly reason: MathReason;
}

/** The judgement of one completion. */
export interface GradedCompletion {
  /** Whether the completion's answer says what the gold answer says. */
  readonly correct: boolean;
  /** The answer that was judged; null when the completion gives none. */
  readonly extracted: string | null;
  /** Why. */
  readonly reason: MathReason | ExtractionFault;
}

/** Judges mathematical answers. Both functions never throw and take a bounded amount of work. */
export interface MathGrader {
  /** Whether `answer` says what `gold` says; the order matters. */
  readonly compare: (gold: string, answer: string) => MathVerdict;
  /** Extracts the answer of a completion and compares it. `@default {mode: "box"}` */
  readonly grade: (
    completion: string,
    gold: string,
    options?: { readonly mode?: AnswerMode },
  ) => GradedCompletion;
}

/** Steps one judgement may take: node evaluations and comparisons. Benchmark answers take under 20,000. */
export const WORK_LIMIT = 200_000;

/** Characters of one expression; the parser's time grows faster than the length. */
const EXPRESSION_CHARACTERS = 400;

interface LatexParser {
  parse(latex: string): MathJsonExpression | null;
}

/** Digits that a space parts are two numbers; the parser would glue them. */
function gluedNumbers(latex: string): boolean {
  return /\d\s+\d/.test(latex);
}

/** Reads an expression with the parser; null where it finds a fault, words, or numbers side by side. */
function expressionReader(parser: LatexParser): ExpressionReader {
  return (latex) => {
    const text = latex.replace(/\\degree(?![A-Za-z])/g, "^{\\circ}")
      .replace(/_\s*(?:\{\s*\\text\{([A-Za-z ]*)\}\s*\}|\\text\{([A-Za-z ]*)\})/g, "_{$1$2}")
      .replace(/\\frac\s*(\d)\s*(\d)/g, "\\frac{$1}{$2}").replace(
        /^(-?\d+)\s+(\d+)\/(\d+)$/,
        "$1\\frac{$2}{$3}",
      )
      .replace(
        /^(-?\d{1,3})((?: \d{3})+)$/,
        (_, head: string, rest: string) => head + rest.replaceAll(" ", ""),
      );
    if (text.length > EXPRESSION_CHARACTERS || gluedNumbers(text) || !isAdmissible(text)) return null;
    // The parser reports faults inside its tree, and for some input by throwing.
    try {
      const json = parser.parse(text);
      return json === null ? null : expressionOf(json);
    } catch (fault) {
      if (fault instanceof Error) return null;
      throw fault;
    }
  };
}

/** Spaces between two words or two numbers count, others do not. */
function sameText(gold: string, given: string): boolean {
  const tight = (text: string): string => text.replace(/(?<![A-Za-z\d])\s+|\s+(?![A-Za-z\d])/g, "");
  return tight(gold) === tight(given);
}

/** The one letter that an answer is, in brackets and text commands or not; null for any other answer. */
function letterOf(text: string): string | null {
  return /^(?:\\text\{)?\s*\(?\s*([A-Za-z])\s*\)?\s*\}?$/.exec(text)?.[1] ?? null;
}

/** A judgement and what it cost. */
export interface Judgement extends MathVerdict {
  /** Node evaluations and comparisons, at most `WORK_LIMIT`. */
  readonly work: number;
}

/** Judges one answer against a gold answer. */
export function judgeAnswer(gold: string, given: string, read: ExpressionReader): Judgement {
  const budget = { left: WORK_LIMIT };
  const verdict = (reason: MathReason): Judgement => ({
    correct: reason === "same text" || reason === "same value",
    reason,
    work: WORK_LIMIT - Math.max(budget.left, 0),
  });
  if (gold === given && gold.trim() !== "") return verdict("same text");
  const expected = readAnswer(gold, read), answer = readAnswer(given, read);
  if (expected.beyond || answer.beyond) return verdict("too long");
  if (answer.text !== "" && sameText(expected.text, answer.text)) return verdict("same text");
  const isProse = expected.form === null || expected.form.kind === "text";
  if (isProse && wordsOf(expected.text) !== "" && wordsOf(expected.text) === wordsOf(answer.text)) {
    return verdict("same text");
  }
  // A choice or a name in a text command: `\text{A}` for A. Letters of another case are other names.
  if (letterOf(answer.text) !== null && letterOf(answer.text) === letterOf(expected.text)) {
    return verdict("same text");
  }
  if (expected.form === null) return verdict("unreadable gold");
  if (answer.form === null) return verdict("unreadable answer");
  const outcome = compareForms(expected.form, answer.form, budget);
  return verdict(outcome === "same" ? "same value" : outcome === "unknown" ? "not comparable" : outcome);
}

/**
 * Loads the parser. On demand, not with the room: it asks the environment for two switches as it is loaded, and
 * whoever grades no mathematics need not allow that.
 */
export async function loadExpressionReader(): Promise<ExpressionReader> {
  const { LatexSyntax } = await import("@cortex-js/compute-engine/latex-syntax").catch((cause: unknown) => {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new InputError("the LaTeX parser may not read its debugging switches", {
      repair: "run with --allow-env=CE_CACHE_STATS,CE_TYPE_FACTS_ASSERT",
      cause,
    });
  });
  return expressionReader(new LatexSyntax());
}

/**
 * Loads the LaTeX parser and gives the grader of mathematical answers.
 *
 * A gold answer and a prediction are brought to one spelling, taken apart into lists, sets, tuples, intervals,
 * unions, matrices, equations, inequalities, numbers with units, numbers in a base, ratios and words, and their
 * expressions are compared: exactly where they are rational numbers, by value with a bound on the rounding error
 * where they are not, and at 24 fixed points where they have variables. The order matters: a gold inequality
 * accepts the interval it describes and a gold interval no inequality, so that repeating the question earns nothing;
 * a gold `x = 5` accepts `5`, units and percent signs may be left out, and a list accepts its values in any order
 * but never more of them.
 *
 * There is no clock: length, depth, items, digits and operations are bounded, so a judgement is a pure function of
 * its two texts. A decimal with fewer than six digits equals only the number it spells.
 *
 * Throws an `InputError` when the parser may not read its two debugging switches from the environment.
 *
 * @example
 * ```ts
 * import { loadMathGrader } from "./mod.ts";
 * const grader = await loadMathGrader();
 * if (!grader.compare("\\frac{\\sqrt{3}}{3}", "1/\\sqrt{3}").correct) throw new Error("they are one number");
 * if (grader.compare("(1, 3]", "1 < x \\le 3").correct) throw new Error("that repeats the question");
 * const { reason } = grader.grade("so \\boxed{x = 4}", "5");
 * if (reason !== "different") throw new Error(reason);
 * ```
 */
export async function loadMathGrader(): Promise<MathGrader> {
  const read = await loadExpressionReader();
  const compare = (gold: string, answer: string): MathVerdict => {
    const { correct, reason } = judgeAnswer(gold, answer, read);
    return { correct, reason };
  };
  return {
    compare,
    grade: (completion, gold, options = {}) => {
      const { text, fault } = extractAnswer(completion, options);
      if (text === null || fault !== null) {
        return { correct: false, extracted: text, reason: fault ?? "no box" };
      }
      return { ...compare(gold, text), extracted: text };
    },
  };
}
