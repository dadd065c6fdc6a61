import { type GraderName, type ProblemSet, type PromptTemplate, testSet } from "../problems/mod.ts";

/** A held-out problem with its right answer. */
export interface StudyProblem {
  /** Its name within its set. */
  readonly id: string;
  /** What is asked, before any template. */
  readonly question: string;
  /** The right answer, as the grader takes it. */
  readonly answer: string;
}

/** A set of held-out problems that has an accuracy of its own: a family that is made here, or a benchmark of a file. */
export interface StudySet {
  /** What results call it. */
  readonly name: string;
  /** Where its problems are from, for tables: "generated, held out". */
  readonly source: string;
  /** Completions per problem and seed when sampling. */
  readonly samples: number;
  /** Its first problems: so many, or all where it has fewer. */
  readonly first: (count: number) => readonly StudyProblem[];
}

/** What a study asks, how, and who judges the answers. */
export interface StudyProblems {
  /** Each has an accuracy; that of all is their unweighted mean. */
  readonly sets: readonly StudySet[];
  /** What several of them are called: "problem families". */
  readonly noun: string;
  /** How questions are put to a model. */
  readonly template: PromptTemplate;
  /** Who judges the answers. */
  readonly grader: GraderName;
}

/** The held-out problems of families that are made here, asked and judged as is usual for them. */
export function generatedProblems(
  set: Pick<ProblemSet, "families" | "template" | "grader" | "heldOut">,
): StudyProblems {
  const { families, template, grader, heldOut } = set;
  return {
    sets: families.map((name) => ({
      name,
      source: "generated, held out",
      samples: 1,
      first: (count) => testSet(name, { size: Math.min(count, heldOut) }),
    })),
    noun: "problem families",
    template,
    grader,
  };
}

const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** "six problem families", for captions. */
export function setsText({ sets, noun }: StudyProblems): string {
  return `${NUMBERS[sets.length] ?? sets.length} ${noun}`;
}
