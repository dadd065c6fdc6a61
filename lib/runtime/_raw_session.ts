import * as ort from "onnxruntime-node";
import { openSource } from "../checkpoint/mod.ts";
import { encodeModel, type Graph } from "../onnx/mod.ts";
import { float32Products } from "./float32_products.ts";
import { profiled, profileOptions } from "./profiling.ts";
import type { Device } from "./operator_support.ts";

/** How a session is made. */
export interface SessionOptions {
  /** Execution provider; one that cannot be had is an error, never a silent fallback. `@default "cpu"` */
  readonly device?: Device;
  /** Threads inside one operation. `@default 2` */
  readonly threads?: number;
  /** Real folder that external initializers are read from; needed when the graph has any. */
  readonly weightsFolder?: string;
  /**
   * Compute constant parts of the graph (the cast of 16-bit weights) once, at load. Faster, and costs a float32
   * copy of the weights. `@default true`
   */
  readonly foldConstants?: boolean;
  /**
   * Lay each matrix out once more for every product that it is in: faster where few rows are multiplied, and no copy
   * more where that is its only use. `@default true`
   */
  readonly packWeights?: boolean;
}

// Every fault of the library reaches us as an exception and is reported in one line; its own would double it.
ort.env.logLevel = "fatal";

/**
 * Whether this is a page. There the name `onnxruntime-node` stands, by the page's import map, for ONNX Runtime's build
 * as WebAssembly, which has the same interface and runs in a worker of its own, on one thread: more need headers that
 * plain file servers do not send.
 */
const inPage = typeof Deno === "undefined";
if (inPage) Object.assign(ort.env.wasm, { numThreads: 1, proxy: true });

/** The bytes of the files that external initializers of a graph lie in, by name: a page has no folder to read them. */
async function externalData(graph: Graph, folder: string): Promise<{ path: string; data: Uint8Array }[]> {
  const locations = (graph: Graph): string[] => [
    ...graph.initializers.flatMap((item) => item.kind === "inline" ? [] : [item.location]),
    ...graph.nodes.flatMap(({ bodies }) => Object.values(bodies).flatMap(locations)),
  ];
  return await Promise.all([...new Set(locations(graph))].map(async (path) => {
    using file = await openSource(`${folder}/${path}`);
    return { path, data: file.read(0, file.bytes) };
  }));
}

/** Whether a graph computes a sigmoid in another type than float32 anywhere. */
function holdsOtherSigmoids(graph: Graph): boolean {
  return graph.nodes.some(({ op, outputs, bodies }) =>
    ((op === "Sigmoid" || op === "GatedSilu") && outputs[0]?.dtype !== "float32") ||
    Object.values(bodies).some(holdsOtherSigmoids)
  );
}

/** A session of ONNX Runtime, with nothing checked before it is made. */
export async function rawSession(graph: Graph, options: SessionOptions = {}): Promise<ort.InferenceSession> {
  const device = options.device ?? "cpu";
  const extra: Record<string, string> = {};
  if (options.weightsFolder !== undefined && !inPage) {
    extra["session.model_external_initializers_file_folder_path"] = options.weightsFolder;
  }
  // x · sigmoid(x) becomes QuickGelu, which has a float32 kernel alone on the CPU.
  const disabled = [
    ...(options.foldConstants === false ? ["ConstantFolding"] : []),
    ...(holdsOtherSigmoids(graph) ? ["QuickGeluFusion"] : []),
  ];
  if (disabled.length > 0) extra["optimization.disable_specified_optimizers"] = disabled.join(";");
  if (options.packWeights === false) extra["session.disable_prepacking"] = "1";
  if (device !== "cpu") extra["session.disable_cpu_ep_fallback"] = "1";
  // Before the provider loads NVIDIA's libraries, which read the variable then.
  if (device === "cuda") float32Products();
  return profiled(
    await ort.InferenceSession.create(encodeModel(graph), {
      ...profileOptions(),
      executionProviders: [inPage ? "wasm" : device],
      ...(inPage ? { externalData: await externalData(graph, options.weightsFolder ?? "") } : {}),
      intraOpNumThreads: options.threads ?? 2,
      interOpNumThreads: 1,
      executionMode: "sequential",
      // A pattern is one block of all that a run holds at its peak, kept for every set of lengths that comes by.
      enableMemPattern: false,
      graphOptimizationLevel: "all",
      logSeverityLevel: 4,
      extra,
    }),
  );
}
