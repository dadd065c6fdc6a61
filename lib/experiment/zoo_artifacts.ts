import { dirname, isAbsolute, join, resolve } from "node:path";
import { modelFolder, openCheckpoint, parseHubId, readSafetensorsHeader } from "../checkpoint/mod.ts";
import { canonicalJson, InputError, sha256, withoutMark } from "../core/mod.ts";
import {
  type DiffSaeRecipe,
  parseDiffSaeRecipe,
  parsePretrainConfig,
  type PretrainConfig,
  pretrainRunHash,
  type SteeringConfig,
  steeringRunHash,
} from "../train/mod.ts";
import type { Profile } from "./profile.ts";
import { type ModelSource, runConfig } from "./zoo_catalogue.ts";

/** What every artifact of a zoo has. */
export interface ArtifactBase {
  /** Unique in the profile: `base-a`, `base-a/layer-3.seed-0`, `base-a/all.seed-0/sae.layer-4`. */
  readonly name: string;
  /** Names of the artifacts that it is made from. */
  readonly needs: readonly string[];
  /** The file, or the model's folder. */
  readonly path: string;
}

/** A pretrained model. */
export interface ModelArtifact extends ArtifactBase {
  /** Tells it from the others. */
  readonly kind: "model";
  /** What decides it. */
  readonly config: PretrainConfig;
  /** Where that config is from. */
  readonly configPath: string;
  /** Folder of the model that it goes on from, or null. */
  readonly from: string | null;
}

/** A model that is published elsewhere, and is brought rather than built. */
export interface PublishedArtifact extends ArtifactBase {
  /** Tells it from the others. */
  readonly kind: "published";
  /** How to know it, and what brings it. */
  readonly source: ModelSource;
}

/** What one RL run of one training seed makes. */
export interface RunArtifact extends ArtifactBase {
  /** Tells it from the others. */
  readonly kind: "run";
  /** What decides it, but for the model. */
  readonly config: SteeringConfig;
  /** Folder of the model. */
  readonly model: string;
  /** What the run is told to write: its file, or for all weights the folder that gets the model's. */
  readonly out: string;
  /** Layers of the model. */
  readonly layerCount: number;
}

/** A sparse autoencoder. */
export interface AutoencoderArtifact extends ArtifactBase {
  /** Tells it from the others. */
  readonly kind: "autoencoder";
  /** What decides it, but for model and run. */
  readonly config: DiffSaeRecipe;
  /** Folder of the model. */
  readonly model: string;
  /** File of the vectors or adapters. */
  readonly trained: string;
}

/** One thing that a zoo is made of. */
export type ZooArtifact = ModelArtifact | PublishedArtifact | RunArtifact | AutoencoderArtifact;

/** Whether an artifact is there, and made from what the catalogue asks for. */
export type ArtifactState = "there" | "missing" | "made from other inputs";

async function readJson(path: string, from: { readonly where: string }): Promise<unknown> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new InputError(`there is no ${path}, which the profile names`, { ...from, cause });
  }
  try {
    return JSON.parse(withoutMark(text));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`the config is not valid JSON, ${reason}`, { where: path, cause });
  }
}

/** What of a profile says where things lie, and how they are made. */
export type ProfileParts = Pick<
  Profile,
  "folder" | "vectors" | "settings" | "models" | "first" | "autoencoders"
>;

/** The folder that holds what a profile makes; `where` is the profile's own path. */
export function profileFolder(
  { folder }: Pick<Profile, "folder">,
  { where }: { readonly where: string },
): string {
  return isAbsolute(folder) ? folder : join(dirname(where), folder);
}

/** Where a published model lies: a folder, relative to the profile, or as it stands an id of the hub cache. */
export function sourceFolder({ folder }: ModelSource, { where }: { readonly where: string }): string {
  return isAbsolute(folder) || parseHubId(folder) !== null ? folder : join(dirname(where), folder);
}

/**
 * Everything that a profile asks for, each after what it is made from. `where` is the profile's path: configs, models
 * that are trained here, `vectors/` and `sae/` lie in its folder.
 *
 * @throws {InputError} for a config that is missing or bad, a run that its model cannot have, and models that go on
 * from each other in a circle.
 */
export async function zooArtifacts(
  profile: ProfileParts,
  options: { readonly where: string },
): Promise<readonly ZooArtifact[]> {
  const { where } = options, root = profileFolder(profile, options);
  const models = new Map<string, ModelArtifact | PublishedArtifact>();
  const folders = new Map(profile.models.map(({ name }) => [resolve(root, name), name]));
  for (const { name, config: file, source } of profile.models) {
    if (source !== null) {
      const path = sourceFolder(source, options);
      models.set(name, { kind: "published", name, needs: [], path, source });
    }
    if (file === null) continue;
    const configPath = join(root, file);
    const config = parsePretrainConfig(await readJson(configPath, { where }), { where: configPath });
    const from = config.from === undefined
      ? null
      : isAbsolute(config.from)
      ? config.from
      : join(dirname(configPath), config.from);
    const donor = from === null ? undefined : folders.get(resolve(from));
    const needs = donor === undefined ? [] : [donor];
    models.set(name, { kind: "model", name, needs, path: join(root, name), config, configPath, from });
  }
  const artifacts: ZooArtifact[] = [];
  const visit = (name: string, waiting: readonly string[]): void => {
    const model = models.get(name);
    if (model === undefined || artifacts.includes(model)) return;
    if (waiting.includes(name)) {
      throw new InputError(`models go on from each other in a circle: ${[...waiting, name].join(", ")}`, {
        where,
      });
    }
    for (const donor of model.needs) visit(donor, [...waiting, name]);
    artifacts.push(model);
  };
  for (const { name, runs } of profile.models) {
    visit(name, []);
    const { path: model, layerCount } = shapeOf(models, name);
    const folder = join(root, profile.vectors, name);
    for (const run of runs) {
      for (const seed of run.seeds) {
        const config = runConfig(run, { settings: profile.settings, seed, layerCount, where });
        const stem = `${run.run}.seed-${seed}`;
        const path = join(folder, config.parameters === "full" ? stem : `${stem}.safetensors`);
        const base = { name: `${name}/${stem}`, needs: [name], path };
        const out = config.parameters === "full" ? folder : path;
        artifacts.push({ ...base, kind: "run", config, model, out, layerCount });
      }
    }
  }
  for (const { model: name, run, seed, config: file } of profile.autoencoders) {
    const configPath = join(root, file),
      { path: model, layerCount } = shapeOf(models, name);
    const config = parseDiffSaeRecipe(await readJson(configPath, { where }), { where: configPath });
    const { layer } = config, stem = `${run}.seed-${seed}`;
    if (run === "full" || layer >= layerCount) {
      throw new InputError(`there can be no autoencoder of ${name}, ${run}, layer ${layer}`, {
        where,
        repair: `name a run of vectors or adapters, and in ${file} one of the layers 0 to ${layerCount - 1}`,
      });
    }
    artifacts.push({
      kind: "autoencoder",
      name: `${name}/${stem}/sae.layer-${layer}`,
      needs: [name, `${name}/${stem}`],
      path: join(root, "sae", `${name}.${seed === 0 ? run : stem}.layer-${layer}.safetensors`),
      config,
      model,
      trained: join(root, profile.vectors, name, `${stem}.safetensors`),
    });
  }
  return firstOf(artifacts, profile.first, where);
}

/** Where a model lies, and its number of layers. */
function shapeOf(models: ReadonlyMap<string, ModelArtifact | PublishedArtifact>, name: string) {
  const model = models.get(name) as ModelArtifact | PublishedArtifact;
  return {
    path: model.path,
    layerCount: model.kind === "published" ? model.source.layers : model.config.model.layers,
  };
}

/** Whether a name of an artifact is the given one or goes on from it: `base-a/all.seed-0` from `base-a/all`. */
export function belongsTo({ name }: Pick<ZooArtifact, "name">, given: string): boolean {
  return name === given || name.startsWith(`${given}/`) || name.startsWith(`${given}.`);
}

/** Artifacts in the order of building: the models, the runs that are named, all else. */
function firstOf(
  artifacts: readonly ZooArtifact[],
  first: readonly string[],
  where: string,
): readonly ZooArtifact[] {
  if (first.length === 0) return artifacts;
  const models = artifacts.filter(({ kind }) => kind === "model" || kind === "published");
  const named = first.flatMap((given) => {
    const found = artifacts.filter((artifact) => artifact.kind === "run" && belongsTo(artifact, given));
    if (found.length > 0) return found;
    throw new InputError(`bad profile at first, there is no run "${given}"`, { where });
  });
  return [...new Set([...models, ...named, ...artifacts])];
}

/** The folder of a published model, or null where it is not there. */
export async function publishedFolder(path: string): Promise<string | null> {
  if (parseHubId(path) === null) return await isThere(`${path}/config.json`) ? path : null;
  try {
    return await modelFolder(path);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return null;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

const checkpointHashes = new Map<string, Promise<string>>();

/** The hash of a model, read once for all runs on it, unless its files change. */
async function hashOf(folder: string): Promise<string> {
  const at = await modelFolder(folder);
  if (!await isThere(at)) return await (await openCheckpoint(folder)).hash(); // which says what is wrong
  const files = (await Array.fromAsync(Deno.readDir(at))).map(({ name }) => `${at}/${name}`).sort();
  const stats = await Promise.all(files.map(async (file) => [file, await Deno.stat(file)] as const));
  const state = canonicalJson(stats.map(([file, { size, mtime }]) => [file, size, mtime?.getTime() ?? 0]));
  const hash = checkpointHashes.get(state) ?? openCheckpoint(folder).then((checkpoint) => checkpoint.hash());
  checkpointHashes.set(state, hash);
  return await hash;
}

/** The metadata by which a file shows what it was made from. */
export type ArtifactMark = Readonly<Record<string, string>>;

/**
 * What the metadata of an artifact says when it is made from what the catalogue asks for: the hash of a run, or the
 * config and the hashes of model and vectors. What it `needs` must be there.
 */
export async function artifactMark(
  artifact: Exclude<ZooArtifact, PublishedArtifact>,
): Promise<ArtifactMark> {
  switch (artifact.kind) {
    case "model": {
      const { from, config } = artifact;
      return { run: pretrainRunHash(config, from === null ? {} : { fromHash: await hashOf(from) }) };
    }
    case "run":
      return { run: steeringRunHash(artifact.config, { model: await hashOf(artifact.model) }) };
    case "autoencoder":
      return {
        config: canonicalJson(artifact.config),
        model: await hashOf(artifact.model),
        trained: sha256(await Deno.readFile(artifact.trained)),
      };
  }
}

/**
 * The state of an artifact, given the states of all that come before it. What lies on something that is missing or
 * made from other inputs counts as made from other inputs itself: nothing says what it belongs to.
 *
 * @throws {InputError} for a file that is damaged.
 */
export async function artifactState(
  artifact: ZooArtifact,
  states: ReadonlyMap<string, ArtifactState>,
): Promise<ArtifactState> {
  const { kind, path, needs } = artifact;
  if (kind === "published") {
    const { hash } = artifact.source, there = await publishedFolder(path);
    if (there === null) return "missing";
    return hash === null || await hashOf(there) === hash ? "there" : "made from other inputs";
  }
  const folder = kind === "model" || (kind === "run" && artifact.config.parameters === "full");
  if (!await isThere(folder ? `${path}/config.json` : path)) return "missing";
  if (needs.some((name) => states.get(name) !== "there")) return "made from other inputs";
  const { metadata } = await readSafetensorsHeader(folder ? `${path}/model.safetensors` : path);
  const same = Object.entries(await artifactMark(artifact)).every(([key, value]) =>
    metadata.get(key) === value
  );
  return same ? "there" : "made from other inputs";
}
