import { assertEquals } from "@std/assert";
import { compareAnswers } from "../../lib/problems/mod.ts";

/**
 * Pairs that users of other graders reported as judged equal though they are not. Source: issues 14 and 60 of
 * https://github.com/huggingface/Math-Verify, in our words; where a report gives no pair, one of its kind.
 */
const FALSE_POSITIVES: readonly (readonly [gold: string, answer: string])[] = [
  ["\\frac{1}{2004!}", "\\frac{1}{2006!}"],
  ["\\frac{1}{2^{99}}", "\\frac{1}{2^{98}}"],
  ["n=2,3,4", "n=1,2,3"],
  ["(1,2)", "(1,3)"],
  ["[1,2)", "[1,2]"],
  ["(-\\infty, 1) \\cup (2, 3)", "(-\\infty, 1) \\cup (2, 4)"],
  ["1-\\frac{1}{e}", "1+\\frac{1}{e}"],
  ["2021", "\\pm 2021"],
  ["\\pm 2021", "2021"],
  ["12:00", "1:00"],
  ["x + y = 1", "x - y = 1"],
  ["y = 2x + 3", "y = 2x + 4"],
  ["2x + 3y = 6", "3x + 2y = 6"],
];

/**
 * Pairs that users of other graders reported as judged different though they are equal. Source: issues 26, 37 and 69
 * of the same project.
 */
const FALSE_NEGATIVES: readonly (readonly [gold: string, answer: string])[] = [
  ["e^{16}-1", "exp(16)-1"],
  ["\\frac{\\pi}{2}", "pi/2"],
  ["\\pi/2", "pi/2"],
  ["2+3i", "3i+2"],
  ["\\frac{1}{1+i}", "\\frac{1-i}{2}"],
  ["-1+\\sqrt{3}i", "2e^{2\\pi i/3}"],
  ["O(\\log \\log n)", "O(log log n)"],
  ["x - 2y + 3 = 0", "2y = x + 3"],
  ["y = 2x + 3", "2x - y + 3 = 0"],
  ["y = -\\frac{1}{2}x + 1", "x + 2y = 2"],
  ["13", "\\text{13}"],
];

/**
 * Kept apart on purpose: a bound from above is no bound from both sides, and an answer may not repeat the question
 * (an interval is asked for, the inequality was given).
 */
const KEPT_APART: readonly (readonly [gold: string, answer: string])[] = [
  ["O(\\log \\log n)", "\\Theta(\\log \\log n)"],
  ["(1,3]", "1 < x \\le 3"],
];

Deno.test(`compareAnswers() refuses all ${FALSE_POSITIVES.length} reported false positives of other graders`, () => {
  assertEquals(FALSE_POSITIVES.filter(([gold, answer]) => compareAnswers(gold, answer).correct), []);
});

Deno.test(`compareAnswers() takes all ${FALSE_NEGATIVES.length} reported false negatives of other graders`, () => {
  assertEquals(FALSE_NEGATIVES.filter(([gold, answer]) => !compareAnswers(gold, answer).correct), []);
});

Deno.test("compareAnswers() keeps apart what says less, and what repeats the question", () => {
  assertEquals(KEPT_APART.filter(([gold, answer]) => compareAnswers(gold, answer).correct), []);
  // The other way round the inequality is asked for, and the interval says it.
  assertEquals(compareAnswers("1 < x \\le 3", "(1,3]").correct, true);
});
