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

function attribute(name: string, value: Attribute): unknown {
  const types = onnx.AttributeProto.AttributeType;
  if (typeof value === "number") return { name, i: value, type: types.INT };
  if (typeof value === "string") return { name, s: new TextEncoder().encode(value), type: types.STRING };
  if ("float" in value) return { name, f: value.float, type: types.FLOAT };
  return { name, ints: [...value], type: types.INTS };
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
    this.emit(node, node.op, { attributes: node.attributes });
  }

  bodies(node: GraphNode): readonly unknown[] {
    return Object.entries(node.bodies).map(([name, body]) => ({
      name,
      g: new Lowering().graph(body, { body: true }),
      type: onnx.AttributeProto.AttributeType.GRAPH,
    }));
  }

  /** One node of ONNX: with other outputs than those of `node` it is a step on the way, named after its first. */
  emit(node: GraphNode, opType: string, options: EmitOptions = {}): void {
    const { attributes = {}, inputs = names(node), outputs, domain = "" } = options;
    const settings = Object.entries(attributes).map(([name, value]) => attribute(name, value));
    this.nodes.push({
      name: outputs?.[0] ?? node.name,
      opType,
      domain,
      input: inputs,
      output: outputs ?? node.outputs.map((value) => value.name),
      attribute: [...settings, ...this.bodies(node)],
    });
  }

  int64(node: GraphNode, suffix: string, values: readonly number[]): string {
    const name = `${node.name}/${suffix}`;
    this.constants.push(vector(name, values));
    return name;
  }
}

interface EmitOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly domain?: string;
}

type Special<Op extends OpName> = (to: Lowering, node: NodeOf<Op>) => void;

const names = (node: Pick<GraphNode, "inputs">) => node.inputs.map((value) => value?.name ?? "");

/** A transposed operand costs nothing in FusedMatMul; float64 has no such kernel, so there it is a Transpose. */
const lowerMatMul: Special<"MatMul"> = (to, node) => {
  const { transA = 0, transB = 0, scale } = node.attributes;
  if (transA === 0 && transB === 0 && scale === undefined) return to.emit(node, "MatMul");
  if (node.outputs[0]?.dtype !== "float64") {
    const attributes = { transA, transB, ...(scale === undefined ? {} : { alpha: scale }) };
    return to.emit(node, "FusedMatMul", { attributes, domain: "com.microsoft" });
  }
  const inputs = node.inputs.map((value, index) => {
    const name = value?.name as string;
    if ((index === 0 ? transA : transB) === 0) return name;
    const rank = value?.dims.length as number;
    const perm = Array.from({ length: rank }, (_, axis) => axis);
    [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
    const turned = `${node.name}/turned_${index}`;
    to.emit(node, "Transpose", { attributes: { perm }, inputs: [name], outputs: [turned] });
    return turned;
  });
  if (scale === undefined) return to.emit(node, "MatMul", { inputs });
  const product = `${node.name}/product`, factor = `${node.name}/scale`;
  to.constants.push({ name: factor, dataType: DATA_TYPES.float64, dims: [], doubleData: [scale.float] });
  to.emit(node, "MatMul", { inputs, outputs: [product] });
  to.emit(node, "Mul", { inputs: [product, factor] });
};

/** float64 is outside the operation's types: y = x·[cos, cos] + [−x₂, x₁]·[sin, sin], x = [x₁, x₂]. */
const lowerRotary: Special<"RotaryEmbedding"> = (to, node) => {
  if (node.outputs[0]?.dtype !== "float64") {
    return to.emit(node, "RotaryEmbedding", { attributes: { interleaved: 0 } });
  }
  const [x, cos, sin] = names(node) as [string, string, string];
  const half = (node.inputs[0]?.dims[3] as number) / 2;
  const at = (suffix: string) => `${node.name}/${suffix}`;
  const step = (opType: string, inputs: readonly string[], output: string) =>
    to.emit(node, opType, { inputs, outputs: [at(output)] });
  to.emit(node, "Split", {
    attributes: { axis: 3 },
    inputs: [x, to.int64(node, "halves", [half, half])],
    outputs: [at("x1"), at("x2")],
  });
  step("Unsqueeze", [cos, to.int64(node, "head_axis", [1])], "cos");
  step("Unsqueeze", [sin, at("head_axis")], "sin");
  step("Mul", [at("x1"), at("cos")], "x1cos");
  step("Mul", [at("x2"), at("sin")], "x2sin");
  step("Mul", [at("x2"), at("cos")], "x2cos");
  step("Mul", [at("x1"), at("sin")], "x1sin");
  step("Sub", [at("x1cos"), at("x2sin")], "y1");
  step("Add", [at("x2cos"), at("x1sin")], "y2");
  to.emit(node, "Concat", { attributes: { axis: 3 }, inputs: [at("y1"), at("y2")] });
};

/** y = softmax(max(x, max x − floor)), where there is a floor. */
const lowerSoftmax: Special<"Softmax"> = (to, node) => {
  const { floor, axis } = node.attributes, attributes = { axis };
  if (floor === undefined) return to.emit(node, "Softmax", { attributes });
  const at = (suffix: string) => `${node.name}/${suffix}`;
  const [x] = names(node) as [string];
  to.constants.push(scalar(at("floor"), node.outputs[0]?.dtype as "float32" | "float64", floor.float));
  to.emit(node, "ReduceMax", {
    attributes: { keepdims: 1 },
    inputs: [x, to.int64(node, "axis", [axis])],
    outputs: [at("largest")],
  });
  to.emit(node, "Sub", { inputs: [at("largest"), at("floor")], outputs: [at("least")] });
  to.emit(node, "Max", { inputs: [x, at("least")], outputs: [at("bounded")] });
  to.emit(node, "Softmax", { attributes, inputs: [at("bounded")] });
};

/** y = a · sigmoid(a) ⊙ b. In float32 the first product is one kernel, which keeps no sigmoid. */
const lowerGatedSilu: Special<"GatedSilu"> = (to, node) => {
  const [a, b] = names(node) as [string, string], silu = `${node.name}/silu`, outputs = [silu];
  if (node.outputs[0]?.dtype === "float32") {
    const attributes = { alpha: { float: 1 } };
    to.emit(node, "QuickGelu", { attributes, domain: "com.microsoft", inputs: [a], outputs });
  } else {
    const sigmoid = `${node.name}/sigmoid`;
    to.emit(node, "Sigmoid", { inputs: [a], outputs: [sigmoid] });
    to.emit(node, "Mul", { inputs: [a, sigmoid], outputs });
  }
  to.emit(node, "Mul", { inputs: [silu, b] });
};

/** Axes are inputs in ONNX. */
const withAxes: Special<"Squeeze" | "Unsqueeze" | "ReduceSum" | "ReduceMean" | "ReduceMax"> = (to, node) => {
  const { axes, ...attributes }: { readonly axes: readonly number[]; readonly keepdims?: number } =
    node.attributes;
  to.emit(node, node.op, { attributes, inputs: [...names(node), to.int64(node, "axes", axes)] });
};

const withoutNotes: Special<OpName> = (to, node) => to.emit(node, node.op);
const withAxis: Special<"Concat" | "Split"> = (to, node) =>
  to.emit(node, node.op, { attributes: { axis: node.attributes.axis } });

const SPECIAL: { readonly [Op in OpName]?: Special<Op> } = {
  MatMul: lowerMatMul,
  RotaryEmbedding: lowerRotary,
  Softmax: lowerSoftmax,
  GatedSilu: lowerGatedSilu,
  Reshape: withoutNotes,
  Expand: withoutNotes,
  Range: withoutNotes,
  ReduceSum: withAxes,
  ReduceMean: withAxes,
  ReduceMax: withAxes,
  Unsqueeze: withAxes,
  Squeeze: withAxes,
  Concat: withAxis,
  Split: withAxis,
  Slice: (to, node) => {
    const { start, end, axis } = node.attributes;
    to.emit(node, "Slice", {
      inputs: [
        ...names(node),
        to.int64(node, "starts", [start]),
        to.int64(node, "ends", [end]),
        to.int64(node, "axes", [axis]),
      ],
    });
  },
  Cast: (to, node) => to.emit(node, "Cast", { attributes: { to: DATA_TYPES[node.attributes.to] } }),
  ArgMax: (to, node) => to.emit(node, "ArgMax", { attributes: { axis: node.attributes.axis, keepdims: 0 } }),
  CumSum: (to, node) =>
    to.emit(node, "CumSum", { inputs: [...names(node), to.int64(node, "axis", [node.attributes.axis])] }),
  TopK: (to, node) =>
    to.emit(node, "TopK", {
      attributes: { axis: -1 },
      inputs: [...names(node), to.int64(node, "k", [node.attributes.k])],
    }),
  ScatterAdd: (to, node) => {
    const [rows, indices, updates] = names(node) as [string, string, string];
    const outputs = [`${node.name}/rows`] as const;
    to.emit(node, "Unsqueeze", { inputs: [indices, to.int64(node, "last", [-1])], outputs });
    to.emit(node, "ScatterND", {
      attributes: { reduction: "add" },
      inputs: [rows, outputs[0], updates],
    });
  },
  Loop: withoutNotes,
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
