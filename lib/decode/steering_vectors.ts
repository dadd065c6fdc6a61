import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Tensor, tensor } from "../core/mod.ts";

/** Steering vectors by layer, each [embed]: the paper's s_l. Layers that are left out are not steered. */
export type SteeringVectors = ReadonlyMap<number, Float32Array>;

/** The first value of a vector that is not finite, in words; null where all are. */
export function infiniteValue(values: ArrayLike<number>): string | null {
  for (let at = 0; at < values.length; at++) {
    if (!Number.isFinite(values[at])) return `current value at ${at} is ${values[at]}`;
  }
  return null;
}

/** Throws a RangeError for a tensor of which a value is not finite: nothing that comes of it would be. */
export function checkFinite({ data }: Tensor<"float32">, action: string): void {
  const infinite = infiniteValue(data);
  if (infinite !== null) throw new RangeError(`Cannot ${action} as values must be finite: ${infinite}`);
}

/** Checks layers, widths and that values are finite; throws a RangeError that names the vector. */
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
    const infinite = infiniteValue(vector);
    if (infinite !== null) {
      throw new RangeError(`Cannot steer layer ${layer} as its values must be finite: ${infinite}`);
    }
  }
}

/**
 * Vectors as the matrix [layers, embed] that a graph takes: one row per layer of `layers`, zero where there is no
 * vector. A vector of a layer outside `layers` is an error, since it would steer nothing.
 *
 * @throws {RangeError} for a vector whose layer has no row.
 */
export function steeringMatrix(
  vectors: SteeringVectors,
  options: { readonly layers: readonly number[]; readonly embed: number },
): Tensor<"float32"> {
  const { layers, embed } = options;
  for (const layer of vectors.keys()) {
    if (!layers.includes(layer)) {
      throw new RangeError(
        `Cannot steer layer ${layer} as the graph steers layers ${layers.join(", ")} alone`,
      );
    }
  }
  const matrix = new Float32Array(layers.length * embed);
  layers.forEach((layer, row) => {
    const vector = vectors.get(layer);
    if (vector !== undefined) matrix.set(vector, row * embed);
  });
  return tensor("float32", [layers.length, embed], matrix);
}
