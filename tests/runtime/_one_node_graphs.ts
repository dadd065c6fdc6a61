import type { DType } from "../../lib/core/mod.ts";
import { type Graph, GraphBuilder, type NodeOptions, type OpName, type Value } from "../../lib/onnx/mod.ts";

/** Element types that a one-node graph is made in. */
export const ONE_NODE_DTYPES = [
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int32",
  "int64",
  "bool",
] as const satisfies readonly DType[];

/** The type a node is asked about. */
export type OneNodeDType = typeof ONE_NODE_DTYPES[number];

/** The inputs of a one-node graph: `x` has the type asked about. */
interface Parts {
  readonly g: GraphBuilder;
  readonly dtype: OneNodeDType;
  /** An input of the type asked about. */
  readonly x: (dims: readonly (number | string)[]) => Value;
  /** An input of a fixed type. */
  readonly fixed: (dtype: "int32" | "int64" | "bool", dims: readonly (number | string)[]) => Value;
}

type Make = (parts: Parts) => readonly Value[];

const unary = (op: OpName, options: NodeOptions = {}): Make => ({ g, x }) => [
  g.apply(op, [x(["n", 4])], options),
];
const binary = (op: OpName): Make => ({ g, x }) => [g.apply(op, [x(["n", 4]), x(["n", 4])])];
const along = (op: OpName): Make => unary(op, { attributes: { axis: 1 } });
const reduced = (op: OpName): Make => unary(op, { attributes: { axes: [1], keepdims: 0 } });

/** Both forms of a product: as the operands lie, and with one of them read transposed. */
const products: Make = ({ g, x }) => [
  g.matMul(x(["n", 4]), x([4, 3])),
  g.matMul(x(["n", 4]), x([3, 4]), { transB: true }),
];

const NODES: { readonly [Op in OpName]: Make } = {
  Add: binary("Add"),
  And: binary("And"),
  ArgMax: along("ArgMax"),
  Cast: ({ g, x, dtype }) => [
    g.apply("Cast", [x(["n"])], { attributes: { to: dtype === "int32" ? "int64" : "int32" } }),
  ],
  Concat: ({ g, x }) => [g.apply("Concat", [x(["n", 4]), x(["n", 4])], { attributes: { axis: 1 } })],
  // The type of its input: lengths are int64.
  Cos: unary("Cos"),
  CumSum: along("CumSum"),
  Div: binary("Div"),
  Equal: binary("Equal"),
  Exp: unary("Exp"),
  Expand: ({ g, x }) => [g.expand(x([1, 4]), [3, 4])],
  GatedSilu: binary("GatedSilu"),
  Gather: ({ g, x, fixed }) => [g.gather(x([5, 4]), fixed("int64", ["k"]), { axis: 0 })],
  GatherElements: ({ g, x, fixed }) => [
    g.apply("GatherElements", [x(["n", 4]), fixed("int64", ["n", 1])], { attributes: { axis: 1 } }),
  ],
  Greater: binary("Greater"),
  GreaterOrEqual: binary("GreaterOrEqual"),
  Identity: unary("Identity"),
  Less: binary("Less"),
  LessOrEqual: binary("LessOrEqual"),
  Log: unary("Log"),
  LogSoftmax: along("LogSoftmax"),
  Loop: ({ g, x }) => {
    const [last] = g.loop({
      name: "steps",
      maxSteps: x([1]),
      carried: [{ name: "state", start: g.scalar("float32", 1) }],
      body: (body, { carried: [state] }) => ({
        goOn: body.scalar("bool", 1),
        carried: [body.apply("Neg", [state as Value])],
        collected: [],
      }),
    });
    return [last as Value];
  },
  MatMul: products,
  Max: binary("Max"),
  Min: binary("Min"),
  Mul: binary("Mul"),
  Neg: unary("Neg"),
  Not: unary("Not"),
  Or: binary("Or"),
  RMSNormalization: ({ g, x }) => [
    g.apply("RMSNormalization", [x(["n", 4]), x([4])], {
      attributes: { axis: -1, epsilon: { float: 1e-6 } },
    }),
  ],
  Range: ({ g, x }) => [g.apply("Range", [x([]), x([]), x([])], { attributes: { length: "count" } })],
  ReduceMax: reduced("ReduceMax"),
  ReduceMean: reduced("ReduceMean"),
  ReduceSum: reduced("ReduceSum"),
  Reshape: ({ g, x }) => [g.reshape(x(["n", 4]), ["n", 2, 2])],
  RotaryEmbedding: ({ g, x }) => [
    g.apply("RotaryEmbedding", [x(["b", 2, "s", 16]), x(["b", "s", 8]), x(["b", "s", 8])]),
  ],
  ScatterAdd: ({ g, x, fixed }) => [g.apply("ScatterAdd", [x([5, 4]), fixed("int64", ["k"]), x(["k", 4])])],
  ScatterElements: ({ g, x, fixed }) => [
    g.apply("ScatterElements", [x(["n", 4]), fixed("int64", ["n", 1]), x(["n", 1])], {
      attributes: { axis: 1, reduction: "add" },
    }),
  ],
  Shape: ({ g, x }) => [g.apply("Shape", [x(["n", 4])])],
  Sigmoid: unary("Sigmoid"),
  Sin: unary("Sin"),
  Slice: ({ g, x }) => [g.slice(x(["n", 4]), { axis: 1, start: 1, end: 3 })],
  Softmax: along("Softmax"),
  Split: ({ g, x, fixed }) => g.split(x([4, "n"]), { axis: 1, sizes: fixed("int64", [2]), dims: ["a", "b"] }),
  Sqrt: unary("Sqrt"),
  Squeeze: ({ g, x }) => [g.apply("Squeeze", [x(["n", 1])], { attributes: { axes: [1] } })],
  Sub: binary("Sub"),
  TopK: ({ g, x }) => g.node("TopK", [x(["n", 4])], { attributes: { k: 2 } }),
  Transpose: ({ g, x }) => [g.transpose(x(["n", 4]), [1, 0])],
  Unsqueeze: ({ g, x }) => [g.unsqueeze(x(["n"]), [0])],
  Where: ({ g, x, fixed }) => [g.apply("Where", [fixed("bool", ["n", 4]), x(["n", 4]), x(["n", 4])])],
};

/** Every operation, in alphabetical order. */
export const ONE_NODE_OPS = Object.keys(NODES) as readonly OpName[];

/**
 * A graph of one operation in one element type (a product in both its forms), or null where the builder itself
 * refuses the type. 16-bit inputs and outputs are casts of float32 ones, for nothing else crosses a border.
 */
export function oneNodeGraph(op: OpName, dtype: OneNodeDType): Graph | null {
  const g = new GraphBuilder(`${op}.${dtype}`);
  let inputs = 0;
  const half = dtype === "float16" || dtype === "bfloat16";
  const fixed = (type: "int32" | "int64" | "bool", dims: readonly (number | string)[]) =>
    g.input(`in${inputs++}`, type, dims);
  const x = (dims: readonly (number | string)[]) =>
    half ? g.cast(g.input(`in${inputs++}`, "float32", dims), dtype) : g.input(`in${inputs++}`, dtype, dims);
  try {
    NODES[op]({ g, dtype, x, fixed }).forEach((value, index) => {
      const outside = value.dtype === "float16" || value.dtype === "bfloat16"
        ? g.cast(value, "float32")
        : value;
      g.output(`out${index}`, outside);
    });
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
  return g.build();
}
