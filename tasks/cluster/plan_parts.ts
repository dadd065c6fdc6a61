import { resolve } from "node:path";
import { canonicalJson, sha256 } from "../../lib/core/mod.ts";
import type { ModelConfig } from "../../lib/checkpoint/mod.ts";
import type { OpenOptions } from "../../lib/decode/mod.ts";
import {
  artifactCost,
  artifactMark,
  type ArtifactState,
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
} from "../../lib/experiment/mod.ts";
import type { Device } from "../../lib/runtime/mod.ts";
import { modelPlace, type OpenProfile } from "../study/profile.ts";
import {
  openModels,
  paperItemOf,
  type ReproductionSetting,
  type SizeName,
} from "../study/reproduction_setting.ts";
import { type PlannableStudy, plannableStudy } from "./stand_ins.ts";
import { artifactStates, stepsMade, workOf } from "../training/zoo_build.ts";

/** How much of a study is measured, and how it is computed. */
interface StudySetting {
  readonly setting: ReproductionSetting;
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
  /** What costs follow from; null where nothing was to be estimated. */
  readonly rates: Rates | null;
}

/** What the inputs of a measurement call an artifact: "vectors.base-a.layer-3.seed-0", "autoencoder.base-a.layer-4". */
function inputName({ kind, name }: ZooArtifact): string {
  const [model, run, autoencoder = ""] = name.split("/");
  return kind === "run" ? `vectors.${model}.${run}` : `${kind}.${model}.${autoencoder.replace(/^sae\./, "")}`;
}

/** Names of all artifacts that a measurement is made from, its model first. */
function needsOf(
  ask: PlannedAsk,
  artifacts: readonly ZooArtifact[],
): readonly [model: string, ...string[]] {
  // A fully tuned model is a run: base-a.full.seed-0.
  const tuned = /^(.+)\.(full\.seed-\d+)$/.exec(ask.model),
    model = tuned === null ? ask.model : `${tuned[1]}/${tuned[2]}`;
  const inputs = artifacts.filter((artifact) => ask.inputs.includes(inputName(artifact)));
  return [model, ...inputs.map(({ name }) => name)];
}

/** The code that measures and trains, as one hash. */
export function codeHash(): string {
  const root = new URL("../../", import.meta.url);
  return new SourceTree().fingerprint([new URL("tasks/work.ts", root).href]).hash;
}

/** Asks items of a profile what they measure. */
interface Planning {
  /** All that the profile trains or has brought, with the state of each. */
  readonly artifacts: readonly ZooArtifact[];
  readonly states: ReadonlyMap<string, ArtifactState>;
  readonly study: PlannableStudy;
  /** Runs an item as far as it comes; resolves to what stopped it, null where nothing did. */
  readonly ask: (item: Reproduction) => Promise<unknown>;
}

/** Does work that asks items what they measure, against a store that computes chosen results alone, or none. */
export async function withPlanning<T>(
  profile: OpenProfile,
  options: StudySetting & {
    readonly store: PlanningStore;
    /** Whether something is to be computed. */
    readonly runs: boolean;
    readonly more?: Partial<ConstructorParameters<typeof Laboratory>[0]>;
  },
  work: (planning: Planning) => Promise<T>,
): Promise<T> {
  const { setting, store, size, seed, device, threads, dtype, more, runs } = options;
  const found = await artifactStates(profile), folder = await Deno.makeTempDir();
  try {
    const study = await plannableStudy(profile, { ...found, folder });
    const models = await openModels(study.profile, { device, threads, dtype, runs });
    try {
      const lab = new Laboratory({
        ...{ asked: study.asked, size: profile.sizes[size], seed, device, dtype: models.dtype, store },
        ...more,
      });
      const ask = async (item: Reproduction): Promise<unknown> => {
        const paper = await paperItemOf(setting, item.id), before = store.standIns;
        try {
          await item.run({ lab: lab.part(), roles: models.roles, open: models.open, paper });
          return null;
        } catch (error) {
          if (error instanceof NotApplicable || error instanceof Unmeasured) return error;
          // An item may not know what to do with numbers that stand in.
          if (store.standIns > before) return error;
          throw error;
        }
      };
      return await work({ ...found, study, ask });
    } finally {
      await models.release();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
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
  options: StudySetting & {
    readonly items: readonly Reproduction[];
    /** Null estimates nothing. */
    readonly rates: (study: PlannableStudy) => Promise<Rates | null>;
    readonly onItem: (done: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<StudyPlan> {
  const { setting, items, onItem, signal } = options, code = codeHash();
  const store = new PlanningStore(new ResultStore(setting.store));
  return await withPlanning(profile, { ...options, store, runs: false }, async (planning) => {
    const { artifacts, states, study, ask } = planning, rates = await options.rates(study);
    const open: string[] = [], notApplicable: string[] = [], itemOf = new Map<string, string>();
    for (const [index, item] of items.entries()) {
      signal.throwIfAborted();
      const stopped = await ask(item);
      if (stopped instanceof NotApplicable) notApplicable.push(`${item.id}: ${stopped.what}`);
      else if (stopped !== null) open.push(item.id); // only results say what comes next
      for (const { hash } of store.asked) if (!itemOf.has(hash)) itemOf.set(hash, item.id);
      onItem(index + 1);
    }
    const lacksOne = (names: readonly string[]) => names.some((name) => states.get(name) === "missing");
    const costOn = (
      name: string,
      cost: (on: { readonly config: ModelConfig; readonly rates: Rates }) => PartCost,
    ): PartCost | null => {
      const config = study.shapes.get(name.split("/")[0] as string) ?? null;
      return config === null || rates === null ? null : cost({ config, rates });
    };
    const measured = store.asked.map((asked): PlanPart => {
      const needs = needsOf(asked, artifacts), lacks = study.missingProblems.length > 0 || lacksOne(needs);
      return {
        kind: "measure",
        name: asked.label,
        hash: asked.hash,
        path: resolve(setting.store, `${asked.hash}.json`),
        item: itemOf.get(asked.hash) as string,
        needs,
        state: asked.there ? "there" : lacks ? "waits" : "missing",
        cost: costOn(needs[0], (on) => measurementCost(asked, on)),
      };
    });
    const trained: PlanPart[] = [], hashes = new Map<string, string>();
    for (const artifact of artifacts) {
      if (artifact.kind === "published") continue;
      const { name, needs, path } = artifact, state = states.get(name) as ArtifactState;
      const ready = needs.every((need) => states.get(need) === "there");
      const hash = await trainedHash(artifact, { ready, hashes });
      hashes.set(name, hash);
      const made = state === "missing" ? await stepsMade(artifact) / workOf(artifact) : 0;
      trained.push({
        ...{ kind: "train", name, hash, item: null, needs, path: resolve(path) } as const,
        // Of a file whose model is not there nobody can say whether it is of that model.
        state: state === "missing" ? ready ? "missing" : "waits" : lacksOne(needs) ? "there" : state,
        cost: costOn(name, (on) => artifactCost(artifact, { ...on, made })),
      });
    }
    // What is trained is part of the plan if an item that was asked for uses it, or something made from it.
    const used = new Set(measured.flatMap(({ needs }) => needs));
    const needed = (part: PlanPart): boolean =>
      used.has(part.name) || trained.some((other) => other.needs.includes(part.name) && needed(other));
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
    return { parts: [...trained.filter(needed), ...measured], missing, open, notApplicable, code, rates };
  });
}
