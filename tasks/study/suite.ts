import { cachedDataset, datasetPlace, hubCacheFolder } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  answerModeOf,
  BENCHMARK_SUITES,
  familiesNamed,
  type Grader,
  type GraderName,
  graderNamed,
  PROBLEM_FAMILIES,
  PROBLEM_SETS,
  type ProblemSet,
  problemSetOf,
  type PromptTemplate,
  readBenchmark,
  type SuiteName,
  testSet,
} from "../../lib/problems/mod.ts";
import { didYouMean } from "../command/did_you_mean.ts";

/** One problem of a suite. */
interface SuiteProblem {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
}

/** A set of problems that gets a row of its own. */
export interface Benchmark {
  readonly name: string;
  readonly problems: readonly SuiteProblem[];
  /** Completions per problem and seed when sampling, unless the user says otherwise. */
  readonly samples: number;
  /** SHA-256 of the files it was read from; null for problems that are made here. */
  readonly dataHash: string | null;
}

/** What a suite asks and how. */
export interface Suite {
  readonly benchmarks: readonly Benchmark[];
  /** The set whose families these are; null for the paper's benchmarks. */
  readonly set: ProblemSet | null;
}

/**
 * What the command line calls graders: strictly what the last box holds, as math-verify looks and compares, or the last
 * number.
 */
export const GRADER_FLAGS = ["box", "math-verify", "last-number"] as const;

/** Problems per family where the user gives no number. */
export const USUAL_PROBLEMS = 50;

/** Benchmarks by what the command line calls them. */
const BENCHMARK_FLAGS: Readonly<Record<string, SuiteName>> = {
  aime24: "AIME24",
  aime25: "AIME25",
  amc23: "AMC23",
  math500: "MATH-500",
  minerva: "Minerva-Math",
  olympiad: "OlympiadBench",
};

/** The name of all six benchmarks together. */
const ALL_BENCHMARKS = "math";

/** Names of every suite, in the order of the help. */
export const SUITE_NAMES: readonly string[] = [
  ...Object.keys(PROBLEM_SETS),
  ...PROBLEM_FAMILIES,
  ALL_BENCHMARKS,
  ...Object.keys(BENCHMARK_FLAGS),
];

/** The benchmarks that a name means; none for a suite of the zoo. */
export function benchmarksNamed(name: string): readonly SuiteName[] {
  const bare = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const wanted = bare(name);
  if (wanted === ALL_BENCHMARKS) return Object.values(BENCHMARK_FLAGS);
  return Object.entries(BENCHMARK_FLAGS).filter(([flag, suite]) => flag === wanted || bare(suite) === wanted)
    .map(([, suite]) => suite);
}

/** A whole benchmark from the file or folder the user has, cut to its first problems where a number is given. */
async function readSuite(suite: SuiteName, place: string, count: number | undefined): Promise<Benchmark> {
  const { problems, dataHash } = await readBenchmark(suite, place);
  const { samplesPerProblem } = BENCHMARK_SUITES[suite];
  return { name: suite, problems: problems.slice(0, count), samples: samplesPerProblem, dataHash };
}

/** The folder of the hub cache, or null where the environment names none: then nothing is in it. */
function hubCacheOrNone(): string | null {
  try {
    return hubCacheFolder();
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/** Where each suite's problems lie: what the user names, else the data set that publishes them, if it is cached. */
async function placesOf(
  suites: readonly SuiteName[],
  options: {
    readonly name: string;
    readonly data: string | undefined;
    readonly hubCache: string | undefined;
  },
): Promise<ReadonlyMap<SuiteName, string>> {
  const { name, data } = options;
  if (data !== undefined) {
    const place = await datasetPlace(
      data,
      options.hubCache === undefined ? {} : { hubCache: options.hubCache },
    );
    return new Map(suites.map((suite) => [suite, place]));
  }
  const hubCache = options.hubCache ?? hubCacheOrNone();
  const places = new Map<SuiteName, string>();
  for (const suite of hubCache === null ? [] : suites) {
    const place = await cachedDataset(BENCHMARK_SUITES[suite].hubIds, { hubCache: hubCache as string });
    if (place !== null) places.set(suite, place);
  }
  const missing = suites.filter((suite) => !places.has(suite));
  if (missing.length === 0) return places;
  const ids = missing.map((suite) => BENCHMARK_SUITES[suite].hubIds[0]).join(" ");
  throw new InputError(`--suite ${name} needs --data with the problems of ${missing.join(", ")}`, {
    repair:
      `give the .jsonl or .parquet file or its folder, or fetch them once: deno task fetch --dataset ${ids}`,
  });
}

/**
 * The benchmarks of a suite: from `data`, which is a file, a folder or the hub id of a cached data set, or else from
 * the data set that publishes them, where the hub cache has it. Throws an InputError that lists the known suites for
 * an unknown one, and one that says what is missing where a benchmark's file is not there.
 */
export async function openSuite(
  name: string,
  options: {
    readonly problems: number | undefined;
    readonly data: string | undefined;
    /** `@default` {@link hubCacheFolder} */
    readonly hubCache?: string;
  },
): Promise<Suite> {
  const { problems, data, hubCache } = options, suites = benchmarksNamed(name);
  if (suites.length > 0) {
    const benchmarks: Benchmark[] = [];
    for (const [suite, place] of await placesOf(suites, { name, data, hubCache })) {
      benchmarks.push(await readSuite(suite, place, problems));
    }
    return { set: null, benchmarks };
  }
  const families = familiesNamed([name]);
  if (typeof families === "string") {
    throw new InputError(
      `unknown suite "${name}", known are ${SUITE_NAMES.join(", ")}`,
      didYouMean(name, SUITE_NAMES),
    );
  }
  if (data !== undefined) {
    throw new InputError(`--suite ${name} takes no --data`, {
      repair: "its problems are part of the project",
    });
  }
  const set = problemSetOf(families) as ProblemSet, size = problems ?? Math.min(USUAL_PROBLEMS, set.heldOut);
  if (size > set.heldOut) {
    throw new InputError(`--problems must be at most ${set.heldOut} for a family: got ${size}`);
  }
  const benchmarks = families.map((family) => ({
    name: family,
    problems: testSet(family, { size }),
    samples: 1,
    dataHash: null,
  }));
  return { set, benchmarks };
}

/**
 * The grader of a suite: what was asked for, or the suite's own. In the last box the answers of a family are plain
 * numbers and those of benchmarks mathematics; `r1` answers between tags.
 */
export function suiteGrader(
  { set }: Pick<Suite, "set">,
  options: {
    readonly template: PromptTemplate;
    readonly grader: (typeof GRADER_FLAGS)[number] | undefined;
  },
): Grader {
  const strict: GraderName = set === null ? "box" : "box-number";
  const { grader = set?.grader ?? strict, template } = options;
  return graderNamed(grader === "box" ? strict : grader, { mode: answerModeOf(template) });
}
