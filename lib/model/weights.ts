import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";
import { accurateDType, type ComputeDType } from "./precision.ts";

/** Gives a graph the weight with a checkpoint's tensor name; `has` tells whether the model has it (a bias). */
export interface WeightSource {
  /** The weight in the graph's compute type, or in the type asked for; a RangeError where there is none. */
  readonly get: (name: string, dtype?: ComputeDType) => Value;
  /** Several weights laid below each other along their first axis, as one value of the graph that has them. */
  readonly stack: (names: readonly string[]) => Value;
  /** Whether the model has it. */
  readonly has: (name: string) => boolean;
  /**
   * Rows `indices` of a matrix, in the graph's compute type or in the type asked for. They are looked up before they
   * are cast, so a table that is only looked up is never held in a second type.
   */
  readonly rows: (
    g: GraphBuilder,
    of: { readonly name: string; readonly indices: Value; readonly dtype?: ComputeDType },
  ) => Value;
}

function stacked(g: GraphBuilder, weights: readonly Value[]): Value {
  return g.concat(weights, { axis: 0 });
}

/**
 * Weights that stay in the checkpoint's files: each becomes an external initializer by file, offset and length and
 * is cast to the compute type, so float32, float16 and bfloat16 files give the same graph but for the stored type.
 */
export function fileWeights(
  g: GraphBuilder,
  options: { readonly checkpoint: Checkpoint; readonly compute: ComputeDType },
): WeightSource {
  const { checkpoint, compute } = options;
  const files = new Map<string, Value>(), made = new Map<string, Value>();
  const stored = (name: string): Value => {
    const known = files.get(name);
    if (known !== undefined) return known;
    const entry = checkpoint.weights.get(name);
    if (entry === undefined) throw new RangeError(`Cannot use weight "${name}" as the checkpoint lacks it`);
    const { dtype, dims, location, offset, length } = entry;
    const value = g.external(name, { dtype, dims, location, offset, length });
    files.set(name, value);
    return value;
  };
  const castOnce = (key: string, dtype: ComputeDType, from: () => Value): Value => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = g.apply("Cast", [from()], { attributes: { to: dtype }, name: key });
    made.set(key, value);
    return value;
  };
  return {
    has: (name) => checkpoint.weights.has(name),
    get: (name, dtype = compute) => castOnce(`${name}.${dtype}`, dtype, () => stored(name)),
    stack: (names) => castOnce(`${names.join("+")}.${compute}`, compute, () => stacked(g, names.map(stored))),
    rows: (inner, { name, indices, dtype = compute }) => {
      const found = inner.gather(stored(name), indices, { axis: 0 });
      return inner.apply("Cast", [found], { attributes: { to: dtype } });
    },
  };
}

/** Weights that are values of a graph already. */
export function valueWeights(g: GraphBuilder, values: ReadonlyMap<string, Value>): WeightSource {
  const get = (name: string, dtype?: ComputeDType): Value => {
    const value = values.get(name);
    if (value === undefined) {
      throw new RangeError(`Cannot use weight "${name}" as it is not among the graph's inputs`);
    }
    return dtype === undefined ? value : g.cast(value, dtype);
  };
  return {
    get,
    stack: (names) => stacked(g, names.map((name) => get(name))),
    rows: (inner, { name, indices, dtype }) => {
      const found = inner.gather(get(name), indices, { axis: 0 });
      return dtype === undefined ? found : inner.cast(found, dtype);
    },
    has: (name) => values.has(name),
  };
}

/**
 * Weights that are inputs of the graph, for training them: one input per tensor, in the compute type (float32
 * under a 16-bit one).
 */
export function inputWeights(
  g: GraphBuilder,
  options: { readonly shapes: ReadonlyMap<string, readonly number[]>; readonly compute: ComputeDType },
): WeightSource & { readonly values: ReadonlyMap<string, Value> } {
  const values = new Map<string, Value>();
  const { shapes, compute } = options;
  // No 16-bit value crosses a graph's border, so such weights come in as float32 and are cast once.
  for (const [name, dims] of shapes) {
    values.set(name, g.cast(g.input(name, accurateDType(compute), dims), compute));
  }
  return { values, ...valueWeights(g, values) };
}
/** Name of the unembedding: the embedding itself where they are tied. */
export function unembeddingName(config: ModelConfig): string {
  return config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
}
