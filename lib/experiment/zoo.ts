import { ChatTokenizer } from "../checkpoint/mod.ts";
import { InputError, sha256 } from "../core/mod.ts";
import { LanguageModel, loadVectors, type OpenOptions, type SteeringVectors } from "../decode/mod.ts";
import type { VectorPlace } from "../probe/mod.ts";

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
}

/** The vectors of one training run. */
export interface TrainedVectors {
  /** By layer. */
  readonly vectors: SteeringVectors;
  /** Where in their blocks they are added. */
  readonly place: VectorPlace;
  /** SHA-256 of the file. */
  readonly hash: string;
  /** Training seed. */
  readonly seed: number;
}

/** A run of the zoo: all layers together, or one layer. */
export type RunName = "all" | `layer-${number}`;

/**
 * A model of the zoo, opened, with its trained vectors.
 *
 * @example
 * ```ts
 * import { ZooModel } from "./mod.ts";
 * const modelFolder = "./fixtures/embedded/base-a", vectorsFolder = "./fixtures/embedded/vectors/base-a";
 * const zoo = await ZooModel.open({ name: "base-a", modelFolder, vectorsFolder, opener: "To" });
 * const [first] = await zoo.trainedVectors("all");
 * if (first?.vectors.size !== zoo.layers) throw new Error("one vector per layer");
 * await zoo.model.release();
 * ```
 */
export class ZooModel {
  /** Where it came from. */
  readonly entry: ZooEntry;
  /** The model; release it when done. */
  readonly model: LanguageModel;
  /** Its tokenizer. */
  readonly tokenizer: ChatTokenizer;

  private constructor(entry: ZooEntry, model: LanguageModel, tokenizer: ChatTokenizer) {
    this.entry = entry;
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /** Opens the model's folder. Throws an InputError for anything wrong with it. */
  static async open(entry: ZooEntry, options: OpenOptions = {}): Promise<ZooModel> {
    const model = await LanguageModel.open(entry.modelFolder, options);
    return new ZooModel(entry, model, await model.tokenizer());
  }

  /** Number of layers. */
  get layers(): number {
    return this.model.config.layers;
  }

  /**
   * Every training seed of a run, in order of the seeds.
   *
   * @throws InputError when there is none, and for a file that does not fit the model.
   */
  async trainedVectors(run: RunName): Promise<readonly TrainedVectors[]> {
    const folder = this.entry.vectorsFolder;
    const found: { path: string; seed: number }[] = [];
    try {
      for await (const file of Deno.readDir(folder)) {
        const match = /^(.+)\.seed-(\d+)\.safetensors$/.exec(file.name);
        if (match?.[1] === run) found.push({ path: `${folder}/${file.name}`, seed: Number(match[2]) });
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
      throw new InputError("no folder of steering vectors", {
        where: folder,
        repair: "pass --vectors",
        cause: error,
      });
    }
    if (found.length === 0) {
      throw new InputError(`no vectors of run "${run}"`, {
        where: folder,
        repair: `train them: deno task train --layers ${run.replace("layer-", "")} --out ${folder}`,
      });
    }
    found.sort((a, b) => a.seed - b.seed);
    return await Promise.all(found.map(async ({ path, seed }) => {
      const { vectors, place } = await loadVectors(path, this.model.config);
      return { vectors, place, seed, hash: sha256(await Deno.readFile(path)) };
    }));
  }
}
