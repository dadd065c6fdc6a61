import { elementCount, InputError } from "../core/mod.ts";
import { formatType, type Graph, type GraphNode, type Value } from "../onnx/mod.ts";
import { type Device, OPERATOR_SUPPORT } from "./operator_support.ts";

/** A node that would not run on the device asked for. */
export interface PlacementFault {
  /** Name of the node. */
  readonly node: string;
  /** Why, in words that follow the node's name. */
  readonly reason: string;
}

/** A value that is made on the device and read on the host: a copy, and a wait, each time. */
export interface HostRead {
  /** The graph that it happens in: the main one, or a loop's body, once per step. */
  readonly graph: string;
  /** The node that reads it. */
  readonly node: string;
  /** The value, with its type. */
  readonly value: string;
}

/** Where the nodes of a graph would run. */
export interface Placement {
  /** Nodes that the device does not run. */
  readonly faults: readonly PlacementFault[];
  /** What the device hands to the host while the graph runs, outputs apart. */
  readonly hostReads: readonly HostRead[];
  /** Nodes of loops that compute with shapes alone, which ONNX Runtime puts on the CPU. */
  readonly hostNodes: readonly string[];
}

/** Constants up to this many elements may be read wherever a node is put. */
const SMALL_CONSTANT = 100;

/** The value whose element type decides whether a node has a kernel. */
function typedValue(node: GraphNode): Value | null {
  return node.inputs[OPERATOR_SUPPORT[node.op].typed ?? 0] ?? null;
}

function kernelFault(node: GraphNode, device: Device): PlacementFault | null {
  const types = OPERATOR_SUPPORT[node.op][device];
  const { name, op } = node;
  const values = op === "Cast" ? [typedValue(node), node.outputs[0] ?? null] : [typedValue(node)];
  const wrong = values.find((value) => value !== null && !types.includes(value.dtype));
  if (wrong === undefined || wrong === null) return null;
  return {
    node: name,
    reason: `is ${op} in ${wrong.dtype}, which ${device} takes in ${types.join(", ")} only`,
  };
}

/** Whether an input that a kernel reads on the host is a length; the other is a loop's condition. */
const isLength = ({ op }: GraphNode, index: number): boolean => !(op === "Loop" && index === 1);

/** Constants of a graph and the graphs around it, as far as they are small. */
function smallConstants(graph: Graph): Set<Value> {
  return new Set(
    graph.initializers.map(({ value }) => value)
      .filter(({ dims }) => elementCount(dims as readonly number[]) <= SMALL_CONSTANT),
  );
}

const isHalf = (value: Value): boolean => value.dtype === "float16" || value.dtype === "bfloat16";

/** One graph of a nest, and what it sees of the graphs around it. */
function cudaScope(
  graph: Graph,
  around: {
    readonly constants: ReadonlySet<Value>;
    readonly fed: ReadonlySet<Value>;
    /** Whether it is the body of a loop. */
    readonly nested: boolean;
  },
): Placement {
  const constants = new Set([...around.constants, ...smallConstants(graph)]);
  const held = new Set(graph.initializers.map(({ value }) => value));
  const inputs = new Set(graph.inputs);
  const onHost = new Set<Value>(), copied = new Set<Value>();
  const faults: PlacementFault[] = [], hostReads: HostRead[] = [], hostNodes: string[] = [];
  // A loop counts its steps on the host.
  const step = around.nested ? graph.inputs[0] : undefined;
  for (const node of graph.nodes) {
    const fault = kernelFault(node, "cuda");
    if (fault !== null) faults.push(fault);
    const hostInputs = OPERATOR_SUPPORT[node.op].hostInputs ?? [];
    const given = node.inputs.map((value, index) => ({ value, index }))
      .filter((input): input is { value: Value; index: number } => input.value !== null);
    // ONNX Runtime puts a node on the CPU when all that it reads is there and its kernel would not read it there.
    const pulled = given.some(({ value }) => onHost.has(value)) &&
      given.every(({ value, index }) =>
        !isHalf(value) &&
        (constants.has(value) || inputs.has(value) || (onHost.has(value) && !hostInputs.includes(index)))
      );
    for (const { value, index } of given) {
      const there = onHost.has(value) || held.has(value) || around.fed.has(value) || constants.has(value) ||
        value === step;
      if (!pulled && hostInputs.includes(index) && isLength(node, index) && !there) {
        faults.push({
          node: node.name,
          reason: `reads the length "${value.name}" on the host, and it is computed on the device`,
        });
      }
      if (!(pulled || hostInputs.includes(index)) || there || copied.has(value)) continue;
      copied.add(value); // copied once, however many nodes read it
      hostReads.push({ graph: graph.name, node: node.name, value: `${value.name} ${formatType(value)}` });
    }
    // The session's check against falling back reads the nodes of the main graph and of no other.
    if (pulled && around.nested) hostNodes.push(node.name);
    else if (pulled) {
      const what = given.find(({ value }) => onHost.has(value))?.value.name;
      faults.push({
        node: node.name,
        reason: `is ${node.op} of "${what}", a shape, which is put on the CPU`,
      });
    }
    if (pulled || node.op === "Shape") { for (const output of node.outputs) onHost.add(output); }
    const fed = new Set([...around.fed, ...held, ...onHost]);
    for (const body of Object.values(node.bodies)) {
      const inner = cudaScope(body, { constants, fed, nested: true });
      faults.push(...inner.faults);
      hostReads.push(...inner.hostReads);
      hostNodes.push(...inner.hostNodes);
      if (node.op !== "Loop") continue;
      const condition = body.outputs[0]?.value as Value;
      if (held.has(condition) || body.initializers.some(({ value }) => value === condition)) continue;
      hostReads.push({
        graph: body.name,
        node: node.name,
        value: `${condition.name} ${formatType(condition)}`,
      });
    }
  }
  return { faults, hostReads, hostNodes };
}

/**
 * Refuses a graph that a device would not run whole, by the first node that it would not run.
 *
 * @throws {InputError} that names the node and says why.
 */
export function checkPlacement(graph: Graph, options: { readonly device: Device }): void {
  const { faults } = placement(graph, options);
  const [first] = faults;
  if (first === undefined) return;
  const others = faults.length === 1 ? "" : ` (and ${faults.length - 1} more)`;
  throw new InputError(
    `device "${options.device}" cannot run graph "${graph.name}": node "${first.node}" ${first.reason}${others}`,
    { repair: "choose another --dtype or --device" },
  );
}

function cpuFaults(graph: Graph): PlacementFault[] {
  return graph.nodes.flatMap((node) => {
    const fault = kernelFault(node, "cpu");
    return [...(fault === null ? [] : [fault]), ...Object.values(node.bodies).flatMap(cpuFaults)];
  });
}

/**
 * Where a graph's nodes would run, before any session is made: by {@link OPERATOR_SUPPORT}, and on CUDA also by ONNX
 * Runtime's own rule that arithmetic on shapes goes to the CPU. In the main graph that is a fault, as a session that
 * may not fall back refuses it; in the body of a loop it is allowed, and spares a copy where a kernel reads a length
 * on the host. Source of that rule: GetCpuPreferredNodes of ONNX Runtime, and of its check: the instructions of the
 * library of 1.30.0, which go through the main graph's nodes alone (class: code).
 *
 * A length that a kernel reads on the host must be known there: an input, a constant, or made of shapes. One that is
 * computed on the device is a fault everywhere, since a kernel that does not say where it reads takes it for zero.
 */
export function placement(graph: Graph, options: { readonly device: Device }): Placement {
  if (options.device === "cpu") return { faults: cpuFaults(graph), hostReads: [], hostNodes: [] };
  // What a program feeds lies in the host's memory, so a kernel that reads it there copies nothing.
  return cudaScope(graph, { constants: new Set(), fed: new Set(graph.inputs), nested: false });
}
