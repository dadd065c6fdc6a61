import type { DType } from "../core/mod.ts";
import { formatShape, type Shape } from "./shape.ts";
import type { OpName } from "./operators.ts";

/** A named tensor of a graph: its element type and symbolic shape are known before anything runs. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: Shape;
  /** The graph that owns the value; a body graph may use its ancestors' values. */
  readonly scope: Scope;
}

/** Identity of a graph under construction and of the graph it is nested in. */
export interface Scope {
  readonly name: string;
  readonly parent: Scope | null;
}

/** Values that a node attribute may have. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** One operation. `inputs` may hold null where an optional input is left out. */
export interface GraphNode {
  readonly name: string;
  readonly op: OpName;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly bodies: Readonly<Record<string, Graph>>;
}

/** A constant stored in the graph itself. */
export interface InlineInitializer {
  readonly kind: "inline";
  readonly value: Value;
  readonly bytes: Uint8Array;
}

/** A constant that stays in a file: bytes [offset, offset + length) of `location`. */
export interface ExternalInitializer {
  readonly kind: "external";
  readonly value: Value;
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** A constant of a graph. */
export type Initializer = InlineInitializer | ExternalInitializer;

/** A finished graph: nodes in the order in which they may run. Never changed after it was built. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
}

/** A value's type as text: `float32[batch, seq, 64]`. */
export function formatType(value: Pick<Value, "dtype" | "dims">): string {
  return `${value.dtype}${formatShape(value.dims)}`;
}
