import type { DType } from "../core/mod.ts";
import type { OpAttributes, OpName } from "./op_attributes.ts";
import { formatType, type Graph, type Value } from "./graph.ts";
import { broadcastShapes, type Dim, sameShape, type Shape } from "./shape.ts";

/** Element type and shape of one output. */
export interface ValueType {
  readonly dtype: DType;
  readonly dims: Shape;
}

/** What an inference function sees of a node. */
export interface InferenceInput<Op extends OpName = OpName> {
  readonly inputs: readonly (Value | null)[];
  readonly attributes: OpAttributes<Op>;
  readonly bodies: Readonly<Record<string, Graph>>;
}

/** Thrown by an inference function; the builder adds the node's name and its inputs. */
export class InferenceError extends Error {}

/** Types of a node's outputs; throws an {@link InferenceError} for inputs that do not go together. */
export type Infer<Op extends OpName = never> = (node: InferenceInput<Op>) => readonly ValueType[];

function must(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InferenceError(rule);
}

function input(node: Pick<InferenceInput, "inputs">, index: number): Value {
  const value = node.inputs[index];
  must(value !== null && value !== undefined, `input ${index} must be given`);
  return value;
}

/**
 * Axis attribute made non-negative.
 *
 * @throws {InferenceError} for an axis that a value of this rank lacks; the builder adds the node's name.
 */
export function normalAxis(axis: number, rank: number): number {
  must(axis >= -rank && axis < rank, `axis must lie in [${-rank}, ${rank}): current value is ${axis}`);
  return axis < 0 ? axis + rank : axis;
}

const isFloat = (dtype: DType) => dtype.includes("float");

const same = (node: Pick<InferenceInput, "inputs">) => {
  const x = input(node, 0);
  return [{ dtype: x.dtype, dims: x.dims }];
};

const floatSame = (node: Pick<InferenceInput, "inputs">) => {
  must(isFloat(input(node, 0).dtype), "input must be a floating-point tensor");
  return same(node);
};

function elementwise(result: "operand" | "bool", accepts: (dtype: DType) => boolean) {
  return (node: Pick<InferenceInput, "inputs">): readonly ValueType[] => {
    const a = input(node, 0), b = input(node, 1);
    must(a.dtype === b.dtype, "operands must have one dtype");
    must(accepts(a.dtype), `dtype ${a.dtype} is not accepted`);
    const dims = broadcastShapes(a.dims, b.dims);
    must(dims !== null, "shapes must broadcast");
    return [{ dtype: result === "bool" ? "bool" : a.dtype, dims }];
  };
}

const arithmetic = elementwise("operand", (dtype) => dtype !== "bool");
const comparison = elementwise("bool", (dtype) => dtype !== "bool");
const logic = elementwise("bool", (dtype) => dtype === "bool");

const matMul: Infer<"MatMul"> = (node) => {
  const a = input(node, 0), b = input(node, 1);
  must(a.dtype === b.dtype && isFloat(a.dtype), "operands must have one floating-point dtype");
  must(a.dims.length >= 2 && b.dims.length >= 2, "operands must have at least two axes");
  const [rows, innerA] = lastTwo(a.dims, node.attributes.transA === 1);
  const [innerB, columns] = lastTwo(b.dims, node.attributes.transB === 1);
  must(innerA === innerB, `inner axes must agree: ${innerA} and ${innerB}`);
  const batch = broadcastShapes(a.dims.slice(0, -2), b.dims.slice(0, -2));
  must(batch !== null, "batch axes must broadcast");
  return [{ dtype: a.dtype, dims: [...batch, rows, columns] }];
};

function lastTwo(dims: Shape, transposed: boolean): [Dim, Dim] {
  const first = dims[dims.length - 2] as Dim, second = dims[dims.length - 1] as Dim;
  return transposed ? [second, first] : [first, second];
}

const alongAxis: Infer<"Softmax" | "LogSoftmax"> = (node) => {
  normalAxis(node.attributes.axis, input(node, 0).dims.length);
  return floatSame(node);
};

const reduce: Infer<"ReduceSum" | "ReduceMean" | "ReduceMax"> = (node) => {
  const x = input(node, 0);
  const axes = node.attributes.axes.map((axis) => normalAxis(axis, x.dims.length));
  const dims = node.attributes.keepdims === 1
    ? x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    : x.dims.filter((_, axis) => !axes.includes(axis));
  return [{ dtype: x.dtype, dims }];
};

const gather: Infer<"Gather"> = (node) => {
  const data = input(node, 0), indices = input(node, 1);
  must(indices.dtype === "int64" || indices.dtype === "int32", "indices must be int64 or int32");
  const axis = normalAxis(node.attributes.axis, data.dims.length);
  return [{
    dtype: data.dtype,
    dims: [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)],
  }];
};

const declared: Infer<"Reshape" | "Expand"> = (node) => {
  const x = input(node, 0);
  return [{ dtype: x.dtype, dims: parseDims(node.attributes.dims) }];
};

/** Shapes travel through attributes as text, since attributes hold no mixed lists. */
export function encodeDims(dims: Shape): string {
  return dims.join(",");
}

/** Inverse of {@link encodeDims}. */
function parseDims(text: string): Dim[] {
  if (text === "") return [];
  return text.split(",").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** The rule for output types of every operation. */
export const OPERATORS: { readonly [Op in OpName]: Infer<Op> } = {
  MatMul: matMul,
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Neg: same,
  Exp: floatSame,
  Log: floatSame,
  Sqrt: floatSame,
  Sigmoid: floatSame,
  Cos: floatSame,
  Sin: floatSame,
  Identity: same,
  GatedSilu: elementwise("operand", isFloat),
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  RMSNormalization: (node) => {
    const x = input(node, 0), gain = input(node, 1);
    must(gain.dims.length === 1 && gain.dims[0] === x.dims.at(-1), "gain must match the last axis");
    must(gain.dtype === x.dtype, "gain must have the input's dtype");
    return floatSame(node);
  },
  RotaryEmbedding: (node) => {
    const x = input(node, 0), cos = input(node, 1), sin = input(node, 2);
    must(x.dims.length === 4, "input must be [batch, heads, seq, head_dim]");
    must(
      sameShape(cos.dims, sin.dims) && cos.dims.length === 3,
      "cos and sin must both be [batch, seq, head_dim/2]",
    );
    const headDim = x.dims[3];
    must(typeof headDim === "number" && cos.dims[2] === headDim / 2, "cos must cover half of head_dim");
    return floatSame(node);
  },
  Reshape: declared,
  Expand: declared,
  Transpose: (node) => {
    const x = input(node, 0), perm = node.attributes.perm;
    must(perm.length === x.dims.length, "perm must name every axis");
    must(
      [...perm].sort((a, b) => a - b).every((axis, index) => axis === index),
      "perm must be a permutation",
    );
    return [{ dtype: x.dtype, dims: perm.map((axis) => x.dims[axis] as Dim) }];
  },
  Concat: (node) => {
    const parts = node.inputs.map((_, index) => input(node, index));
    const first = parts[0] as Value;
    const axis = normalAxis(node.attributes.axis, first.dims.length);
    for (const part of parts) {
      must(part.dtype === first.dtype, "parts must have one dtype");
      must(
        part.dims.length === first.dims.length &&
          part.dims.every((dim, index) => index === axis || dim === first.dims[index]),
        "parts must agree on all other axes",
      );
    }
    const lengths = parts.map((part) => part.dims[axis] as Dim);
    const joined = lengths.every((dim): dim is number => typeof dim === "number")
      ? lengths.reduce((sum, dim) => sum + dim, 0)
      : node.attributes.joined ?? lengths.join("+");
    return [{ dtype: first.dtype, dims: first.dims.map((dim, index) => (index === axis ? joined : dim)) }];
  },
  Slice: (node) => {
    const x = input(node, 0);
    const axis = normalAxis(node.attributes.axis, x.dims.length);
    const start = node.attributes.start, end = node.attributes.end;
    const dim = x.dims[axis] as Dim;
    must(
      typeof dim !== "number" || (start >= 0 && end <= dim && start < end),
      `[${start}, ${end}) must lie in axis`,
    );
    must(start >= 0 && end > start, "bounds must be positive and in order");
    return [{ dtype: x.dtype, dims: x.dims.map((old, index) => (index === axis ? end - start : old)) }];
  },
  Split: (node) => {
    const x = input(node, 0), parts = parseDims(node.attributes.dims);
    const axis = normalAxis(node.attributes.axis, x.dims.length);
    must(sameShape(input(node, 1).dims, [parts.length]), "sizes must be a vector of one length per part");
    return parts.map((part) => ({
      dtype: x.dtype,
      dims: x.dims.map((dim, index) => (index === axis ? part : dim)),
    }));
  },
  Unsqueeze: (node) => {
    const x = input(node, 0), axes = node.attributes.axes;
    const rank = x.dims.length + axes.length, inserted = axes.map((axis) => normalAxis(axis, rank));
    const rest = [...x.dims];
    return [{
      dtype: x.dtype,
      dims: Array.from({ length: rank }, (_, axis) => (inserted.includes(axis) ? 1 : rest.shift() as Dim)),
    }];
  },
  Squeeze: (node) => {
    const x = input(node, 0);
    const axes = node.attributes.axes.map((axis) => normalAxis(axis, x.dims.length));
    must(axes.every((axis) => x.dims[axis] === 1), "squeezed axes must have length 1");
    return [{ dtype: x.dtype, dims: x.dims.filter((_, axis) => !axes.includes(axis)) }];
  },
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  Gather: gather,
  GatherElements: (node) => {
    const data = input(node, 0), indices = input(node, 1);
    must(data.dims.length === indices.dims.length, "indices must have the data's rank");
    must(indices.dtype === "int64" || indices.dtype === "int32", "indices must be int64 or int32");
    return [{ dtype: data.dtype, dims: indices.dims }];
  },
  ScatterAdd: (node) => {
    const rows = input(node, 0), indices = input(node, 1), updates = input(node, 2);
    must(rows.dims.length === 2, "rows must be [rows, width]");
    must(
      sameShape(updates.dims, [...indices.dims, rows.dims[1] as Dim]),
      "updates must be [...indices, width]",
    );
    return [{ dtype: rows.dtype, dims: rows.dims }];
  },
  ScatterElements: same,
  Where: (node) => {
    const condition = input(node, 0), a = input(node, 1), b = input(node, 2);
    must(condition.dtype === "bool", "condition must be bool");
    must(a.dtype === b.dtype, "branches must have one dtype");
    const branches = broadcastShapes(a.dims, b.dims);
    const dims = branches === null ? null : broadcastShapes(condition.dims, branches);
    must(dims !== null, "shapes must broadcast");
    return [{ dtype: a.dtype, dims }];
  },
  Cast: (node) => [{ dtype: node.attributes.to, dims: input(node, 0).dims }],
  Shape: (node) => {
    const rank = input(node, 0).dims.length;
    const start = node.attributes.start ?? 0;
    const end = node.attributes.end ?? rank;
    return [{ dtype: "int64", dims: [end - start] }];
  },
  Range: (node) => {
    must(
      node.inputs.every((_, index) => input(node, index).dims.every((dim) => dim === 1)),
      "bounds must be scalars, or vectors of one element",
    );
    return [{ dtype: input(node, 0).dtype, dims: [node.attributes.length] }];
  },
  CumSum: same,
  TopK: (node) => {
    const x = input(node, 0), { k } = node.attributes, length = x.dims.at(-1) as Dim;
    must(
      k >= 1 && (typeof length !== "number" || k <= length),
      `k must lie in [1, ${length}]: current value is ${k}`,
    );
    const dims = [...x.dims.slice(0, -1), k];
    return [{ dtype: x.dtype, dims }, { dtype: "int64", dims }];
  },
  ArgMax: (node) => {
    const x = input(node, 0), axis = normalAxis(node.attributes.axis, x.dims.length);
    return [{ dtype: "int64", dims: x.dims.filter((_, index) => index !== axis) }];
  },
  Less: comparison,
  LessOrEqual: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Equal: comparison,
  And: logic,
  Or: logic,
  Not: same,
  Max: arithmetic,
  Min: arithmetic,
  Loop: (node) => {
    const body = node.bodies["body"] as Graph;
    const carried = node.inputs.length - 2;
    must(body.inputs.length === carried + 2, "body must take iteration, condition and every carried value");
    return body.outputs.slice(1).map(({ value }, index) => {
      if (index >= carried) {
        const steps = node.attributes.steps ?? "steps";
        return { dtype: value.dtype, dims: [steps, ...value.dims] };
      }
      const start = input(node, index + 2);
      must(start.dtype === value.dtype, `carried value ${index} must keep its dtype: ${formatType(start)}`);
      must(start.dims.length === value.dims.length, `carried value ${index} must keep its rank`);
      const dims = value.dims.map((
        dim,
        axis,
      ) => (dim === start.dims[axis] ? dim : `final_${start.dims[axis]}`));
      return { dtype: value.dtype, dims };
    });
  },
};

/** Error text for a reader: the rule that failed and what the inputs were. */
export function describeInputs(inputs: readonly (Value | null)[]): string {
  return inputs.map((value) => (value === null ? "(none)" : `${value.name} ${formatType(value)}`)).join(", ");
}
