import type { DType } from "../core/mod.ts";

/** Lengths of axes as text, `batch,4`: attributes hold no mixed lists. */
export type DimsText = string;
/** A number that stays a float in ONNX, whole ones too. */
export interface Float {
  /** The number. */
  readonly float: number;
}
/** An axis, counted from the end where it is negative. */
export type Axis = { readonly axis: number };
/** Axes that are reduced, and whether they stay with length 1: 0 or 1. */
export type Reduced = { readonly axes: readonly number[]; readonly keepdims: number };

/** What operations that have settings take, by name; all others take none. */
export type OpSettings = {
  readonly ArgMax: Axis;
  readonly Cast: { readonly to: DType };
  /** `joined` names a sum of symbolic lengths. */
  readonly Concat: Axis & { readonly joined?: string };
  readonly CumSum: Axis;
  readonly Expand: { readonly dims: DimsText };
  readonly Gather: Axis;
  readonly GatherElements: Axis;
  readonly LogSoftmax: Axis;
  /** Name of the number of steps. */
  readonly Loop: { readonly steps?: string };
  readonly MatMul: { readonly transA?: number; readonly transB?: number; readonly scale?: Float };
  readonly RMSNormalization: Axis & { readonly epsilon: Float };
  readonly Range: { readonly length: string };
  readonly ReduceMax: Reduced;
  readonly ReduceMean: Reduced;
  readonly ReduceSum: Reduced;
  readonly Reshape: { readonly dims: DimsText };
  readonly ScatterElements: Axis & { readonly reduction?: string };
  readonly Shape: { readonly start?: number; readonly end?: number };
  readonly Slice: Axis & { readonly start: number; readonly end: number };
  readonly Softmax: Axis & { readonly floor?: Float };
  readonly Split: Axis & { readonly dims: DimsText };
  readonly Squeeze: { readonly axes: readonly number[] };
  readonly TopK: { readonly k: number };
  readonly Transpose: { readonly perm: readonly number[] };
  readonly Unsqueeze: { readonly axes: readonly number[] };
};

/** Operations without settings. */
export type PlainOp =
  | (
    | "Add"
    | "And"
    | "Cos"
    | "Div"
    | "Equal"
    | "Exp"
    | "GatedSilu"
    | "Greater"
    | "GreaterOrEqual"
    | "Identity"
  )
  | (
    | "Less"
    | "LessOrEqual"
    | "Log"
    | "Max"
    | "Min"
    | "Mul"
    | "Neg"
    | "Not"
    | "Or"
    | "RotaryEmbedding"
    | "ScatterAdd"
  )
  | ("Sigmoid" | "Sin" | "Sqrt" | "Sub" | "Where");

/** Names of the operations that a graph may hold. */
export type OpName = keyof OpSettings | PlainOp;

/** Settings of an operation. */
export type OpAttributes<Op extends OpName> = Op extends keyof OpSettings ? OpSettings[Op]
  : Readonly<Record<never, never>>;
