import { type DType, sha256 } from "../core/mod.ts";
import {
  type Attribute,
  formatType,
  type Graph,
  type GraphNode,
  type Initializer,
  type InlineInitializer,
} from "./graph.ts";

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
  return `const ${value.name}: ${formatType(value)} = ${formatConstant(initializer)}`;
}

/** Constants up to this many elements are written out, longer ones by their hash. */
const WRITTEN_OUT = 8;

/** A text for every content: graphs that differ in a constant alone must not look the same. */
function formatConstant({ value, bytes }: InlineInitializer): string {
  const whole = bytes.slice().buffer;
  const read: Partial<Record<DType, () => ArrayLike<number | bigint>>> = {
    float32: () => new Float32Array(whole),
    float64: () => new Float64Array(whole),
    int32: () => new Int32Array(whole),
    int64: () => new BigInt64Array(whole),
    bool: () => new Uint8Array(whole),
  };
  const values = read[value.dtype]?.();
  if (values === undefined || values.length > WRITTEN_OUT) return `sha256:${sha256(bytes).slice(0, 16)}`;
  const text = (item: number | bigint) => Object.is(item, -0) ? "-0" : String(item);
  return value.dims.length === 0 ? text(values[0] ?? 0) : `[${Array.from(values, text).join(", ")}]`;
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
      graph.inputs.map((value) =>
        `${value.name}: ${formatType(value)}${value.broadcasts === true ? " or 1" : ""}`
      ).join(", ")
    })`,
    ...graph.initializers.map((initializer) => `${indent}  ${formatInitializer(initializer)}`),
    ...graph.nodes.flatMap((node) => formatNode(node, `${indent}  `)),
    `${indent}  return ${graph.outputs.map(({ name, value }) => `${name}=${value.name}`).join(", ")}`,
  ];
}

/**
 * A graph as readable lines: inputs, weights by file range, constants by value, nodes with types, outputs. Graphs
 * with the same text compute the same, given the same weight files: used for snapshots and hashes.
 */
export function formatGraph(graph: Graph): string {
  return formatLines(graph, "").join("\n") + "\n";
}
