import { type Attribute, formatType, type Graph, type GraphNode, type Initializer } from "./graph.ts";

function formatAttribute(value: Attribute): string {
  if (typeof value === "number" || typeof value === "string") return JSON.stringify(value);
  if ("float" in value) return String(value.float);
  return `[${value.join(", ")}]`;
}

function formatInitializer(initializer: Initializer): string {
  const { value } = initializer;
  if (initializer.kind === "external") {
    const end = initializer.offset + initializer.length;
    return `weight ${value.name}: ${
      formatType(value)
    } @ ${initializer.location}[${initializer.offset}, ${end})`;
  }
  return `const ${value.name}: ${formatType(value)} (${initializer.bytes.length} bytes)`;
}

function formatNode(node: GraphNode, indent: string): string[] {
  const inputs = node.inputs.map((value) => value?.name ?? "_").join(", ");
  const attributes = Object.entries(node.attributes).filter(([key]) => key !== "dims")
    .map(([key, value]) => `${key}=${formatAttribute(value)}`);
  const head = `${indent}${node.outputs.map((value) => value.name).join(", ")} = ${node.op}(${inputs})` +
    (attributes.length === 0 ? "" : ` {${attributes.join(", ")}}`) +
    `  # ${node.outputs.map(formatType).join(", ")}`;
  const bodies = Object.entries(node.bodies).flatMap(([key, body]) => [
    `${indent}  ${key}:`,
    ...formatLines(body, `${indent}    `),
  ]);
  return [head, ...bodies];
}

function formatLines(graph: Graph, indent: string): string[] {
  return [
    `${indent}graph ${graph.name}(${
      graph.inputs.map((value) => `${value.name}: ${formatType(value)}`).join(", ")
    })`,
    ...graph.initializers.map((initializer) => `${indent}  ${formatInitializer(initializer)}`),
    ...graph.nodes.flatMap((node) => formatNode(node, `${indent}  `)),
    `${indent}  return ${graph.outputs.map(({ name, value }) => `${name}=${value.name}`).join(", ")}`,
  ];
}

/** A graph as readable lines: inputs, weights by file range, nodes with types, outputs. Used for snapshots and hashes. */
export function formatGraph(graph: Graph): string {
  return formatLines(graph, "").join("\n") + "\n";
}
