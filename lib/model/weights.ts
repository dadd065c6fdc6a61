import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";

/** Gives a graph the weight with a checkpoint's tensor name; `has` tells whether the model has it (a bias). */
export interface WeightSource {
  /** The weight in the graph's compute type; a RangeError where there is none. */
  readonly get: (name: string) => Value;
  /** Whether the model has it. */
  readonly has: (name: string) => boolean;
}

/** Floating-point type in which a graph computes. float64 is the twin that adjoint rules are checked in. */
export type ComputeDType = "float32" | "float64";

/**
 * Weights that stay in the checkpoint's files: each becomes an external initializer by file, offset and length and
 * is cast to the compute type, so float32, float16 and bfloat16 files give the same graph but for the stored type.
 *
 * @example
 * ```ts
 * import { openCheckpoint, tinyConfig, writeRandomCheckpoint } from "../checkpoint/mod.ts";
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { fileWeights } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "bfloat16", seed: 0 });
 * const checkpoint = await openCheckpoint(folder);
 * const weights = fileWeights(new GraphBuilder("model"), { checkpoint, compute: "float32" });
 * if (weights.get("model.norm.weight").dtype !== "float32") throw new Error("cast to the compute type");
 * await Deno.remove(folder, { recursive: true });
 * ```
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

/**
 * Weights that are inputs of the graph, for training them: one input per tensor, in the compute type.
 *
 * @example
 * ```ts
 * import { GraphBuilder } from "../onnx/mod.ts";
 * import { inputWeights } from "./mod.ts";
 * const g = new GraphBuilder("training");
 * const weights = inputWeights(g, { shapes: new Map([["model.norm.weight", [8]]]), compute: "float32" });
 * if (weights.get("model.norm.weight").dims[0] !== 8) throw new Error("an input of the given shape");
 * if (weights.has("lm_head.weight")) throw new Error("no other weights");
 * ```
 */
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

/**
 * Name of the unembedding: the embedding itself where they are tied.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { unembeddingName } from "./mod.ts";
 * if (unembeddingName(tinyConfig()) !== "lm_head.weight") throw new Error("this model is not tied");
 * ```
 */
export function unembeddingName(config: ModelConfig): string {
  return config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
}
