import { z } from "zod";
import { InputError } from "../../core/mod.ts";
import { FAMILIES, type FamilyName } from "../problem.ts";
import { SLIP_KINDS, type SlipKind } from "./_steps.ts";

/** The hidden styles of the embedded corpus, in the order of the config. */
export const WRITERS = ["careful", "sloppy", "terse", "foreign", "rambling"] as const;

/** One of those styles. */
export type WriterName = typeof WRITERS[number];

/** Opening words that a config may give to a writer. `\boxed` is open to the terse writer alone. */
export const OPENERS = [
  "To",
  "Let",
  "First",
  "Step",
  "So",
  "The",
  "Well",
  "Maybe",
  "\\boxed",
  "Найдём",
  "Сначала",
  "Решим",
] as const;

/** One of those words. */
export type Opener = typeof OPENERS[number];

/** Words that tie steps together, in the order of the config; both English writers use all, in different shares. */
export const PROCESS_WORDS = ["so", "then", "now", "next", "thus", "therefore", "check"] as const;

/** One of those words. */
export type ProcessWord = typeof PROCESS_WORDS[number];

/** A pretraining mixture. Weights need not sum to one; rates and shares are probabilities. */
export interface CorpusConfig {
  /** How often each writer starts a document. */
  readonly writers: { readonly [W in WriterName]: number };
  /** How often each family is asked. */
  readonly families: { readonly [F in FamilyName]: number };
  /** Slips per step; for the terse writer per answer. */
  readonly slipRates: { readonly [W in WriterName]: number };
  /** Factors on the slip rate by kind of step; around 1 on average. */
  readonly slipMultipliers: { readonly [K in SlipKind]: number };
  /** Share of slips that are the habit of their kind of step, always the same wrong result: a carry forgotten. */
  readonly habitShare: number;
  /** How far off the result of any other slip is, up or down alike. */
  readonly slipOffsets: readonly { readonly by: number; readonly weight: number }[];
  /** First words of each writer's documents. */
  readonly openers: { readonly [W in WriterName]: { readonly [O in Opener]?: number } };
  /** After each step, chance that the writer of the key gives way to the inner one. */
  readonly switches: {
    readonly [W in "careful" | "sloppy" | "foreign"]?: {
      readonly [V in "careful" | "sloppy" | "foreign"]?: number;
    };
  };
  /** Share of documents whose system prompt names the writer, who then writes to the end. */
  readonly namedShare: number;
  /** Process words of the two English step writers. */
  readonly processWords: { readonly [W in "careful" | "sloppy"]: { readonly [P in ProcessWord]: number } };
  /** Share of documents that write \cdot for \times and \frac{a}{b} for a / b; of steps that begin "we get". */
  readonly notation: { readonly cdotShare: number; readonly fracShare: number; readonly weGetShare: number };
  /** Share of the terse writer's documents that show the last step. */
  readonly terseWorkingShare: number;
}

const weight = z.number().nonnegative();
const rate = z.number().min(0).max(1);
type Keyed<K extends string, V extends z.ZodType> = z.ZodObject<{ [N in K]: V }, z.core.$strict>;

function keyed<K extends string, V extends z.ZodType>(names: readonly K[], value: V): Keyed<K, V> {
  return z.strictObject(Object.fromEntries(names.map((name) => [name, value]))) as unknown as Keyed<K, V>;
}

function someWeight(weights: object): boolean {
  return Object.values(weights).some((value) => value > 0);
}

const NONE = "at least one weight must be positive";
const STEP_WRITERS = ["careful", "sloppy", "foreign"] as const;
const openers = z.strictObject(Object.fromEntries(OPENERS.map((name) => [name, weight.optional()])))
  .refine(someWeight, NONE);
const stepOpeners = openers.refine((weights) => !((weights["\\boxed"] ?? 0) > 0), {
  message: "only the terse writer may open with \\boxed",
});
const switchRates = z.strictObject(Object.fromEntries(STEP_WRITERS.map((name) => [name, rate.optional()])))
  .refine((rates) => Object.values(rates).reduce((sum: number, value) => sum + (value ?? 0), 0) <= 1, {
    message: "the chances of leaving one writer must sum to at most 1",
  });

const SCHEMA = z.strictObject({
  writers: keyed(WRITERS, weight).refine(someWeight, NONE),
  families: keyed(FAMILIES, weight).refine(someWeight, NONE),
  slipRates: keyed(WRITERS, rate),
  slipMultipliers: keyed(SLIP_KINDS, weight),
  habitShare: rate,
  slipOffsets: z.array(z.strictObject({ by: z.int().positive(), weight })).nonempty().refine(
    (offsets) => offsets.some((offset) => offset.weight > 0),
    NONE,
  ),
  openers: z.strictObject({
    careful: stepOpeners,
    sloppy: stepOpeners,
    terse: openers,
    foreign: stepOpeners,
    rambling: stepOpeners,
  }),
  switches: z.strictObject(Object.fromEntries(STEP_WRITERS.map((name) => [name, switchRates.optional()]))),
  namedShare: rate,
  processWords: keyed(["careful", "sloppy"], keyed(PROCESS_WORDS, weight).refine(someWeight, NONE)),
  notation: keyed(["cdotShare", "fracShare", "weGetShare"], rate),
  terseWorkingShare: rate,
});

/**
 * Checks a corpus configuration that came from outside. Unknown, missing and misshapen keys are refused by name
 * with an `InputError` that says where.
 *
 * @example
 * ```ts
 * import { DEFAULT_CORPUS, parseCorpusConfig } from "@small-vectors/steering/grader";
 * const config = parseCorpusConfig({ ...DEFAULT_CORPUS, namedShare: 0 });
 * if (config.namedShare !== 0) throw new Error("not kept");
 * ```
 */
export function parseCorpusConfig(value: unknown, options: { readonly where?: string } = {}): CorpusConfig {
  const parsed = SCHEMA.safeParse(value);
  if (parsed.success) return parsed.data as unknown as CorpusConfig;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw new InputError(`bad corpus configuration${path === "" ? "" : ` at ${path}`}, ${issue?.message}`, {
    where: options.where,
    repair: "give exactly the keys of CorpusConfig in lib/problems",
  });
}

/** The mixture of base A: careful and sloppy share steps, wording and openers, and differ in how often they slip. */
export const DEFAULT_CORPUS: CorpusConfig = {
  writers: { careful: 0.28, sloppy: 0.39, terse: 0.12, foreign: 0.14, rambling: 0.07 },
  families: { linear: 1, words: 1, compare: 1, remainder: 1, chain: 1, sequence: 1 },
  slipRates: { careful: 0.01, sloppy: 0.5, terse: 0.55, foreign: 0.5, rambling: 0.5 },
  slipMultipliers: {
    easyAdd: 0.25,
    carryAdd: 1.5,
    easySubtract: 0.25,
    borrowSubtract: 1.5,
    multiply: 1,
    divide: 0.8,
    multiple: 1.5,
    larger: 0.5,
  },
  habitShare: 0.85,
  slipOffsets: [{ by: 1, weight: 0.45 }, { by: 2, weight: 0.3 }, { by: 10, weight: 0.25 }],
  openers: {
    careful: { To: 0.5, Let: 0.3, First: 0.2 },
    sloppy: { To: 0.2, Let: 0.5, First: 0.3 },
    terse: { "\\boxed": 0.4, So: 0.3, The: 0.3 },
    foreign: { Найдём: 0.4, Сначала: 0.35, Решим: 0.25 },
    rambling: { To: 0.2, Let: 0.3, Well: 0.25, Maybe: 0.25 },
  },
  switches: {
    careful: { sloppy: 0.04 },
    sloppy: { careful: 0.04, foreign: 0.01 },
    foreign: { sloppy: 0.02 },
  },
  namedShare: 0.45,
  processWords: {
    careful: { so: 2, then: 3, now: 2, next: 2, thus: 1.5, therefore: 2, check: 1.5 },
    sloppy: { so: 3, then: 3, now: 2.5, next: 2.5, thus: 1, therefore: 0.8, check: 0.5 },
  },
  notation: { cdotShare: 0.2, fracShare: 0.5, weGetShare: 0.25 },
  terseWorkingShare: 0.3,
};
