/**
 * The backward pass: one hand-written rule per operation, and the engine that applies them.
 *
 * @module
 */
export { ADJOINT_RULES, backward, type BackwardOptions } from "./backward.ts";
export type { AdjointRule, DifferentiableOp, NonDifferentiableOp, RuleContext } from "./rule.ts";
