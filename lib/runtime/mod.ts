/**
 * Sessions: a graph made ready on a device. The only room that knows ONNX Runtime.
 *
 * @module
 */
export { type Device, type Feeds, runtimeReport, Session, type SessionOptions } from "./session.ts";
