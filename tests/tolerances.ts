/**
 * Every tolerance of the tests, in one table, each with what was measured and why the bound is what it is; and the
 * one comparison that applies them.
 *
 * @module
 */

/** How far apart two arrays of numbers may lie, and why. */
export interface Tolerance {
  /** Element type of the computation compared. */
  readonly dtype: "float32" | "float64" | "bfloat16" | "float16";
  readonly device: "cpu" | "cuda";
  /** Whether `bound` applies to |a − b| or to |a − b| / max(|expected|) over the array. */
  readonly kind: "absolute" | "relative";
  /** The largest error seen when the bound was set; `null` where the bound follows from arithmetic alone. */
  readonly measured: number | null;
  readonly bound: number;
  readonly reason: string;
}

/** The tolerances by name. */
export const TOLERANCES = {
  exact: {
    dtype: "float64",
    device: "cpu",
    kind: "absolute",
    measured: 0,
    bound: 0,
    reason: "the same operations in the same order give the same bits",
  },
  float64Arithmetic: {
    dtype: "float64",
    device: "cpu",
    kind: "relative",
    measured: null,
    bound: 1e-14,
    reason: "about fifty roundings of 2^-53 each, for sums written in another order",
  },
  adjointFloat64: {
    dtype: "float64",
    device: "cpu",
    kind: "relative",
    measured: 1.5e-9,
    bound: 1e-7,
    reason:
      "central differences with h = 1e-5: truncation h² f‴/6 ~ 1e-10, rounding 2^-53/h ~ 1e-11, margin for scale",
  },
  adjointFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 1.5e-6,
    bound: 1e-5,
    reason:
      "whole-model steering adjoint against PyTorch autograd, patched blocks included: depth times 2^-24, summed over positions",
  },
  adapterAdjointFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 2.7e-6,
    bound: 2e-5,
    reason:
      "as adjointFloat32, and one more sum over positions of products of both signs, which cancel in part",
  },
  rotaryFrequencyLogs: {
    dtype: "float64",
    device: "cpu",
    kind: "absolute",
    measured: 2.8e-7,
    bound: 1e-6,
    reason:
      "logs of frequencies that transformers takes in float32: the exponent 2i/head_dim < 1 rounds by 2^-25, times ln θ up to 18.4; then the power and Llama 3's weighting round by 2^-24 each",
  },
  operatorFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 1.2e-7,
    bound: 1e-6,
    reason:
      "one operation on a few numbers against float64 arithmetic: inputs and result round by 2^-24 each",
  },
  operatorFloat64: {
    dtype: "float64",
    device: "cpu",
    kind: "relative",
    measured: 1.3e-16,
    bound: 1e-14,
    reason: "one operation on a few numbers: a handful of roundings of 2^-53, sums in another order",
  },
  forwardFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 1.5e-6,
    bound: 5e-6,
    reason:
      "three blocks against transformers, or a float64 twin: sums of up to 32 products, about a hundred roundings of 2^-24",
  },
  pageFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 1.1e-6,
    bound: 1e-5,
    reason:
      "ONNX Runtime as WebAssembly against its build for this processor: the same sums in other orders and widths",
  },
  weightAdjointFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 5.8e-6,
    bound: 5e-5,
    reason:
      "weight adjoints against PyTorch autograd; key biases all but cancel in the softmax, which costs digits",
  },
  goldenFloat64: {
    dtype: "float64",
    device: "cpu",
    kind: "relative",
    measured: 6e-6,
    bound: 3e-5,
    reason: "transformers takes norms, softmax and rotary angles through float32 even in a float64 model",
  },
  rewrittenGraphFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "absolute",
    measured: 0,
    bound: 1e-5,
    reason: "the same logits (of size 10) from graphs that fuse differently or batches of another width",
  },
  streamDifferences: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 6.4e-7,
    bound: 2e-6,
    reason: "sums in float64 over streams in float32 that come of texts read alone or beside others",
  },
  probabilityFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "absolute",
    measured: 5.4e-15,
    bound: 2e-6,
    reason: "probabilities in float64 of logits (of size 10) from graphs that fuse differently",
  },
  steeringAdjointSplit: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 2.2e-7,
    bound: 2e-6,
    reason: "the same sum over rows and positions in another order: some tens of float32 roundings of 2^-24",
  },
  steeringSlopeFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 1.3e-4,
    bound: 2e-3,
    reason:
      "a float32 loss cannot be differenced finely: step 2^-6, truncation h², rounding 1e-6 / h; a check of signs",
  },
  rotaryFrequencyFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "absolute",
    measured: null,
    bound: 1e-6,
    reason:
      "ratios to frequencies that transformers computes in float32: a power and a few roundings of 2^-24",
  },
  conformanceFloat16: {
    dtype: "float16",
    device: "cpu",
    kind: "relative",
    measured: 1.9e-3,
    bound: 5e-3,
    reason:
      "two blocks of float16 operations against float32: some tens of roundings of 2^-11, margin for scale",
  },
  roundedBfloat16: {
    dtype: "bfloat16",
    device: "cpu",
    kind: "relative",
    measured: 1.5e-2,
    bound: 4e-2,
    reason:
      "two blocks with every result rounded to bfloat16 against float32: some tens of roundings of 2^-8",
  },
  adaptedLogProbabilityFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "absolute",
    measured: 1.2e-5,
    bound: 4e-5,
    reason:
      "adapters of the tests lengthen the residual so that float32 alone lies 1.1e-5 (sequences) and 1.5e-5 " +
      "(decoding) from float64: two such numbers against each other",
  },
  roundedBfloat16LogProbability: {
    dtype: "bfloat16",
    device: "cpu",
    kind: "absolute",
    measured: 1.3e-2,
    bound: 4e-2,
    reason:
      "decoding against whole sequences, both rounded operation by operation to 8 bits: decoding adds two rounded " +
      "parts of an attention's values where a sequence has one sum",
  },
  conformanceCudaFloat32: {
    dtype: "float32",
    device: "cuda",
    kind: "relative",
    measured: null,
    bound: 1e-4,
    reason:
      "unmeasured: exact products (NVIDIA_TF32_OVERRIDE is 0), sums in other orders; TF32 would be beyond it",
  },
  conformanceCudaFloat16: {
    dtype: "float16",
    device: "cuda",
    kind: "relative",
    measured: null,
    bound: 1e-2,
    reason: "unmeasured: as float16 on the CPU",
  },
  conformanceCudaBfloat16: {
    dtype: "bfloat16",
    device: "cuda",
    kind: "relative",
    measured: null,
    bound: 8e-2,
    reason: "unmeasured: as bfloat16 rounded operation by operation on the CPU",
  },
  autoencoderFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "relative",
    measured: 1.9e-7,
    bound: 5e-7,
    reason:
      "activations and rows in float64 against torch in float32: sums of 8 products, and foldings of norms and biases " +
      "into weights, some roundings of 2^-24 each",
  },
  logProbabilityFloat32: {
    dtype: "float32",
    device: "cpu",
    kind: "absolute",
    measured: 2.5e-6,
    bound: 1e-5,
    reason:
      "decode graph against sequence graph: log-softmax over logits near 10, a few roundings of 2^-24 each",
  },
} as const satisfies Readonly<Record<string, Tolerance>>;

/** The name of a tolerance. */
export type ToleranceName = keyof typeof TOLERANCES;

/**
 * Throws unless every element of `actual` lies within the tolerance of `expected`. The message gives the largest
 * absolute and relative error, where the worst element is, and both values. NaN never passes, not even against NaN.
 */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: ToleranceName | Tolerance,
): void {
  const name = typeof tolerance === "string" ? tolerance : "given here";
  const rule: Tolerance = typeof tolerance === "string" ? TOLERANCES[tolerance] : tolerance;
  if (actual.length !== expected.length) {
    throw new Error(`Compared arrays differ in length: ${actual.length} against ${expected.length}`);
  }
  let scale = 0;
  for (let index = 0; index < expected.length; index++) {
    const size = Math.abs(expected[index] as number);
    // An infinite scale would turn any wrong element into a small relative error.
    if (Number.isFinite(size)) scale = Math.max(scale, size);
  }
  let worst = -1, maxAbsolute = -1;
  for (let index = 0; index < actual.length; index++) {
    const a = actual[index] as number, b = expected[index] as number;
    const error = Number.isNaN(a) || Number.isNaN(b) ? Infinity : a === b ? 0 : Math.abs(a - b);
    if (error > maxAbsolute) [worst, maxAbsolute] = [index, error];
  }
  if (worst < 0) return;
  const maxRelative = maxAbsolute === 0 ? 0 : maxAbsolute / scale;
  const error = rule.kind === "absolute" ? maxAbsolute : maxRelative;
  if (Number.isFinite(maxAbsolute) && error <= rule.bound) return;
  throw new Error(
    `Not within ${name} (${rule.kind} ≤ ${rule.bound}, ${rule.dtype} on ${rule.device}: ${rule.reason}): ` +
      `max abs ${maxAbsolute}, max rel ${maxRelative}, at index ${worst}: ${actual[worst]} against ${
        expected[worst]
      }`,
  );
}
