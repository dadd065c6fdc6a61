import { ChatTokenizer, readSafetensorsHeader } from "../checkpoint/mod.ts";
import { InputError, sha256 } from "../core/mod.ts";
import { LanguageModel, type OpenOptions } from "../decode/mod.ts";
import type { VectorPlace } from "../probe/mod.ts";
import { parseSteeringConfig, type SteeringConfig } from "../train/mod.ts";
import { loadTrained, readSparseAutoencoder, type SparseAutoencoder } from "../vectors/mod.ts";
import { NotApplicable } from "./not_applicable.ts";
import type { Treatment } from "./treatment.ts";

/** Where a model of the zoo and its vectors are, and what it stands for. */
export interface ZooEntry {
  /** Name in messages and hashes: `base-a`. */
  readonly name: string;
  /** A Hugging Face folder: config.json, safetensors, tokenizer. */
  readonly modelFolder: string;
  /** Holds `RUN.seed-N.safetensors`: `all.seed-0.safetensors`, `layer-3.seed-1.safetensors`. */
  readonly vectorsFolder: string;
  /** The opener that the paper's last-layer vector boosts in this model: "To", "Step". */
  readonly opener: string;
  /** Holds `NAME.all.layer-N.safetensors`, the DiffSAE of the model. `@default` the folder of its vectors */
  readonly autoencodersFolder?: string;
  /** Openers that its answers may have. `@default` not known */
  readonly openers?: readonly string[];
  /** System messages that ask for one kind of answer, by name. `@default` none */
  readonly systems?: Readonly<Record<string, string>>;
  /** The day that its chat template shows, where it asks for one. `@default` none */
  readonly date?: string;
  /** What a profile says of it. `@default` any run and autoencoder may lie in its folders */
  readonly planned?: {
    /** Runs that it has. */
    readonly runs: readonly string[];
    /** Whether it has an autoencoder. */
    readonly autoencoder: boolean;
    /** The command that makes a run, up to its name: "deno task zoo --profile smollm2 --only smollm2/". */
    readonly command: string;
  };
}

/** A DiffSAE of the zoo: a sparse autoencoder of what the all-layer vectors change in the residual stream. */
export interface ZooAutoencoder {
  /** Its values. */
  readonly autoencoder: SparseAutoencoder;
  /** It reads `blocks.LAYER.resid_post`. */
  readonly layer: number;
  /** The vectors whose changes it was trained on. */
  readonly treatment: Treatment;
  /** SHA-256 of its file. */
  readonly hash: string;
}

/**
 * A run of the zoo: `all` or `layer-3` (vectors), `adapter-all` or `adapter-3` (rank-1 adapters on down_proj),
 * `place-attention-5` (a vector at another place of its block), `rate-0.25-4` (the vector of layer 4, trained with a
 * quarter of the learning rate of `layer-4`), `random-all` (the vectors of `all`, trained on random rewards); `full` has models of its own, see {@link ZooModel.tuned}.
 */
export type RunName =
  | "all"
  | `layer-${number}`
  | "adapter-all"
  | `adapter-${number}`
  | `place-${VectorPlace}-${number}`
  | `rate-${number}-${number}`
  | "random-all";

/** How one training seed of a run was made, as its file says it. */
export interface TrainingRecord {
  /** In messages: `layer-3.seed-0`. */
  readonly name: string;
  /** Everything that decided the run, but for the model. */
  readonly config: SteeringConfig;
  /** Hash of the file, by name: what an item that shows the record is made of. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** A model of the zoo, opened, with its trained vectors. */
export class ZooModel {
  /** Where it came from. */
  readonly entry: ZooEntry;
  /** The model; release it when done. */
  readonly model: LanguageModel;
  /** Its tokenizer. */
  readonly tokenizer: ChatTokenizer;

  readonly #options: OpenOptions;
  #tuned: Promise<readonly ZooModel[]> | null = null;

  private constructor(
    entry: ZooEntry,
    opened: {
      readonly model: LanguageModel;
      readonly tokenizer: ChatTokenizer;
      readonly options: OpenOptions;
    },
  ) {
    this.entry = entry;
    this.model = opened.model;
    this.tokenizer = opened.tokenizer;
    this.#options = opened.options;
  }

  /** Opens the model's folder. Throws an InputError for anything wrong with it. */
  static async open(entry: ZooEntry, options: OpenOptions = {}): Promise<ZooModel> {
    const model = await LanguageModel.open(entry.modelFolder, options);
    return new ZooModel(entry, { model, tokenizer: await model.tokenizer(), options });
  }

  /** Frees the model, and the tuned ones that were opened from it. */
  async release(): Promise<void> {
    const tuned = await (this.#tuned ?? []);
    for (const other of tuned) await other.release();
    await this.model.release();
  }

  /** Number of layers. */
  get layers(): number {
    return this.model.config.layers;
  }

  /** Throws {@link NotApplicable} unless the profile that the model is of has every run; whether they lie there is another matter. */
  checkPlanned(runs: readonly (RunName | "full")[]): void {
    const { name, planned } = this.entry;
    const lacking = planned === undefined ? undefined : runs.find((run) => !planned.runs.includes(run));
    if (lacking !== undefined) throw new NotApplicable(`the profile has no run "${lacking}" of ${name}`);
  }

  /**
   * What every training seed of a run made, in order of the seeds.
   *
   * @throws InputError when there is none, and for a file that does not fit the model.
   */
  async trained(run: RunName): Promise<readonly Treatment[]> {
    const found = await this.#found(run, ".safetensors");
    return await Promise.all(found.map(async ({ path, seed }) => {
      const { vectors, adapters, place } = await loadTrained(path, this.model.config);
      const hash = sha256(await Deno.readFile(path)), name = `${run}.seed-${seed}`;
      return {
        name,
        inputs: { [`vectors.${this.entry.name}.${name}`]: hash },
        ...(vectors.size === 0 ? {} : { steer: vectors, place }),
        ...(adapters.size === 0 ? {} : { adapters }),
      };
    }));
  }

  /**
   * How every training seed of a run was made, in order of the seeds, read from the files' metadata.
   *
   * @throws InputError when there is none, and for a file that does not say how it was made.
   */
  async trainingRecords(run: RunName | "full"): Promise<readonly TrainingRecord[]> {
    const files = run === "full"
      ? await Promise.all((await this.tuned()).map(async ({ entry, model }) => ({
        path: `${entry.modelFolder}/model.safetensors`,
        name: entry.name.slice(this.entry.name.length + 1),
        inputs: { [`model.${entry.name}`]: await model.checkpoint.hash() },
      })))
      : await Promise.all((await this.#found(run, ".safetensors")).map(async ({ path, seed }) => {
        const name = `${run}.seed-${seed}`, hash = sha256(await Deno.readFile(path));
        return { path, name, inputs: { [`vectors.${this.entry.name}.${name}`]: hash } };
      }));
    return await Promise.all(files.map(async ({ path, name, inputs }) => ({
      name,
      config: trainingConfigOf((await readSafetensorsHeader(path)).metadata.get("config"), path),
      inputs,
    })));
  }

  /**
   * The model's DiffSAE, checked to be of this model and of its vectors.
   *
   * @throws InputError when there is none, it is of another model or of other vectors, and when there are two.
   */
  async differenceAutoencoder(): Promise<ZooAutoencoder> {
    const { name, autoencodersFolder: folder = this.entry.vectorsFolder, planned } = this.entry;
    if (planned?.autoencoder === false) throw new NotApplicable(`the profile has no autoencoder of ${name}`);
    const repair = `train it: ${
      planned === undefined
        ? `deno task diff-sae --out ${folder}/${name}.all.layer-N.safetensors`
        : `${planned.command}all`
    }`;
    const found: { readonly path: string; readonly layer: number }[] = [];
    for (const file of await namesIn(folder, { repair })) {
      const match = /^(.+)\.all\.layer-(\d+)\.safetensors$/.exec(file);
      if (match?.[1] === name) found.push({ path: `${folder}/${file}`, layer: Number(match[2]) });
    }
    const [only, more] = found;
    if (only === undefined) throw new InputError(`no autoencoder of "${name}"`, { where: folder, repair });
    if (more !== undefined) {
      throw new InputError(`there are ${found.length} autoencoders of "${name}"`, {
        where: folder,
        repair: "leave one of them",
      });
    }
    const { path, layer } = only, { autoencoder, metadata } = await readSparseAutoencoder(path);
    const treatment = (await this.trained("all")).find(({ inputs }) =>
      Object.values(inputs).includes(metadata.get("trained") ?? "")
    );
    const fits = autoencoder.embed === this.model.config.embed && layer < this.layers &&
      metadata.get("layer") === String(layer);
    if (metadata.get("model") !== await this.model.checkpoint.hash() || treatment === undefined || !fits) {
      throw new InputError("the autoencoder was not trained on this model under its all-layer vectors", {
        where: path,
        repair,
      });
    }
    const hash = sha256(await Deno.readFile(path));
    const inputs = { ...treatment.inputs, [`autoencoder.${name}.layer-${layer}`]: hash };
    return { autoencoder, layer, treatment: { ...treatment, inputs }, hash };
  }

  /**
   * Fully tuned versions of this model by the same objective, one per training seed, opened once and released with it.
   *
   * @throws InputError when there is none, and for a folder that is no model.
   */
  tuned(): Promise<readonly ZooModel[]> {
    this.#tuned ??= this.#openTuned();
    return this.#tuned;
  }

  async #openTuned(): Promise<readonly ZooModel[]> {
    const opened: ZooModel[] = [];
    try {
      for (const { path, seed } of await this.#found("full", "")) {
        const entry = { ...this.entry, name: `${this.entry.name}.full.seed-${seed}`, modelFolder: path };
        opened.push(await ZooModel.open(entry, this.#options));
      }
      return opened;
    } catch (error) {
      for (const zoo of opened) await zoo.release();
      this.#tuned = null;
      throw error;
    }
  }

  /** Files or folders `RUN.seed-N` of a run, in order of the seeds; at least one. */
  async #found(run: RunName | "full", ending: string): Promise<readonly { path: string; seed: number }[]> {
    const { vectorsFolder: folder, planned } = this.entry;
    this.checkPlanned([run]);
    const repair = planned === undefined ? "pass --vectors" : `train it: ${planned.command}${run}`;
    const found: { path: string; seed: number }[] = [];
    for (const file of await namesIn(folder, { repair })) {
      const match = /^(.+)\.seed-(\d+)(\.safetensors)?$/.exec(file);
      if (match?.[1] === run && (match[3] ?? "") === ending) {
        found.push({ path: `${folder}/${file}`, seed: Number(match[2]) });
      }
    }
    if (found.length === 0) {
      throw new InputError(`no run "${run}"`, {
        where: folder,
        repair: planned === undefined ? `train it: ${trainingCommand(run, folder)}` : repair,
      });
    }
    return found.sort((a, b) => a.seed - b.seed);
  }
}

/** The config that a trainer wrote beside its result. */
function trainingConfigOf(text: string | undefined, where: string): SteeringConfig {
  const unsaid = (cause?: unknown) =>
    new InputError("this file does not say how it was made", { where, repair: "train it again", cause });
  if (text === undefined) throw unsaid();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unsaid(cause);
  }
  return parseSteeringConfig(value, { where });
}

/** Names of a folder's files and folders; an InputError where there is no folder. */
async function namesIn(folder: string, { repair }: { readonly repair: string }): Promise<readonly string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    throw new InputError("no folder of trained vectors", { where: folder, repair, cause: error });
  }
}

/** The command that makes a run. */
function trainingCommand(run: RunName | "full", folder: string): string {
  const [rate, factor, layer] = /^rate-(.+)-(\d+)$/.exec(run) ?? [];
  if (rate !== undefined) {
    const out = `${folder}/${run}.seed-0.safetensors`;
    return `deno task train --layers ${layer} --learning-rate R --out ${out}, R being ${factor} of layer-${layer}'s`;
  }
  if (run === "random-all") return `deno task train --layers all --reward random --out ${folder}`;
  const [, kind, place, layers] = /^(?:(adapter|layer|place-(\w+))-)?(\w+)$/.exec(run) ?? [];
  const parameters = run === "full"
    ? " --parameters full"
    : kind === "adapter"
    ? " --parameters adapter"
    : "";
  const at = place === undefined ? "" : ` --place ${place}`;
  return `deno task train${parameters}${run === "full" ? "" : ` --layers ${layers}`}${at} --out ${folder}`;
}
