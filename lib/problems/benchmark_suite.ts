import { InputError } from "../core/mod.ts";
import { extractAnswer } from "./answers/extract_answer.ts";

/** The six benchmarks of the paper, in the order of its tables. */
export type SuiteName = "AIME24" | "AIME25" | "AMC23" | "MATH-500" | "Minerva-Math" | "OlympiadBench";

/** What a benchmark is, whoever publishes its file. */
export interface BenchmarkSuite {
  /** The key in `BENCHMARK_SUITES`. */
  readonly name: SuiteName;
  /** Data sets on the hub that hold it. */
  readonly hubIds: readonly string[];
  /** Split of those data sets. */
  readonly split: "train" | "test";
  /** Problems of the whole suite. */
  readonly size: number;
  /** Completions per problem and seed when sampling; greedy decoding always takes one. */
  readonly samplesPerProblem: number;
  /** Fields that may hold the problem, the first that is there wins. */
  readonly problemFields: readonly string[];
  /** Fields that may hold the gold answer, the first that is there wins; "solution" means its last box. */
  readonly answerFields: readonly string[];
}

/** One problem of a benchmark. */
export interface BenchmarkProblem {
  /** Suite and index in the file, from zero: `AIME24/0`. */
  readonly id: string;
  /** The question, as the file has it. */
  readonly question: string;
  /** The gold answer as LaTeX. */
  readonly answer: string;
}

/** The problems of a file and which of its fields were read. */
export interface BenchmarkSet {
  /** Which benchmark. */
  readonly suite: SuiteName;
  /** The field that held the problems. */
  readonly problemField: string;
  /** The field that held the gold answers. */
  readonly answerField: string;
  /** In the order of the file. */
  readonly problems: readonly BenchmarkProblem[];
}

/**
 * Every benchmark by name. Source: the paper's evaluation (class: code); sizes from the published files.
 *
 * @example
 * ```ts
 * import { BENCHMARK_SUITES } from "@small-vectors/steering";
 * const suites = Object.values(BENCHMARK_SUITES);
 * // Completions of one seed: (30 + 30 + 40) · 32 + 500 + 272 + 675.
 * const completions = suites.reduce((sum, suite) => sum + suite.size * suite.samplesPerProblem, 0);
 * if (completions !== 4647) throw new Error(`${completions}`);
 * ```
 */
export const BENCHMARK_SUITES: Readonly<Record<SuiteName, BenchmarkSuite>> = {
  "AIME24": {
    name: "AIME24",
    hubIds: ["Maxwell-Jia/AIME_2024"],
    split: "train",
    size: 30,
    samplesPerProblem: 32,
    problemFields: ["problem", "Problem", "question"],
    answerFields: ["answer", "Answer"],
  },
  "AIME25": {
    name: "AIME25",
    hubIds: ["opencompass/AIME2025"],
    split: "test",
    size: 30,
    samplesPerProblem: 32,
    problemFields: ["question", "problem"],
    answerFields: ["answer"],
  },
  "AMC23": {
    name: "AMC23",
    hubIds: ["knoveleng/AMC-23"],
    split: "train",
    size: 40,
    samplesPerProblem: 32,
    problemFields: ["problem", "question"],
    answerFields: ["answer"],
  },
  "MATH-500": {
    name: "MATH-500",
    hubIds: ["HuggingFaceH4/MATH-500"],
    split: "test",
    size: 500,
    samplesPerProblem: 1,
    problemFields: ["problem"],
    answerFields: ["answer"],
  },
  "Minerva-Math": {
    name: "Minerva-Math",
    hubIds: ["knoveleng/Minerva-Math"],
    split: "train",
    size: 272,
    samplesPerProblem: 1,
    problemFields: ["problem", "question"],
    answerFields: ["solution"],
  },
  "OlympiadBench": {
    name: "OlympiadBench",
    hubIds: ["knoveleng/OlympiadBench"],
    split: "train",
    size: 675,
    samplesPerProblem: 1,
    problemFields: ["question", "problem"],
    answerFields: ["answer", "final_answer"],
  },
};

/** One row of a benchmark's file. */
export type BenchmarkRow = Readonly<Record<string, unknown>>;

function textOf(value: unknown): string | null {
  if (typeof value === "string") return value.trim() === "" ? null : value;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (typeof value === "bigint") return String(value);
  // A list of answers is one answer as the publishers of these files use it: its first element.
  return Array.isArray(value) && value.length === 1 ? textOf(value[0]) : null;
}

function fieldOf(row: BenchmarkRow, fields: readonly string[], where: string): string {
  const found = fields.find((field) => Object.hasOwn(row, field));
  if (found !== undefined) return found;
  throw new InputError(`no field ${fields.join(" or ")}`, {
    where,
    repair: `its fields are ${Object.keys(row).join(", ")}; is it the file of another benchmark?`,
  });
}

function goldAnswer(value: unknown, field: string): string | null {
  const text = textOf(value);
  if (text === null || (field !== "solution" && !text.includes("boxed"))) return text?.trim() ?? null;
  return extractAnswer(text).text?.trim() ?? null;
}

/**
 * The problems of a benchmark from the rows of its file. Fields differ between publishers: the first known one of the
 * first row is read in every row, and the set says which. Throws an `InputError` that names the row when a field is
 * missing or holds no text, and when the number of rows is not the suite's (unless `partial`).
 *
 * `@default {partial: false}`
 *
 * @example
 * ```ts
 * import { benchmarkSet } from "@small-vectors/steering/grader";
 * const rows = [{ question: "1 + 1?", final_answer: ["$2$"] }];
 * const set = benchmarkSet("OlympiadBench", rows, { where: "mine.jsonl", partial: true });
 * if (set.answerField !== "final_answer" || set.problems[0]?.answer !== "$2$") throw new Error("not read");
 * ```
 */
export function benchmarkSet(
  suite: SuiteName,
  rows: readonly BenchmarkRow[],
  options: { readonly where: string; readonly partial?: boolean },
): BenchmarkSet {
  const { where, partial = false } = options;
  const { size, problemFields: question, answerFields: answer } = BENCHMARK_SUITES[suite];
  if (!partial && rows.length > 0 && rows.length !== size) {
    throw new InputError(`${suite} has ${size} problems, not ${rows.length}`, {
      where,
      repair: "get the whole file, or the file of this benchmark",
    });
  }
  return { suite, ...rowProblems(rows, { name: suite, where, question, answer }) };
}

/** The problems of rows, and which of the known fields held them. */
export function rowProblems(
  rows: readonly BenchmarkRow[],
  options: {
    readonly name: string;
    readonly where: string;
    readonly question: readonly string[];
    readonly answer: readonly string[];
  },
): Omit<BenchmarkSet, "suite"> {
  const { name, where } = options, [first] = rows;
  if (first === undefined) {
    throw new InputError("the benchmark is empty", { where, repair: "get the file again" });
  }
  const problemField = fieldOf(first, options.question, where),
    answerField = fieldOf(first, options.answer, where);
  const problems = rows.map((row, index) => {
    const question = textOf(row[problemField]), answer = goldAnswer(row[answerField], answerField);
    if (question !== null && answer !== null) return { id: `${name}/${index}`, question, answer };
    throw new InputError(`row ${index} has no ${question === null ? problemField : answerField}`, {
      where,
      repair: answerField === "solution"
        ? "each solution must hold a box that closes"
        : "each must hold text",
    });
  });
  return { problemField, answerField, problems };
}
