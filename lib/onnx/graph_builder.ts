import { type BorderDType, type DType, sha256, type Tensor, tensor } from "../core/mod.ts";
import type { Graph, GraphNode, Initializer, Scope, Value } from "./graph.ts";
import type { OpAttributes, OpName } from "./op_attributes.ts";
import { describeInputs, encodeDims, type Infer, InferenceError, OPERATORS } from "./operators.ts";
import { type Dim, formatShape, productOfDims, type Shape } from "./shape.ts";

/** Parts of a node beyond its operation and inputs. */
export interface NodeOptions<Op extends OpName = OpName> {
  /** Attributes of the operation. `@default {}` */
  readonly attributes?: OpAttributes<Op>;
  /** Body graph of a `Loop`. `@default {}` */
  readonly bodies?: Readonly<Record<string, Graph>>;
  /** Name of the first output. `@default` the node's name */
  readonly name?: string;
}

/** The last argument of a node: left out where its operation needs no settings. */
export type Given<Op extends OpName> = Readonly<Record<never, never>> extends OpAttributes<Op>
  ? [options?: NodeOptions<Op>]
  : [options: NodeOptions<Op> & { readonly attributes: OpAttributes<Op> }];

/** A carried value of a loop: its value before the first step and its type inside the body. */
export interface Carried {
  /** What the body calls it. */
  readonly name: string;
  /** Its value before the first step. */
  readonly start: Value;
  /** Shape inside the body where it changes from step to step. `@default` the start's shape */
  readonly dims?: Shape;
}

/**
 * Builds a graph node by node. Types and shapes are checked as each node is added, so an error names the node
 * that is wrong, long before a session is made.
 */
export class GraphBuilder {
  /** Identity of the graph; values carry it. */
  readonly scope: Scope;
  readonly #parent: GraphBuilder | null;
  readonly #inputs: Value[] = [];
  readonly #outputs: { name: string; value: Value }[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #names: Set<string>;
  readonly #constants = new Map<string, Value>();
  readonly #lengths = new Map<string, Value>();
  readonly #prefix: string[] = [];

  /** An empty graph; `parent` is the graph that a loop's body may take values from. */
  constructor(name: string, options: { readonly parent?: GraphBuilder } = {}) {
    this.#parent = options.parent ?? null;
    this.scope = { name, parent: this.#parent?.scope ?? null };
    this.#names = this.#parent === null ? new Set() : this.#parent.#names;
  }

  /** Nodes so far, in order: what a backward pass walks. */
  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }

  /** Names the nodes added inside `add` with a prefix, so that errors and text say where they belong. */
  within<T>(prefix: string, add: () => T): T {
    this.#prefix.push(prefix);
    try {
      return add();
    } finally {
      this.#prefix.pop();
    }
  }

  /** A graph input. With `broadcasts` a feed may have 1 in place of any of its lengths. `@default {broadcasts: false}` */
  input(name: string, dtype: DType, dims: Shape, options: { readonly broadcasts?: boolean } = {}): Value {
    const made = this.#newValue(this.#claim(name), dtype, dims);
    const value = options.broadcasts === true ? { ...made, broadcasts: true } : made;
    this.#inputs.push(value);
    return value;
  }

  /** Declares a value as a graph output under `name`. */
  output(name: string, value: Value): void {
    this.#checkScope(`output "${name}"`, value);
    const taken = this.#parent === null && name !== value.name && this.#names.has(name);
    if (taken || this.#outputs.some((output) => output.name === name)) {
      throw new RangeError(`Cannot add output "${name}" to graph "${this.scope.name}" as the name is taken`);
    }
    this.#names.add(name);
    this.#outputs.push({ name, value });
  }

  /** A constant that lives in the graph; equal constants are stored once. */
  constant<D extends BorderDType>(dtype: D, dims: readonly number[], values: ArrayLike<number>): Value {
    const held: Tensor = tensor(dtype as BorderDType, dims, values) as Tensor;
    const bytes = new Uint8Array(held.data.buffer, held.data.byteOffset, held.data.byteLength).slice();
    const key = `${dtype}|${dims.join(",")}|${sha256(bytes)}`; // of bytes, since 0 and −0 are two constants
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const value = this.#newValue(this.#claim(`const_${this.#constants.size}`), dtype, dims);
    this.#initializers.push({ kind: "inline", value, bytes });
    this.#constants.set(key, value);
    return value;
  }

  /** A scalar constant. 16-bit ones are written as float32 and cast, so that the graph's text shows their value. */
  scalar(dtype: Exclude<DType, "uint8">, value: number): Value {
    if (dtype !== "float16" && dtype !== "bfloat16") return this.constant(dtype, [], [value]);
    const key = `${dtype}|${Object.is(value, -0) ? "-0" : value}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const cast = this.cast(this.constant("float32", [], [value]), dtype);
    this.#constants.set(key, cast);
    return cast;
  }

  /** A constant that stays in a file beside the session's weight folder. */
  external(
    name: string,
    at: {
      readonly dtype: DType;
      readonly dims: readonly number[];
      readonly location: string;
      readonly offset: number;
      readonly length: number;
    },
  ): Value {
    const value = this.#newValue(this.#claim(name), at.dtype, at.dims);
    const { location, offset, length } = at;
    this.#initializers.push({ kind: "external", value, location, offset, length });
    return value;
  }

  /** Adds a node and returns all its outputs. */
  node<Op extends OpName>(
    op: Op,
    inputs: readonly (Value | null)[],
    ...given: Given<Op>
  ): readonly Value[] {
    const options: NodeOptions<Op> = given[0] ?? {};
    // Settings that an operation needs are given: the type of the options says so.
    const attributes = (options.attributes ?? {}) as OpAttributes<Op>, bodies = options.bodies ?? {};
    const name = this.#claim([...this.#prefix, options.name ?? op].join("."));
    for (const value of inputs) if (value !== null) this.#checkScope(`node "${name}"`, value);
    let types;
    try {
      types = (OPERATORS[op] as Infer<Op>)({ inputs, attributes, bodies });
    } catch (error) {
      if (!(error instanceof InferenceError)) throw error;
      throw new TypeError(
        `Cannot add ${op} "${name}" as ${error.message}: current inputs are ${describeInputs(inputs)}`,
      );
    }
    const outputs = types.map((type, index) =>
      this.#newValue(index === 0 ? name : this.#claim(`${name}:${index}`), type.dtype, type.dims)
    );
    this.#nodes.push({ name, op, inputs, outputs, attributes, bodies });
    return outputs;
  }

  /** Adds a node with a single output. */
  apply<Op extends OpName>(op: Op, inputs: readonly (Value | null)[], ...given: Given<Op>): Value {
    return this.node(op, inputs, ...given)[0] as Value;
  }

  /** a + b, broadcast. */
  add(a: Value, b: Value): Value {
    return this.apply("Add", [a, b]);
  }

  /** a − b, broadcast. */
  sub(a: Value, b: Value): Value {
    return this.apply("Sub", [a, b]);
  }

  /** a · b element by element, broadcast. */
  mul(a: Value, b: Value): Value {
    return this.apply("Mul", [a, b]);
  }

  /** a / b element by element, broadcast. */
  div(a: Value, b: Value): Value {
    return this.apply("Div", [a, b]);
  }

  /**
   * Matrix product over the last two axes, times `scale`; a transposed operand is read as it lies, never copied.
   * `@default {scale: 1}`
   */
  matMul(
    a: Value,
    b: Value,
    options: { readonly transA?: boolean; readonly transB?: boolean; readonly scale?: number } = {},
  ): Value {
    const { transA = false, transB = false, scale = 1 } = options;
    const attributes = {
      transA: transA ? 1 : 0,
      transB: transB ? 1 : 0,
      ...(scale === 1 ? {} : { scale: { float: scale } }),
    };
    return this.apply("MatMul", [a, b], { attributes });
  }

  /**
   * Softmax over one axis. With `floor` f, entries further than f below the largest count as f below it: none is then
   * so small that its exponential leaves the normal numbers, which makes a CPU many times slower.
   */
  softmax(
    x: Value,
    options: { readonly axis: number; readonly log?: boolean; readonly floor?: number | undefined },
  ): Value {
    const { axis, log, floor } = options;
    return this.apply(log === true ? "LogSoftmax" : "Softmax", [x], {
      attributes: { axis, ...(floor === undefined ? {} : { floor: { float: floor } }) },
    });
  }

  /** Sum, mean or maximum over axes. `@default {keepdims: false}` */
  reduce(
    kind: "sum" | "mean" | "max",
    x: Value,
    options: { readonly axes: readonly number[]; readonly keepdims?: boolean },
  ): Value {
    const op = ({ sum: "ReduceSum", mean: "ReduceMean", max: "ReduceMax" } as const)[kind];
    return this.apply(op, [x], {
      attributes: { axes: options.axes, keepdims: options.keepdims === true ? 1 : 0 },
    });
  }

  /** Axes in another order. */
  transpose(x: Value, perm: readonly number[]): Value {
    return this.apply("Transpose", [x], { attributes: { perm } });
  }

  /** The same elements in another shape; symbols in `dims` are lengths of graph inputs. */
  reshape(x: Value, dims: Shape): Value {
    return this.#reshaped(x, dims, () => this.shapeOf(dims));
  }

  /** The elements of `x` in the shape of another value, which is read off that value where it is not known before. */
  reshapeLike(x: Value, like: Value): Value {
    return this.#reshaped(x, like.dims, () => this.apply("Shape", [like]));
  }

  #reshaped(x: Value, dims: Shape, measured: () => Value): Value {
    if (productOfDims(dims) !== productOfDims(x.dims)) {
      throw new TypeError(
        `Cannot reshape "${x.name}" to ${formatShape(dims)} as the count must stay: current shape is ${
          formatShape(x.dims)
        }`,
      );
    }
    const unknown = dims.filter((dim, axis) => typeof dim === "string" && x.dims[axis] !== dim);
    const shape = unknown.length <= 1 && dims.every((dim) => dim !== 0)
      ? this.constant(
        "int64",
        [dims.length],
        dims.map((dim, axis) => typeof dim === "number" ? dim : x.dims[axis] === dim ? 0 : -1),
      )
      : measured();
    return this.apply("Reshape", [x, shape], { attributes: { dims: encodeDims(dims) } });
  }

  /** A broadcast copy with shape `dims`. */
  expand(x: Value, dims: Shape): Value {
    // An axis that keeps its length need not be named: 1 broadcasts to what the operand has, and so do leading
    // axes that are left out. Fewer lengths have to be put together, which a GPU's graph would do on the host.
    const extra = dims.length - x.dims.length;
    const kept = dims.map((dim, axis) => x.dims[axis - extra] === dim);
    const rest = dims.slice(Math.max(0, kept.indexOf(false)));
    const asked = dims.map((dim, axis) => kept[axis] === true && typeof dim === "string" ? 1 : dim);
    const shape = asked.every((dim) => typeof dim === "number") ? null : this.#findRun(rest);
    return this.apply("Expand", [x, shape ?? this.shapeOf(asked)], {
      attributes: { dims: encodeDims(dims) },
    });
  }

  /** A copy of `x` broadcast to the shape of another value, which is read off that value at run time. */
  expandLike(x: Value, like: Value): Value {
    const attributes = { dims: encodeDims(like.dims) };
    if (like.dims.every((dim) => typeof dim === "number")) return this.expand(x, like.dims);
    return this.apply("Expand", [x, this.apply("Shape", [like])], { attributes });
  }

  /** A shape as an int64 vector; symbols are read off the graph's inputs at run time, in one piece if one has them. */
  shapeOf(dims: Shape): Value {
    if (dims.every((dim): dim is number => typeof dim === "number")) {
      return this.constant("int64", [dims.length], dims);
    }
    const whole = this.#findRun(dims);
    if (whole !== null) return whole;
    const parts = dims.map((dim) => this.length(dim));
    return parts.length === 1 ? parts[0] as Value : this.concat(parts, { axis: 0 });
  }

  /** One axis length as an int64 vector of one element. */
  length(dim: Dim): Value {
    if (typeof dim === "number") return this.constant("int64", [1], [dim]);
    const known = this.#lengths.get(dim);
    if (known !== undefined) return known;
    const source = this.#findSymbol(dim);
    let length: Value;
    if (source !== null) {
      length = this.apply("Shape", [source.value], {
        attributes: { start: source.axis, end: source.axis + 1 },
      });
    } else {
      const factors = dim.split("*");
      if (factors.length === 1) {
        throw new RangeError(
          `Cannot know the length "${dim}" in graph "${this.scope.name}" as no input has such an axis`,
        );
      }
      length = factors.map((factor) => this.length(/^\d+$/.test(factor) ? Number(factor) : factor))
        .reduce((product, factor) => this.mul(product, factor));
    }
    this.#lengths.set(dim, length);
    return length;
  }

  /** Numbers from 0 up, int64 [dim]. */
  range(dim: Dim): Value {
    const bounds = [this.scalar("int64", 0), this.length(dim), this.scalar("int64", 1)];
    return this.apply("Range", bounds, { attributes: { length: String(dim) } });
  }

  /** Makes `dim` known as the length of one axis of a value. */
  defineLength(dim: string, value: Value, axis: number): void {
    this.#lengths.set(dim, this.apply("Shape", [value], { attributes: { start: axis, end: axis + 1 } }));
  }

  /** Another element type. */
  cast(x: Value, to: DType): Value {
    return x.dtype === to ? x : this.apply("Cast", [x], { attributes: { to } });
  }

  /** Elements [start, end) of one axis. */
  slice(x: Value, options: { readonly axis: number; readonly start: number; readonly end: number }): Value {
    return this.apply("Slice", [x], { attributes: { ...options } });
  }

  /** Consecutive parts of one axis; `sizes` is an int64 vector of their lengths, `dims` what the graph calls them. */
  split(
    x: Value,
    options: { readonly axis: number; readonly sizes: Value; readonly dims: readonly Dim[] },
  ): readonly Value[] {
    const { axis, sizes, dims } = options;
    return this.node("Split", [x, sizes], { attributes: { axis, dims: encodeDims(dims) } });
  }

  /** Rows of `data` along `axis`. */
  gather(data: Value, indices: Value, options: { readonly axis: number }): Value {
    return this.apply("Gather", [data, indices], { attributes: { axis: options.axis } });
  }

  /** The elements of `data` at `indices` along one axis, in the shape of the indices. */
  gatherElements(data: Value, indices: Value, options: { readonly axis: number }): Value {
    return this.apply("GatherElements", [data, indices], { attributes: { axis: options.axis } });
  }

  /** Values behind each other along one axis; `joined` names a sum of symbolic lengths. */
  concat(parts: readonly Value[], options: { readonly axis: number; readonly joined?: string }): Value {
    return this.apply("Concat", parts, { attributes: { ...options } });
  }

  /** The same without axes of length 1. */
  squeeze(x: Value, axes: readonly number[]): Value {
    return this.apply("Squeeze", [x], { attributes: { axes } });
  }

  /** New axes of length 1. */
  unsqueeze(x: Value, axes: readonly number[]): Value {
    return this.apply("Unsqueeze", [x], { attributes: { axes } });
  }

  /** A loop that runs while its condition holds, at most `maxSteps` times where that is given; see ONNX `Loop`. */
  loop(
    options: {
      readonly maxSteps?: Value;
      readonly carried: readonly Carried[];
      readonly name: string;
      /** Name of the number of steps, the first axis of what is collected. `@default "steps"` */
      readonly steps?: string;
      readonly body: (
        body: GraphBuilder,
        state: { readonly step: Value; readonly carried: readonly Value[] },
      ) => { readonly goOn: Value; readonly carried: readonly Value[]; readonly collected: readonly Value[] };
    },
  ): readonly Value[] {
    const body = new GraphBuilder(options.name, { parent: this });
    const step = body.input(`${options.name}.step`, "int64", []);
    body.input(`${options.name}.running`, "bool", []);
    const inside = options.carried.map(({ name, start, dims }) =>
      body.input(`${options.name}.${name}`, start.dtype, dims ?? start.dims)
    );
    const { goOn, carried, collected } = options.body(body, { step, carried: inside });
    if (carried.length !== inside.length) {
      throw new TypeError(
        `Cannot close loop "${options.name}" as it must carry ${inside.length} values: got ${carried.length}`,
      );
    }
    body.output(`${options.name}.go_on`, goOn);
    carried.forEach((value, index) =>
      body.output(`${options.name}.${options.carried[index]?.name}.next`, value)
    );
    collected.forEach((value, index) => body.output(`${options.name}.collected_${index}`, value));
    return this.node("Loop", [options.maxSteps ?? null, null, ...options.carried.map(({ start }) => start)], {
      ...(options.steps === undefined ? {} : { attributes: { steps: options.steps } }),
      bodies: { body: body.build() },
      name: options.name,
    });
  }

  /** The finished graph. */
  build(): Graph {
    if (this.#outputs.length === 0) {
      throw new RangeError(`Cannot build graph "${this.scope.name}" as it must have an output`);
    }
    return {
      name: this.scope.name,
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      nodes: [...this.#nodes],
      initializers: [...this.#initializers],
    };
  }

  #newValue(name: string, dtype: DType, dims: Shape): Value {
    return { name, dtype, dims: [...dims], scope: this.scope };
  }

  #claim(wanted: string): string {
    let name = wanted;
    for (let copy = 1; this.#names.has(name); copy++) name = `${wanted}_${copy}`;
    this.#names.add(name);
    return name;
  }

  #checkScope(user: string, value: Value): void {
    for (let scope: Scope | null = this.scope; scope !== null; scope = scope.parent) {
      if (scope === value.scope) return;
    }
    throw new RangeError(
      `Cannot use "${value.name}" in ${user} as it must belong to graph "${this.scope.name}" or one around it: ` +
        `it belongs to "${value.scope.name}"`,
    );
  }

  /** The shape of one input, or of some axes of it in a row, where that is all that `dims` asks for. */
  #findRun(dims: Shape): Value | null {
    if (dims.length < 2) return null;
    for (const value of this.#measurable) {
      for (let start = 0; start + dims.length <= value.dims.length; start++) {
        if (!dims.every((dim, axis) => dim === value.dims[start + axis])) continue;
        const key = dims.join(",");
        const known = this.#lengths.get(key);
        if (known !== undefined) return known;
        const attributes = { start, end: start + dims.length };
        const shape = this.apply("Shape", [value], { attributes });
        this.#lengths.set(key, shape);
        return shape;
      }
    }
    return null;
  }

  /** Inputs whose lengths are what their shapes say. */
  get #measurable(): readonly Value[] {
    return this.#inputs.filter(({ broadcasts }) => broadcasts !== true);
  }

  #findSymbol(dim: string): { value: Value; axis: number } | null {
    for (const value of this.#measurable) {
      const axis = value.dims.indexOf(dim);
      if (axis >= 0) return { value, axis };
    }
    return this.#parent === null ? null : this.#parent.#findSymbol(dim);
  }
}
