import type { Tensor } from "../core/mod.ts";
import type { Graph } from "../onnx/mod.ts";

/** A graph of the caller's that reads a model's weights from their files, in two products each at most. */
export interface OwnGraph {
  /** Names it among the model's graphs. */
  readonly key: string;
  /** Makes it, when it is first needed. */
  readonly build: () => Graph;
}

/** What a graph of the caller's runs on. */
export interface GraphRun {
  /** Inputs by name. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Lengths of its symbols. */
  readonly lengths: Readonly<Record<string, number>>;
}
