/**
 * Sessions: a graph made ready on a device, and what each device has kernels for. The only room that knows ONNX
 * Runtime.
 *
 * @module
 */
export { type Float32Products, float32Products, type Variables } from "./float32_products.ts";
export { type Device, OPERATOR_SUPPORT, type OperatorSupport } from "./operator_support.ts";
export {
  checkPlacement,
  type HostRead,
  type Placement,
  placement,
  type PlacementFault,
} from "./placement.ts";
export { endProfiling, startProfiling } from "./profiling.ts";
export type { SessionOptions } from "./_raw_session.ts";
export { type Feeds, type RuntimeReport, runtimeReport, Session } from "./session.ts";
export { availableMemory } from "./system_memory.ts";
export { WEB_RUNTIME, webRuntimeFiles } from "./web_runtime.ts";
