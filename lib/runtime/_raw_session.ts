import * as ort from "onnxruntime-node";
import { type ByteSource, memoryEntry, openSource } from "../checkpoint/mod.ts";
import { encodeModel, type Graph, graphsIn } from "../onnx/mod.ts";
import { float32Products } from "./float32_products.ts";
import { profiled, profileOptions } from "./profiling.ts";
import type { Device } from "./operator_support.ts";

/** How a session is made. */
export interface SessionOptions {
  /** Execution provider; one that cannot be had is an error, never a silent fallback. `@default "cpu"` */
  readonly device?: Device | undefined;
  /** Threads inside one operation. `@default 2` */
  readonly threads?: number | undefined;
  /** Real folder that external initializers are read from; needed when the graph has any. */
  readonly weightsFolder?: string | undefined;
  /**
   * Lay each matrix out once more for every product that it is in: faster where few rows are multiplied, and no copy
   * more where that is its only use. `@default true`
   */
  readonly packWeights?: boolean | undefined;
}

// Every fault of the library reaches us as an exception and is reported in one line; its own would double it.
ort.env.logLevel = "fatal";

/**
 * Whether this is a page. There the name `onnxruntime-node` stands, by the page's import map, for ONNX Runtime's build
 * as WebAssembly, which has the same interface and runs in a worker of its own, on one thread: more need headers that
 * plain file servers do not send. The arrays of a run's feeds are moved to the worker, not copied.
 */
export const inPage = typeof Deno === "undefined";
if (inPage) Object.assign(ort.env.wasm, { numThreads: 1, proxy: true });

/** A graph with its weights in it, read from files of `folder`: for weights that are in memory themselves. */
async function withWeights(graph: Graph, folder: string): Promise<Graph> {
  const files = new Map<string, ByteSource>();
  for (const item of graphsIn(graph).flatMap(({ initializers }) => initializers)) {
    if (item.kind === "inline" || files.has(item.location)) continue;
    files.set(item.location, await openSource(`${folder}/${item.location}`));
  }
  const inlined = (graph: Graph): Graph => ({
    ...graph,
    initializers: graph.initializers.map((item) => {
      if (item.kind === "inline") return item;
      const { value, location, offset, length } = item;
      return { kind: "inline", value, bytes: (files.get(location) as ByteSource).read(offset, length) };
    }),
    nodes: graph.nodes.map((node) => ({
      ...node,
      bodies: Object.fromEntries(Object.entries(node.bodies).map(([name, body]) => [name, inlined(body)])),
    })),
  });
  return inlined(graph);
}

/** Whether a graph computes a sigmoid in another type than float32 anywhere. */
function holdsOtherSigmoids(graph: Graph): boolean {
  return graphsIn(graph).flatMap(({ nodes }) => nodes).some(({ op, outputs }) =>
    (op === "Sigmoid" || op === "GatedSilu") && outputs[0]?.dtype !== "float32"
  );
}

/** A session of ONNX Runtime, with nothing checked before it is made. */
export async function rawSession(graph: Graph, options: SessionOptions = {}): Promise<ort.InferenceSession> {
  const { device = "cpu", weightsFolder } = options;
  const inMemory = weightsFolder !== undefined && memoryEntry(weightsFolder) !== null;
  const extra: Record<string, string> = {};
  if (weightsFolder !== undefined && !inMemory) {
    extra["session.model_external_initializers_file_folder_path"] = weightsFolder;
  }
  // x · sigmoid(x) becomes QuickGelu, which has a float32 kernel alone on the CPU.
  if (holdsOtherSigmoids(graph)) extra["optimization.disable_specified_optimizers"] = "QuickGeluFusion";
  if (options.packWeights === false) extra["session.disable_prepacking"] = "1";
  if (device !== "cpu") extra["session.disable_cpu_ep_fallback"] = "1";
  // Before the provider loads NVIDIA's libraries, which read the variable then.
  if (device === "cuda") float32Products();
  return profiled(
    await ort.InferenceSession.create(
      encodeModel(inMemory ? await withWeights(graph, weightsFolder) : graph),
      {
        ...profileOptions(),
        executionProviders: [inPage ? "wasm" : device],
        intraOpNumThreads: options.threads ?? 2,
        interOpNumThreads: 1,
        executionMode: "sequential",
        // A pattern is one block of all that a run holds at its peak, kept for every set of lengths that comes by.
        enableMemPattern: false,
        graphOptimizationLevel: "all",
        logSeverityLevel: 4,
        extra,
      },
    ),
  );
}
