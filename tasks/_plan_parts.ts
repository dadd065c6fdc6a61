import { resolve } from "node:path";
import { canonicalJson, sha256 } from "../lib/core/mod.ts";
import type { ModelConfig } from "../lib/checkpoint/mod.ts";
import type { OpenOptions } from "../lib/decode/mod.ts";
import {
  artifactCost,
  artifactMark,
  type ArtifactState,
  artifactState,
  Laboratory,
  measurementCost,
  NotApplicable,
  type PartCost,
  type PlannedAsk,
  PlanningStore,
  type Rates,
  type Reproduction,
  ResultStore,
  SourceTree,
  Unmeasured,
  type ZooArtifact,
  zooArtifacts,
} from "../lib/experiment/mod.ts";
import type { Device } from "../lib/runtime/mod.ts";
import { modelPlace, type OpenProfile } from "./_profile.ts";
import { openModels, paperItemOf, type ReproductionSetting, type SizeName } from "./_reproduction_setting.ts";
import { type PlannableStudy, plannableStudy } from "./_stand_ins.ts";
import { stepsMade, workOf } from "./_zoo_build.ts";

/** What is planned, and how it will be computed. */
export interface StudyAsked {
  readonly items: readonly Reproduction[];
  readonly size: SizeName;
  readonly seed: number;
  readonly device: Device;
  readonly dtype?: OpenOptions["dtype"] | undefined;
  readonly threads: number;
}

/** One part of a study: a thing to train, or a measurement. */
export interface PlanPart {
  readonly kind: "train" | "measure";
  /** `base-a/layer-3.seed-0`, or "base-a layer-3.seed-0 sampling". */
  readonly name: string;
  /**
   * What `zoo` and `reproduce` know the part by: a run's config and model, a measurement's key. Of a part whose inputs are
   * not there yet it is a hash of what is known of them.
   */
  readonly hash: string;
  /** The file or folder that says that it is there. */
  readonly path: string;
  /** The first item that asks for a measurement; null for what is trained. */
  readonly item: string | null;
  /** Names of the trained parts and published models that it is made from. */
  readonly needs: readonly string[];
  /** `waits` lacks one of these. */
  readonly state: ArtifactState | "waits";
  /** Null where the shape of the model is not known. */
  readonly cost: PartCost | null;
}

/** Everything that a study is made of. */
export interface StudyPlan {
  readonly parts: readonly PlanPart[];
  /** Published models and problem sets that have to be brought, each with its command or reason. */
  readonly missing: readonly string[];
  /** Items that ask for more once results are there, which decide what. */
  readonly open: readonly string[];
  /** Items that the profile has nothing for, with the reason. */
  readonly notApplicable: readonly string[];
  /** The code that measures: a plan is good for no other. */
  readonly code: string;
}

/** What the inputs of a measurement call an artifact: "vectors.base-a.layer-3.seed-0", "autoencoder.base-a.layer-4". */
function inputName({ kind, name }: ZooArtifact): string {
  const [model, run, autoencoder = ""] = name.split("/");
  return kind === "run" ? `vectors.${model}.${run}` : `${kind}.${model}.${autoencoder.replace(/^sae\./, "")}`;
}

/** Names of all artifacts that a measurement is made from. */
function needsOf(ask: PlannedAsk, artifacts: readonly ZooArtifact[]): readonly string[] {
  // A fully tuned model is a run: base-a.full.seed-0.
  const tuned = /^(.+)\.(full\.seed-\d+)$/.exec(ask.model),
    model = tuned === null ? ask.model : `${tuned[1]}/${tuned[2]}`;
  const inputs = artifacts.filter((artifact) => ask.inputs.includes(inputName(artifact)));
  return [model, ...inputs.map(({ name }) => name)];
}

/** How far an item came that was asked what it measures. */
export interface Asked {
  /** `open` stopped where only results say what comes next. */
  readonly answer: "whole" | "open" | "not applicable";
  /** What stopped it. */
  readonly error: unknown;
}

/** Runs an item against a store that computes nothing, or chosen results alone. */
async function askItem(
  item: Reproduction,
  bench: Parameters<Reproduction["run"]>[0],
  store: PlanningStore,
): Promise<Asked> {
  const before = store.standIns;
  try {
    await item.run(bench);
    return { answer: "whole", error: null };
  } catch (error) {
    if (error instanceof NotApplicable) return { answer: "not applicable", error };
    // An item may not know what to do with numbers that stand in: what it asks for after them is open.
    if (error instanceof Unmeasured || store.standIns > before) return { answer: "open", error };
    throw error;
  }
}

/** The artifacts of a profile with their states. */
export async function artifactStates(profile: OpenProfile): Promise<{
  readonly artifacts: readonly ZooArtifact[];
  readonly states: ReadonlyMap<string, ArtifactState>;
}> {
  const artifacts = await zooArtifacts(profile, profile), states = new Map<string, ArtifactState>();
  for (const artifact of artifacts) states.set(artifact.name, await artifactState(artifact, states));
  return { artifacts, states };
}

/** The code that measures and trains, as one hash. */
export function codeHash(): string {
  const root = new URL("../", import.meta.url);
  return new SourceTree().fingerprint([new URL("tasks/work.ts", root).href]).hash;
}

/** A laboratory that hears what items ask for; results of `made` it computes. */
export async function openPlanning<T>(
  profile: OpenProfile,
  options: StudyAsked & {
    readonly setting: ReproductionSetting;
    readonly study: PlannableStudy;
    readonly store: PlanningStore;
    /** Whether something is to be computed. */
    readonly runs: boolean;
    readonly more?: Partial<ConstructorParameters<typeof Laboratory>[0]>;
  },
  work: (ask: (item: Reproduction) => Promise<Asked>) => Promise<T>,
): Promise<T> {
  const { setting, study, store, size, seed, device, threads, dtype, more, runs } = options;
  const models = await openModels(study.profile, { device, threads, dtype, runs });
  try {
    const lab = new Laboratory({
      ...{ asked: study.asked, size: profile.sizes[size], seed, device, dtype: models.dtype, store },
      ...more,
    });
    const { roles, open } = models;
    return await work(async (item) => {
      const paper = await paperItemOf(setting, item.id);
      return await askItem(item, { lab: lab.part(), roles, open, paper }, store);
    });
  } finally {
    await models.release();
  }
}

/** Which part an artifact is, told by what it is made from. */
async function trainedHash(
  artifact: Exclude<ZooArtifact, { readonly kind: "published" }>,
  options: { readonly ready: boolean; readonly hashes: ReadonlyMap<string, string> },
): Promise<string> {
  const { name, config, needs } = artifact;
  if (options.ready) return sha256(canonicalJson({ name, ...await artifactMark(artifact) }));
  return sha256(
    canonicalJson({ name, config, needs: needs.map((need) => options.hashes.get(need) ?? need) }),
  );
}

/**
 * The parts of a study: what is trained, as `zoo` trains it, and what its items measure, which they are asked for. What
 * is there is told by the keys that `zoo` and `reproduce` use. `onItem` is told of each item that was asked.
 */
export async function studyPlan(
  profile: OpenProfile,
  options: StudyAsked & {
    readonly setting: ReproductionSetting;
    /** Null estimates nothing. */
    readonly rates: (study: PlannableStudy) => Promise<Rates | null>;
    readonly onItem: (done: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<StudyPlan> {
  const { setting, items, onItem, signal } = options, code = codeHash();
  const { artifacts, states } = await artifactStates(profile);
  const folder = await Deno.makeTempDir();
  try {
    const study = await plannableStudy(profile, { artifacts, states, folder }),
      rates = await options.rates(study);
    const store = new PlanningStore(new ResultStore(setting.store)),
      open: string[] = [],
      notApplicable: string[] = [];
    const itemOf = new Map<string, string>();
    await openPlanning(profile, { ...options, study, store, runs: false }, async (ask) => {
      for (const [index, item] of items.entries()) {
        signal.throwIfAborted();
        const { answer, error } = await ask(item);
        if (answer === "open") open.push(item.id);
        if (error instanceof NotApplicable) notApplicable.push(`${item.id}: ${error.what}`);
        for (const { hash } of store.asked) if (!itemOf.has(hash)) itemOf.set(hash, item.id);
        onItem(index + 1);
      }
    });
    const shapeOf = (name: string): ModelConfig | null =>
      study.shapes.get(name.split(/[/]/)[0] as string) ?? null;
    const isThere = (name: string) => states.get(name) === "there", hashes = new Map<string, string>();
    const measured = store.asked.map((ask): PlanPart => {
      const config = shapeOf(ask.model.replace(/\.full\.seed-\d+$/, "")), needs = needsOf(ask, artifacts);
      const lacks = study.missingProblems.length > 0 || needs.some((name) => states.get(name) === "missing");
      return {
        kind: "measure",
        name: ask.label,
        hash: ask.hash,
        path: resolve(setting.store, `${ask.hash}.json`),
        item: itemOf.get(ask.hash) as string,
        needs,
        state: ask.there ? "there" : lacks ? "waits" : "missing",
        cost: config === null || rates === null ? null : measurementCost(ask, { config, rates }),
      };
    });
    // What no item that was asked for uses is not part of the plan, unless every item was.
    const used = new Set(measured.flatMap(({ needs }) => needs));
    const parts: PlanPart[] = [];
    for (const artifact of artifacts) {
      if (artifact.kind === "published") continue;
      const { name, needs, path } = artifact,
        config = shapeOf(name),
        state = states.get(name) as ArtifactState;
      const ready = needs.every(isThere), hash = await trainedHash(artifact, { ready, hashes });
      hashes.set(name, hash);
      const made = state === "missing" ? await stepsMade(artifact) / workOf(artifact) : 0;
      parts.push({
        ...{ kind: "train", name, hash, item: null, needs, path: resolve(path) } as const,
        state: state === "missing" && !ready ? "waits" : state,
        cost: config === null || rates === null ? null : artifactCost(artifact, { config, rates, made }),
      });
    }
    const needed = (part: PlanPart): boolean =>
      used.has(part.name) || parts.some((other) => other.needs.includes(part.name) && needed(other));
    const missing = [
      ...profile.models.flatMap((model) =>
        model.source !== null && states.get(model.name) === "missing"
          ? [`${model.name}: ${modelPlace(profile, model)} (bring it: ${model.source.command})`]
          : []
      ),
      ...study.missingProblems.map((name) =>
        `problems ${name} (deno task doctor --profile ${profile.asked} names the command)`
      ),
    ];
    return { parts: [...parts.filter(needed), ...measured], missing, open, notApplicable, code };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
