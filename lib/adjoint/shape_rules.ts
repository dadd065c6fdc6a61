import { normalAxis, type Value } from "../onnx/mod.ts";
import { type AdjointRule, at, floatOf, wanted } from "./rule.ts";

/** Adjoint of Reshape. Forward: the elements of x in another shape. Adjoint: those of ȳ in x's shape. */
export const reshapeAdjoint: AdjointRule = (c) => [c.g.reshapeLike(c.adjoint, at(c, 0)), null];

/** Adjoint of Expand. Forward: x repeated along axes. Adjoint: ȳ, which the engine sums over those axes. */
export const expandAdjoint: AdjointRule = (c) => [c.adjoint, null];

/** Adjoint of Transpose. Forward: axis i of y is axis perm[i] of x. Adjoint: the inverse permutation. */
export const transposeAdjoint: AdjointRule = (c) => {
  const perm = c.node.attributes["perm"] as readonly number[];
  return [c.g.transpose(c.adjoint, perm.map((_, axis) => perm.indexOf(axis)))];
};

/** Adjoint of Unsqueeze. Forward: axes of length 1 put in. Adjoint: the same axes taken out. */
export const unsqueezeAdjoint: AdjointRule = (c) => [
  c.g.apply("Squeeze", [c.adjoint], { attributes: { axes: c.node.attributes["axes"] as readonly number[] } }),
];

/** Adjoint of Squeeze. Forward: axes of length 1 taken out. Adjoint: the same axes put in. */
export const squeezeAdjoint: AdjointRule = (c) => {
  const rank = at(c, 0).dims.length;
  const axes = (c.node.attributes["axes"] as readonly number[]).map((axis) => normalAxis(axis, rank));
  return [c.g.unsqueeze(c.adjoint, axes)];
};

/** Adjoint of Concat. Forward: parts side by side along one axis. Adjoint: each part's range of ȳ. */
export const concatAdjoint: AdjointRule = (c) => {
  const axis = normalAxis(c.node.attributes["axis"] as number, c.output.dims.length);
  let start = 0;
  return c.inputs.map((part, index) => {
    const length = part.dims[axis];
    if (typeof length !== "number") {
      throw new TypeError(
        `Cannot differentiate Concat "${c.node.name}" as part ${index} must have a fixed length`,
      );
    }
    const from = start;
    start += length;
    return wanted(c, index, () => c.g.slice(c.adjoint, { axis, start: from, end: from + length }));
  });
};

/** Adjoint of Slice. Forward: y = x[start, end) along one axis. Adjoint: ȳ between zeros. */
export const sliceAdjoint: AdjointRule = (c) => {
  const x = at(c, 0);
  const axis = normalAxis(c.node.attributes["axis"] as number, x.dims.length);
  const length = x.dims[axis];
  if (typeof length !== "number") {
    throw new TypeError(`Cannot differentiate Slice "${c.node.name}" as its axis must have a fixed length`);
  }
  const start = c.node.attributes["start"] as number, end = c.node.attributes["end"] as number;
  // Shaped like what the slice left out: lengths put together one by one would be put together on the host.
  const zeros = (from: number, to: number): Value =>
    c.g.expandLike(c.g.scalar(floatOf(x), 0), c.g.slice(x, { axis, start: from, end: to }));
  const parts = [
    ...(start > 0 ? [zeros(0, start)] : []),
    c.adjoint,
    ...(end < length ? [zeros(end, length)] : []),
  ];
  return [parts.length === 1 ? c.adjoint : c.g.apply("Concat", parts, { attributes: { axis } })];
};

/** Adjoint of Gather along axis 0 of a matrix. Forward: y = X[i]. Adjoint: X̄[r] = Σ ȳ over all i = r. */
export const gatherAdjoint: AdjointRule = (c) => {
  const data = at(c, 0), indices = at(c, 1);
  const axis = normalAxis(c.node.attributes["axis"] as number, data.dims.length);
  if (axis !== 0 || data.dims.length !== 2) {
    throw new TypeError(`Cannot differentiate Gather "${c.node.name}" as it must take rows of a matrix`);
  }
  const zeros = c.g.expandLike(c.g.scalar(floatOf(data), 0), data);
  return [c.g.apply("ScatterAdd", [zeros, c.g.cast(indices, "int64"), c.adjoint]), null];
};

/** Adjoint of GatherElements. Forward: y[…, j] = x[…, i[…, j]]. Adjoint: x̄[…, k] = Σ ȳ[…, j] over i[…, j] = k. */
export const gatherElementsAdjoint: AdjointRule = (c) => {
  const data = at(c, 0), indices = at(c, 1);
  const axis = normalAxis(c.node.attributes["axis"] as number, data.dims.length);
  const zeros = c.g.expandLike(c.g.scalar(floatOf(data), 0), data);
  const options = { attributes: { axis, reduction: "add" } };
  return [c.g.apply("ScatterElements", [zeros, indices, c.adjoint], options), null];
};

function backOverAxes(
  c: Parameters<AdjointRule>[0],
): { readonly spread: Value; readonly axes: readonly number[] } {
  const x = at(c, 0);
  const axes = (c.node.attributes["axes"] as readonly number[]).map((axis) =>
    normalAxis(axis, x.dims.length)
  );
  const kept = c.node.attributes["keepdims"] === 1 ? c.adjoint : c.g.unsqueeze(c.adjoint, axes);
  return { spread: kept, axes };
}

/** Adjoint of ReduceSum. Forward: y = Σ x over axes. Adjoint: x̄ = ȳ, the same for every summand. */
export const reduceSumAdjoint: AdjointRule = (c) => [c.g.expandLike(backOverAxes(c).spread, at(c, 0))];

/** Adjoint of ReduceMean. Forward: y = Σ x / n over axes. Adjoint: x̄ = ȳ / n. */
export const reduceMeanAdjoint: AdjointRule = (c) => {
  const x = at(c, 0);
  const { spread, axes } = backOverAxes(c);
  const count = axes.map((axis) => c.g.length(x.dims[axis] as number | string))
    .reduce((product, length) => c.g.mul(product, length));
  return [c.g.expandLike(c.g.div(spread, c.g.cast(count, x.dtype)), x)];
};
