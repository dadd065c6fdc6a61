import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  EvaluationPool,
  type ModelRole,
  NotApplicable,
  type Profile,
  publishedFolder,
  ZooModel,
} from "../../lib/experiment/mod.ts";
import {
  type ExpectationFile,
  type PaperItem,
  readExpectations,
  readPaperItem,
} from "../../lib/report/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import type { OpenOptions } from "../../lib/decode/mod.ts";
import type { Device } from "../../lib/runtime/mod.ts";
import { COMPUTE_FLAGS, computeOptions } from "../command/compute_flags.ts";
import { openModel } from "../model/model_input.ts";
import { exists } from "../command/output_place.ts";
import { modelPlace, type OpenProfile } from "./profile.ts";

/** Where reproductions find what they need and keep what they measured. */
export interface ReproductionSetting {
  /** Holds `profiles/` and `paper/`. */
  readonly fixtures: string;
  /** Measurements of earlier runs, under the hash of what made them. */
  readonly store: string;
}

/** The setting of this repository. */
export const REPOSITORY: ReproductionSetting = {
  fixtures: fileURLToPath(new URL("../../fixtures", import.meta.url)),
  store: fileURLToPath(new URL("../../.store", import.meta.url)),
};

/** Flags that every command takes which measures reproductions. */
export const MEASURING_FLAGS = {
  size: {
    kind: "string",
    choices: ["full", "quick"],
    default: "full",
    metavar: "full|quick",
    help: "quick runs the same code on few problems; each size has its own expected values",
  },
  threads: COMPUTE_FLAGS.threads,
  "no-cache": { kind: "boolean", help: "Measure everything again and keep nothing" },
  quiet: { kind: "boolean", help: "Show no progress" },
} as const;

/** The models of a command, opened when they are asked for. */
export interface OpenModels {
  /** The roles that the profile has. */
  readonly roles: readonly ModelRole[];
  /** The model of a role. Throws an InputError for anything wrong with it. */
  readonly open: (role: ModelRole) => Promise<ZooModel>;
  /** What models compute in. */
  readonly dtype: ZooModel["model"]["dtype"];
  /** Frees every model that was opened. */
  readonly release: () => Promise<void>;
}

/** Throws an InputError that names the command, unless a published model lies where the profile says. */
async function checkThere({ source }: Profile["models"][number], folder: string): Promise<void> {
  if (source === null || await publishedFolder(folder) !== null) return;
  throw new InputError("the model is not there", { where: folder, repair: `bring it: ${source.command}` });
}

/** The models of a profile, that of role a opened and checked at once; another folder may take its place. */
export async function openModels(
  profile: OpenProfile,
  options: {
    readonly model?: string | undefined;
    readonly vectors?: string | undefined;
    readonly device: Device;
    readonly threads: number;
    readonly dtype?: OpenOptions["dtype"] | undefined;
    /** Whether they will run; see {@link openModel}. `@default true` */
    readonly runs?: boolean;
  },
): Promise<OpenModels> {
  const { template, root } = profile, { runs = true } = options;
  const { date } = profile, compute = computeOptions({ ...options, dtype: options.dtype, date });
  const opened = new Map<ModelRole, Promise<ZooModel>>();
  const openRole = async (role: ModelRole): Promise<ZooModel> => {
    const planned = profile.models.find((candidate) => candidate.role === role);
    if (planned === undefined) {
      throw new NotApplicable(`the profile ${profile.name} has no model of the role ${role}`);
    }
    const { name, opener, openers, systems, source } = planned;
    const model = role === "a" ? options.model : undefined,
      vectors = role === "a" ? options.vectors : undefined;
    const modelFolder = model ?? modelPlace(profile, planned);
    if (model === undefined) await checkThere(planned, modelFolder);
    const isPlanned = model === undefined && vectors === undefined;
    const entry = {
      name: model === undefined ? name : basename(resolve(model)),
      modelFolder,
      vectorsFolder: vectors ?? join(root, profile.vectors, name),
      autoencodersFolder: vectors ?? join(root, "sae"),
      opener,
      ...(openers === undefined ? {} : { openers }),
      ...(systems === undefined ? {} : { systems }),
      ...(date === undefined ? {} : { date }),
      ...(isPlanned
        ? {
          planned: {
            runs: planned.runs.map(({ run }) => run),
            autoencoder: profile.autoencoders.some((of) => of.model === name),
            command: `deno task zoo --profile ${profile.asked} --only ${name}/`,
          },
        }
        : {}),
    };
    const checked = await openModel(entry.modelFolder, { ...compute, template, runs });
    const hash = model === undefined ? source?.hash ?? null : null, found = await checked.checkpoint.hash();
    await checked.release();
    if (hash !== null && found !== hash) {
      throw new InputError(
        `another model than the profile's: ${found.slice(0, 12)} in place of ${hash.slice(0, 12)}`,
        {
          where: entry.modelFolder,
          repair: `bring it: ${source?.command}`,
        },
      );
    }
    return await ZooModel.open(entry, compute);
  };
  const open = (role: ModelRole): Promise<ZooModel> => {
    const model = opened.get(role) ?? openRole(role);
    opened.set(role, model);
    return model;
  };
  const { model: { dtype } } = await open("a");
  const release = async () => {
    for (const zoo of await Promise.allSettled(opened.values())) {
      if (zoo.status === "fulfilled") await zoo.value.release();
    }
  };
  return { roles: profile.models.map(({ role }) => role), open, dtype, release };
}

/** Workers for evaluations, one per thread; null where one device serves all and workers would only share it. */
export function evaluationPool(
  options: {
    readonly device: Device;
    readonly threads: number;
    readonly dtype?: OpenOptions["dtype"] | undefined;
  },
): EvaluationPool | null {
  const { device, threads, dtype = "float32" } = options;
  return device === "cpu" && dtype === "float32" && threads > 1
    ? new EvaluationPool({ workers: options.threads })
    : null;
}

/** What `--size` takes. */
export type SizeName = keyof Profile["sizes"];

/** Where the expected values of an item at a size are. */
export function expectedPath(
  { root }: OpenProfile,
  item: { readonly size: SizeName; readonly id: string },
): string {
  return join(root, "expected", item.size, `${item.id}.json`);
}

/** Expected values of an item, or null where none were recorded. */
export async function expectationsOf(
  profile: OpenProfile,
  item: { readonly size: SizeName; readonly id: string },
): Promise<ExpectationFile | null> {
  const path = expectedPath(profile, item);
  return profile.expected === "recorded" && await exists(path)
    ? await readExpectations(path, { id: item.id })
    : null;
}

/** What the paper says of an item, or null where nothing is written down. */
export async function paperItemOf(setting: ReproductionSetting, id: string): Promise<PaperItem | null> {
  const path = `${setting.fixtures}/paper/${id}.json`;
  return await exists(path) ? await readPaperItem(path, { item: id }) : null;
}
