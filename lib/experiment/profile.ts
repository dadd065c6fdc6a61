import { z } from "zod";
import { InputError } from "../core/mod.ts";
import { GRADER_NAMES, type GraderName, PROMPT_TEMPLATES, type PromptTemplate } from "../problems/mod.ts";
import { STUDY_SIZES, type StudySize } from "./study_size.ts";
import { CATALOGUE_SHAPE, catalogueOf, type ZooCatalogue } from "./zoo_catalogue.ts";

/** Problems of a file of the user's. */
export interface ProblemFile {
  /** What results call them. */
  readonly name: string;
  /** A `.jsonl` or `.parquet` file, relative to the profile. */
  readonly file: string;
  /** Field of a row that holds the question. `@default "question"` */
  readonly question?: string;
  /** Field of a row that holds the answer. `@default "answer"` */
  readonly answer?: string;
  /** Completions per problem and seed when sampling. `@default 1` */
  readonly samples?: number;
}

/** A study: which models, what they are asked, how much is measured, how the runs on them were trained. */
export interface Profile extends ZooCatalogue {
  /** Its name in commands and in the paths of results. */
  readonly name: string;
  /** What figures call it: "the embedded zoo". */
  readonly title: string;
  /** Holds `vectors/`, `sae/`, `expected/` and the models that are trained here; relative to the profile. */
  readonly folder: string;
  /** What is asked: families that are made here, sets of them, benchmarks by name, or files. */
  readonly problems: readonly (string | ProblemFile)[];
  /** How questions are put to a model. */
  readonly template: PromptTemplate;
  /** Who judges the answers. */
  readonly grader: GraderName;
  /** What `--size` names. */
  readonly sizes: { readonly full: StudySize; readonly quick: StudySize };
  /** First evaluation seeds: that of a reproduction, then those that recording adds. */
  readonly seeds: readonly number[];
  /** Where expected values come from: recorded files of the profile, the paper's own numbers, or nowhere. */
  readonly expected: "recorded" | "paper" | "none";
  /** The day that chat templates show which ask for one, as 2024-07-26. `@default` none: such templates are refused */
  readonly date?: string;
  /** The folder of runs: "vectors", or where runs are asked for as published, and differ, "vectors-as-published". */
  readonly vectors: string;
}

const whole = z.int().positive();
const text = z.string().min(1);
const SIZE = z.strictObject({
  problems: whole,
  swept: whole,
  evaluationSeeds: whole,
  traced: whole,
  read: whole,
  maxNewTokens: whole,
}).refine(({ problems, swept }) => swept <= problems, {
  path: ["swept"],
  message: "must be at most problems: the first of these are swept",
});
const SCHEMA = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, "must be lower-case letters, digits, - and _"),
  title: text,
  folder: text.default("."),
  problems: z.array(z.union([
    text,
    z.strictObject({
      name: text,
      file: text,
      question: z.exactOptional(text),
      answer: z.exactOptional(text),
      samples: z.exactOptional(whole),
    }),
  ])).nonempty(),
  template: z.enum(PROMPT_TEMPLATES),
  grader: z.enum(GRADER_NAMES),
  sizes: z.strictObject({ full: SIZE, quick: SIZE }).default({ ...STUDY_SIZES }),
  seeds: z.array(z.int().nonnegative()).nonempty().default([0, 10, 20]),
  expected: z.enum(["recorded", "paper", "none"]).default("none"),
  date: z.exactOptional(z.iso.date()),
  ...CATALOGUE_SHAPE,
}).refine(({ problems }) => new Set(problems.map((of) => JSON.stringify(of))).size === problems.length, {
  path: ["problems"],
  message: "a problem set stands there twice",
});

/**
 * Checks a profile that came from a file; `where` names it in errors. Whether runs fit their models is checked where
 * these are known: {@link runConfig}.
 *
 * @throws {InputError} for unknown, missing and misshapen keys by name, for a name, role, run or seed that stands there
 * twice, and for an autoencoder of a run that the profile does not have.
 */
export function parseProfile(
  value: unknown,
  options: {
    readonly where: string;
    /** Take runs as they were published, where that differs from what is sound. `@default false` */
    readonly asPublished?: boolean;
  },
): Profile {
  const { where, asPublished = false } = options, parsed = SCHEMA.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InputError(`bad profile at ${issue?.path.join(".") || "its top"}, ${issue?.message}`, {
      where,
    });
  }
  const { settings: _, models, first: __, autoencoders: ___, ...study } = parsed.data;
  const differs = models.some(({ runs }) => runs.some(({ published }) => published !== undefined));
  const vectors = asPublished && differs ? "vectors-as-published" : "vectors";
  return { ...study, vectors, ...catalogueOf(parsed.data, { where, asPublished }) };
}
