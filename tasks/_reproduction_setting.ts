import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type CatalogueModel,
  EvaluationPool,
  type ModelRole,
  parseZooCatalogue,
  STUDY_SIZES,
  type StudySize,
  ZooModel,
} from "../lib/experiment/mod.ts";
import { type ExpectationFile, type PaperItem, readExpectations, readPaperItem } from "../lib/report/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import type { OpenOptions } from "../lib/decode/mod.ts";
import type { Device } from "../lib/runtime/mod.ts";
import { COMPUTE_FLAGS, computeOptions } from "./_compute_flags.ts";
import { readConfigFile } from "./_config_file.ts";
import { openModel } from "./_model_input.ts";
import { exists } from "./_output_place.ts";

/** Where reproductions find what they need and keep what they measured, and how much they measure. */
export interface ReproductionSetting {
  /** Holds `embedded/` (models, vectors, expected values) and `paper/`. */
  readonly fixtures: string;
  /** Measurements of earlier runs, under the hash of what made them. */
  readonly store: string;
  /** What `--size` names. */
  readonly sizes: { readonly full: StudySize; readonly quick: StudySize };
}

/** The setting of this repository. */
export const REPOSITORY: ReproductionSetting = {
  fixtures: fileURLToPath(new URL("../fixtures", import.meta.url)),
  store: fileURLToPath(new URL("../.store", import.meta.url)),
  sizes: STUDY_SIZES,
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

/** The catalogue's model of a role. */
async function catalogueModel(setting: ReproductionSetting, role: ModelRole): Promise<CatalogueModel> {
  const where = `${setting.fixtures}/embedded/zoo.json`;
  const { models } = parseZooCatalogue(await readConfigFile(where), { where });
  const model = models.find((candidate) => candidate.role === role);
  if (model !== undefined) return model;
  throw new InputError(`no model has the role "${role}"`, {
    where,
    repair: "add one, and train it: deno task zoo",
  });
}

/** The models of a command, opened when they are asked for. */
export interface OpenModels {
  /** The model of a role. Throws an InputError for anything wrong with it. */
  readonly open: (role: ModelRole) => Promise<ZooModel>;
  /** What models compute in. */
  readonly dtype: ZooModel["model"]["dtype"];
  /** Frees every model that was opened. */
  readonly release: () => Promise<void>;
}

/** The models of the zoo, base A opened and checked at once; another folder may take base A's place. */
export async function openModels(
  setting: ReproductionSetting,
  options: {
    readonly model?: string | undefined;
    readonly vectors?: string | undefined;
    readonly device: Device;
    readonly threads: number;
    readonly dtype?: OpenOptions["dtype"] | undefined;
  },
): Promise<OpenModels> {
  const { model, vectors } = options;
  const compute = computeOptions({ ...options, dtype: options.dtype });
  const opened = new Map<ModelRole, Promise<ZooModel>>();
  const openRole = async (role: ModelRole): Promise<ZooModel> => {
    const { name, opener } = await catalogueModel(setting, role);
    const given = role === "a" ? model : undefined;
    const entry = {
      name: given === undefined ? name : basename(resolve(given)),
      modelFolder: given ?? `${setting.fixtures}/embedded/${name}`,
      vectorsFolder: (role === "a" ? vectors : undefined) ?? `${setting.fixtures}/embedded/vectors/${name}`,
      autoencodersFolder: (role === "a" ? vectors : undefined) ?? `${setting.fixtures}/embedded/sae`,
      opener,
    };
    await (await openModel(entry.modelFolder, compute)).release();
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
  return { open, dtype, release };
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
export type SizeName = keyof ReproductionSetting["sizes"];

/** Where the expected values of an item at a size are, below the fixtures. */
export function expectedFile(size: SizeName, id: string): string {
  return `embedded/expected/${size}/${id}.json`;
}

/** Expected values of an item, or null where none were recorded. */
export async function expectationsOf(
  setting: ReproductionSetting,
  item: { readonly size: SizeName; readonly id: string },
): Promise<ExpectationFile | null> {
  const { size, id } = item, path = `${setting.fixtures}/${expectedFile(size, id)}`;
  return await exists(path) ? await readExpectations(path, { id }) : null;
}

/** What the paper says of an item, or null where nothing is written down. */
export async function paperItemOf(setting: ReproductionSetting, id: string): Promise<PaperItem | null> {
  const path = `${setting.fixtures}/paper/${id}.json`;
  return await exists(path) ? await readPaperItem(path, { item: id }) : null;
}
