import type { RandomStream } from "../../core/mod.ts";

/** A number of the problem, or the result of an earlier step. */
export type Operand = number | { readonly step: number };

/** What a step computes. `multiple` is the largest multiple of `right` up to `left`; `larger` picks one of two. */
export type StepKind = "add" | "subtract" | "multiply" | "divide" | "multiple" | "larger";

/** One step of a worked solution. */
export interface Step {
  readonly kind: StepKind;
  readonly left: Operand;
  readonly right: Operand;
}

/** Steps told apart by how easily a hand slips on them, in the order of the config. */
export const SLIP_KINDS = [
  "easyAdd",
  "carryAdd",
  "easySubtract",
  "borrowSubtract",
  "multiply",
  "divide",
  "multiple",
  "larger",
] as const;

/** One of those kinds. */
export type SlipKind = typeof SLIP_KINDS[number];

/** The value of an operand, given the results written so far. */
export function operandValue(operand: Operand, results: readonly number[]): number {
  if (typeof operand === "number") return operand;
  const value = results[operand.step];
  if (value === undefined) {
    throw new RangeError(`Cannot read step ${operand.step} as only ${results.length} steps are done`);
  }
  return value;
}

/** The slip kind of a step on given values: carries and borrows are where additions go wrong. */
export function slipKind(kind: StepKind, left: number, right: number): SlipKind {
  const a = Math.abs(left) % 10, b = Math.abs(right) % 10;
  if (kind === "add") return a + b >= 10 ? "carryAdd" : "easyAdd";
  if (kind === "subtract") return a < b ? "borrowSubtract" : "easySubtract";
  return kind;
}

/**
 * The right result of a step. After an earlier slip a division may not come out even; it is then rounded, as a
 * writer who expects a whole number would.
 */
export function stepResult(kind: StepKind, left: number, right: number): number {
  switch (kind) {
    case "add":
      return left + right;
    case "subtract":
      return left - right;
    case "multiply":
      return left * right;
    case "divide":
      return Math.round(left / right);
    case "multiple":
      return Math.floor(left / right) * right;
    case "larger":
      return Math.max(left, right);
  }
}

/** How a document writes products and quotients. */
export interface Notation {
  readonly product: "\\times" | "\\cdot";
  readonly quotient: "frac" | "slash";
}

/** A step as it is written, with its (perhaps wrong) result. */
export function stepText(
  step: { readonly kind: StepKind; readonly left: number; readonly right: number; readonly result: number },
  notation: Notation,
): string {
  const { kind, left, right, result } = step;
  switch (kind) {
    case "add":
      return `${left} + ${right} = ${result}`;
    case "subtract":
      return `${left} - ${right} = ${result}`;
    case "multiply":
      return `${left} ${notation.product} ${right} = ${result}`;
    case "divide":
      return notation.quotient === "frac"
        ? `\\frac{${left}}{${right}} = ${result}`
        : `${left} / ${right} = ${result}`;
    case "multiple":
      return `${right} ${notation.product} ${Math.floor(left / right)} = ${result}`;
    case "larger":
      return `${result} > ${result === left ? right : left}`;
  }
}

/**
 * The wrong result that a hand without attention gives, always the same: a carry or borrow forgotten, one row too
 * few of a product, a quotient one too large, the smaller of two. Null where there is no such habit.
 */
function habitualResult(step: { readonly kind: StepKind; readonly left: number; readonly right: number }) {
  const { kind, left, right } = step;
  const value = stepResult(kind, left, right);
  switch (slipKind(kind, left, right)) {
    case "carryAdd":
      return value - 10;
    case "borrowSubtract":
      return value + 10;
    case "multiply":
      return left * (right - 1);
    case "multiple":
      return value - right;
    case "divide":
      return value + 1;
    case "larger":
      return Math.min(left, right);
    default:
      return null;
  }
}

/** How far a slip may lie from the right result, and how often. */
type Offsets = readonly { readonly by: number; readonly weight: number }[];

/** A wrong result: the habit of the step, or off by one of the weighted offsets; non-negative where the right one is. */
export function slippedResult(
  step: { readonly kind: StepKind; readonly left: number; readonly right: number },
  options: {
    readonly habitShare: number;
    readonly offsets: Offsets;
    random: RandomStream;
  },
): number {
  const right = stepResult(step.kind, step.left, step.right), habit = habitualResult(step);
  const habitual = options.random.uniform() < options.habitShare || step.kind === "larger";
  const usable = habit !== null && habit !== right && (habit >= 0 || right < 0);
  return habitual && usable ? habit : offBy(right, options);
}

/** `value` moved up or down by one of the weighted offsets; never from non-negative to negative. */
export function offBy(
  value: number,
  options: {
    readonly offsets: Offsets;
    random: RandomStream;
  },
): number {
  const { offsets, random } = options;
  const by = (offsets[random.weighted(offsets.map((offset) => offset.weight))] as { by: number }).by;
  const down = random.uniform() < 0.5;
  return down && !(value >= 0 && value < by) ? value - by : value + by;
}
