import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Tensor, tensor } from "../core/mod.ts";
import { checkLayer } from "../model/mod.ts";

/** Steering vectors by layer, each [embed]: the paper's s_l. Layers that are left out are not steered. */
export type SteeringVectors = ReadonlyMap<number, Float32Array>;

/** The first value of a vector that is not finite, in words; null where all are. */
export function infiniteValue(values: ArrayLike<number>): string | null {
  for (let at = 0; at < values.length; at++) {
    if (!Number.isFinite(values[at])) return `current value at ${at} is ${values[at]}`;
  }
  return null;
}

/** Throws a RangeError for values of which one is not finite: nothing that comes of it would be. */
export function checkFinite(
  { data }: { readonly data: ArrayLike<number> },
  action: string,
  what = "values",
): void {
  const infinite = infiniteValue(data);
  if (infinite !== null) throw new RangeError(`Cannot ${action} as ${what} must be finite: ${infinite}`);
}

/** Throws a RangeError for vectors of a layer or width that a model lacks, and values that are not finite. */
export function checkLayerVectors(
  vectors: ReadonlyMap<number, Float32Array>,
  of: {
    readonly layers: number;
    readonly width: number;
    readonly action: "steer" | "adapt";
    /** What messages call a vector, and its values. */
    readonly vector: string;
    readonly values: string;
  },
): void {
  const { layers, width, action } = of;
  for (const [layer, vector] of vectors) {
    checkLayer(layer, { layers, action });
    if (vector.length !== width) {
      throw new RangeError(
        `Cannot ${action} layer ${layer} as its ${of.vector} must have ${width} values: current count is ${vector.length}`,
      );
    }
    checkFinite({ data: vector }, `${action} layer ${layer}`, `its ${of.values}`);
  }
}

/** Checks vectors against a model, see {@link checkLayerVectors}. */
export function checkSteering(vectors: SteeringVectors, { layers, embed: width }: ModelConfig): void {
  checkLayerVectors(vectors, { layers, width, action: "steer", vector: "vector", values: "values" });
}

/**
 * Vectors as the matrix [layers, width] that a graph takes: one row per layer of `layers`, zero where there is none.
 *
 * @throws {RangeError} for a vector whose layer has no row: it would do nothing.
 */
export function layerMatrix(
  vectors: ReadonlyMap<number, Float32Array>,
  of: { readonly layers: readonly number[]; readonly width: number; readonly action: "steer" | "adapt" },
): Tensor<"float32"> {
  const { layers, width, action } = of, matrix = new Float32Array(layers.length * width);
  for (const [layer, vector] of vectors) {
    const row = layers.indexOf(layer);
    if (row < 0) {
      throw new RangeError(
        `Cannot ${action} layer ${layer} as the graph ${action}s layers ${layers.join(", ") || "none"} alone`,
      );
    }
    matrix.set(vector, row * width);
  }
  return tensor("float32", [layers.length, width], matrix);
}
