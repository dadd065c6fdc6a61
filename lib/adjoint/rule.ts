import type { GraphBuilder, GraphNode, OpName, Value } from "../onnx/mod.ts";

/** Operations that carry no derivative: integers, comparisons, control flow, and what only decoding uses. */
export type NonDifferentiableOp =
  | "ArgMax"
  | "And"
  | "ConstantOfShape"
  | "Cos"
  | "CumSum"
  | "Equal"
  | "Greater"
  | "GreaterOrEqual"
  | "If"
  | "Less"
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
  | "Shape"
  | "Sin"
  | "Split"
  | "TopK";

/** Operations that a backward pass may cross. */
export type DifferentiableOp = Exclude<OpName, NonDifferentiableOp>;

/** What a rule sees: the node, its output ȳ's adjoint, and which inputs anybody asked for. */
export interface RuleContext {
  /** The graph, to which a rule adds nodes. */
  readonly g: GraphBuilder;
  /** The node to be differentiated, with its attributes. */
  readonly node: GraphNode;
  /** All inputs; none of them is optional in a differentiable operation. */
  readonly inputs: readonly Value[];
  /** y, which some rules read instead of computing it again. */
  readonly output: Value;
  /** ȳ, with the output's shape. */
  readonly adjoint: Value;
  /** Whether the adjoint of input `index` is needed; a rule skips the work for the others. */
  readonly wants: (index: number) => boolean;
}

/**
 * Adjoints of a node's inputs, in order; null where none is wanted or none exists. A rule may return an adjoint in
 * the broadcast shape: the engine sums it back to the input's.
 */
export type AdjointRule = (context: RuleContext) => readonly (Value | null)[];

/** Input `index` of a node that a rule knows to be there. */
export function at(context: RuleContext, index: number): Value {
  const value = context.inputs[index];
  if (value === undefined) {
    throw new RangeError(`Cannot differentiate "${context.node.name}" as it lacks input ${index}`);
  }
  return value;
}

/** The floating-point type of a value that carries an adjoint. */
export function floatOf(value: Value): "float32" | "float64" | "float16" | "bfloat16" {
  const { dtype } = value;
  if (dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16") return dtype;
  throw new TypeError(
    `Cannot differentiate "${value.name}" as it must hold floating-point numbers: ${dtype}`,
  );
}

/** `make()` when input `index` is wanted, else null. */
export function wanted(context: RuleContext, index: number, make: () => Value): Value | null {
  return context.wants(index) ? make() : null;
}
