import { openCheckpoint, readTensor, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { saveAdapters, saveVectors } from "../../lib/vectors/mod.ts";
import { ZooModel } from "../../lib/experiment/mod.ts";
import { FAMILIES } from "../../lib/problems/mod.ts";
import type { SteeringConfig } from "../../lib/train/mod.ts";
import { type TinyZoo, withTinyZoo } from "../experiment/_tiny_zoo.ts";

const LAYERS = 4, WIDTH = 20, NEURONS = 16;
/** Coordinate along which a vector pushes the opener, as the tiny zoo's own vectors do. */
const PUSH = 8;
/** Strength of every vector that is written here, but for those of layer 0, which learnt nothing. */
export const STRENGTH = 0.05;

/** Learning rate of the vector in a layer, as the files written here say it. */
export function layerRate(layer: number): number {
  return 0.01 * (layer + 1);
}

/** The note of how a run was made. */
export function madeBy(changes: Partial<SteeringConfig>): { readonly config: string } {
  const config: SteeringConfig = {
    layers: [0],
    seed: 0,
    steps: 60,
    prompts: 12,
    samples: 16,
    maxNewTokens: 72,
    learningRates: [0.01],
    warmupShare: 0.03,
    maxNorm: 2,
    families: FAMILIES,
    ...changes,
  };
  return { config: JSON.stringify(config) };
}

function pushes(layers: readonly number[]): Map<number, Float32Array> {
  return new Map(layers.map((layer) => {
    const vector = new Float32Array(WIDTH);
    vector[PUSH] = layer === 0 ? 0 : STRENGTH;
    return [layer, vector];
  }));
}

async function writeRuns({ entry: { modelFolder, vectorsFolder } }: TinyZoo): Promise<void> {
  const every = Array.from({ length: LAYERS }, (_, layer) => layer), rates = every.map(layerRate);
  const path = (run: string, seed = 0) => `${vectorsFolder}/${run}.seed-${seed}.safetensors`;
  const vectors = (layers: readonly number[]) => pushes(layers);
  await saveVectors(path("all"), {
    vectors: vectors(every),
    metadata: madeBy({ layers: every, learningRates: rates.map((rate) => rate / 2) }),
  });
  for (const layer of every) {
    for (const seed of [0, 1]) {
      const metadata = madeBy({ layers: [layer], learningRates: [layerRate(layer)], seed });
      await saveVectors(path(`layer-${layer}`, seed), { vectors: vectors([layer]), metadata });
    }
  }
  const adapters = (layers: readonly number[]) =>
    new Map(layers.map((layer) => {
      const output = new Float32Array(WIDTH);
      output[PUSH] = 1;
      return [layer, { input: new Float32Array(NEURONS).fill(1), output }];
    }));
  const parameters = "adapter";
  for (const layer of every) {
    await saveAdapters(path(`adapter-${layer}`), {
      adapters: adapters([layer]),
      metadata: madeBy({ parameters, layers: [layer] }),
    });
  }
  await saveAdapters(path("adapter-all"), {
    adapters: adapters(every),
    metadata: madeBy({ parameters, layers: every, learningRates: every.map(() => 0.003) }),
  });
  for (const place of ["input_norm", "attention", "post_attention_norm"] as const) {
    const metadata = madeBy({ layers: [1], place });
    await saveVectors(path(`place-${place}-1`), { vectors: vectors([1]), place, metadata });
  }
  for (const factor of [0.25, 0.5, 2]) {
    const metadata = madeBy({ layers: [2], learningRates: [factor * layerRate(2)] });
    await saveVectors(path(`rate-${factor}-2`), { vectors: vectors([2]), metadata });
  }
  const folder = `${vectorsFolder}/full.seed-0`, { config, weights } = await openCheckpoint(modelFolder);
  await writeCheckpoint(folder, {
    config,
    dtype: "float32",
    weights: new Map(
      await Promise.all([...weights].map(async ([name, entry]) => [name, await readTensor(entry)] as const)),
    ),
    metadata: madeBy({ parameters: "full", layers: [], learningRates: [0.0005] }),
  });
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await Deno.copyFile(`${modelFolder}/${name}`, `${folder}/${name}`);
  }
}

/** Models of one folder under the names of their roles, as items open them. */
export interface WholeZoo extends TinyZoo {
  readonly a: ZooModel;
  readonly b: ZooModel;
  readonly a_instruct: ZooModel;
}

/**
 * The tiny zoo with a run of every kind: vectors, adapters, places, learning rates, full tuning. Its blocks are zeros,
 * so a vector acts where it reaches the residual stream: at the MLP and the attention, not behind a norm, and adapters
 * do nothing. The tuned model is the base model.
 */
export async function withWholeZoo(body: (zoo: WholeZoo) => Promise<void>): Promise<void> {
  await withTinyZoo(async (tiny) => {
    await writeRuns(tiny);
    const open = (name: string) => ZooModel.open({ ...tiny.entry, name }, { threads: 1 });
    const [a, b, a_instruct] = [await open("base-a"), await open("base-b"), await open("a-instruct")];
    try {
      await body({ ...tiny, a, b, a_instruct });
    } finally {
      for (const zoo of [a, b, a_instruct]) await zoo.release();
    }
  });
}
