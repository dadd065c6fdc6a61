import { z } from "zod";
import { VECTOR_PLACES, type VectorPlace } from "../probe/mod.ts";
import {
  GRADER_NAMES,
  type GraderName,
  PROBLEM_FAMILIES,
  type ProblemFamily,
  PROMPT_TEMPLATES,
  type PromptTemplate,
} from "../problems/mod.ts";
import { checkedConfig } from "./_checked_config.ts";

/**
 * What an RL run may train: a vector per layer; a rank-1 adapter on each layer's down_proj; one direction that all
 * layers share, with a factor each; every weight of the model.
 */
export const TRAINED_KINDS = ["vectors", "adapter", "rank1", "full"] as const;

/**
 * What a completion is rewarded for: being right, or nothing. `random` is a control: every completion gets +1 or −1 by a
 * coin that knows nothing of it.
 */
export const REWARDS = ["right", "random"] as const;

/** One kind of what is trained. */
export type TrainedKind = typeof TRAINED_KINDS[number];

/** A file of problems to train on. */
export interface TrainingData {
  /** A `.jsonl`, `.json` or `.parquet` file: a path, or a name within the data set. */
  readonly file: string;
  /** A data set of the hub cache that holds the file: `owner/name@revision`. `@default` the file is a path */
  readonly dataset?: string;
  /** Field of a row that holds the question. */
  readonly question: string;
  /** Field of a row that holds the answer. */
  readonly answer: string;
  /** SHA-256 of the file, which is checked. `@default` not known */
  readonly sha256?: string;
}

/** Everything that decides an RL run, but for the model. */
export interface SteeringConfig {
  /** What is trained. `@default "vectors"` */
  readonly parameters?: Exclude<TrainedKind, "vectors">;
  /** Layers whose vectors or adapters are trained together; none where every weight is trained. */
  readonly layers: readonly number[];
  /** Where in those layers' blocks the vectors are added. `@default "mlp"` */
  readonly place?: VectorPlace;
  /** Training seed: problems and sampling. */
  readonly seed: number;
  /** Updates. */
  readonly steps: number;
  /** Problems per step. */
  readonly prompts: number;
  /** Completions per problem: the n of the leave-one-out baseline. */
  readonly samples: number;
  /** Most tokens of a completion. */
  readonly maxNewTokens: number;
  /** Peak learning rate by trained layer, in the order of `layers`; one for all with `rank1` and `full`. */
  readonly learningRates: readonly number[];
  /** Share of the steps that the learning rate rises over; the paper's is 0.03. */
  readonly warmupShare: number;
  /** Global norm that adjoints are clipped to; the paper's is 2. */
  readonly maxNorm: number;
  /** Families that problems are drawn from in turn; none where they come from data. */
  readonly families: readonly ProblemFamily[];
  /** A file that problems come from. `@default` the families */
  readonly data?: TrainingData;
  /** How questions are put to the model. `@default "embedded"` */
  readonly template?: PromptTemplate;
  /** Who judges answers. `@default "box-number"` */
  readonly grader?: GraderName;
  /** What completions are rewarded for. `@default "right"` */
  readonly reward?: "random";
  /**
   * Whether the adjoints read a prompt once for all its completions: faster, and equal to rounding.
   * `@default` each completion with a prompt of its own
   */
  readonly sharedPrompts?: true;
}

const whole = z.int().positive();

/** Where training problems come from, as JSON. */
const TRAINING_DATA: z.ZodType<TrainingData> = z.strictObject({
  file: z.string().min(1),
  dataset: z.exactOptional(z.string().min(1)),
  question: z.string().min(1).default("question"),
  answer: z.string().min(1).default("answer"),
  sha256: z.exactOptional(z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256")),
});
/** What holds where a config does not say it. */
const USUAL: Readonly<Record<string, unknown>> = {
  parameters: "vectors",
  template: "embedded",
  grader: "box-number",
  reward: "right",
  sharedPrompts: false,
};

const SCHEMA = z.strictObject({
  parameters: z.enum(TRAINED_KINDS).default("vectors"),
  layers: z.array(z.int().nonnegative()),
  place: z.enum(VECTOR_PLACES).optional(),
  seed: z.int().nonnegative(),
  steps: whole,
  prompts: whole,
  samples: z.int().min(2),
  maxNewTokens: whole,
  learningRates: z.array(z.number().positive()).nonempty(),
  warmupShare: z.number().min(0).max(1),
  maxNorm: z.number().positive(),
  families: z.array(z.enum(PROBLEM_FAMILIES as readonly [ProblemFamily, ...ProblemFamily[]])).default([]),
  data: TRAINING_DATA.optional(),
  template: z.enum(PROMPT_TEMPLATES).default("embedded"),
  grader: z.enum(GRADER_NAMES).default("box-number"),
  reward: z.enum(REWARDS).default("right"),
  sharedPrompts: z.boolean().default(false),
}).refine((config) => (config.layers.length === 0) === (config.parameters === "full"), {
  path: ["layers"],
  message: "there must be layers, but for full training, which has none",
}).refine(
  (config) =>
    config.learningRates.length ===
      (config.parameters === "rank1" || config.parameters === "full" ? 1 : config.layers.length),
  "learningRates must match layers, or be one with rank1 and full",
).refine(
  (config) =>
    (config.place ?? "mlp") === "mlp" || config.parameters === "vectors" || config.parameters === "rank1",
  { path: ["place"], message: "a place is for vectors and rank1 alone" },
).refine((config) => config.reward === "right" || config.parameters === "vectors", {
  path: ["reward"],
  message: "random is for vectors alone",
}).refine((config) => !config.sharedPrompts || config.parameters !== "full", {
  path: ["sharedPrompts"],
  message: "prompts are shared by vectors, rank1 and adapters alone",
}).refine((config) => (config.families.length === 0) === (config.data !== undefined), {
  path: ["families"],
  message: "there must be families or data, not both",
}).refine((config) => new Set(config.layers).size === config.layers.length, {
  path: ["layers"],
  message: "each layer may stand there once",
});

/** What is wrong with a value that should say where training problems come from; null where nothing is. */
export function trainingDataFault(value: unknown): string | null {
  const [issue] = TRAINING_DATA.safeParse(value).error?.issues ?? [];
  return issue === undefined ? null : `${issue.path.join(".") || "data"}: ${issue.message}`;
}

/**
 * Checks an RL config that came from outside; `where` names it in errors. Throws an `InputError` for unknown, missing
 * and misshapen keys, by name. Whether the model has the layers is checked when training starts.
 *
 * @example
 * ```ts
 * import { parseSteeringConfig } from "@small-vectors/steering";
 * const sizes = { seed: 0, steps: 60, prompts: 16, samples: 16, maxNewTokens: 96, warmupShare: 0.03, maxNorm: 2 };
 * const given = { ...sizes, layers: [3], learningRates: [0.05], families: ["linear"] };
 * if (parseSteeringConfig(given, { where: "here" }).samples !== 16) throw new Error("kept as it is");
 * ```
 */
export function parseSteeringConfig(value: unknown, options: { readonly where: string }): SteeringConfig {
  const config = checkedConfig(SCHEMA, value, { what: "training config", ...options });
  // The ordinary kind goes without saying, so a run has one name whether its config says it or not.
  const said = Object.entries(config).filter(([key, value]) => value !== undefined && value !== USUAL[key]);
  return Object.fromEntries(said) as unknown as SteeringConfig;
}
