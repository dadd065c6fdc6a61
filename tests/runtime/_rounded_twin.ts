import type { DType } from "../../lib/core/mod.ts";
import type { Graph, GraphNode, Value } from "../../lib/onnx/mod.ts";
import { OPERATOR_SUPPORT } from "../../lib/runtime/mod.ts";

/** Operations that hold graphs: their bodies are rewritten, they themselves move values only. */
const HOLDERS: ReadonlySet<string> = new Set(["Loop"]);

/**
 * A bfloat16 graph that the CPU can run: every operation that has no bfloat16 kernel there reads float32 casts of
 * its inputs and has its results rounded to bfloat16. That is what a device computes that multiplies in bfloat16 and
 * adds up in float32, up to the order of its sums.
 */
export function roundedTwin(graph: Graph): Graph {
  const nodes: GraphNode[] = [];
  const cast = (from: Value, to: Value, dtype: DType): void =>
    void nodes.push({
      name: `${to.name}/cast`,
      op: "Cast",
      inputs: [from],
      outputs: [to],
      attributes: { to: dtype },
      bodies: {},
    });
  const half = (value: Value | null): value is Value => value !== null && value.dtype === "bfloat16";
  for (const node of graph.nodes) {
    if (HOLDERS.has(node.op)) {
      const bodies = Object.fromEntries(
        Object.entries(node.bodies).map(([key, body]) => [key, roundedTwin(body)]),
      );
      nodes.push({ ...node, bodies });
      continue;
    }
    const known = OPERATOR_SUPPORT[node.op].cpu.includes("bfloat16");
    if (known || ![...node.inputs, ...node.outputs].some(half)) {
      nodes.push(node);
      continue;
    }
    const wide = (value: Value, place: string): Value => ({
      ...value,
      name: `${node.name}/${place}`,
      dtype: "float32",
    });
    const inputs = node.inputs.map((value, index) => {
      if (!half(value)) return value;
      const widened = wide(value, `in${index}`);
      cast(value, widened, "float32");
      return widened;
    });
    const outputs = node.outputs.map((value, index) => half(value) ? wide(value, `out${index}`) : value);
    nodes.push({ ...node, inputs, outputs });
    node.outputs.forEach((value, index) => {
      if (half(value)) cast(outputs[index] as Value, value, "bfloat16");
    });
  }
  return { ...graph, nodes };
}
