import {
  formatShape,
  formatType,
  type GraphBuilder,
  type GraphNode,
  type NodeOf,
  type OpName,
  sameShape,
  type Value,
} from "../onnx/mod.ts";
import { ADJOINT_RULES, type AdjointRule, floatOf, type RuleContext } from "./rules.ts";

/** A 16-bit adjoint in float32, as sums are taken in. */
function wide(g: GraphBuilder, adjoint: Value): Value {
  return adjoint.dtype === "float16" || adjoint.dtype === "bfloat16" ? g.cast(adjoint, "float32") : adjoint;
}

/** Sums an adjoint over the axes along which its value was broadcast. */
function sumToShape(g: GraphBuilder, adjoint: Value, value: Value): Value {
  if (sameShape(adjoint.dims, value.dims)) return adjoint;
  const extra = adjoint.dims.length - value.dims.length;
  const leading = Array.from({ length: extra }, (_, axis) => axis);
  const stretched = value.dims.flatMap((dim, axis) =>
    dim === 1 && adjoint.dims[axis + extra] !== 1 ? [axis + extra] : []
  );
  let sum = wide(g, adjoint);
  if (stretched.length > 0) sum = g.reduce("sum", sum, { axes: stretched, keepdims: true });
  if (leading.length > 0) sum = g.reduce("sum", sum, { axes: leading });
  if (!sameShape(sum.dims, value.dims)) {
    throw new TypeError(
      `Cannot sum the adjoint of "${value.name}" to ${formatShape(value.dims)}: current shape is ${
        formatShape(adjoint.dims)
      }`,
    );
  }
  return sum;
}

/** Where a backward pass starts, and whose adjoints it is to give. */
export type BackwardOptions =
  & { readonly of: readonly Value[] }
  & (
    | { /** A scalar. */ readonly loss: Value }
    | { /** Values with their adjoints. */ readonly known: readonly (readonly [Value, Value])[] }
  );

function lossAdjoint(g: GraphBuilder, loss: Value): readonly (readonly [Value, Value])[] {
  if (loss.dims.length !== 0) {
    throw new RangeError(
      `Cannot start a backward pass as the loss must be a scalar: current shape is ${formatShape(loss.dims)}`,
    );
  }
  return [[loss, g.scalar(floatOf(loss), 1)]];
}

/**
 * Adds the backward pass to a graph: the adjoints d loss / d value of every value in `of`, each with its value's
 * shape. Only nodes on a path from those values to the loss are walked, so a frozen weight costs nothing. It starts
 * from a scalar loss, or from values whose adjoints are `known`, where the rest of the way to the loss is not part of
 * the graph or has an adjoint of its own.
 *
 * The engine owns what every rule would otherwise repeat: it walks nodes in reverse, sums adjoints of a value used
 * more than once, sums broadcast axes back, and checks that a rule returns one adjoint per input. 16-bit adjoints
 * are summed in float32 and rounded once, where a rule needs them in their value's type.
 *
 * @throws {RangeError} when the loss is not a scalar, a known adjoint has not its value's type and shape, or nothing
 * that the pass starts from depends on a value in `of`.
 */
export function backward(
  g: GraphBuilder,
  options: BackwardOptions,
): readonly Value[] {
  const { of } = options;
  const adjoints = new Map<Value, Value>("loss" in options ? lossAdjoint(g, options.loss) : options.known);
  for (const [value, adjoint] of adjoints) {
    if (sameShape(value.dims, adjoint.dims) && value.dtype === adjoint.dtype) continue;
    throw new RangeError(
      `Cannot start a backward pass as the adjoint of "${value.name}" must be ${formatType(value)}: ` +
        `current type is ${formatType(adjoint)}`,
    );
  }
  const ends = [...adjoints.keys()].map(({ name }) => `"${name}"`).join(", ");
  const nodes = [...g.nodes];
  const depends = new Set<Value>(of);
  for (const node of nodes) {
    if (node.inputs.some((value) => value !== null && depends.has(value))) {
      // Integers and booleans (lengths, indices, masks) carry no derivative, however they were made.
      for (const output of node.outputs) if (output.dtype.includes("float")) depends.add(output);
    }
  }
  g.within("adjoint", () => {
    for (const node of nodes.reverse()) propagate(g, node, { adjoints, depends });
  });
  return of.map((value) => {
    const adjoint = adjoints.get(value);
    if (adjoint === undefined) {
      throw new RangeError(
        `Cannot give the adjoint of "${value.name}" as ${ends} does not depend on it`,
      );
    }
    return g.cast(adjoint, value.dtype);
  });
}

function propagate(
  g: GraphBuilder,
  node: GraphNode,
  state: { readonly adjoints: Map<Value, Value>; readonly depends: ReadonlySet<Value> },
): void {
  const { adjoints, depends } = state;
  const output = node.outputs[0] as Value;
  const sum = adjoints.get(output);
  if (sum === undefined || !node.inputs.some((value) => value !== null && depends.has(value))) return;
  const rule = (ADJOINT_RULES as Partial<Record<OpName, AdjointRule<OpName>>>)[node.op];
  if (rule === undefined) {
    throw new TypeError(`Cannot differentiate "${node.name}" as ${node.op} has no adjoint`);
  }
  const inputs = node.inputs as RuleContext<OpName>["inputs"];
  const wants = inputs.map((value) => depends.has(value));
  const adjoint = g.within(node.name, () => g.cast(sum, output.dtype));
  const contributions = g.within(node.name, () => {
    const made = rule({ g, node: node as NodeOf<OpName>, inputs, y: output, adjoint });
    return wants.map((wanted, index) => wanted ? made[index]?.() ?? null : null);
  });
  inputs.forEach((value, index) => {
    if (wants[index] !== true) return;
    const contribution = contributions[index] ?? null;
    if (contribution === null) {
      throw new TypeError(
        `Cannot differentiate "${node.name}" as ${node.op} has no adjoint for input ${index}`,
      );
    }
    const part = sumToShape(g, contribution, value);
    const known = adjoints.get(value);
    adjoints.set(value, known === undefined ? part : g.add(wide(g, known), wide(g, part)));
  });
}
