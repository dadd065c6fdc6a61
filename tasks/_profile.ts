import { dirname, isAbsolute, join, relative } from "node:path";
import { InputError } from "../lib/core/mod.ts";
import {
  generatedProblems,
  parseProfile,
  type Profile,
  profileFolder,
  sourceFolder,
  type StudyProblems,
  type StudySet,
} from "../lib/experiment/mod.ts";
import { familiesNamed, PROBLEM_SETS, readProblems } from "../lib/problems/mod.ts";
import { readConfigFile } from "./_config_file.ts";
import { exists } from "./_output_place.ts";
import { suggestion } from "./_parse_flags.ts";
import { openSuite, SUITE_NAMES } from "./_suite.ts";

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
  options: { readonly fixtures: string },
): Promise<OpenProfile> {
  const folder = `${options.fixtures}/profiles`, isName = /^[a-z0-9][a-z0-9_-]*$/.test(asked);
  const where = isName ? `${folder}/${asked}.json` : asked;
  if (isName && !await exists(where)) {
    const names = await shippedProfiles(options), meant = suggestion(asked, names);
    throw new InputError(`unknown profile "${asked}", known are ${names.join(", ")}`, {
      repair: meant === undefined
        ? "a file of your own is named by its path: ./mine.json"
        : `did you mean ${meant}?`,
    });
  }
  const profile = parseProfile(await readConfigFile(where), { where });
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
    if (!SUITE_NAMES.includes(of)) {
      const meant = suggestion(of, SUITE_NAMES);
      throw new InputError(`bad profile at problems, unknown set "${of}"`, {
        where,
        repair: meant === undefined
          ? `known are ${SUITE_NAMES.join(", ")}, or { name, file }`
          : `did you mean ${meant}?`,
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
