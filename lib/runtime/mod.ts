/**
 * Sessions: a graph made ready on a device, and what each device has kernels for. The only room that knows ONNX
 * Runtime.
 *
 * @module
 */
export { type Device, OPERATOR_SUPPORT, type OperatorSupport } from "./operator_support.ts";
export { type HostRead, type Placement, placement, type PlacementFault } from "./placement.ts";
export { type Feeds, runtimeReport, Session, type SessionOptions } from "./session.ts";
