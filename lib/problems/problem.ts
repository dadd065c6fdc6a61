import { RandomStream, sha256 } from "../core/mod.ts";
import { ARITHMETIC_DRAFTS } from "./families/_arithmetic_drafts.ts";
import { type Draft, DRAFT_FAMILIES } from "./families/_families.ts";
import { operandValue, type Step, stepResult } from "./families/_steps.ts";

/** The six problem families of the embedded zoo, each one a benchmark, from easy to hard. */
export const FAMILIES = ["linear", "words", "compare", "remainder", "chain", "sequence"] as const;

/** One of those families. */
export type FamilyName = typeof FAMILIES[number];

/** The five families of first arithmetic: what a small model that was trained on real text half knows. */
export const ARITHMETIC_FAMILIES = ["sums", "differences", "products", "larger", "stories"] as const;

/** One of those families. */
export type ArithmeticFamily = typeof ARITHMETIC_FAMILIES[number];

/** A family whose problems are made here. */
export type ProblemFamily = FamilyName | ArithmeticFamily;

/** Every family whose problems are made here. */
export const PROBLEM_FAMILIES: readonly ProblemFamily[] = [...FAMILIES, ...ARITHMETIC_FAMILIES];

/** One problem with its right answer, a non-negative integer. */
export interface Problem {
  /**
   * Family and canonical parameters: `sequence/up,4,7,9`. Wordings of one problem share it; in first arithmetic, which
   * has few numbers, they are told apart behind another stroke: `sums/7,8/0,8`.
   */
  readonly id: string;
  /** The family it was drawn from. */
  readonly family: ProblemFamily;
  /** The English question. */
  readonly question: string;
  /** The gold answer in decimal digits. */
  readonly answer: string;
}

/** A problem with the steps that solve it, for the writers of the corpus. */
export interface WorkedProblem extends Problem {
  readonly goal: string;
  readonly steps: readonly Step[];
}

const DRAFTS = { ...DRAFT_FAMILIES, ...ARITHMETIC_DRAFTS };

/**
 * Whether a problem belongs to the test split, by hash of its family and parameters alone: an eighth of all in the
 * embedded families, a quarter in first arithmetic, which has few.
 */
function isHeldOut({ id, family }: Pick<Problem, "id" | "family">): boolean {
  const name = id.split("/").slice(0, 2).join("/");
  const share = ARITHMETIC_FAMILIES.some((known) => known === family) ? 4 : 8;
  return parseInt(sha256(name).slice(0, 8), 16) % share === 0;
}

function finish(family: ProblemFamily, draft: Draft): WorkedProblem {
  const results: number[] = [];
  for (const step of draft.steps) {
    results.push(stepResult(step.kind, operandValue(step.left, results), operandValue(step.right, results)));
  }
  return {
    id: [family, draft.parameters.join(","), ...(draft.wording === undefined ? [] : [draft.wording])].join(
      "/",
    ),
    family,
    question: draft.question,
    answer: String(results[results.length - 1]),
    goal: draft.goal,
    steps: draft.steps,
  };
}

function* draw(family: ProblemFamily, random: RandomStream): Generator<WorkedProblem> {
  if (!Object.hasOwn(DRAFTS, family)) {
    throw new RangeError(
      `Cannot draw a problem as the family must be one of ${PROBLEM_FAMILIES.join(", ")}: ${family}`,
    );
  }
  for (;;) {
    const draft = DRAFTS[family](random);
    if (draft !== null) yield finish(family, draft);
  }
}

/** `trainProblem` with the steps of its solution. */
export function workedProblem(
  family: ProblemFamily,
  options: { readonly seed: number; readonly index: number },
): WorkedProblem {
  for (const problem of draw(family, new RandomStream(options.seed, "train", family, options.index))) {
    if (!isHeldOut(problem)) return problem;
  }
  throw new RangeError(`Cannot draw a problem of ${family} as the generator ended`);
}

function bare(problem: WorkedProblem): Problem {
  const { id, family, question, answer } = problem;
  return { id, family, question, answer };
}

/**
 * A training problem: a pure function of its arguments, never one of the held-out problems.
 *
 * @example
 * ```ts
 * import { trainProblem } from "@small-vectors/steering";
 * const problem = trainProblem("chain", { seed: 0, index: 5 });
 * if (problem.answer !== trainProblem("chain", { seed: 0, index: 5 }).answer) throw new Error("not pure");
 * ```
 */
export function trainProblem(
  family: ProblemFamily,
  options: { readonly seed: number; readonly index: number },
): Problem {
  return bare(workedProblem(family, options));
}

/**
 * The first `size` held-out problems of a family in the order of `seed`; all distinct, none of them ever drawn by
 * `trainProblem`. A problem is held out when the SHA-256 of its family and parameters falls in a fixed share, so the
 * split does not depend on seed, size or wording, and a smaller set is the beginning of a larger one.
 *
 * Throws a `RangeError` when the family has fewer than `size` held-out problems; {@link PROBLEM_SETS} says how many each
 * has at least.
 *
 * `@default {seed: 0}`
 *
 * @example
 * ```ts
 * import { testSet } from "@small-vectors/steering";
 * const set = testSet("linear", { size: 20 });
 * if (new Set(set.map((problem) => problem.id)).size !== 20) throw new Error("not distinct");
 * ```
 */
export function testSet(
  family: ProblemFamily,
  options: { readonly size: number; readonly seed?: number },
): readonly Problem[] {
  const { size, seed = 0 } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(
      `Cannot make a test set as its size must be a positive integer: current value is ${size}`,
    );
  }
  const found = new Map<string, Problem>();
  let misses = 0;
  for (const problem of draw(family, new RandomStream(seed, "test", family))) {
    if (!isHeldOut(problem) || found.has(problem.id)) {
      // A run of misses this long says that the family is used up.
      if (++misses > 20_000) break;
      continue;
    }
    misses = 0;
    found.set(problem.id, bare(problem));
    if (found.size === size) return [...found.values()];
  }
  throw new RangeError(
    `Cannot make a test set of ${family} as its size must be <= ${found.size}: current value is ${size}`,
  );
}
