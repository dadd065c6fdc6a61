import { type ModelConfig, openCheckpoint, readTensor, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { RandomStream } from "../../lib/core/mod.ts";
import type { Adapter, Adapters, LanguageModel, WeightedRow } from "../../lib/decode/mod.ts";

/** Adapters for the given layers, large enough to change what is sampled. */
export function randomAdapters(
  config: ModelConfig,
  layers: readonly number[],
): ReadonlyMap<number, Adapter> {
  return new Map(layers.map((layer) => {
    const random = new RandomStream(9, "adapters", layer);
    const vector = (length: number) => Float32Array.from({ length }, () => random.normal());
    return [layer, { input: vector(config.neurons), output: vector(config.embed) }];
  }));
}

/** Writes the model with its adapters taken into the weights, W_down + b·aᵀ, and returns the weights. */
export async function writeMerged(
  folder: string,
  merged: { readonly model: LanguageModel; readonly adapters: Adapters },
): Promise<ReadonlyMap<string, Float32Array>> {
  const { model: { checkpoint }, adapters } = merged;
  const weights = new Map<string, Float32Array>();
  for (const [name, entry] of checkpoint.weights) weights.set(name, await readTensor(entry));
  for (const [layer, { input, output }] of adapters) {
    const down = weights.get(`model.layers.${layer}.mlp.down_proj.weight`) as Float32Array; // [embed, neurons]
    output.forEach((b, row) =>
      input.forEach((a, column) => {
        const at = row * input.length + column;
        down[at] = (down[at] as number) + b * a;
      })
    );
  }
  await writeCheckpoint(folder, { config: checkpoint.config, dtype: "float32", weights });
  await openCheckpoint(folder);
  return weights;
}

/** Rows of unlike lengths with targets and weights of both signs. */
export function weightedRows(
  random: RandomStream,
  options: { readonly count: number; readonly vocab: number },
): WeightedRow[] {
  return Array.from({ length: options.count }, () => {
    const length = random.integer({ from: 2, below: 9 });
    return {
      tokens: Array.from({ length }, () => random.integer({ below: options.vocab })),
      from: random.integer({ from: 1, below: length }),
      weight: random.normal(),
    };
  });
}
