import type { DType } from "../core/mod.ts";
import type { OpName } from "../onnx/mod.ts";

/** Where a graph runs. */
export type Device = "cpu" | "cuda";

/** What an operation's kernels take on each device. */
export interface OperatorSupport {
  /** Element types that the CPU runs. Measured: tests/runtime/operator_support_test.ts makes a session for each. */
  readonly cpu: readonly DType[];
  /**
   * Element types that CUDA's provider has kernels for at the graphs' opset.
   * Source: the provider of ONNX Runtime 1.30.0, asked by sessions of one node over a stand-in for CUDA's runtime, which
   * shows what is registered and computes nothing (class: measured, without a GPU); for GatedSilu and Split, which are
   * later, the kernels that the library names (class: code).
   */
  readonly cuda: readonly DType[];
  /** The input that the element type is read off. `@default 0` */
  readonly typed?: number;
  /** Inputs that CUDA's kernel reads in the host's memory. `@default none` */
  readonly hostInputs?: readonly number[];
}

const FLOATS = ["float32", "float64", "float16", "bfloat16"] as const;
const NUMBERS = [...FLOATS, "int32", "int64"] as const;
const ALL = [...NUMBERS, "bool"] as const;
const ORDERED = ["float32", "float64", "float16", "int32", "int64"] as const;
const NO_BFLOAT16 = ["float32", "float64", "float16"] as const;

/**
 * Every operation of a graph × device × element type.
 *
 * CUDA lacks bfloat16 where numbers are compared, counted or taken to logarithms; graphs do that in float32.
 *
 * On the CPU, float16 is mostly run by casting to float32 and back around each operation: right, and slow.
 */
export const OPERATOR_SUPPORT: { readonly [Op in OpName]: OperatorSupport } = {
  Add: { cpu: ORDERED, cuda: NUMBERS },
  And: { cpu: ["bool"], cuda: ["bool"] },
  ArgMax: { cpu: ORDERED, cuda: NO_BFLOAT16 },
  Cast: { cpu: ALL, cuda: ALL },
  Concat: { cpu: ALL, cuda: ALL },
  Cos: { cpu: NO_BFLOAT16, cuda: FLOATS },
  CumSum: { cpu: ORDERED, cuda: ORDERED },
  Div: { cpu: ORDERED, cuda: NUMBERS },
  Equal: { cpu: ORDERED, cuda: ORDERED },
  Exp: { cpu: NO_BFLOAT16, cuda: FLOATS },
  Expand: { cpu: [...ORDERED, "bool"], cuda: ALL, hostInputs: [1] },
  GatedSilu: { cpu: NO_BFLOAT16, cuda: FLOATS },
  Gather: { cpu: ALL, cuda: ALL },
  GatherElements: { cpu: ALL, cuda: ALL },
  Greater: { cpu: ORDERED, cuda: ORDERED },
  GreaterOrEqual: { cpu: ORDERED, cuda: ORDERED },
  Identity: { cpu: ALL, cuda: ALL },
  Less: { cpu: ORDERED, cuda: ORDERED },
  LessOrEqual: { cpu: ORDERED, cuda: ORDERED },
  Log: { cpu: NO_BFLOAT16, cuda: NO_BFLOAT16 },
  LogSoftmax: { cpu: NO_BFLOAT16, cuda: NO_BFLOAT16 },
  Loop: { cpu: ["int64"], cuda: ["int64"], hostInputs: [0, 1] },
  MatMul: { cpu: NO_BFLOAT16, cuda: FLOATS },
  Max: { cpu: ORDERED, cuda: NUMBERS },
  Min: { cpu: ORDERED, cuda: NUMBERS },
  Mul: { cpu: ORDERED, cuda: NUMBERS },
  Neg: { cpu: ORDERED, cuda: NUMBERS },
  Not: { cpu: ["bool"], cuda: ["bool"] },
  Or: { cpu: ["bool"], cuda: ["bool"] },
  RMSNormalization: { cpu: NO_BFLOAT16, cuda: FLOATS },
  Range: {
    cpu: ["float32", "float64", "int32", "int64"],
    cuda: ["float32", "float64", "int32", "int64"],
    hostInputs: [0, 1, 2],
  },
  ReduceMax: { cpu: [...ORDERED, "bool"], cuda: ORDERED },
  ReduceMean: { cpu: ORDERED, cuda: [...FLOATS, "int32"] },
  ReduceSum: { cpu: ORDERED, cuda: NUMBERS },
  Reshape: { cpu: ALL, cuda: ALL, hostInputs: [1] },
  RotaryEmbedding: { cpu: NO_BFLOAT16, cuda: FLOATS },
  ScatterAdd: { cpu: ALL, cuda: NUMBERS },
  ScatterElements: { cpu: ALL, cuda: ALL },
  Shape: { cpu: ALL, cuda: ALL },
  Sigmoid: { cpu: NO_BFLOAT16, cuda: FLOATS },
  Sin: { cpu: NO_BFLOAT16, cuda: FLOATS },
  Slice: { cpu: ALL, cuda: ALL },
  Softmax: { cpu: NO_BFLOAT16, cuda: FLOATS },
  Split: { cpu: ALL, cuda: ALL, hostInputs: [1] },
  Sqrt: { cpu: NO_BFLOAT16, cuda: FLOATS },
  Squeeze: { cpu: ALL, cuda: ALL },
  Sub: { cpu: ORDERED, cuda: NUMBERS },
  TopK: { cpu: ORDERED, cuda: ORDERED },
  Transpose: { cpu: ALL, cuda: ALL },
  Unsqueeze: { cpu: ALL, cuda: ALL },
  Where: { cpu: ORDERED, cuda: NUMBERS, typed: 1 },
};
