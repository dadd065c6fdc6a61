import type { Value } from "../onnx/mod.ts";
import { productOfDims } from "../onnx/mod.ts";
import { type AdjointRule, at, floatOf, type RuleContext, wanted } from "./rule.ts";

/** [.., rows, columns] → [all rows, columns], so that a weight's adjoint is one matrix product, not a sum of many. */
function flat(c: RuleContext, x: Value): Value {
  if (x.dims.length === 2) return x;
  return c.g.reshape(x, [productOfDims(x.dims.slice(0, -1)), x.dims.at(-1) as number | string]);
}

/**
 * Adjoint of MatMul, for op(A) = A or Aᵀ, op(B) = B or Bᵀ and a factor c.
 * Forward: Y = c · op(A) · op(B)
 * Adjoint: Ā = c · Ȳ · op(B)ᵀ, or c · op(B) · Ȳᵀ when A is read transposed
 *          B̄ = c · op(A)ᵀ · Ȳ, or c · Ȳᵀ · op(A) when B is read transposed
 * A matrix B under a batched A is a weight: rows of A and Ȳ are laid end to end first.
 * Proof: tests/adjoint/rules_test.ts, central difference in float64.
 */
export const matMulAdjoint: AdjointRule = (c) => {
  const a = at(c, 0), b = at(c, 1), y = c.adjoint;
  const transA = c.node.attributes["transA"] === 1, transB = c.node.attributes["transB"] === 1;
  const factor = c.node.attributes["scale"] as { readonly float: number } | undefined;
  const product = (
    left: Value,
    right: Value,
    turned: { readonly transA?: boolean; readonly transB?: boolean },
  ) => c.g.matMul(left, right, { ...turned, scale: factor?.float ?? 1 });
  const weight = b.dims.length === 2 && a.dims.length > 2 && !transA;
  return [
    wanted(
      c,
      0,
      () => transA ? product(b, y, { transA: transB, transB: true }) : product(y, b, { transB: !transB }),
    ),
    wanted(c, 1, () => {
      const [left, right] = weight ? [flat(c, a), flat(c, y)] : [a, y];
      return transB
        ? product(right, left, { transA: true, transB: transA })
        : product(left, right, { transA: !transA });
    }),
  ];
};

/**
 * Adjoint of Softmax along one axis.
 * Forward: yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)
 * Adjoint: x̄ = y ⊙ (ȳ − Σⱼ ȳⱼ yⱼ)
 * Keeps: y.
 */
export const softmaxAdjoint: AdjointRule = (c) => {
  const axis = c.node.attributes["axis"] as number;
  const dot = c.g.reduce("sum", c.g.mul(c.adjoint, c.output), { axes: [axis], keepdims: true });
  return [c.g.mul(c.output, c.g.sub(c.adjoint, dot))];
};

/**
 * Adjoint of LogSoftmax along one axis.
 * Forward: yᵢ = xᵢ − ln Σⱼ exp(xⱼ)
 * Adjoint: x̄ = ȳ − exp(y) · Σⱼ ȳⱼ
 * Keeps: y.
 */
export const logSoftmaxAdjoint: AdjointRule = (c) => {
  const axis = c.node.attributes["axis"] as number;
  const total = c.g.reduce("sum", c.adjoint, { axes: [axis], keepdims: true });
  return [c.g.sub(c.adjoint, c.g.mul(c.g.apply("Exp", [c.output]), total))];
};

/**
 * Adjoint of RMSNorm over the last axis: `embed`, or `head_dim` of a head.
 * Forward: y = g ⊙ x · r, r = (mean(x²) + ε)^(−1/2)
 * Adjoint: x̄ = r·(g ⊙ ȳ) − x · (r³/n) · Σⱼ xⱼ gⱼ ȳⱼ, ḡ = Σ over positions of ȳ ⊙ x · r
 * Keeps: x [.., n]; r [.., 1] is computed again, which is cheaper than carrying it.
 * Proof: tests/adjoint/rules_test.ts, central difference in float64.
 */
export const rmsNormAdjoint: AdjointRule = (c) => {
  const x = at(c, 0), gain = at(c, 1), g = c.g;
  const float = floatOf(x);
  const epsilon = (c.node.attributes["epsilon"] as { readonly float: number }).float;
  const over = { axes: [-1], keepdims: true };
  const meanSquare = g.reduce("mean", g.mul(x, x), over); // [.., 1]
  const r = g.div(g.scalar(float, 1), g.apply("Sqrt", [g.add(meanSquare, g.scalar(float, epsilon))]));
  const normal = g.mul(x, r); // x · r, [.., n]
  return [
    wanted(c, 0, () => {
      const scaled = g.mul(c.adjoint, gain); // g ⊙ ȳ
      const dot = g.reduce("mean", g.mul(normal, scaled), over); // (r/n) Σⱼ xⱼ gⱼ ȳⱼ
      return g.mul(r, g.sub(scaled, g.mul(normal, dot)));
    }),
    wanted(c, 1, () => g.mul(c.adjoint, normal)),
  ];
};

/**
 * Adjoint of RotaryEmbedding.
 * Forward: (y₁, y₂) = (x₁ cos θ − x₂ sin θ, x₂ cos θ + x₁ sin θ), a rotation by θ
 * Adjoint: the rotation by −θ: the same operation with −sin.
 */
export const rotaryAdjoint: AdjointRule = (c) => {
  if (c.wants(1) || c.wants(2)) {
    throw new TypeError(`Cannot differentiate "${c.node.name}" as angles must be constants`);
  }
  return [c.g.apply("RotaryEmbedding", [c.adjoint, at(c, 1), c.g.apply("Neg", [at(c, 2)])]), null, null];
};
