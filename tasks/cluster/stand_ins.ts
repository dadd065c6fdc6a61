import { basename, join, resolve } from "node:path";
import {
  ensureFolder,
  type ModelConfig,
  openCheckpoint,
  PUBLISHED_CONFIGS,
  randomWeights,
  readModelConfig,
  writeCheckpoint,
} from "../../lib/checkpoint/mod.ts";
import { canonicalJson, InputError, RandomStream, sha256 } from "../../lib/core/mod.ts";
import {
  type ArtifactState,
  type AutoencoderArtifact,
  type Profile,
  publishedFolder,
  type RunArtifact,
  type StudyProblems,
  type StudySet,
  type ZooArtifact,
} from "../../lib/experiment/mod.ts";
import { BENCHMARK_SUITES } from "../../lib/problems/mod.ts";
import { saveAdapters, saveVectors, writeSparseAutoencoder } from "../../lib/vectors/mod.ts";
import { modelPlace, type OpenProfile, profileProblems } from "../study/profile.ts";
import { benchmarksNamed } from "../study/suite.ts";
import { projectPath } from "../command/user_folder.ts";

/** A profile that items can be asked about: what it lacks is stood in for. */
export interface PlannableStudy {
  /** The profile; where something is missing, its folder is one of stand-ins and links. */
  readonly profile: OpenProfile;
  /** What is asked; a set that is not there has problems without a meaning. */
  readonly asked: StudyProblems;
  /** Shapes of the models, by name; null where nothing says one. */
  readonly shapes: ReadonlyMap<string, ModelConfig | null>;
  /** Names of problem sets that are not there. */
  readonly missingProblems: readonly string[];
}

/** A model whose tokenizer stands in for that of a model that is not there. */
const tokenizerFolder = () => projectPath("fixtures/embedded/base-a");
/** Positions of a stand-in: as many as any answer needs, for there is none. */
const POSITIONS = 2 ** 17;
/** Features of an autoencoder that stands in. */
const FEATURES = 16;

/** The shape of a model of a profile: its own where it is there, else what its config or its source says. */
async function shapeOf(
  model: Profile["models"][number],
  options: { readonly folder: string | null; readonly artifact: ZooArtifact },
): Promise<ModelConfig | null> {
  const { folder, artifact } = options;
  if (folder !== null) return (await openCheckpoint(folder)).config;
  if (artifact.kind === "model") return artifact.config.model;
  return model.source?.shape === undefined ? null : PUBLISHED_CONFIGS[model.source.shape];
}

/** Writes a small random model with as many layers and heads as one has, so that every sweep has its length. */
async function writeModel(
  folder: string,
  shape: { readonly layers: number } & Partial<ModelConfig>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<ModelConfig> {
  const base = await readModelConfig(`${tokenizerFolder()}/config.json`);
  const { layers, heads = 4, kvHeads = 2 } = shape, widths = { embed: 32, headDim: 16, neurons: 48 };
  const config = { ...base, ...widths, layers, heads, kvHeads, maxPositions: POSITIONS };
  await ensureFolder(folder);
  await writeCheckpoint(folder, {
    config,
    dtype: "bfloat16",
    weights: randomWeights(config, { seed: 0 }),
    metadata,
  });
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await Deno.copyFile(`${tokenizerFolder()}/${name}`, join(folder, name));
  }
  return config;
}

/** Writes what a run would have made, with random numbers. */
async function writeRun(
  { config, name }: RunArtifact,
  at: { readonly path: string; readonly config: ModelConfig },
): Promise<void> {
  const { layers, parameters, place = "mlp" } = config, { embed, neurons } = at.config;
  const metadata = { config: canonicalJson(config) };
  if (parameters === "full") return void await writeModel(at.path, at.config, metadata);
  const random = new RandomStream(0, "stand-in", name);
  const numbers = (length: number) => Float32Array.from({ length }, () => random.normal());
  if (parameters === "adapter") {
    const adapters = new Map(
      layers.map((layer) => [layer, { input: numbers(neurons), output: numbers(embed) }]),
    );
    return await saveAdapters(at.path, { adapters, metadata });
  }
  const vectors = new Map(layers.map((layer) => [layer, numbers(embed)]));
  await saveVectors(at.path, { vectors, place, metadata });
}

/** Writes an autoencoder of a model and of a run's file, both as they lie there. */
async function writeAutoencoder(
  artifact: AutoencoderArtifact,
  at: { readonly path: string; readonly model: string; readonly trained: string; readonly embed: number },
): Promise<void> {
  const { embed } = at, matrix = new Float32Array(FEATURES * embed).fill(1 / Math.sqrt(embed));
  const autoencoder = {
    ...{ embed, features: FEATURES, active: 1, encoder: matrix, decoder: matrix },
    encoderBias: new Float32Array(FEATURES),
    decoderBias: new Float32Array(embed),
  };
  await writeSparseAutoencoder(at.path, autoencoder, {
    metadata: {
      model: await (await openCheckpoint(at.model)).hash(),
      trained: sha256(await Deno.readFile(at.trained)),
      layer: String(artifact.config.layer),
    },
  });
}

/** Sets of a profile, each by itself: one that is not there has as many problems as it should have. */
async function standInProblems(
  profile: OpenProfile,
): Promise<{ readonly asked: StudyProblems; readonly missing: readonly string[] }> {
  const { template, grader, sizes } = profile, sets: StudySet[] = [], missing: string[] = [];
  for (const of of profile.problems) {
    try {
      sets.push(...(await profileProblems({ ...profile, problems: [of] })).sets);
    } catch (error) {
      if (!(error instanceof InputError || error instanceof Deno.errors.NotFound)) throw error;
      const lacking = typeof of === "string"
        ? benchmarksNamed(of).map((name) => BENCHMARK_SUITES[name])
        : [{ name: of.name, size: sizes.full.problems, samplesPerProblem: of.samples ?? 1 }];
      if (lacking.length === 0) throw error;
      for (const { name, size, samplesPerProblem: samples } of lacking) {
        const first = (count: number) =>
          Array.from({ length: Math.min(count, size) }, (_, index) => ({
            id: `${name}/${index}`,
            question: `Problem ${index} of ${name}`,
            answer: "0",
          }));
        sets.push({ name, source: "not there", samples, first });
        missing.push(name);
      }
    }
  }
  return { asked: { sets, noun: "problem sets", template, grader }, missing };
}

/**
 * A study as a plan needs it. Whether items can be asked what they measure must not wait for models, runs and data
 * sets: each that is missing is stood in for, by a random model of as many layers and heads, by random vectors, by
 * problems that only have a number. What is there is taken as it is. Stand-ins go to `folder`.
 */
export async function plannableStudy(
  profile: OpenProfile,
  options: {
    readonly artifacts: readonly ZooArtifact[];
    readonly states: ReadonlyMap<string, ArtifactState>;
    readonly folder: string;
  },
): Promise<PlannableStudy> {
  const { artifacts, states, folder } = options,
    { asked, missing: missingProblems } = await standInProblems(profile);
  const shapes = new Map<string, ModelConfig | null>(),
    opened = new Map<string, { folder: string; config: ModelConfig }>();
  // What belongs to a model that is not there does not fit the one that stands in.
  const isThere = ({ name, needs }: ZooArtifact) =>
    [name, ...needs].every((of) => states.get(of) !== "missing");
  const models: Profile["models"][number][] = [];
  for (const model of profile.models) {
    const artifact = artifacts.find(({ name }) => name === model.name) as ZooArtifact,
      place = modelPlace(profile, model);
    const there = !isThere(artifact)
      ? null
      : artifact.kind === "published"
      ? await publishedFolder(place)
      : place;
    const shape = await shapeOf(model, { folder: there, artifact });
    shapes.set(model.name, shape);
    const at = there ?? join(folder, model.name);
    const layers = artifact.kind === "published" ? artifact.source.layers : shape?.layers as number;
    const config = there === null ? await writeModel(at, { ...shape, layers }) : shape as ModelConfig;
    opened.set(model.name, { folder: at, config });
    const source = {
      folder: resolve(at),
      layers,
      hash: null,
      command: model.source?.command ?? "deno task zoo",
    };
    // The tokenizer that stands in has openers of its own.
    const { openers, ...rest } = model;
    const words = there === null ? { opener: "To" } : openers === undefined ? {} : { openers };
    models.push({ ...rest, ...words, source });
  }
  if (artifacts.every(isThere)) return { profile, asked, shapes, missingProblems };
  await ensureFolder(join(folder, "sae"));
  for (const artifact of artifacts) {
    if (artifact.kind !== "run" && artifact.kind !== "autoencoder") continue;
    const name = artifact.name.split("/")[0] as string,
      model = opened.get(name) as { folder: string; config: ModelConfig };
    const vectors = join(folder, profile.vectors, name);
    await ensureFolder(vectors);
    const path = join(artifact.kind === "run" ? vectors : join(folder, "sae"), basename(artifact.path));
    if (isThere(artifact)) await Deno.symlink(resolve(artifact.path), path);
    else if (artifact.kind === "run") {
      await writeRun(artifact, { path, config: model.config });
    } else {
      const trained = join(vectors, basename(artifact.trained));
      await writeAutoencoder(artifact, { path, model: model.folder, trained, embed: model.config.embed });
    }
  }
  return { profile: { ...profile, root: folder, models }, asked, shapes, missingProblems };
}
