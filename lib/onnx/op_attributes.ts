import type { DType } from "../core/mod.ts";

/** Lengths of axes as text, `batch,4`: attributes hold no mixed lists. */
type DimsText = string;
/** A number that stays a float in ONNX, whole ones too. */
interface Float {
  readonly float: number;
}
type Axis = { readonly axis: number };
type Reduced = { readonly axes: readonly number[]; readonly keepdims: number };

/** What operations that have settings take, by name; all others take none. */
interface Settings {
  readonly ArgMax: Axis;
  readonly Cast: { readonly to: DType };
  /** `joined` names a sum of symbolic lengths. */
  readonly Concat: Axis & { readonly joined?: string };
  readonly ConstantOfShape: { readonly dtype: DType; readonly dims: DimsText };
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
  /** `rest` names what is left of a symbolic length. */
  readonly Slice: Axis & { readonly start: number; readonly end: number; readonly rest?: string };
  readonly Softmax: Axis & { readonly floor?: Float };
  readonly Split: Axis & { readonly dims: DimsText };
  readonly Squeeze: { readonly axes: readonly number[] };
  readonly Transpose: { readonly perm: readonly number[] };
  readonly Unsqueeze: { readonly axes: readonly number[] };
}

type Plain =
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
    | "If"
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
export type OpName = keyof Settings | Plain;

/** Settings of an operation. */
export type OpAttributes<Op extends OpName> = Op extends keyof Settings ? Settings[Op]
  : Readonly<Record<never, never>>;
