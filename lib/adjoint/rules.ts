import {
  type GraphBuilder,
  type NodeOf,
  normalAxis,
  type OpName,
  productOfDims,
  type Shape,
  type Value,
} from "../onnx/mod.ts";

/** Operations that carry no derivative: integers, comparisons, control flow, and what only decoding uses. */
export type NonDifferentiableOp =
  | (
    | "And"
    | "ArgMax"
    | "Cos"
    | "CumSum"
    | "Equal"
    | "Greater"
    | "GreaterOrEqual"
    | "Less"
  )
  | (
    | "LessOrEqual"
    | "Loop"
    | "Max"
    | "Min"
    | "Not"
    | "Or"
    | "Range"
    | "ReduceMax"
    | "ScatterAdd"
    | "ScatterElements"
  )
  | ("Shape" | "Sin" | "Split" | "TopK");

/** Operations that a backward pass may cross. */
export type DifferentiableOp = Exclude<OpName, NonDifferentiableOp>;

/** What a rule sees of a node y = op(a, b, c). */
export interface RuleContext<Op extends OpName> {
  /** The graph, to which a rule adds nodes. */
  readonly g: GraphBuilder;
  /** The node, with its settings. */
  readonly node: NodeOf<Op>;
  /** a, b and c, as many as the operation takes: none of them is optional in a differentiable one. */
  readonly inputs: readonly [a: Value, b: Value, c: Value];
  /** y, which some rules read instead of computing it again. */
  readonly y: Value;
  /** ȳ, with y's shape. */
  readonly adjoint: Value;
}

/**
 * Adjoints of a node's inputs, in order, each made when somebody wants it; null where there is none. An adjoint may have
 * the broadcast shape: the engine sums it back to the input's.
 */
export type AdjointRule<Op extends OpName> = (
  context: RuleContext<Op>,
) => readonly ((() => Value) | null)[];

/** The floating-point type of a value that carries an adjoint. */
export function floatOf(value: Value): "float32" | "float64" | "float16" | "bfloat16" {
  const { dtype } = value;
  if (dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16") return dtype;
  throw new TypeError(
    `Cannot differentiate "${value.name}" as it must hold floating-point numbers: ${dtype}`,
  );
}

const zerosLike = (g: GraphBuilder, x: Value) => g.expandLike(g.scalar(floatOf(x), 0), x);

/** ȳ of a reduction with its axes of length 1 put back. */
function unreduced({ g, node, inputs: [x], adjoint }: RuleContext<"ReduceSum" | "ReduceMean">) {
  const axes = node.attributes.axes.map((axis) => normalAxis(axis, x.dims.length));
  return { axes, spread: node.attributes.keepdims === 1 ? adjoint : g.unsqueeze(adjoint, axes) };
}

/** A fixed length of an axis of an operand, which a rule needs. */
function fixedLength(dims: Shape, axis: number, what: string): number {
  const length = dims[axis];
  if (typeof length === "number") return length;
  throw new TypeError(`Cannot differentiate ${what} must have a fixed length`);
}

/**
 * One rule per differentiable operation: a missing one does not compile. With bars for adjoints and ⊙ element by
 * element:
 *
 *     linear      Add Sub Neg Identity Cast, and moves of elements: x̄ is the transposed map of ȳ
 *     bilinear    y = a ⊙ b: ā = ȳ ⊙ b, b̄ = ȳ ⊙ a;   Y = A·B: Ā = Ȳ·Bᵀ, B̄ = Aᵀ·Ȳ
 *     element     y = f(x): x̄ = ȳ ⊙ f′(x), f′ by y where that is at hand
 *     rows        Softmax x̄ = y ⊙ (ȳ − Σ ȳ y);   LogSoftmax x̄ = ȳ − exp(y) · Σ ȳ
 *     RMSNorm     y = g ⊙ x·r, r = (mean x² + ε)^(−1/2): x̄ = r (g ⊙ ȳ) − x (r³/n) Σ x g ȳ, ḡ = ȳ ⊙ x·r
 *     gated silu  y = t ⊙ b, t = a ⊙ s, s = 1/(1 + e⁻ᵃ): ā = ȳ ⊙ b ⊙ (s + t ⊙ (1 − s)), b̄ = ȳ ⊙ t
 *     rotation    by θ: the rotation by −θ
 *
 * What a rule would keep besides its operands (s, t, r) it computes again, which is cheaper than carrying it.
 * Proof: tests/adjoint/rules_test.ts, central differences in float64.
 */
export const ADJOINT_RULES: { readonly [Op in DifferentiableOp]: AdjointRule<Op> } = {
  Add: ({ adjoint }) => [() => adjoint, () => adjoint],
  Sub: ({ g, adjoint }) => [() => adjoint, () => g.apply("Neg", [adjoint])],
  Neg: ({ g, adjoint }) => [() => g.apply("Neg", [adjoint])],
  Identity: ({ adjoint }) => [() => adjoint],
  Cast: ({ g, inputs: [x], adjoint }) => [() => g.cast(adjoint, x.dtype)],
  Where: ({ g, inputs: [condition], adjoint }) => {
    const zero = () => g.scalar(floatOf(adjoint), 0);
    return [
      null,
      () => g.apply("Where", [condition, adjoint, zero()]),
      () => g.apply("Where", [condition, zero(), adjoint]),
    ];
  },
  Reshape: ({ g, inputs: [x], adjoint }) => [() => g.reshapeLike(adjoint, x), null],
  Expand: ({ adjoint }) => [() => adjoint, null],
  Transpose: ({ g, node: { attributes: { perm } }, adjoint }) => [
    () => g.transpose(adjoint, perm.map((_, axis) => perm.indexOf(axis))),
  ],
  Unsqueeze: ({ g, node: { attributes: { axes } }, adjoint }) => [
    () => g.apply("Squeeze", [adjoint], { attributes: { axes } }),
  ],
  Squeeze: ({ g, node, inputs: [x], adjoint }) => [
    () => g.unsqueeze(adjoint, node.attributes.axes.map((axis) => normalAxis(axis, x.dims.length))),
  ],
  Concat: ({ g, node, y, adjoint }) => {
    const axis = normalAxis(node.attributes.axis, y.dims.length);
    let start = 0;
    return node.inputs.map((part, index) => {
      const from = start, what = `Concat "${node.name}" as part ${index}`;
      start += fixedLength((part as Value).dims, axis, what);
      const end = start;
      return () => g.slice(adjoint, { axis, start: from, end });
    });
  },
  Slice: ({ g, node, inputs: [x], adjoint }) => {
    const { start, end } = node.attributes, axis = normalAxis(node.attributes.axis, x.dims.length);
    const length = fixedLength(x.dims, axis, `Slice "${node.name}" as its axis`);
    // Shaped like what the slice left out: lengths put together one by one would be put together on the host.
    const zeros = (from: number, to: number) =>
      from < to ? [g.expandLike(g.scalar(floatOf(x), 0), g.slice(x, { axis, start: from, end: to }))] : [];
    return [() => {
      const parts = [...zeros(0, start), adjoint, ...zeros(end, length)];
      return parts.length === 1 ? adjoint : g.concat(parts, { axis });
    }];
  },
  Gather: ({ g, node, inputs: [data, indices], adjoint }) => {
    if (normalAxis(node.attributes.axis, data.dims.length) !== 0 || data.dims.length !== 2) {
      throw new TypeError(`Cannot differentiate Gather "${node.name}" as it must take rows of a matrix`);
    }
    return [() => g.apply("ScatterAdd", [zerosLike(g, data), g.cast(indices, "int64"), adjoint]), null];
  },
  GatherElements: ({ g, node, inputs: [data, indices], adjoint }) => {
    const axis = normalAxis(node.attributes.axis, data.dims.length);
    const attributes = { axis, reduction: "add" };
    return [() => g.apply("ScatterElements", [zerosLike(g, data), indices, adjoint], { attributes }), null];
  },
  ReduceSum: (c) => [() => c.g.expandLike(unreduced(c).spread, c.inputs[0])],
  ReduceMean: (c) => [() => {
    const { g, inputs: [x] } = c, { spread, axes } = unreduced(c);
    const count = axes.map((axis) => g.length(x.dims[axis] as number | string))
      .reduce((product, length) => g.mul(product, length));
    return g.expandLike(g.div(spread, g.cast(count, x.dtype)), x);
  }],

  Mul: ({ g, inputs: [a, b], adjoint }) => [() => g.mul(adjoint, b), () => g.mul(adjoint, a)],
  MatMul: ({ g, node: { attributes }, inputs: [a, b], adjoint: y }) => {
    const transA = attributes.transA === 1, transB = attributes.transB === 1;
    const product = (
      left: Value,
      right: Value,
      turned: { readonly transA?: boolean; readonly transB?: boolean },
    ) => g.matMul(left, right, { ...turned, scale: attributes.scale?.float ?? 1 });
    /** A matrix under a batched operand is a weight: one product over all rows, not a sum of many. */
    const flat = (x: Value) =>
      g.reshape(x, [productOfDims(x.dims.slice(0, -1)), x.dims.at(-1) as number | string]);
    const isWeight = b.dims.length === 2 && a.dims.length > 2 && !transA;
    return [
      () => transA ? product(b, y, { transA: transB, transB: true }) : product(y, b, { transB: !transB }),
      () => {
        const [left, right] = isWeight ? [flat(a), flat(y)] : [a, y];
        return transB
          ? product(right, left, { transA: true, transB: transA })
          : product(left, right, { transA: !transA });
      },
    ];
  },

  Div: ({ g, inputs: [, b], y, adjoint }) => [
    () => g.div(adjoint, b),
    () => g.apply("Neg", [g.div(g.mul(adjoint, y), b)]),
  ],
  Exp: ({ g, y, adjoint }) => [() => g.mul(adjoint, y)],
  Log: ({ g, inputs: [x], adjoint }) => [() => g.div(adjoint, x)],
  Sqrt: ({ g, y, adjoint }) => [() => g.div(adjoint, g.add(y, y))],
  Sigmoid: ({ g, y, adjoint }) => [
    () => g.mul(adjoint, g.mul(y, g.sub(g.scalar(floatOf(adjoint), 1), y))),
  ],
  GatedSilu: ({ g, inputs: [a, b], adjoint }) => {
    const s = g.apply("Sigmoid", [a]), t = g.mul(a, s);
    return [
      () => {
        const gated = g.mul(adjoint, b);
        return g.mul(gated, g.add(s, g.mul(t, g.sub(g.scalar(floatOf(adjoint), 1), s))));
      },
      () => g.mul(adjoint, t),
    ];
  },

  Softmax: ({ g, node: { attributes: { axis } }, y, adjoint }) => [() => {
    const dot = g.reduce("sum", g.mul(adjoint, y), { axes: [axis], keepdims: true });
    return g.mul(y, g.sub(adjoint, dot));
  }],
  LogSoftmax: ({ g, node: { attributes: { axis } }, y, adjoint }) => [() => {
    const total = g.reduce("sum", adjoint, { axes: [axis], keepdims: true });
    return g.sub(adjoint, g.mul(g.apply("Exp", [y]), total));
  }],
  RMSNormalization: ({ g, node: { attributes: { epsilon } }, inputs: [x, gain], adjoint }) => {
    const float = floatOf(x), over = { axes: [-1], keepdims: true };
    const meanSquare = g.reduce("mean", g.mul(x, x), over); // [.., 1]
    const r = g.div(g.scalar(float, 1), g.apply("Sqrt", [g.add(meanSquare, g.scalar(float, epsilon.float))]));
    const normal = g.mul(x, r); // x · r, [.., n]
    return [
      () => {
        const scaled = g.mul(adjoint, gain); // g ⊙ ȳ
        const dot = g.reduce("mean", g.mul(normal, scaled), over); // (r/n) Σⱼ xⱼ gⱼ ȳⱼ
        return g.mul(r, g.sub(scaled, g.mul(normal, dot)));
      },
      () => g.mul(adjoint, normal),
    ];
  },
  RotaryEmbedding: ({ g, inputs: [, cos, sin], adjoint }) => [
    () => g.apply("RotaryEmbedding", [adjoint, cos, g.apply("Neg", [sin])]),
    null,
    null,
  ],
};
