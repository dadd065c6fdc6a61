import type { Value } from "../onnx/mod.ts";
import { type AdjointRule, at, floatOf, type RuleContext, wanted } from "./rule.ts";

const one = (context: RuleContext): Value => context.g.scalar(floatOf(context.adjoint), 1);
const zero = (context: RuleContext): Value => context.g.scalar(floatOf(context.adjoint), 0);

/** Adjoint of Add. Forward: y = a + b. Adjoint: ā = ȳ, b̄ = ȳ. */
export const addAdjoint: AdjointRule = (c) => [wanted(c, 0, () => c.adjoint), wanted(c, 1, () => c.adjoint)];

/** Adjoint of Sub. Forward: y = a − b. Adjoint: ā = ȳ, b̄ = −ȳ. */
export const subAdjoint: AdjointRule = (c) => [
  wanted(c, 0, () => c.adjoint),
  wanted(c, 1, () => c.g.apply("Neg", [c.adjoint])),
];

/** Adjoint of Mul. Forward: y = a ⊙ b. Adjoint: ā = ȳ ⊙ b, b̄ = ȳ ⊙ a. */
export const mulAdjoint: AdjointRule = (c) => [
  wanted(c, 0, () => c.g.mul(c.adjoint, at(c, 1))),
  wanted(c, 1, () => c.g.mul(c.adjoint, at(c, 0))),
];

/** Adjoint of Div. Forward: y = a / b. Adjoint: ā = ȳ / b, b̄ = −ȳ ⊙ y / b. */
export const divAdjoint: AdjointRule = (c) => [
  wanted(c, 0, () => c.g.div(c.adjoint, at(c, 1))),
  wanted(c, 1, () => c.g.apply("Neg", [c.g.div(c.g.mul(c.adjoint, c.output), at(c, 1))])),
];

/** Adjoint of Neg. Forward: y = −x. Adjoint: x̄ = −ȳ. */
export const negAdjoint: AdjointRule = (c) => [c.g.apply("Neg", [c.adjoint])];

/** Adjoint of Identity. Forward: y = x. Adjoint: x̄ = ȳ. */
export const identityAdjoint: AdjointRule = (c) => [c.adjoint];

/** Adjoint of Exp. Forward: y = eˣ. Adjoint: x̄ = ȳ ⊙ y. */
export const expAdjoint: AdjointRule = (c) => [c.g.mul(c.adjoint, c.output)];

/** Adjoint of Log. Forward: y = ln x. Adjoint: x̄ = ȳ / x. */
export const logAdjoint: AdjointRule = (c) => [c.g.div(c.adjoint, at(c, 0))];

/** Adjoint of Sqrt. Forward: y = x^½. Adjoint: x̄ = ȳ / (2y). */
export const sqrtAdjoint: AdjointRule = (c) => [c.g.div(c.adjoint, c.g.add(c.output, c.output))];

/** Adjoint of Sigmoid. Forward: y = 1 / (1 + e⁻ˣ). Adjoint: x̄ = ȳ ⊙ y ⊙ (1 − y). */
export const sigmoidAdjoint: AdjointRule = (c) => [
  c.g.mul(c.adjoint, c.g.mul(c.output, c.g.sub(one(c), c.output))),
];

/**
 * Adjoint of GatedSilu.
 * Forward: y = t ⊙ b, t = a ⊙ s, s = 1 / (1 + e⁻ᵃ)
 * Adjoint: ā = ȳ ⊙ b ⊙ (s + t ⊙ (1 − s)), b̄ = ȳ ⊙ t
 * Keeps: a, b; s and t are computed again, which is cheaper than carrying them.
 */
export const gatedSiluAdjoint: AdjointRule = (c) => {
  const a = at(c, 0), g = c.g;
  const s = g.apply("Sigmoid", [a]), t = g.mul(a, s);
  return [
    wanted(c, 0, () => g.mul(g.mul(c.adjoint, at(c, 1)), g.add(s, g.mul(t, g.sub(one(c), s))))),
    wanted(c, 1, () => g.mul(c.adjoint, t)),
  ];
};

/** Adjoint of Where. Forward: y = m ? a : b. Adjoint: ā = m ? ȳ : 0, b̄ = m ? 0 : ȳ. */
export const whereAdjoint: AdjointRule = (c) => [
  null,
  wanted(c, 1, () => c.g.apply("Where", [at(c, 0), c.adjoint, zero(c)])),
  wanted(c, 2, () => c.g.apply("Where", [at(c, 0), zero(c), c.adjoint])),
];

/** Adjoint of Cast. Forward: y = x in another type. Adjoint: x̄ = ȳ in x's type. */
export const castAdjoint: AdjointRule = (c) => [c.g.cast(c.adjoint, at(c, 0).dtype)];
