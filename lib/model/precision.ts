import type { GraphBuilder, Value } from "../onnx/mod.ts";

/**
 * Floating-point type in which a graph multiplies matrices and keeps the residual stream. float64 is the twin that
 * adjoint rules are checked in; float16 and bfloat16 are for devices that are fast in them.
 */
export type ComputeDType = "float32" | "float64" | "float16" | "bfloat16";

/** Type of the islands and borders of a graph. */
export type AccurateDType = "float32" | "float64";

/**
 * Type of a graph's islands and borders. A graph in float32 or float64 is all of one type. One in a 16-bit type has
 * float32 islands wherever a small error would grow or a large number would not fit: the statistics of norms,
 * rotary angles, the sum with a steering vector, softmax, logits, log-probabilities, sampling, and the sums of a
 * backward pass. Its inputs and outputs are float32 too, for nothing else crosses into a program.
 */
export function accurateDType(compute: ComputeDType): AccurateDType {
  return compute === "float64" ? "float64" : "float32";
}

/**
 * x + added, in x's type: the sum with what an experiment adds. `added` is in the type of {@link accurateDType} and of
 * a shape that broadcasts to x's, so a small vector is not rounded before it is added, and its adjoint is summed over
 * rows and positions in float32.
 */
export function accurateSum(g: GraphBuilder, x: Value, options: { readonly added: Value }): Value {
  const accurate = accurateDType(x.dtype as ComputeDType);
  return g.cast(g.add(g.cast(x, accurate), options.added), x.dtype);
}
