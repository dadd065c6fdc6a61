import type { RandomStream } from "../../core/mod.ts";
import type { Draft, DraftFamily } from "./_families.ts";
import type { StepKind } from "./_steps.ts";

const NAMES = ["Anna", "Ben", "Mia", "Tom"] as const;
const THINGS = ["pens", "cups", "cards", "coins"] as const;

/** One of several wordings; its place goes into the problem's name. */
function worded(random: RandomStream, wordings: readonly string[]): Pick<Draft, "question" | "wording"> {
  const wording = random.integer({ below: wordings.length });
  return { question: wordings[wording] as string, wording: String(wording) };
}

/** One step on two one-digit numbers. What two orders share, `7 + 8` and `8 + 7`, is one problem in two wordings. */
function oneDigit(kind: StepKind, wordings: (a: number, b: number) => readonly string[]): DraftFamily {
  return (random) => {
    const left = random.integer({ from: 1, below: 10 }), right = random.integer({ from: 1, below: 10 });
    if (kind === "subtract" && left < right) return null;
    const { question, wording } = worded(random, wordings(left, right));
    const parameters = kind === "subtract" ? [left, right] : [Math.min(left, right), Math.max(left, right)];
    return {
      parameters,
      question,
      wording: `${wording},${left}`,
      goal: "the result",
      steps: [{ kind, left, right }],
    };
  };
}

const larger: DraftFamily = (random) => {
  const left = random.integer({ from: 10, below: 100 }), right = random.integer({ from: 10, below: 100 });
  if (left === right) return null;
  const { question, wording } = worded(random, [
    `Which is larger, ${left} or ${right}?`,
    `Which number is larger: ${left} or ${right}?`,
    `What is the larger of ${left} and ${right}?`,
  ]);
  return {
    parameters: [Math.min(left, right), Math.max(left, right)],
    question,
    wording: `${wording},${left}`,
    goal: "the larger number",
    steps: [{ kind: "larger", left, right }],
  };
};

/** Somebody gets some, gives some away, or has some of the same size. */
const stories: DraftFamily = (random) => {
  const kind = random.pick(["add", "subtract", "multiply"] as const);
  const left = random.integer({ from: 2, below: 13 }), right = random.integer({ from: 2, below: 10 });
  if (kind === "subtract" && left <= right) return null;
  const name = random.pick(NAMES), thing = random.pick(THINGS);
  const question = {
    add: `${name} has ${left} ${thing} and buys ${right} more. How many ${thing} does ${name} have now?`,
    subtract:
      `${name} has ${left} ${thing} and gives ${right} of them away. How many ${thing} does ${name} have now?`,
    multiply:
      `${name} has ${left} boxes with ${right} ${thing} in each. How many ${thing} does ${name} have in all?`,
  }[kind];
  return {
    parameters: [kind, left, right],
    question,
    wording: `${name},${thing}`,
    goal: "the number",
    steps: [{ kind, left, right }],
  };
};

/** First arithmetic: what a small model that was trained on real text half knows. */
export const ARITHMETIC_DRAFTS = {
  sums: oneDigit("add", (a, b) => [
    `What is ${a} + ${b}?`,
    `What is ${a} plus ${b}?`,
    `Compute ${a} + ${b}.`,
    `Add ${a} and ${b}. What do you get?`,
  ]),
  differences: oneDigit("subtract", (a, b) => [
    `What is ${a} - ${b}?`,
    `What is ${a} minus ${b}?`,
    `Compute ${a} - ${b}.`,
    `Subtract ${b} from ${a}. What do you get?`,
  ]),
  products: oneDigit("multiply", (a, b) => [
    `What is ${a} × ${b}?`,
    `What is ${a} times ${b}?`,
    `Compute ${a} × ${b}.`,
    `Multiply ${a} by ${b}. What do you get?`,
  ]),
  larger,
  stories,
} as const;
