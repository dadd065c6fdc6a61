import type { ModelConfig } from "../checkpoint/mod.ts";
import type { Tensor } from "../core/mod.ts";
import { ADAPTER_NAMES } from "../probe/mod.ts";
import { checkLayerVectors, layerMatrix, type SteeringVectors } from "./steering_vectors.ts";

/** A rank-1 adapter on one layer's down_proj: y = W_down z + (a·z) b. */
export interface Adapter {
  /** a, [neurons]: what it reads; the `A` of a LoRA of rank 1. */
  readonly input: Float32Array;
  /** b, [embed]: where it moves the token; the `B` of a LoRA of rank 1 whose scale is 1. */
  readonly output: Float32Array;
}

/** Adapters by layer. Layers that are left out have none. */
export type Adapters = ReadonlyMap<number, Adapter>;

/** One side of every adapter. */
function sideOf(adapters: Adapters, side: keyof Adapter): SteeringVectors {
  return new Map([...adapters].map(([layer, adapter]) => [layer, adapter[side]]));
}

/** Throws a RangeError for adapters of a layer or width that a model lacks, and values that are not finite. */
export function checkAdapters(adapters: Adapters, config: ModelConfig): void {
  const { layers, neurons, embed } = config;
  for (const [side, width] of [["input", neurons], ["output", embed]] as const) {
    const names = { vector: side, values: side };
    checkLayerVectors(sideOf(adapters, side), { layers, width, action: "adapt", ...names });
  }
}

/**
 * Adapters as the feeds of a graph that adapts `layers`: inputs [layers, neurons] and outputs [layers, embed], zero
 * where there is no adapter; nothing where the graph adapts no layer.
 *
 * @throws {RangeError} for an adapter whose layer has no row.
 */
export function adapterFeeds(
  adapters: Adapters,
  options: {
    readonly layers: readonly number[];
    readonly config: Pick<ModelConfig, "neurons" | "embed">;
  },
): Record<string, Tensor<"float32">> {
  const { layers, config: { neurons, embed } } = options;
  const matrix = (side: keyof Adapter, width: number) =>
    layerMatrix(sideOf(adapters, side), { layers, width, action: "adapt" });
  const inputs = matrix("input", neurons), outputs = matrix("output", embed);
  return layers.length === 0 ? {} : { [ADAPTER_NAMES.inputs]: inputs, [ADAPTER_NAMES.outputs]: outputs };
}
