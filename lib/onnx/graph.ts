import type { DType } from "../core/mod.ts";
import { formatShape, type Shape } from "./shape.ts";
import type { OpAttributes, OpName } from "./op_attributes.ts";

/** A named tensor of a graph: its element type and symbolic shape are known before anything runs. */
export interface Value {
  /** Its name, unique in its graph and the graphs around it. */
  readonly name: string;
  /** Type of its elements. */
  readonly dtype: DType;
  /** Its shape; symbols stand for lengths known at run time. */
  readonly dims: Shape;
  /** The graph that owns the value; a body graph may use its ancestors' values. */
  readonly scope: Scope;
  /** Whether a feed may have 1 in place of any length: of an input that is only ever broadcast. `@default false` */
  readonly broadcasts?: boolean;
}

/** Identity of a graph under construction and of the graph it is nested in. */
export interface Scope {
  /** Name of the graph. */
  readonly name: string;
  /** The graph around it; null for a graph of its own. */
  readonly parent: Scope | null;
}

/** Values that a node attribute may have. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** One operation. `inputs` may hold null where an optional input is left out. */
export interface GraphNode {
  /** Its name: where it was made and what it does, `blocks.3.attn.Softmax`. */
  readonly name: string;
  /** What it computes. */
  readonly op: OpName;
  /** Values it reads, in the operation's order. */
  readonly inputs: readonly (Value | null)[];
  /** Values it makes, in the operation's order. */
  readonly outputs: readonly Value[];
  /** Fixed settings of the operation. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Body graph of a `Loop`. */
  readonly bodies: Readonly<Record<string, Graph>>;
}

/** A node of one operation, whose settings are known. */
export type NodeOf<Op extends OpName> = Omit<GraphNode, "attributes"> & {
  readonly attributes: OpAttributes<Op>;
};

/** A constant stored in the graph itself. */
export interface InlineInitializer {
  /** Tells the two kinds apart. */
  readonly kind: "inline";
  /** Its name, type and shape. */
  readonly value: Value;
  /** Its elements, row-major, little-endian. */
  readonly bytes: Uint8Array;
}

/** A constant that stays in a file: bytes [offset, offset + length) of `location`. */
export interface ExternalInitializer {
  /** Tells the two kinds apart. */
  readonly kind: "external";
  /** Its name, type and shape. */
  readonly value: Value;
  /** Name of the file relative to the session's weight folder. */
  readonly location: string;
  /** Byte of the file at which it starts. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly length: number;
}

/** A constant of a graph. */
export type Initializer = InlineInitializer | ExternalInitializer;

/** A finished graph: nodes in the order in which they may run. Never changed after it was built. */
export interface Graph {
  /** What errors call it. */
  readonly name: string;
  /** Values that a run is given. */
  readonly inputs: readonly Value[];
  /** Values that a run gives back, and under which name. */
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
  /** Operations, in an order in which they may run. */
  readonly nodes: readonly GraphNode[];
  /** Constants, in the graph or in files. */
  readonly initializers: readonly Initializer[];
}

/** A value's type as text: `float32[batch, seq, 64]`. */
export function formatType(value: Pick<Value, "dtype" | "dims">): string {
  return `${value.dtype}${formatShape(value.dims)}`;
}

/** A graph and the bodies of all loops in it, outermost first. */
export function graphsIn(graph: Graph): readonly Graph[] {
  return [graph, ...graph.nodes.flatMap(({ bodies }) => Object.values(bodies).flatMap(graphsIn))];
}
