import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Tensor, tensor } from "../core/mod.ts";
import { ADAPTER_NAMES } from "../probe/mod.ts";
import { infiniteValue } from "./steering_vectors.ts";

/** A rank-1 adapter on one layer's down_proj: y = W_down z + (a·z) b. */
export interface Adapter {
  /** a, [neurons]: what it reads; the `A` of a LoRA of rank 1. */
  readonly input: Float32Array;
  /** b, [embed]: where it moves the token; the `B` of a LoRA of rank 1 whose scale is 1. */
  readonly output: Float32Array;
}

/** Adapters by layer. Layers that are left out have none. */
export type Adapters = ReadonlyMap<number, Adapter>;

/** Checks layers, widths and that values are finite; throws a RangeError that names the adapter. */
export function checkAdapters(adapters: Adapters, config: ModelConfig): void {
  for (const [layer, { input, output }] of adapters) {
    if (!(Number.isInteger(layer) && layer >= 0 && layer < config.layers)) {
      throw new RangeError(`Cannot adapt layer ${layer} as it must lie in [0, ${config.layers})`);
    }
    const sides = [["input", input, config.neurons], ["output", output, config.embed]] as const;
    for (const [side, values, needed] of sides) {
      if (values.length !== needed) {
        throw new RangeError(
          `Cannot adapt layer ${layer} as its ${side} must have ${needed} values: current count is ${values.length}`,
        );
      }
      const infinite = infiniteValue(values);
      if (infinite !== null) {
        throw new RangeError(`Cannot adapt layer ${layer} as its ${side} must be finite: ${infinite}`);
      }
    }
  }
}

/**
 * Adapters as the feeds of a graph that adapts `layers`: inputs [layers, neurons] and outputs [layers, embed], zero
 * where there is no adapter; nothing where the graph adapts no layer. An adapter of a layer outside `layers` is an
 * error, since it would do nothing.
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
  for (const layer of adapters.keys()) {
    if (!layers.includes(layer)) {
      throw new RangeError(
        `Cannot adapt layer ${layer} as the graph adapts layers ${layers.join(", ") || "none"} alone`,
      );
    }
  }
  if (layers.length === 0) return {};
  const inputs = new Float32Array(layers.length * neurons), outputs = new Float32Array(layers.length * embed);
  layers.forEach((layer, row) => {
    const adapter = adapters.get(layer);
    if (adapter === undefined) return;
    inputs.set(adapter.input, row * neurons);
    outputs.set(adapter.output, row * embed);
  });
  return {
    [ADAPTER_NAMES.inputs]: tensor("float32", [layers.length, neurons], inputs),
    [ADAPTER_NAMES.outputs]: tensor("float32", [layers.length, embed], outputs),
  };
}
