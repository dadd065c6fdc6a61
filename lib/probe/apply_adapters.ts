import type { ModelConfig } from "../checkpoint/mod.ts";
import {
  accurateDType,
  accurateSum,
  type AdapterHandler,
  type ComputeDType,
  type SiteHandler,
  siteName,
} from "../model/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";

/** Names of the inputs that adapters add to a graph. */
export const ADAPTER_NAMES = {
  /** Input directions a, float [adapted layers, neurons], in the order of `Edits.adapters`. */
  inputs: "adapter_inputs",
  /** Output directions b, float [adapted layers, embed], in the same order. */
  outputs: "adapter_outputs",
} as const;

/** The two directions of one adapter inside a graph: what its adjoints are taken of. */
export interface AdapterValues {
  /** a, float [neurons], or [batch, 1, neurons] where each row has its own. */
  readonly input: Value;
  /** b, float [embed], or [batch, 1, embed]. */
  readonly output: Value;
}

/** Adapters of a graph at work. */
export interface AppliedAdapters {
  /** Handed to the decoder: adds the term in the adapted layers. */
  readonly adapter: AdapterHandler;
  /** Directions by layer. */
  readonly adapters: ReadonlyMap<number, AdapterValues>;
}

/**
 * Adds the inputs of rank-1 adapters on down_proj to a graph and returns the handler that applies them:
 *
 *     y = W_down z + (a·z) b, z the input of down_proj
 *
 * so a token's own z says how far it is moved along b. W_down z passes the site `down_out`, a·z the site
 * `adapter_scale`, the sum the site `mlp_out`. In a 16-bit graph a·z, its product with b and the sum are float32, and
 * so are the adjoints of a and b.
 * Source: the setup `lora` of rank 1 with its scale of 1 (class: code), which writes A for our a and B for our b.
 */
export function applyAdapters(
  g: GraphBuilder,
  layers: readonly number[],
  options: {
    readonly config: ModelConfig;
    readonly compute: ComputeDType;
    readonly site: SiteHandler;
    /** Ones, float [batch, 1, 1]: then each row of the batch has a copy of the directions. `@default null` */
    readonly perRow?: Value | null;
  },
): AppliedAdapters {
  const { config, site, perRow = null } = options, accurate = accurateDType(options.compute);
  const adapters = new Map<number, AdapterValues>();
  if (layers.length > 0) {
    const inputs = g.input(ADAPTER_NAMES.inputs, accurate, [layers.length, config.neurons]);
    const outputs = g.input(ADAPTER_NAMES.outputs, accurate, [layers.length, config.embed]);
    layers.forEach((layer, row) => {
      const rowOf = (matrix: Value) => {
        const direction = g.gather(matrix, g.scalar("int64", row), { axis: 0 });
        return perRow === null ? direction : g.mul(perRow, direction);
      };
      adapters.set(layer, { input: rowOf(inputs), output: rowOf(outputs) });
    });
  }
  const adapter: AdapterHandler = (inner, { layer, neurons, downOut }) => {
    const values = adapters.get(layer);
    if (values === undefined) return downOut;
    const base = site(inner, siteName({ layer, kind: "down_out" }), downOut);
    const z = inner.cast(neurons, accurate);
    const product = perRow === null // [batch, seq, 1]
      ? inner.matMul(z, inner.unsqueeze(values.input, [1]))
      : inner.matMul(z, values.input, { transB: true });
    const flat = inner.squeeze(product, [2]);
    const scale = site(inner, siteName({ layer, kind: "adapter_scale" }), flat); // [batch, seq]
    return accurateSum(inner, base, { added: inner.mul(inner.unsqueeze(scale, [2]), values.output) });
  };
  return { adapter, adapters };
}
