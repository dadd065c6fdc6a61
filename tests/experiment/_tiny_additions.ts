import type { Bench, StudySize } from "../../lib/experiment/mod.ts";
import { Laboratory, ResultStore, type ZooModel } from "../../lib/experiment/mod.ts";
import { saveAdapters, writeSparseAutoencoder } from "../../lib/vectors/mod.ts";
import { EMBEDDED, ROLES, TINY_SIZE } from "./_tiny_zoo.ts";

/** Features of the tiny DiffSAE. Feature 0 reads how far the vectors push; the others never fire. */
export const TINY_FEATURES = 4;

/** Writes a DiffSAE of the tiny model at a layer; `change` may alter its metadata. */
export async function writeTinyAutoencoder(
  zoo: ZooModel,
  options: { readonly layer: number; readonly change?: Readonly<Record<string, string>> },
): Promise<string> {
  const { layer, change = {} } = options, { embed } = zoo.model.config;
  const [all] = await zoo.trained("all");
  const axis = (all?.steer?.get(3) ?? new Float32Array(0)).findIndex((value) => value !== 0);
  const encoder = new Float32Array(TINY_FEATURES * embed), decoder = new Float32Array(TINY_FEATURES * embed);
  for (let feature = 0; feature < TINY_FEATURES; feature++) {
    encoder[feature * embed + Math.max(axis, 0)] = feature === 0 ? 1 : -1;
    decoder[feature * embed + Math.max(axis, 0)] = 1;
  }
  const path = `${zoo.entry.vectorsFolder}/${zoo.entry.name}.all.layer-${layer}.safetensors`;
  const autoencoder = {
    embed,
    features: TINY_FEATURES,
    active: 2,
    encoder,
    decoder,
    encoderBias: new Float32Array(TINY_FEATURES),
    decoderBias: new Float32Array(embed),
  };
  const metadata = {
    model: await zoo.model.checkpoint.hash(),
    trained: Object.values(all?.inputs ?? {})[0] ?? "",
    layer: String(layer),
    ...change,
  };
  await writeSparseAutoencoder(path, autoencoder, { metadata });
  return path;
}

/** Writes an adapter for every layer; in the tiny model, whose MLPs are silent, they add nothing. */
export async function writeTinyAdapters(zoo: ZooModel): Promise<void> {
  const { embed, neurons } = zoo.model.config;
  for (let layer = 0; layer < zoo.layers; layer++) {
    const adapter = {
      input: Float32Array.from({ length: neurons }, (_, n) => n + 1),
      output: Float32Array.from({ length: embed }, (_, e) => e === layer || e === 19 ? 1 : 0),
    };
    await saveAdapters(`${zoo.entry.vectorsFolder}/adapter-${layer}.seed-0.safetensors`, {
      adapters: new Map([[layer, adapter]]),
      metadata: {},
    });
  }
}

/** A store that gives planted results to measurements of a kind, whatever made them; others are computed. */
export class PlantedStore extends ResultStore {
  readonly #planted: Readonly<Record<string, (key: Readonly<Record<string, unknown>>) => unknown>>;

  constructor(planted: Readonly<Record<string, (key: Readonly<Record<string, unknown>>) => unknown>>) {
    super(null);
    this.#planted = planted;
  }

  override async get<T>(key: unknown, compute: () => Promise<T>): Promise<T> {
    const named = key as { readonly kind: string }, plant = this.#planted[named.kind];
    return plant === undefined ? await super.get(key, compute) : plant({ ...named }) as T;
  }
}

/** A bench of one model for every role. */
export function tinyBench(
  a: ZooModel,
  options: { readonly store?: ResultStore; readonly size?: StudySize } = {},
): Bench {
  const { store = new ResultStore(null), size = TINY_SIZE } = options;
  return {
    lab: new Laboratory({ asked: EMBEDDED, size, seed: 0, store }),
    roles: ROLES,
    open: () => Promise.resolve(a),
  };
}
