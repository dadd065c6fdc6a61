import type { DType } from "../core/mod.ts";
import type { OpName } from "./op_name.ts";
import { type Attribute, formatType, type Graph, type Value } from "./graph.ts";
import { broadcastShapes, type Dim, sameShape, type Shape } from "./shape.ts";

/** Element type and shape of one output. */
export interface ValueType {
  readonly dtype: DType;
  readonly dims: Shape;
}

/** What an inference function sees of a node. */
export interface InferenceInput {
  readonly inputs: readonly (Value | null)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly bodies: Readonly<Record<string, Graph>>;
}

/** Thrown by an inference function; the builder adds the node's name and its inputs. */
export class InferenceError extends Error {}

type Infer = (node: InferenceInput) => readonly ValueType[];

interface Operator {
  readonly domain: "" | "com.microsoft";
  readonly infer: Infer;
}

function must(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InferenceError(rule);
}

function input(node: InferenceInput, index: number): Value {
  const value = node.inputs[index];
  must(value !== null && value !== undefined, `input ${index} must be given`);
  return value;
}

/**
 * Axis attribute made non-negative.
 *
 * @example
 * ```ts
 * import { normalAxis } from "./mod.ts";
 * if (normalAxis(-1, 3) !== 2) throw new Error("-1 is the last axis");
 * ```
 *
 * @throws {InferenceError} for an axis that a value of this rank lacks; the builder adds the node's name.
 */
export function normalAxis(axis: number, rank: number): number {
  must(axis >= -rank && axis < rank, `axis must lie in [${-rank}, ${rank}): current value is ${axis}`);
  return axis < 0 ? axis + rank : axis;
}

const isFloat = (dtype: DType) => dtype.includes("float");

const same: Infer = (node) => {
  const x = input(node, 0);
  return [{ dtype: x.dtype, dims: x.dims }];
};

const floatSame: Infer = (node) => {
  must(isFloat(input(node, 0).dtype), "input must be a floating-point tensor");
  return same(node);
};

function elementwise(result: "operand" | "bool", accepts: (dtype: DType) => boolean): Infer {
  return (node) => {
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

const matMul: Infer = (node) => {
  const a = input(node, 0), b = input(node, 1);
  must(a.dtype === b.dtype && isFloat(a.dtype), "operands must have one floating-point dtype");
  must(a.dims.length >= 2 && b.dims.length >= 2, "operands must have at least two axes");
  const [rows, innerA] = lastTwo(a.dims, node.attributes["transA"] === 1);
  const [innerB, columns] = lastTwo(b.dims, node.attributes["transB"] === 1);
  must(innerA === innerB, `inner axes must agree: ${innerA} and ${innerB}`);
  const batch = broadcastShapes(a.dims.slice(0, -2), b.dims.slice(0, -2));
  must(batch !== null, "batch axes must broadcast");
  return [{ dtype: a.dtype, dims: [...batch, rows, columns] }];
};

function lastTwo(dims: Shape, transposed: boolean): [Dim, Dim] {
  const first = dims[dims.length - 2] as Dim, second = dims[dims.length - 1] as Dim;
  return transposed ? [second, first] : [first, second];
}

const alongAxis: Infer = (node) => {
  normalAxis(node.attributes["axis"] as number, input(node, 0).dims.length);
  return floatSame(node);
};

const reduce: Infer = (node) => {
  const x = input(node, 0);
  const axes = (node.attributes["axes"] as readonly number[]).map((axis) => normalAxis(axis, x.dims.length));
  const dims = node.attributes["keepdims"] === 1
    ? x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
    : x.dims.filter((_, axis) => !axes.includes(axis));
  return [{ dtype: x.dtype, dims }];
};

const gather: Infer = (node) => {
  const data = input(node, 0), indices = input(node, 1);
  must(indices.dtype === "int64" || indices.dtype === "int32", "indices must be int64 or int32");
  const axis = normalAxis(node.attributes["axis"] as number, data.dims.length);
  return [{
    dtype: data.dtype,
    dims: [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)],
  }];
};

const declared: Infer = (node) => {
  const x = input(node, 0);
  return [{ dtype: x.dtype, dims: parseDims(node.attributes["dims"] as string) }];
};

/** Shapes travel through attributes as text, since attributes hold no mixed lists. */
export function encodeDims(dims: Shape): string {
  return dims.join(",");
}

/** Inverse of {@link encodeDims}. */
export function parseDims(text: string): Dim[] {
  if (text === "") return [];
  return text.split(",").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Every operation with its domain and its rule for output types. */
export const OPERATORS: { readonly [Op in OpName]: Operator } = {
  MatMul: { domain: "", infer: matMul },
  Add: { domain: "", infer: arithmetic },
  Sub: { domain: "", infer: arithmetic },
  Mul: { domain: "", infer: arithmetic },
  Div: { domain: "", infer: arithmetic },
  Neg: { domain: "", infer: same },
  Exp: { domain: "", infer: floatSame },
  Log: { domain: "", infer: floatSame },
  Sqrt: { domain: "", infer: floatSame },
  Sigmoid: { domain: "", infer: floatSame },
  Cos: { domain: "", infer: floatSame },
  Sin: { domain: "", infer: floatSame },
  Identity: { domain: "", infer: same },
  GatedSilu: { domain: "", infer: elementwise("operand", isFloat) },
  Softmax: { domain: "", infer: alongAxis },
  LogSoftmax: { domain: "", infer: alongAxis },
  RMSNormalization: {
    domain: "",
    infer: (node) => {
      const x = input(node, 0), gain = input(node, 1);
      must(gain.dims.length === 1 && gain.dims[0] === x.dims.at(-1), "gain must match the last axis");
      must(gain.dtype === x.dtype, "gain must have the input's dtype");
      return floatSame(node);
    },
  },
  RotaryEmbedding: {
    domain: "",
    infer: (node) => {
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
  },
  Reshape: { domain: "", infer: declared },
  Expand: { domain: "", infer: declared },
  Transpose: {
    domain: "",
    infer: (node) => {
      const x = input(node, 0), perm = node.attributes["perm"] as readonly number[];
      must(perm.length === x.dims.length, "perm must name every axis");
      must(
        [...perm].sort((a, b) => a - b).every((axis, index) => axis === index),
        "perm must be a permutation",
      );
      return [{ dtype: x.dtype, dims: perm.map((axis) => x.dims[axis] as Dim) }];
    },
  },
  Concat: {
    domain: "",
    infer: (node) => {
      const parts = node.inputs.map((_, index) => input(node, index));
      const first = parts[0] as Value;
      const axis = normalAxis(node.attributes["axis"] as number, first.dims.length);
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
        : (node.attributes["joined"] as string | undefined) ?? lengths.join("+");
      return [{ dtype: first.dtype, dims: first.dims.map((dim, index) => (index === axis ? joined : dim)) }];
    },
  },
  Slice: {
    domain: "",
    infer: (node) => {
      const x = input(node, 0);
      const axis = normalAxis(node.attributes["axis"] as number, x.dims.length);
      const start = node.attributes["start"] as number, end = node.attributes["end"] as number;
      const dim = x.dims[axis] as Dim;
      const rest = node.attributes["rest"];
      if (typeof rest === "string") {
        must(
          typeof dim === "string" && start >= 0,
          "the rest of an axis must be of one with a symbolic length",
        );
        return [{ dtype: x.dtype, dims: x.dims.map((old, index) => (index === axis ? rest : old)) }];
      }
      must(
        typeof dim !== "number" || (start >= 0 && end <= dim && start < end),
        `[${start}, ${end}) must lie in axis`,
      );
      must(start >= 0 && end > start, "bounds must be positive and in order");
      return [{ dtype: x.dtype, dims: x.dims.map((old, index) => (index === axis ? end - start : old)) }];
    },
  },
  Split: {
    domain: "",
    infer: (node) => {
      const x = input(node, 0), parts = parseDims(node.attributes["dims"] as string);
      const axis = normalAxis(node.attributes["axis"] as number, x.dims.length);
      must(sameShape(input(node, 1).dims, [parts.length]), "sizes must be a vector of one length per part");
      return parts.map((part) => ({
        dtype: x.dtype,
        dims: x.dims.map((dim, index) => (index === axis ? part : dim)),
      }));
    },
  },
  Unsqueeze: {
    domain: "",
    infer: (node) => {
      const x = input(node, 0), axes = node.attributes["axes"] as readonly number[];
      const rank = x.dims.length + axes.length, inserted = axes.map((axis) => normalAxis(axis, rank));
      const rest = [...x.dims];
      return [{
        dtype: x.dtype,
        dims: Array.from({ length: rank }, (_, axis) => (inserted.includes(axis) ? 1 : rest.shift() as Dim)),
      }];
    },
  },
  Squeeze: {
    domain: "",
    infer: (node) => {
      const x = input(node, 0);
      const axes = (node.attributes["axes"] as readonly number[]).map((axis) =>
        normalAxis(axis, x.dims.length)
      );
      must(axes.every((axis) => x.dims[axis] === 1), "squeezed axes must have length 1");
      return [{ dtype: x.dtype, dims: x.dims.filter((_, axis) => !axes.includes(axis)) }];
    },
  },
  ReduceSum: { domain: "", infer: reduce },
  ReduceMean: { domain: "", infer: reduce },
  ReduceMax: { domain: "", infer: reduce },
  Gather: { domain: "", infer: gather },
  GatherElements: {
    domain: "",
    infer: (node) => {
      const data = input(node, 0), indices = input(node, 1);
      must(data.dims.length === indices.dims.length, "indices must have the data's rank");
      must(indices.dtype === "int64" || indices.dtype === "int32", "indices must be int64 or int32");
      return [{ dtype: data.dtype, dims: indices.dims }];
    },
  },
  ScatterAdd: {
    domain: "",
    infer: (node) => {
      const rows = input(node, 0), indices = input(node, 1), updates = input(node, 2);
      must(rows.dims.length === 2, "rows must be [rows, width]");
      must(
        sameShape(updates.dims, [...indices.dims, rows.dims[1] as Dim]),
        "updates must be [...indices, width]",
      );
      return [{ dtype: rows.dtype, dims: rows.dims }];
    },
  },
  ScatterElements: { domain: "", infer: same },
  Where: {
    domain: "",
    infer: (node) => {
      const condition = input(node, 0), a = input(node, 1), b = input(node, 2);
      must(condition.dtype === "bool", "condition must be bool");
      must(a.dtype === b.dtype, "branches must have one dtype");
      const branches = broadcastShapes(a.dims, b.dims);
      const dims = branches === null ? null : broadcastShapes(condition.dims, branches);
      must(dims !== null, "shapes must broadcast");
      return [{ dtype: a.dtype, dims }];
    },
  },
  Cast: {
    domain: "",
    infer: (node) => [{ dtype: node.attributes["to"] as DType, dims: input(node, 0).dims }],
  },
  Shape: {
    domain: "",
    infer: (node) => {
      const rank = input(node, 0).dims.length;
      const start = (node.attributes["start"] as number | undefined) ?? 0;
      const end = (node.attributes["end"] as number | undefined) ?? rank;
      return [{ dtype: "int64", dims: [end - start] }];
    },
  },
  Range: {
    domain: "",
    infer: (node) => {
      must(
        node.inputs.every((_, index) => input(node, index).dims.every((dim) => dim === 1)),
        "bounds must be scalars, or vectors of one element",
      );
      return [{ dtype: input(node, 0).dtype, dims: [node.attributes["length"] as string] }];
    },
  },
  ConstantOfShape: {
    domain: "",
    infer: (
      node,
    ) => [{ dtype: node.attributes["dtype"] as DType, dims: parseDims(node.attributes["dims"] as string) }],
  },
  CumSum: { domain: "", infer: same },
  ArgMax: {
    domain: "",
    infer: (node) => {
      const x = input(node, 0), axis = normalAxis(node.attributes["axis"] as number, x.dims.length);
      return [{ dtype: "int64", dims: x.dims.filter((_, index) => index !== axis) }];
    },
  },
  TopK: {
    domain: "",
    infer: (node) => {
      const x = input(node, 0), k = node.attributes["k"] as number, length = x.dims.at(-1) as Dim;
      must(
        k >= 1 && (typeof length !== "number" || k <= length),
        `k must lie in [1, ${length}]: current value is ${k}`,
      );
      const dims = [...x.dims.slice(0, -1), k];
      return [{ dtype: x.dtype, dims }, { dtype: "int64", dims }];
    },
  },
  Less: { domain: "", infer: comparison },
  LessOrEqual: { domain: "", infer: comparison },
  Greater: { domain: "", infer: comparison },
  GreaterOrEqual: { domain: "", infer: comparison },
  Equal: { domain: "", infer: comparison },
  And: { domain: "", infer: logic },
  Or: { domain: "", infer: logic },
  Not: { domain: "", infer: same },
  Max: { domain: "", infer: arithmetic },
  Min: { domain: "", infer: arithmetic },
  Loop: {
    domain: "",
    infer: (node) => {
      const body = node.bodies["body"] as Graph;
      const carried = node.inputs.length - 2;
      must(body.inputs.length === carried + 2, "body must take iteration, condition and every carried value");
      return body.outputs.slice(1).map(({ value }, index) => {
        if (index >= carried) {
          const steps = (node.attributes["steps"] as string | undefined) ?? "steps";
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
  },
  If: {
    domain: "",
    infer: (node) => {
      const yes = node.bodies["then_branch"] as Graph, no = node.bodies["else_branch"] as Graph;
      must(input(node, 0).dtype === "bool", "condition must be bool");
      must(yes.outputs.length === no.outputs.length, "branches must have as many outputs");
      return yes.outputs.map(({ value }, index) => {
        const other = no.outputs[index]?.value as Value;
        must(
          value.dtype === other.dtype && sameShape(value.dims, other.dims),
          `output ${index} must agree in both`,
        );
        return { dtype: value.dtype, dims: value.dims };
      });
    },
  },
};

/** Error text for a reader: the rule that failed and what the inputs were. */
export function describeInputs(inputs: readonly (Value | null)[]): string {
  return inputs.map((value) => (value === null ? "(none)" : `${value.name} ${formatType(value)}`)).join(", ");
}
