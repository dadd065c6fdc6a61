import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Tensor, tensor } from "../core/mod.ts";

/** Steering vectors by layer, each [embed]: the paper's s_l. Layers that are left out are not steered. */
export type SteeringVectors = ReadonlyMap<number, Float32Array>;

/** Checks layers and widths; throws a RangeError that names the vector. */
export function checkSteering(vectors: SteeringVectors, config: ModelConfig): void {
  for (const [layer, vector] of vectors) {
    if (!(Number.isInteger(layer) && layer >= 0 && layer < config.layers)) {
      throw new RangeError(`Cannot steer layer ${layer} as it must lie in [0, ${config.layers})`);
    }
    if (vector.length !== config.embed) {
      throw new RangeError(
        `Cannot steer layer ${layer} as its vector must have ${config.embed} values: current count is ${vector.length}`,
      );
    }
  }
}

/** Vectors as the matrix that a graph takes: one row per layer of `layers`, zero where there is no vector. */
export function steeringMatrix(
  vectors: SteeringVectors,
  options: { readonly layers: readonly number[]; readonly embed: number },
): Tensor<"float32"> {
  const { layers, embed } = options;
  const matrix = new Float32Array(layers.length * embed);
  layers.forEach((layer, row) => {
    const vector = vectors.get(layer);
    if (vector !== undefined) matrix.set(vector, row * embed);
  });
  return tensor("float32", [layers.length, embed], matrix);
}
