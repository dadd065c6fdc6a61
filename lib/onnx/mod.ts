/**
 * Graphs: a typed builder that finds shape and dtype errors while building, a text form, and ONNX bytes.
 *
 * @module
 */
export { type Carried, type Given, GraphBuilder, type NodeOptions } from "./graph_builder.ts";
export {
  type Attribute,
  type ExternalInitializer,
  formatType,
  type Graph,
  type GraphNode,
  graphsIn,
  type Initializer,
  type InlineInitializer,
  type NodeOf,
  type Scope,
  type Value,
} from "./graph.ts";
export { type GraphMemory, graphMemory } from "./graph_memory.ts";
export type {
  Axis,
  DimsText,
  Float,
  OpAttributes,
  OpName,
  OpSettings,
  PlainOp,
  Reduced,
} from "./op_attributes.ts";
export { normalAxis } from "./operators.ts";
export { encodeModel } from "./encode_model.ts";
export { type Dim, formatShape, isIndex, productOfDims, sameShape, type Shape } from "./shape.ts";
export { formatGraph } from "./format_graph.ts";
