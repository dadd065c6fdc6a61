import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";

/** Gives a graph the weight with a checkpoint's tensor name, or null where the model has none (a bias). */
export interface WeightSource {
  readonly get: (name: string) => Value;
  readonly has: (name: string) => boolean;
}

/** Floating-point type in which a graph computes. float64 is the twin that adjoint rules are checked in. */
export type ComputeDType = "float32" | "float64";

/**
 * Weights that stay in the checkpoint's files: each becomes an external initializer by file, offset and length and
 * is cast to the compute type, so float32, float16 and bfloat16 files give the same graph but for the stored type.
 */
export function fileWeights(
  g: GraphBuilder,
  options: { readonly checkpoint: Checkpoint; readonly compute: ComputeDType },
): WeightSource {
  const { checkpoint, compute } = options;
  const made = new Map<string, Value>();
  return {
    has: (name) => checkpoint.weights.has(name),
    get: (name) => {
      const known = made.get(name);
      if (known !== undefined) return known;
      const entry = checkpoint.weights.get(name);
      if (entry === undefined) throw new RangeError(`Cannot use weight "${name}" as the checkpoint lacks it`);
      const stored = g.external(name, {
        dtype: entry.dtype,
        dims: entry.dims,
        location: entry.location,
        offset: entry.offset,
        length: entry.length,
      });
      const value = g.apply("Cast", [stored], { attributes: { to: compute }, name: `${name}.${compute}` });
      made.set(name, value);
      return value;
    },
  };
}

/** Weights that are inputs of the graph, for training them: one input per tensor, in the compute type. */
export function inputWeights(
  g: GraphBuilder,
  options: { readonly shapes: ReadonlyMap<string, readonly number[]>; readonly compute: ComputeDType },
): WeightSource & { readonly values: ReadonlyMap<string, Value> } {
  const values = new Map<string, Value>();
  for (const [name, dims] of options.shapes) values.set(name, g.input(name, options.compute, dims));
  return {
    values,
    has: (name) => values.has(name),
    get: (name) => {
      const value = values.get(name);
      if (value === undefined) {
        throw new RangeError(`Cannot use weight "${name}" as it is not among the graph's inputs`);
      }
      return value;
    },
  };
}

/** Name of the unembedding: the embedding itself where they are tied. */
export function unembeddingName(config: ModelConfig): string {
  return config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
}
