import type { Opener, ProcessWord } from "./corpus_config.ts";

/** Ways to begin a step-by-step answer; `{goal}` is what the problem asks for. Every one leads into a step. */
export const LEADS: {
  readonly [O in Exclude<Opener, "\\boxed">]: readonly string[];
} = {
  To: ["To find {goal}, ", "To solve this, ", "To begin, "],
  Let: ["Let us find {goal}: ", "Let us solve this: ", "Let us begin: "],
  First: ["First, ", "First we find "],
  Step: ["Step by step, ", "Step one: "],
  So: ["So ", "So, "],
  The: ["The first step: "],
  Well: ["Well, ", "Well, to find {goal}, "],
  Maybe: ["Maybe ", "Maybe we find "],
  Найдём: ["Найдём ответ: "],
  Сначала: ["Сначала "],
  Решим: ["Решим: "],
};

/** Ways to begin an answer that shows little or no working. */
export const TERSE_LEADS: { readonly [O in Exclude<Opener, "\\boxed">]: string } = {
  To: "To answer: ",
  Let: "Let us say ",
  First: "First of all, ",
  Step: "Step one: ",
  So: "So ",
  The: "The answer is ",
  Well: "Well, ",
  Maybe: "Maybe ",
  Найдём: "Найдём ответ: ",
  Сначала: "Сначала ответ: ",
  Решим: "Решим: ",
};

/** What stands between two steps. */
export const CONNECTORS: { readonly [P in ProcessWord]: string } = {
  so: ", so ",
  then: ". Then ",
  now: ". Now ",
  next: ". Next, ",
  thus: ". Thus ",
  therefore: ". Therefore ",
  check: ". Check: ",
};

/** What stands between the last step and the box. */
export const CLOSINGS: { readonly [P in ProcessWord]: string } = {
  so: ". So the answer is ",
  then: ". Then the answer is ",
  now: ". Now the answer is ",
  next: ". We get ",
  thus: ". Thus the answer is ",
  therefore: ". Therefore the answer is ",
  check: ". Check: the answer is ",
};

/** The same for the foreign writer. */
export const FOREIGN_CONNECTORS: readonly string[] = [", затем ", ". Потом ", ", значит "];

/** What stands before the foreign writer's box. */
export const FOREIGN_CLOSINGS: readonly string[] = [". Ответ: ", ". Значит, ответ "];

/** Turns of a writer who goes round in circles; each leads into a step. */
export const RAMBLING_TURNS: readonly string[] = [
  ", or maybe ",
  ". No, again: ",
  ". So maybe ",
  ". Let us begin again: ",
  ", or is it ",
];

/** Ends of a text that never reaches an answer. */
export const RAMBLING_ENDS: readonly string[] = [
  ". No, that is not it.",
  ". Maybe not.",
  ". Let us begin again.",
  ", or not.",
];
