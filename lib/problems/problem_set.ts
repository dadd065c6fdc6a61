import { ARITHMETIC_FAMILIES, FAMILIES, PROBLEM_FAMILIES, type ProblemFamily } from "./problem.ts";
import type { PromptTemplate } from "./prompt_template.ts";
import type { GraderName } from "./answers/verdict.ts";

/** A named set of problem families that are made here, and how its problems are usually asked and judged. */
export interface ProblemSet {
  /** Its families, each one a benchmark. */
  readonly families: readonly ProblemFamily[];
  /** How its questions are put to a model. */
  readonly template: PromptTemplate;
  /** Who judges the answers. */
  readonly grader: GraderName;
  /** Most tokens of an answer. */
  readonly maxNewTokens: number;
  /** Held-out problems that every family has at least. */
  readonly heldOut: number;
}

/** Names of the sets. */
export type ProblemSetName = "embedded" | "first-arithmetic";

/**
 * Every set by name: the six families of the embedded zoo, and first arithmetic for small models that were trained on
 * real text: sums, differences and products of one-digit numbers, the larger of two two-digit numbers, stories of one
 * step. First arithmetic is asked by the model's own chat template alone and judged by the last number.
 *
 * @example
 * ```ts
 * import { PROBLEM_SETS, testSet } from "@small-vectors/steering/grader";
 * const { families, heldOut } = PROBLEM_SETS["first-arithmetic"];
 * for (const family of families) {
 *   if (testSet(family, { size: heldOut }).length !== heldOut) throw new Error(family);
 * }
 * ```
 */
export const PROBLEM_SETS: Readonly<Record<ProblemSetName, ProblemSet>> = {
  "embedded": {
    families: FAMILIES,
    template: "embedded",
    grader: "box-number",
    maxNewTokens: 64,
    heldOut: 700,
  },
  "first-arithmetic": {
    families: ARITHMETIC_FAMILIES,
    template: "chat",
    grader: "last-number",
    maxNewTokens: 40,
    heldOut: 36,
  },
};

/**
 * The set that families belong to, or null where they are of two.
 *
 * @example
 * ```ts
 * import { problemSetOf } from "@small-vectors/steering/grader";
 * if (problemSetOf(["sums", "larger"])?.grader !== "last-number") throw new Error("first arithmetic");
 * if (problemSetOf(["sums", "chain"]) !== null) throw new Error("two sets");
 * ```
 */
export function problemSetOf(families: readonly ProblemFamily[]): ProblemSet | null {
  const sets = Object.values(PROBLEM_SETS);
  return sets.find((set) => families.every((family) => set.families.includes(family))) ?? null;
}

/**
 * The families that names mean, of sets and of families, each once; or the first name that is neither.
 *
 * @example
 * ```ts
 * import { familiesNamed } from "@small-vectors/steering/grader";
 * const families = familiesNamed(["first-arithmetic"]);
 * if (typeof families === "string" || families.length !== 5) throw new Error("five families");
 * if (familiesNamed(["sums", "algebra"]) !== "algebra") throw new Error("there is no algebra");
 * ```
 */
export function familiesNamed(names: readonly string[]): readonly ProblemFamily[] | string {
  const found: ProblemFamily[] = [];
  for (const name of names) {
    const set = Object.hasOwn(PROBLEM_SETS, name) ? PROBLEM_SETS[name as ProblemSetName] : null;
    const families = set?.families ?? PROBLEM_FAMILIES.filter((family) => family === name);
    if (families.length === 0) return name;
    found.push(...families);
  }
  return [...new Set(found)];
}
