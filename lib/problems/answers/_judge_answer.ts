import type { AnswerForm } from "./_answer_form.ts";
import { wordsOf } from "./_answer_words.ts";
import { type ReadAnswer, readAnswer } from "./_read_answer.ts";
import { compareForms, type FormComparison, type FormOutcome } from "./_compare_forms.ts";
import type { Decimals } from "./_same_value.ts";
import type { AnswerReason } from "./verdict.ts";

/** Steps one judgement may take: node evaluations and comparisons. Benchmark answers take under 20,000. */
export const WORK_LIMIT = 200_000;

/** What two graders do differently. */
export interface JudgeRules {
  readonly decimals: Decimals;
  /** Whether tuples and sets of the same values are one, and the letters of choices are compared without their case. */
  readonly isLenient: boolean;
}

/** A judgement and what it cost. */
export interface Judgement {
  readonly reason: AnswerReason;
  /** Node evaluations and comparisons, at most `WORK_LIMIT`. */
  readonly work: number;
}

/** The one letter that an answer is, in brackets and text commands or not; null for any other answer. */
function letterOf(text: string): string | null {
  return /^\(?\s*([A-Za-z])\s*[).:]?$/.exec(text)?.[1] ?? null;
}

function hasUnit(form: AnswerForm | null): boolean {
  return form !== null &&
    (form.kind === "value" ? form.unit !== null : form.kind === "named" && hasUnit(form.value));
}

/** Whether the texts alone say that two answers are one. */
function sameText(gold: ReadAnswer, given: ReadAnswer, isCaseless: boolean): boolean {
  if (given.text === "") return false;
  if (gold.text === given.text) return true;
  const isProse = gold.form === null || gold.form.kind === "text";
  if (isProse && wordsOf(gold.text) !== "" && wordsOf(gold.text) === wordsOf(given.text)) return true;
  // A choice or a name in a text command: `\text{A}` for A. Letters of another case are other names.
  const letter = letterOf(gold.text), other = letterOf(given.text);
  if (letter === null || other === null) return false;
  return letter === other ||
    (isCaseless && /^[A-E]$/i.test(letter) && letter.toLowerCase() === other.toLowerCase());
}

/** A whole number in one spelling; null for any other answer. */
function wholeNumber(text: string): string | null {
  const found = text.length > 40 ? null : /^\s*(-?)0*(\d+)\s*$/.exec(text);
  if (found === null) return null;
  return found[2] === "0" ? "0" : `${found[1]}${found[2]}`;
}

const ORDER: readonly FormOutcome[] = ["same", "unknown", "different unit", "different count", "different"];

/** Judges one answer against a gold answer. */
export function judgeAnswer(gold: string, given: string, rules: JudgeRules): Judgement {
  const comparison: FormComparison = {
    work: { left: WORK_LIMIT },
    decimals: rules.decimals,
    tuplesAreSets: rules.isLenient,
  };
  const verdict = (reason: AnswerReason): Judgement => ({
    reason,
    work: WORK_LIMIT - Math.max(comparison.work.left, 0),
  });
  const number = wholeNumber(gold), other = number === null ? null : wholeNumber(given);
  if (number !== null && other !== null) {
    return verdict(
      gold.trim() === given.trim() ? "same text" : number === other ? "same value" : "different",
    );
  }
  const expected = readAnswer(gold), answer = readAnswer(given);
  if (expected.beyond || answer.beyond) {
    return verdict(gold === given && gold.trim() !== "" ? "same text" : "too long");
  }
  if (sameText(expected, answer, rules.isLenient)) return verdict("same text");
  if (expected.form === null) return verdict("unreadable gold");
  const readings = answer.form === null ? [] : [answer.form, ...answer.others];
  // Where the gold answer has a unit, single letters behind a number may be one.
  if (hasUnit(expected.form)) {
    const measured = readAnswer(given, { lettersAreUnits: true }).form;
    if (measured !== null) readings.push(measured);
  }
  if (readings.length === 0) return verdict("unreadable answer");
  // Two digits or more behind a lone comma may be decimals in a gold answer too; math-verify reads plain text so.
  const golds = [
    expected.form,
    ...(rules.isLenient && /^\s*-?\d+,\d{2,}\s*$/.test(gold) ? expected.others : []),
  ];
  const outcomes = golds.flatMap((form) =>
    readings.map((reading) => compareForms(form, reading, comparison))
  );
  const outcome = ORDER.find((one) => outcomes.includes(one)) ?? "different kind";
  return verdict(outcome === "same" ? "same value" : outcome === "unknown" ? "not comparable" : outcome);
}
