import type { RandomStream } from "../../core/mod.ts";
import type { Step } from "./_steps.ts";

/** What one family draws: the parameters that name the problem, and all that follows from them. */
export interface Draft {
  /** Canonical parameters: two drafts with equal parameters are the same problem in another wording. */
  readonly parameters: readonly (number | string)[];
  readonly question: string;
  /** Tells wordings of one problem apart in a family that is too small without: it is no part of the split. */
  readonly wording?: string;
  /** What is looked for, as a writer would name it. */
  readonly goal: string;
  readonly steps: readonly Step[];
}

/** Draws one draft, or null when the drawn numbers leave the range of the family. */
export type DraftFamily = (random: RandomStream) => Draft | null;

const at = (step: number) => ({ step });
const NAMES = ["Anna", "Ben", "Mia", "Tom"] as const;
const THINGS = ["pens", "cups", "cards", "coins"] as const;
const HOLDERS = ["bags", "boxes"] as const;

/** Three operations in a row on a one-digit start. Two of the three orders put the product first. */
const chain: DraftFamily = (random) => {
  const form = random.pick(["mul-add-sub", "mul-sub-add", "add-mul-sub"] as const);
  const start = random.integer({ from: 2, below: 10 });
  const factor = random.integer({ from: 2, below: 10 });
  const plus = form === "add-mul-sub"
    ? random.integer({ from: 1, below: 8 })
    : random.integer({ from: 2, below: 40 });
  const minus = random.integer({ from: 2, below: 40 });
  const words = { mul: `multiply by ${factor}`, add: `add ${plus}`, sub: `subtract ${minus}` };
  const signs = { mul: `times ${factor}`, add: `plus ${plus}`, sub: `minus ${minus}` };
  let formula: string, steps: readonly Step[], order: readonly ("mul" | "add" | "sub")[];
  if (form === "add-mul-sub") {
    if (start + plus > 9 || (start + plus) * factor - minus < 0) return null;
    order = ["add", "mul", "sub"];
    formula = `(${start} + ${plus}) \\times ${factor} - ${minus}`;
    steps = [
      { kind: "add", left: start, right: plus },
      { kind: "multiply", left: at(0), right: factor },
      { kind: "subtract", left: at(1), right: minus },
    ];
  } else {
    const product: Step = { kind: "multiply", left: start, right: factor };
    const add: Step = { kind: "add", left: at(form === "mul-add-sub" ? 0 : 1), right: plus };
    const subtract: Step = { kind: "subtract", left: at(form === "mul-add-sub" ? 1 : 0), right: minus };
    if (form === "mul-add-sub") {
      if (start * factor + plus > 99 || start * factor + plus - minus < 0) return null;
      order = ["mul", "add", "sub"];
      formula = `${start} \\times ${factor} + ${plus} - ${minus}`;
      steps = [product, add, subtract];
    } else {
      if (start * factor - minus < 0 || start * factor - minus + plus > 99) return null;
      order = ["mul", "sub", "add"];
      formula = `${start} \\times ${factor} - ${minus} + ${plus}`;
      steps = [product, subtract, add];
    }
  }
  const [first, second, third] = order as readonly ["mul", "add", "sub"];
  const question = random.pick([
    `What is ${formula}?`,
    `Find the result of ${formula}.`,
    `Start with ${start}, ${words[first]}, ${words[second]} and ${words[third]}. What is the result?`,
    `Take ${start}, ${signs[first]}, ${signs[second]}, ${signs[third]}. What is the result?`,
  ]);
  return { parameters: [form, start, factor, plus, minus], question, goal: "the result", steps };
};

/** One unknown: a x + b = c, a x − b = c or a (x + b) = c, with a small whole solution. */
const linear: DraftFamily = (random) => {
  const form = random.weighted([4, 3, 1]);
  const a = random.integer({ from: 2, below: 10 });
  const x = random.integer({ from: 1, below: 10 });
  const b = random.integer({ from: 1, below: form === 2 ? 9 : 60 });
  const letter = random.pick(["x", "n"]);
  const inner = form === 2 ? a * (x + b) : form === 1 ? a * x - b : a * x + b;
  if (inner < 0 || inner > 99 || (form === 2 && x + b > 9)) return null;
  const left = form === 2 ? `${a}(${letter} + ${b})` : `${a}${letter} ${form === 1 ? "-" : "+"} ${b}`;
  const told = form === 2
    ? `Add ${b} to a number and multiply by ${a} to get ${inner}.`
    : `Multiply a number by ${a} and ${form === 1 ? "subtract" : "add"} ${b} to get ${inner}.`;
  const question = random.pick([
    `Solve ${left} = ${inner} for ${letter}.`,
    `If ${left} = ${inner}, what is ${letter}?`,
    `Find the number ${letter} with ${left} = ${inner}.`,
    `${told} What is the number?`,
  ]);
  const steps: readonly Step[] = form === 2
    ? [{ kind: "divide", left: inner, right: a }, { kind: "subtract", left: at(0), right: b }]
    : [{ kind: form === 1 ? "add" : "subtract", left: inner, right: b }, {
      kind: "divide",
      left: at(0),
      right: a,
    }];
  return { parameters: [form, a, x, b], question, goal: "the number", steps };
};

/** Short stories: equal groups, then something is added, taken, or both. */
const words: DraftFamily = (random) => {
  const form = random.weighted([2, 3, 2]);
  const groups = random.integer({ from: 2, below: 10 });
  const each = random.integer({ from: 2, below: 10 });
  const more = random.integer({ from: 2, below: 40 });
  const less = random.integer({ from: 2, below: 30 });
  const name = random.pick(NAMES), thing = random.pick(THINGS), holder = random.pick(HOLDERS);
  const product: Step = { kind: "multiply", left: groups, right: each };
  const total = groups * each;
  const has = random.pick([
    `${name} has ${groups} ${holder} of ${each} ${thing}`,
    `There are ${groups} ${holder} of ${each} ${thing}`,
  ]);
  const left = random.pick([`How many ${thing} are left?`, `How many ${thing} does ${name} have now?`]);
  if (form === 0) {
    if (total + more > 99) return null;
    return {
      parameters: ["more", groups, each, more],
      question: `${has} and ${more} more. How many ${thing} are there?`,
      goal: "the total",
      steps: [product, { kind: "add", left: at(0), right: more }],
    };
  }
  if (form === 1) {
    if (total + more > 99 || total + more < less) return null;
    return {
      parameters: ["more-less", groups, each, more, less],
      question: `${has}. ${name} finds ${more} more and gives away ${less}. ${left}`,
      goal: "the total",
      steps: [product, { kind: "add", left: at(0), right: more }, {
        kind: "subtract",
        left: at(1),
        right: less,
      }],
    };
  }
  const paid = total + more;
  if (paid > 99) return null;
  return {
    parameters: ["pay", groups, each, paid],
    question: random.pick([
      `${name} has ${paid} ${thing} and fills ${groups} ${holder} with ${each} each. How many ${thing} are left?`,
      `Of ${paid} ${thing}, ${name} gives ${each} to each of ${groups} friends. How many ${thing} are left?`,
    ]),
    goal: "the number left",
    steps: [product, { kind: "subtract", left: paid, right: at(0) }],
  };
};

/** Two expressions; the answer is the larger of their values. */
const compare: DraftFamily = (random) => {
  const side = (): {
    text: string;
    kind: "add" | "subtract" | "multiply";
    left: number;
    right: number;
    value: number;
  } => {
    const kind = random.pick(["add", "subtract", "multiply"] as const);
    if (kind === "multiply") {
      const left = random.integer({ from: 2, below: 10 }), right = random.integer({ from: 2, below: 10 });
      return { kind, left, right, text: `${left} \\times ${right}`, value: left * right };
    }
    if (kind === "add") {
      const left = random.integer({ from: 2, below: 60 }), right = random.integer({ from: 2, below: 40 });
      return { kind, left, right, text: `${left} + ${right}`, value: left + right };
    }
    const left = random.integer({ from: 20, below: 100 }), right = random.integer({ from: 2, below: 40 });
    return { kind, left, right, text: `${left} - ${right}`, value: left - right };
  };
  const a = side(), b = side();
  if (a.value === b.value || a.value < 0 || b.value < 0) return null;
  const question = random.pick([
    `Which is larger, ${a.text} or ${b.text}?`,
    `Find the larger of ${a.text} and ${b.text}.`,
    `Which number is larger: ${a.text} or ${b.text}? Give its value.`,
  ]);
  return {
    parameters: [a.text, b.text],
    question,
    goal: "the larger number",
    steps: [
      { kind: a.kind, left: a.left, right: a.right },
      { kind: b.kind, left: b.left, right: b.right },
      { kind: "larger", left: at(0), right: at(1) },
    ],
  };
};

/** The remainder of a sum. */
const remainder: DraftFamily = (random) => {
  const a = random.integer({ from: 3, below: 60 }), b = random.integer({ from: 3, below: 50 });
  const divisor = random.integer({ from: 3, below: 10 });
  if (a + b > divisor * 10 - 1 || a + b < divisor) return null;
  const thing = random.pick(THINGS), holder = random.pick(HOLDERS);
  const question = random.pick([
    `What is the remainder of ${a} + ${b} divided by ${divisor}?`,
    `Find the remainder when ${a} + ${b} is divided by ${divisor}.`,
    `Add ${a} and ${b} and divide by ${divisor}. What is the remainder?`,
    `Put ${a} + ${b} ${thing} in ${holder} of ${divisor}. How many ${thing} are left?`,
  ]);
  return {
    parameters: [a, b, divisor],
    question,
    goal: "the remainder",
    steps: [
      { kind: "add", left: a, right: b },
      { kind: "multiple", left: at(0), right: divisor },
      { kind: "subtract", left: at(0), right: at(1) },
    ],
  };
};

/** A later term of an arithmetic sequence, up or down, of which three terms are shown. */
const sequence: DraftFamily = (random) => {
  const rises = random.uniform() < 0.5;
  const difference = random.integer({ from: 2, below: 10 });
  const term = random.integer({ from: 4, below: 11 });
  const start = random.integer({ from: 1, below: 100 });
  const last = start + (rises ? 1 : -1) * difference * (term - 1);
  if (last < 0 || last > 99) return null;
  const sign = rises ? 1 : -1;
  const shown = `${start}, ${start + sign * difference}, ${start + 2 * sign * difference}`;
  const question = random.pick([
    `Find term ${term} of the sequence ${shown}.`,
    `What is term ${term} of the sequence ${shown}?`,
    `A sequence starts with ${shown}. What is term ${term}?`,
  ]);
  const second = start + sign * difference;
  return {
    parameters: [rises ? "up" : "down", start, difference, term],
    question,
    goal: `term ${term}`,
    steps: [
      { kind: "subtract", left: rises ? second : start, right: rises ? start : second },
      { kind: "subtract", left: term, right: 1 },
      { kind: "multiply", left: at(1), right: at(0) },
      { kind: rises ? "add" : "subtract", left: start, right: at(2) },
    ],
  };
};

/** Every family, by rising number and difficulty of steps. */
export const DRAFT_FAMILIES = { linear, words, compare, remainder, chain, sequence } as const;
