/**
 * The backward pass: one hand-written rule per operation, and the engine that applies them.
 *
 * @module
 */
export { backward, type BackwardOptions } from "./backward.ts";
export {
  ADJOINT_RULES,
  type AdjointRule,
  type DifferentiableOp,
  type NonDifferentiableOp,
  type RuleContext,
} from "./rules.ts";
