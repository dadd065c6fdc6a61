import { z } from "zod";
import { PUBLISHED_CONFIGS, type PublishedModel } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { GRADER_NAMES, PROBLEM_FAMILIES, type ProblemFamily, PROMPT_TEMPLATES } from "../problems/mod.ts";
import {
  parseRunName,
  parseSteeringConfig,
  type SteeringConfig,
  type TrainingData,
  trainingDataFault,
} from "../train/mod.ts";
import { isModelRole, type ModelRole } from "./reproduction.ts";

/** Settings that RL runs share. */
export type RunSettings = Pick<
  SteeringConfig,
  | "steps"
  | "prompts"
  | "samples"
  | "maxNewTokens"
  | "warmupShare"
  | "maxNorm"
  | "families"
  | "data"
  | "template"
  | "grader"
  | "sharedPrompts"
>;

/** One RL run of a model, once per training seed. */
export interface CatalogueRun {
  /** What is trained and where, by the name that its files get: `all`, `layer-3`, `adapter-3`, `full`. */
  readonly run: string;
  /** Peak learning rates: one for all layers, or one per layer. */
  readonly learningRates: readonly number[];
  /** Training seeds. */
  readonly seeds: readonly number[];
  /** What differs from the shared settings. */
  readonly settings?: { readonly [K in keyof RunSettings]?: RunSettings[K] };
}

/** How a run was published, where that differs from what is sound. */
type PublishedRun = Partial<Pick<CatalogueRun, "learningRates" | "seeds" | "settings">>;

/** A published model: where it lies once it was fetched, and how to know it. */
export interface ModelSource {
  /** Its folder, relative to the catalogue, or `owner/name@revision` in the hub cache. */
  readonly folder: string;
  /** Layers of the model. */
  readonly layers: number;
  /** The hash of its checkpoint; null where it is not known, and then any will do. */
  readonly hash: string | null;
  /** The command that brings it. */
  readonly command: string;
  /** Its shape, for plans while it is not there. `@default` not known then */
  readonly shape?: PublishedModel;
}

/** A model of the zoo and its runs. */
export interface CatalogueModel {
  /** Its folder's name: `base-a`. */
  readonly name: string;
  /** What it stands for. */
  readonly role: ModelRole;
  /** What figures and cards call it: "Base A". */
  readonly title: string;
  /** The opener that the paper's last-layer vector boosts in this model: "To", "Step". */
  readonly opener: string;
  /** Openers that its answers may have, for what other openers do. `@default` not known */
  readonly openers?: readonly string[];
  /** System messages that ask for one kind of answer, by name, where it was trained on such. `@default` none */
  readonly systems?: Readonly<Record<string, string>>;
  /** Pretraining config of a model that is trained here, relative to the catalogue; null for one that is fetched. */
  readonly config: string | null;
  /** Where a model comes from that is not trained here; null for one that is. */
  readonly source: ModelSource | null;
  /** What is trained on it. */
  readonly runs: readonly CatalogueRun[];
}

/** A DiffSAE: a sparse autoencoder of what a run changes in the residual of one layer. */
export interface CatalogueAutoencoder {
  /** Name of the model. */
  readonly model: string;
  /** Name of the model's run whose vectors or adapters make the difference. */
  readonly run: string;
  /** Training seed of that run. */
  readonly seed: number;
  /** DiffSAE recipe, relative to the catalogue; it names the layer. */
  readonly config: string;
}

/** Everything that a zoo is made of, and how. */
export interface ZooCatalogue {
  /** What all runs share, but where one says otherwise. */
  readonly settings: RunSettings;
  /** Models with their runs; their order is that of building, donors first. */
  readonly models: readonly CatalogueModel[];
  /** Names of what is built first, in this order: `base-a/all.seed-0`, or `base-a/all` for every seed. */
  readonly first: readonly string[];
  /** Autoencoders, made last. */
  readonly autoencoders: readonly CatalogueAutoencoder[];
}

const whole = z.int().positive();
const fileName = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, "must be lower-case letters, digits, - and _");
const path = z.string().min(1);
const SETTINGS = {
  steps: whole,
  prompts: whole,
  samples: z.int().min(2),
  maxNewTokens: whole,
  warmupShare: z.number().min(0).max(1),
  maxNorm: z.number().positive(),
  families: z.array(z.enum(PROBLEM_FAMILIES as readonly [ProblemFamily, ...ProblemFamily[]])),
  data: z.custom<TrainingData>((value) => trainingDataFault(value) === null, {
    error: ({ input }) => trainingDataFault(input) ?? "",
  }).optional(),
  template: z.enum(PROMPT_TEMPLATES).optional(),
  grader: z.enum(GRADER_NAMES).optional(),
  sharedPrompts: z.literal(true).optional(),
};

/** Whether no two values are alike. */
const unlike = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

/** What a catalogue is made of, for a schema around it. */
export const CATALOGUE_SHAPE = {
  settings: z.strictObject({ ...SETTINGS, families: SETTINGS.families.default([]) }),
  models: z.array(z.strictObject({
    name: fileName.refine(
      (name) => !["vectors", "sae", "expected"].includes(name),
      "is the name of another folder",
    ),
    role: z.custom<ModelRole>(isModelRole, "must be a, b, control, or a_ and a name for a sibling of a"),
    title: z.string().min(1),
    opener: z.string().min(1),
    openers: z.array(z.string().min(1)).nonempty().refine(unlike, "an opener stands there twice").optional(),
    systems: z.record(z.string(), z.string()).optional(),
    config: path.nullable().default(null),
    source: z.strictObject({
      folder: path,
      layers: whole,
      hash: z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256").nullable(),
      command: z.string().min(1),
      shape: z.exactOptional(z.enum(Object.keys(PUBLISHED_CONFIGS) as [PublishedModel])),
    }).nullable().default(null),
    runs: z.array(z.strictObject({
      run: z.string().min(1),
      learningRates: z.array(z.number().positive()).nonempty(),
      seeds: z.array(z.int().nonnegative()).nonempty().refine(unlike, "a seed stands there twice"),
      settings: z.strictObject(SETTINGS).partial().optional(),
      published: z.strictObject({
        learningRates: z.exactOptional(z.array(z.number().positive()).nonempty()),
        seeds: z.exactOptional(
          z.array(z.int().nonnegative()).nonempty().refine(unlike, "a seed stands there twice"),
        ),
        settings: z.exactOptional(z.strictObject(SETTINGS).partial()),
      }).optional(),
    })).refine((runs) => unlike(runs.map(({ run }) => run)), "a run stands there twice"),
  })).nonempty()
    .refine(
      (models) => models.every(({ config, source }) => (config === null) !== (source === null)),
      "each must have a config or a source",
    )
    .refine((models) => unlike(models.map(({ name }) => name)), "a name stands there twice")
    .refine((models) => unlike(models.map(({ role }) => role)), "a role stands there twice"),
  first: z.array(z.string()).default([]),
  autoencoders: z.array(z.strictObject({
    model: z.string(),
    run: z.string(),
    seed: z.int().nonnegative(),
    config: path,
  })).default([]),
};
const CATALOGUE = z.object(CATALOGUE_SHAPE);

/** What an optional key of zod comes to where there is nothing: no key. */
type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Settings without the keys that are undefined, which is how zod writes what is absent. */
function present<T extends object>(settings: T): Present<T> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Present<
    T
  >;
}

/**
 * The catalogue of what its schema has let through; `where` names the file in errors.
 *
 * @throws {InputError} for an autoencoder of a run that is not in the catalogue.
 */
export function catalogueOf(
  parsed: z.infer<typeof CATALOGUE>,
  options: { readonly where: string; readonly asPublished: boolean },
): ZooCatalogue {
  const { where, asPublished } = options;
  const { autoencoders, first } = parsed, settings = present(parsed.settings);
  const models = parsed.models.map(({ runs, ...model }) => ({
    ...present(model),
    runs: runs.map(({ settings: own, published, ...run }) => {
      const { settings: more = {}, ...changes } = asPublished ? published ?? {} : {};
      const settings = present({ ...own, ...more });
      return { ...run, ...changes, ...(Object.keys(settings).length === 0 ? {} : { settings }) };
    }),
  }));
  autoencoders.forEach(({ model, run, seed }, index) => {
    const runs = models.find(({ name }) => name === model)?.runs ?? [];
    if (runs.some((known) => known.run === run && known.seeds.includes(seed))) return;
    throw new InputError(
      `bad profile at autoencoders.${index}, there is no run ${run}.seed-${seed} of ${model}`,
      { where },
    );
  });
  return { settings, models, first, autoencoders };
}

/**
 * The RL config of a run of the catalogue, for a model of `layerCount` layers: what {@link trainSteering} takes.
 *
 * @throws {InputError} for a run that a model of so many layers cannot have, or rates that do not match it.
 */
export function runConfig(
  run: CatalogueRun,
  options: {
    readonly settings: RunSettings;
    readonly seed: number;
    readonly layerCount: number;
    /** The catalogue, for errors. */
    readonly where: string;
  },
): SteeringConfig {
  const { settings, seed, layerCount, where } = options;
  // A run of another learning rate trains what the run of its layer trains.
  const target = parseRunName(run.run.replace(/^rate-[\d.]+-(\d+)$/, "layer-$1"), { layerCount });
  if (target === null) {
    throw new InputError(`a model of ${layerCount} layers has no run "${run.run}"`, {
      where,
      repair:
        "runs are all, layer-3, place-attention-3, rate-0.5-3, random-all, adapter-all, adapter-3, rank1-all, full",
    });
  }
  const { parameters, layers, place, reward } = target;
  const single = parameters === "rank1" || parameters === "full" || run.learningRates.length > 1;
  return parseSteeringConfig({
    ...settings,
    ...run.settings,
    parameters,
    layers,
    ...(place === "mlp" ? {} : { place }),
    ...(reward === undefined ? {} : { reward }),
    learningRates: single ? run.learningRates : layers.map(() => run.learningRates[0]),
    seed,
  }, { where: `${where}, run ${run.run}` });
}
