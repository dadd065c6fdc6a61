import { dirname, isAbsolute, join, relative } from "node:path";
import { datasetPlace } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  generatedProblems,
  parseProfile,
  type Profile,
  profileFolder,
  publishedFolder,
  sourceFolder,
  type StudyProblems,
  type StudySet,
} from "../../lib/experiment/mod.ts";
import { BENCHMARK_SUITES, familiesNamed, PROBLEM_SETS, readProblems } from "../../lib/problems/mod.ts";
import { readConfigFile } from "../command/config_file.ts";
import { exists } from "../command/output_place.ts";
import { benchmarksNamed, openSuite, SUITE_NAMES } from "./suite.ts";
import { didYouMean } from "../command/did_you_mean.ts";

/** The profile where no flag names another. */
export const USUAL_PROFILE = "embedded";

/** The flag that names a profile. */
export const PROFILE_FLAG = {
  kind: "string",
  default: USUAL_PROFILE,
  metavar: "NAME|FILE",
  help: "Models, problems and runs: embedded, smollm2, paper, or a profile of your own (docs/profiles.md)",
} as const;

/** A profile, and where it was read. */
export interface OpenProfile extends Profile {
  /** Its file. */
  readonly where: string;
  /** What the flag says that named it. */
  readonly asked: string;
  /** Holds its `vectors/`, `sae/`, `expected/`, and the models that are trained here. */
  readonly root: string;
}

/** Names of the profiles that are part of the project. */
export async function shippedProfiles(
  { fixtures }: { readonly fixtures: string },
): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(`${fixtures}/profiles`)) names.push(name.replace(/\.json$/, ""));
  return names.sort();
}

/** A profile by its name below `fixtures/profiles/`, or a file of the user's. */
export async function openProfile(
  asked: string,
  options: {
    readonly fixtures: string;
    /** Take runs as they were published. `@default false` */
    readonly asPublished?: boolean;
  },
): Promise<OpenProfile> {
  const { asPublished = false } = options,
    folder = `${options.fixtures}/profiles`,
    isName = /^[a-z0-9][a-z0-9_-]*$/.test(asked);
  const where = isName ? `${folder}/${asked}.json` : asked;
  if (isName && !await exists(where)) {
    const names = await shippedProfiles(options);
    throw new InputError(
      `unknown profile "${asked}", known are ${names.join(", ")}`,
      didYouMean(asked, names, "a file of your own is named by its path: ./mine.json"),
    );
  }
  const profile = parseProfile(await readConfigFile(where), { where, asPublished });
  return { ...profile, where, asked, root: profileFolder(profile, { where }) };
}

/** Where the model of a profile lies. */
export function modelPlace(profile: OpenProfile, model: Profile["models"][number]): string {
  return model.source === null ? join(profile.root, model.name) : sourceFolder(model.source, profile);
}

/** A path as results name it: within the repository where it lies there, else as it is. */
export function namedPath(path: string, { fixtures }: { readonly fixtures: string }): string {
  const inside = relative(dirname(fixtures), path);
  return inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

async function fileSet(
  file: Exclude<Profile["problems"][number], string>,
  profile: OpenProfile,
): Promise<StudySet> {
  const path = isAbsolute(file.file) ? file.file : join(dirname(profile.where), file.file);
  const { name, samples = 1, question = "question", answer = "answer" } = file;
  const { problems } = await readProblems(path, { name, question, answer });
  return { name, source: file.file, samples, first: (count) => problems.slice(0, count) };
}

/** What a profile asks; files and benchmarks are read. */
export async function profileProblems(profile: OpenProfile): Promise<StudyProblems> {
  const { template, grader, where } = profile, sets: StudySet[] = [], kinds = new Set<string>();
  for (const of of profile.problems) {
    if (typeof of !== "string") {
      kinds.add("problem sets");
      sets.push(await fileSet(of, profile));
      continue;
    }
    const families = familiesNamed([of]);
    if (typeof families !== "string") {
      kinds.add("problem families");
      const heldOut = Math.min(
        ...Object.values(PROBLEM_SETS).filter((set) =>
          families.some((family) => set.families.includes(family))
        )
          .map((set) => set.heldOut),
      );
      sets.push(...generatedProblems({ families, template, grader, heldOut }).sets);
      continue;
    }
    if (benchmarksNamed(of).length === 0) {
      throw new InputError(`bad profile at problems, unknown set "${of}"`, {
        where,
        ...didYouMean(of, SUITE_NAMES, `known are ${SUITE_NAMES.join(", ")}, or { name, file }`),
      });
    }
    kinds.add("benchmarks");
    const { benchmarks } = await openSuite(of, { problems: undefined, data: undefined });
    for (const { name, samples, problems } of benchmarks) {
      sets.push({ name, source: of, samples, first: (count) => problems.slice(0, count) });
    }
  }
  const twice = sets.find(({ name }, place) => sets.findIndex((other) => other.name === name) !== place);
  if (twice !== undefined) {
    throw new InputError(`bad profile at problems, "${twice.name}" stands there twice`, { where });
  }
  return { sets, noun: kinds.size === 1 ? [...kinds][0] as string : "problem sets", template, grader };
}

/** A file of problems or a published model of a profile that is not there, each with the command that brings it. */
async function missingInputs(profile: OpenProfile): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const model of profile.models) {
    const place = modelPlace(profile, model);
    if (model.source === null || await publishedFolder(place) !== null) continue;
    lines.push(
      `model ${model.name} (role ${model.role}) is not there: ${place} (bring it: ${model.source.command})`,
    );
  }
  for (const of of profile.problems) {
    try {
      await profileProblems({ ...profile, problems: [of] });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const ids = typeof of === "string"
        ? benchmarksNamed(of).map((suite) => BENCHMARK_SUITES[suite].hubIds[0])
        : [];
      const command = ids.length === 0 ? "" : ` (bring them: deno task fetch --dataset ${ids.join(" ")})`;
      lines.push(
        `problems ${typeof of === "string" ? of : of.name} are not there${command || `: ${error.message}`}`,
      );
    }
  }
  const dataset = profile.settings.data?.dataset;
  if (dataset !== undefined && !await isCached(dataset)) {
    lines.push(`training data is not there: ${dataset} (bring it: deno task fetch --dataset ${dataset})`);
  }
  return lines;
}

/** Whether a data set lies in the hub cache. */
async function isCached(dataset: string): Promise<boolean> {
  try {
    await datasetPlace(dataset);
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** Runs of a profile's models that are not there, a line for each model, with the command that makes them. */
async function missingRuns(profile: OpenProfile): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { name, runs } of profile.models) {
    const folder = join(profile.root, profile.vectors, name),
      names = runs.flatMap(({ run, seeds }) => seeds.map((seed) => `${run}.seed-${seed}`));
    let missing = 0;
    for (const stem of names) {
      const file = stem.startsWith("full.")
        ? `${folder}/${stem}/config.json`
        : `${folder}/${stem}.safetensors`;
      if (!await exists(file)) missing++;
    }
    if (missing === 0) continue;
    const switched = profile.vectors === "vectors" ? "" : " --as-published";
    const command = `deno task zoo --profile ${profile.asked}${switched} --only ${name}`;
    lines.push(
      `runs of ${name}, ${missing} of ${names.length}, are not there: ${folder} (train them: ${command})`,
    );
  }
  return lines;
}

/**
 * Throws an InputError where the model of role a or any problems of a profile are not there, after `tell` has heard of all
 * that the profile lacks, each with the command that brings or makes it.
 */
export async function checkInputs(profile: OpenProfile, tell: (line: string) => void): Promise<void> {
  const inputs = await missingInputs(profile), first = profile.models.find(({ role }) => role === "a");
  const needed = inputs.filter((line) =>
    line.startsWith("problems ") || line.startsWith(`model ${first?.name} `)
  );
  if (needed.length === 0) return;
  const lacking = [...inputs, ...await missingRuns(profile)];
  for (const line of lacking) tell(line);
  throw new InputError(
    `the profile ${profile.name} lacks ${lacking.length} things, and ${needed.length} of them are needed first`,
    {
      where: profile.where,
      repair: "see the line of each above",
    },
  );
}
