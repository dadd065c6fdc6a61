import { DTYPE_BYTES } from "../core/mod.ts";
import { type Graph, type GraphNode, graphsIn, type Value } from "./graph.ts";
import type { OpName } from "./op_attributes.ts";
import type { Dim } from "./shape.ts";

/** Bytes that a session of a graph holds. */
export interface GraphMemory {
  /** Constants as they are computed with, packed copies for products included. */
  readonly constants: number;
  /** The most that values hold together at any node of one run, inputs and outputs included. */
  readonly values: number;
}

/** Results that lie where their first input lies. */
const VIEWS: ReadonlySet<OpName> = new Set<OpName>(["Identity", "Reshape", "Squeeze", "Unsqueeze"]);
/** Results that may take the place of an input of their size that nobody reads any more. */
const IN_PLACE: ReadonlySet<OpName> = new Set<OpName>([
  "Add",
  "Div",
  "Exp",
  "GatedSilu",
  "Log",
  "Max",
  "Min",
  "Mul",
  "Neg",
  "Sigmoid",
  "Sqrt",
  "Sub",
]);

interface Buffer {
  readonly bytes: number;
  /** Readings that are still to come. */
  uses: number;
}

/** Length of an axis; a product is that of its factors. */
function lengthOf(dim: Dim, lengths: Readonly<Record<string, number>>): number {
  if (typeof dim === "number") return dim;
  return dim.split("*").reduce((product, factor) => {
    const length = /^\d+$/.test(factor) ? Number(factor) : lengths[factor];
    if (length === undefined) throw new RangeError(`Cannot count bytes as length "${factor}" must be given`);
    return product * length;
  }, 1);
}

/** Values of the graphs around a body that something in it reads. */
function captured(graph: Graph): Set<Value> {
  const own = new Set<Value>([
    ...graph.inputs,
    ...graph.initializers.map(({ value }) => value),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const read = [
    ...graph.nodes.flatMap(reads),
    ...graph.outputs.map(({ value }) => value),
  ];
  return new Set(read.filter((value) => !own.has(value)));
}

/** Everything that a node reads, in its bodies too. */
function reads(node: GraphNode): readonly Value[] {
  const direct = node.inputs.filter((value) => value !== null);
  return [...direct, ...Object.values(node.bodies).flatMap((body) => [...captured(body)])];
}

/** Products that each value is the second factor of, in the graph and in its bodies. */
function countProducts(graph: Graph): ReadonlyMap<Value, number> {
  const counts = new Map<Value, number>();
  for (const { op, inputs: [, factor] } of graphsIn(graph).flatMap(({ nodes }) => nodes)) {
    if (op === "MatMul" && factor) counts.set(factor, (counts.get(factor) ?? 0) + 1);
  }
  return counts;
}

/**
 * Bytes that a session of a graph holds when its symbolic lengths are `lengths`: an estimate from the order of its
 * nodes, in which a value lives until its last reading and a view costs nothing. What comes of constants alone is
 * computed when a session is made and counts as a constant; with `packed`, ONNX Runtime keeps a copy of such a matrix
 * for each product that it is in, and none of it besides.
 *
 * @throws {RangeError} for a length that is not given.
 */
export function graphMemory(
  graph: Graph,
  options: { readonly lengths: Readonly<Record<string, number>>; readonly packed?: boolean },
): GraphMemory {
  const { lengths, packed = true } = options;
  const bytesOf = ({ dtype, dims }: Value) =>
    DTYPE_BYTES[dtype] * dims.reduce<number>((count, dim) => count * lengthOf(dim, lengths), 1);
  const products = countProducts(graph);
  const constant = new Set<Value>();
  /** What is read when the graph runs, not only when its session is made. */
  const read = new Set<Value>();

  /** The most that a graph's own values hold at once. */
  const peakOf = (of: Graph, options: { readonly body: boolean }): number => {
    const buffers = new Map<Value, Buffer>(), uses = new Map<Value, number>();
    for (const { value } of of.initializers) constant.add(value);
    for (const node of of.nodes) for (const value of reads(node)) uses.set(value, (uses.get(value) ?? 0) + 1);
    for (const { value } of of.outputs) uses.set(value, Infinity);
    let live = 0, peak = 0;
    const place = (value: Value, bytes: number) => {
      buffers.set(value, { bytes, uses: uses.get(value) ?? 0 });
      live += bytes;
    };
    const free = (value: Value) => {
      const buffer = buffers.get(value);
      if (buffer === undefined) return;
      buffer.uses--;
      if (buffer.uses === 0) live -= buffer.bytes;
    };
    for (const value of of.inputs) place(value, value.broadcasts === true ? 0 : bytesOf(value));
    // Inputs belong to the caller: they stay.
    if (!options.body) { for (const value of of.inputs) (buffers.get(value) as Buffer).uses = Infinity; }
    for (const node of of.nodes) {
      const inputs = reads(node);
      if (inputs.length > 0 && inputs.every((value) => constant.has(value)) && node.op !== "Loop") {
        for (const output of node.outputs) constant.add(output);
        continue;
      }
      for (const value of inputs) read.add(value);
      const [first] = inputs;
      const under = first === undefined ? undefined : buffers.get(first);
      const [output] = node.outputs as [Value, ...Value[]];
      if (VIEWS.has(node.op) && under !== undefined) {
        under.uses += uses.get(output) ?? 0;
        buffers.set(output, under);
      } else {
        const inner = Object.values(node.bodies).reduce(
          (most, body) => Math.max(most, peakOf(body, { body: true })),
          0,
        );
        const bytes = bytesOf(output);
        const dying = IN_PLACE.has(node.op)
          ? inputs.find((value) => buffers.get(value)?.uses === 1 && buffers.get(value)?.bytes === bytes)
          : undefined;
        if (dying !== undefined) {
          const buffer = buffers.get(dying) as Buffer;
          buffer.uses += uses.get(output) ?? 0;
          buffers.set(output, buffer);
        } else {
          place(output, bytes);
        }
        for (const other of node.outputs.slice(1)) place(other, bytesOf(other));
        peak = Math.max(peak, live + inner);
      }
      for (const value of inputs) free(value);
      for (const output of node.outputs) if ((uses.get(output) ?? 0) === 0) free(output);
    }
    return Math.max(peak, live);
  };
  const values = peakOf(graph, { body: false });
  let constants = 0;
  for (const value of read) {
    const times = products.get(value) ?? 0;
    if (constant.has(value)) constants += bytesOf(value) * (packed && times > 0 ? times : 1);
  }
  return { constants, values };
}
