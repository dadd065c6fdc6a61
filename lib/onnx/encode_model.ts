import proto from "onnx-proto";
import type { DType } from "../core/mod.ts";
import type { Attribute, Graph, GraphNode, Initializer, NodeOf, Value } from "./graph.ts";
import type { OpName } from "./op_attributes.ts";

const { onnx } = proto;
const DATA_TYPES: { readonly [D in DType]: number } = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};
/** RMSNormalization and RotaryEmbedding entered the standard here. */
const OPSET = 23;
const IR_VERSION = 10;

interface NodeFields {
  readonly name: string;
  readonly opType: string;
  readonly domain?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute?: readonly unknown[];
}

const integer = (name: string, i: number) => ({ name, i, type: onnx.AttributeProto.AttributeType.INT });
const integers = (name: string, ints: readonly number[]) => ({
  name,
  ints: [...ints],
  type: onnx.AttributeProto.AttributeType.INTS,
});

function attribute(name: string, value: Attribute): unknown {
  const types = onnx.AttributeProto.AttributeType;
  if (typeof value === "number") return integer(name, value);
  if (typeof value === "string") return { name, s: new TextEncoder().encode(value), type: types.STRING };
  if ("float" in value) return { name, f: value.float, type: types.FLOAT };
  return integers(name, value);
}

function valueInfo(value: Value, name = value.name): unknown {
  // ONNX Runtime holds lengths of one name for equal, and one without a name for anything.
  const dim = value.dims.map((length) =>
    value.broadcasts === true ? {} : typeof length === "number" ? { dimValue: length } : { dimParam: length }
  );
  return { name, type: { tensorType: { elemType: DATA_TYPES[value.dtype], shape: { dim } } } };
}

function initializer(item: Initializer): unknown {
  const base = { name: item.value.name, dataType: DATA_TYPES[item.value.dtype], dims: [...item.value.dims] };
  if (item.kind === "inline") return { ...base, rawData: item.bytes };
  const externalData = [
    { key: "location", value: item.location },
    { key: "offset", value: String(item.offset) },
    { key: "length", value: String(item.length) },
  ];
  return { ...base, externalData, dataLocation: onnx.TensorProto.DataLocation.EXTERNAL };
}

function vector(name: string, values: readonly number[]): unknown {
  return { name, dataType: DATA_TYPES.int64, dims: [values.length], int64Data: [...values] };
}

function scalar(name: string, dtype: "float32" | "float64", value: number): unknown {
  const data = dtype === "float32" ? Float32Array.of(value) : Float64Array.of(value);
  return { name, dataType: DATA_TYPES[dtype], dims: [], rawData: new Uint8Array(data.buffer) };
}

/** How one of our operations is written in ONNX: mostly one node, sometimes a few, with small constants. */
class Lowering {
  readonly nodes: NodeFields[] = [];
  readonly constants: unknown[] = [];

  /**
   * A graph, or the body of a loop. A body's outputs are known by their places, so that they need no names of their own:
   * a node that only renames would copy its input at every step.
   */
  graph(graph: Graph, options: { readonly body?: boolean } = {}): unknown {
    for (const node of graph.nodes) this.node(node);
    const made = new Set(options.body === true ? graph.nodes.flatMap((node) => node.outputs) : []);
    const outputs = graph.outputs.map(({ name, value }) => {
      if (name === value.name || made.delete(value)) return valueInfo(value);
      this.nodes.push({ name: `output.${name}`, opType: "Identity", input: [value.name], output: [name] });
      return valueInfo(value, name);
    });
    return {
      name: graph.name,
      node: this.nodes,
      initializer: [...graph.initializers.map(initializer), ...this.constants],
      input: graph.inputs.map((value) => valueInfo(value)),
      output: outputs,
    };
  }

  node(node: GraphNode): void {
    const special = SPECIAL[node.op] as Special<OpName> | undefined;
    if (special !== undefined) return special(this, node as NodeOf<OpName>);
    this.emit(node, node.op, [
      ...Object.entries(node.attributes).map(([name, value]) => attribute(name, value)),
      ...this.bodies(node),
    ]);
  }

  bodies(node: GraphNode): readonly unknown[] {
    return Object.entries(node.bodies).map(([name, body]) => ({
      name,
      g: new Lowering().graph(body, { body: true }),
      type: onnx.AttributeProto.AttributeType.GRAPH,
    }));
  }

  emit(node: GraphNode, opType: string, attributes: readonly unknown[], options: EmitOptions = {}): void {
    const input = options.inputs ?? node.inputs.map((value) => value?.name ?? "");
    const output = options.outputs ?? node.outputs.map((value) => value.name);
    const domain = options.domain ?? "";
    this.nodes.push({
      name: options.name ?? node.name,
      opType,
      domain,
      input,
      output,
      attribute: attributes,
    });
  }

  int64(node: GraphNode, suffix: string, values: readonly number[]): string {
    const name = `${node.name}/${suffix}`;
    this.constants.push(vector(name, values));
    return name;
  }
}

interface EmitOptions {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly domain?: string;
  readonly name?: string;
}

type Special<Op extends OpName> = (to: Lowering, node: NodeOf<Op>) => void;

const names = (node: Pick<GraphNode, "inputs">) => node.inputs.map((value) => value?.name ?? "");

/** A transposed operand costs nothing in FusedMatMul; float64 has no such kernel, so there it is a Transpose. */
const lowerMatMul: Special<"MatMul"> = (to, node) => {
  const { transA = 0, transB = 0, scale } = node.attributes;
  if (transA === 0 && transB === 0 && scale === undefined) return to.emit(node, "MatMul", []);
  if (node.outputs[0]?.dtype !== "float64") {
    const factor = scale === undefined ? [] : [attribute("alpha", scale)];
    return to.emit(node, "FusedMatMul", [integer("transA", transA), integer("transB", transB), ...factor], {
      domain: "com.microsoft",
    });
  }
  const inputs = node.inputs.map((value, index) => {
    const name = value?.name as string;
    if ((index === 0 ? transA : transB) === 0) return name;
    const rank = value?.dims.length as number;
    const perm = Array.from({ length: rank }, (_, axis) => axis);
    [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
    const turned = `${node.name}/turned_${index}`;
    to.emit(node, "Transpose", [integers("perm", perm)], { inputs: [name], outputs: [turned], name: turned });
    return turned;
  });
  if (scale === undefined) return to.emit(node, "MatMul", [], { inputs });
  const product = `${node.name}/product`, factor = `${node.name}/scale`;
  to.constants.push({ name: factor, dataType: DATA_TYPES.float64, dims: [], doubleData: [scale.float] });
  to.emit(node, "MatMul", [], { inputs, outputs: [product], name: product });
  to.emit(node, "Mul", [], { inputs: [product, factor] });
};

/** float64 is outside the operation's types: y = x·[cos, cos] + [−x₂, x₁]·[sin, sin], x = [x₁, x₂]. */
const lowerRotary: Special<"RotaryEmbedding"> = (to, node) => {
  if (node.outputs[0]?.dtype !== "float64") {
    return to.emit(node, "RotaryEmbedding", [integer("interleaved", 0)]);
  }
  const [x, cos, sin] = names(node) as [string, string, string];
  const half = (node.inputs[0]?.dims[3] as number) / 2;
  const at = (suffix: string) => `${node.name}/${suffix}`;
  const step = (opType: string, inputs: string[], outputs: string[], attributes: unknown[] = []) =>
    to.emit(node, opType, attributes, { inputs, outputs, name: outputs[0] as string });
  step("Split", [x, to.int64(node, "halves", [half, half])], [at("x1"), at("x2")], [integer("axis", 3)]);
  step("Unsqueeze", [cos, to.int64(node, "head_axis", [1])], [at("cos")]);
  step("Unsqueeze", [sin, at("head_axis")], [at("sin")]);
  step("Mul", [at("x1"), at("cos")], [at("x1cos")]);
  step("Mul", [at("x2"), at("sin")], [at("x2sin")]);
  step("Mul", [at("x2"), at("cos")], [at("x2cos")]);
  step("Mul", [at("x1"), at("sin")], [at("x1sin")]);
  step("Sub", [at("x1cos"), at("x2sin")], [at("y1")]);
  step("Add", [at("x2cos"), at("x1sin")], [at("y2")]);
  to.emit(node, "Concat", [integer("axis", 3)], { inputs: [at("y1"), at("y2")] });
};

/** y = softmax(max(x, max x − floor)), where there is a floor. */
const lowerSoftmax: Special<"Softmax"> = (to, node) => {
  const { floor } = node.attributes, axis = integer("axis", node.attributes.axis);
  if (floor === undefined) return to.emit(node, "Softmax", [axis]);
  const at = (suffix: string) => `${node.name}/${suffix}`;
  const step = (opType: string, inputs: string[], output: string, attributes: unknown[] = []) =>
    to.emit(node, opType, attributes, { inputs, outputs: [at(output)], name: at(output) });
  const [x] = names(node) as [string];
  const dtype = node.outputs[0]?.dtype as "float32" | "float64";
  to.constants.push(scalar(at("floor"), dtype, floor.float));
  step("ReduceMax", [x, to.int64(node, "axis", [node.attributes.axis])], "largest", [integer("keepdims", 1)]);
  step("Sub", [at("largest"), at("floor")], "least");
  step("Max", [x, at("least")], "bounded");
  to.emit(node, "Softmax", [axis], { inputs: [at("bounded")] });
};

/** y = a · sigmoid(a) ⊙ b. In float32 the first product is one kernel, which keeps no sigmoid. */
const lowerGatedSilu: Special<"GatedSilu"> = (to, node) => {
  const [a, b] = names(node) as [string, string], silu = `${node.name}/silu`;
  if (node.outputs[0]?.dtype === "float32") {
    const alpha = attribute("alpha", { float: 1 });
    to.emit(node, "QuickGelu", [alpha], {
      domain: "com.microsoft",
      inputs: [a],
      outputs: [silu],
      name: silu,
    });
  } else {
    const sigmoid = `${node.name}/sigmoid`;
    to.emit(node, "Sigmoid", [], { inputs: [a], outputs: [sigmoid], name: sigmoid });
    to.emit(node, "Mul", [], { inputs: [a, sigmoid], outputs: [silu], name: silu });
  }
  to.emit(node, "Mul", [], { inputs: [silu, b] });
};

/** Axes are inputs in ONNX. */
const withAxes =
  <Op extends "Squeeze" | "Unsqueeze" | "ReduceSum" | "ReduceMean" | "ReduceMax">(opType: Op): Special<Op> =>
  (to, node) => {
    const { axes, ...rest }: { readonly axes: readonly number[]; readonly keepdims?: number } =
      node.attributes;
    to.emit(node, opType, Object.entries(rest).map(([name, value]) => integer(name, value)), {
      inputs: [...names(node), to.int64(node, "axes", axes)],
    });
  };

const withoutNotes = <Op extends OpName>(opType: Op): Special<Op> => (to, node) => to.emit(node, opType, []);
const withAxis = <Op extends "Concat" | "Split">(opType: Op): Special<Op> => (to, node) =>
  to.emit(node, opType, [integer("axis", node.attributes.axis)]);

const SPECIAL: { readonly [Op in OpName]?: Special<Op> } = {
  MatMul: lowerMatMul,
  RotaryEmbedding: lowerRotary,
  Softmax: lowerSoftmax,
  GatedSilu: lowerGatedSilu,
  Reshape: withoutNotes("Reshape"),
  Expand: withoutNotes("Expand"),
  Range: withoutNotes("Range"),
  ReduceSum: withAxes("ReduceSum"),
  ReduceMean: withAxes("ReduceMean"),
  ReduceMax: withAxes("ReduceMax"),
  Unsqueeze: withAxes("Unsqueeze"),
  Squeeze: withAxes("Squeeze"),
  Concat: withAxis("Concat"),
  Split: withAxis("Split"),
  Slice: (to, node) => {
    const { start, end, axis } = node.attributes;
    to.emit(node, "Slice", [], {
      inputs: [
        ...names(node),
        to.int64(node, "starts", [start]),
        to.int64(node, "ends", [end]),
        to.int64(node, "axes", [axis]),
      ],
    });
  },
  Cast: (to, node) => to.emit(node, "Cast", [integer("to", DATA_TYPES[node.attributes.to])]),
  ArgMax: (to, node) =>
    to.emit(node, "ArgMax", [integer("axis", node.attributes.axis), integer("keepdims", 0)]),
  CumSum: (to, node) => {
    const axis = to.int64(node, "axis", [node.attributes.axis]);
    to.emit(node, "CumSum", [], { inputs: [...names(node), axis] });
  },
  TopK: (to, node) =>
    to.emit(node, "TopK", [integer("axis", -1)], {
      inputs: [...names(node), to.int64(node, "k", [node.attributes.k])],
    }),
  ScatterAdd: (to, node) => {
    const indices = `${node.name}/rows`;
    const axis = to.int64(node, "last", [-1]);
    to.emit(node, "Unsqueeze", [], {
      inputs: [names(node)[1] as string, axis],
      outputs: [indices],
      name: indices,
    });
    to.emit(node, "ScatterND", [attribute("reduction", "add")], {
      inputs: [names(node)[0] as string, indices, names(node)[2] as string],
    });
  },
  Loop: (to, node) => to.emit(node, "Loop", to.bodies(node)),
};

/** A graph as ONNX bytes. Weights stay outside: external initializers name a file, an offset and a length. */
export function encodeModel(graph: Graph): Uint8Array {
  const model = {
    irVersion: IR_VERSION,
    producerName: "small-vectors",
    opsetImport: [{ domain: "", version: OPSET }, { domain: "com.microsoft", version: 1 }],
    graph: new Lowering().graph(graph),
  };
  return onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish();
}
