import * as ort from "onnxruntime-node";
import { openSource } from "../checkpoint/mod.ts";
import { type BorderDType, InputError, type Tensor } from "../core/mod.ts";
import { formatType, type Graph, graphsIn } from "../onnx/mod.ts";
import { inPage, rawSession, type SessionOptions } from "./_raw_session.ts";
import { checkPlacement } from "./placement.ts";
import { returnFreedMemory } from "./system_memory.ts";

/** Named tensors in and out of a graph. */
export type Feeds = Readonly<Record<string, Tensor>>;

const BORDER_TYPES: ReadonlySet<string> = new Set(["float32", "float64", "int32", "int64", "bool"]);

/** The first file that does not hold what an external initializer points at, or null when all do. */
async function lackingWeights(graph: Graph, folder: string): Promise<string | null> {
  for (const item of graphsIn(graph).flatMap(({ initializers }) => initializers)) {
    if (item.kind === "inline") continue;
    const path = `${folder}/${item.location}`;
    using file = await openSource(path).catch(() => null);
    if ((file?.bytes ?? 0) < item.offset + item.length) return path;
  }
  return null;
}

/**
 * A graph ready to run. `run` blocks the thread while it computes (the binding has no asynchronous path), so
 * callers report progress between runs.
 */
export class Session {
  readonly #session: ort.InferenceSession;
  readonly #graph: Graph;

  private constructor(session: ort.InferenceSession, graph: Graph) {
    this.#session = session;
    this.#graph = graph;
  }

  /**
   * Makes a session from a graph.
   *
   * @throws {InputError} when the device or the weight files cannot be had, or the device has no kernel for a node.
   */
  static async create(graph: Graph, options: SessionOptions = {}): Promise<Session> {
    for (const value of [...graph.inputs, ...graph.outputs.map((output) => output.value)]) {
      if (!BORDER_TYPES.has(value.dtype)) {
        throw new TypeError(
          `Cannot make a session as graph borders must be ${[...BORDER_TYPES].join(", ")}: ` +
            `"${value.name}" is ${formatType(value)}`,
        );
      }
    }
    const device = options.device ?? "cpu";
    checkPlacement(graph, { device });
    try {
      return new Session(await rawSession(graph, options), graph);
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").trim();
      if (device !== "cpu") {
        throw new InputError(`device "${device}" cannot run graph "${graph.name}": ${reason}`, {
          repair: "see `deno task doctor` for what is missing, or use --device cpu",
          cause: error,
        });
      }
      const lacking = await lackingWeights(graph, options.weightsFolder ?? ".");
      if (lacking !== null) {
        throw new InputError("a weight file is missing or too short", {
          where: lacking,
          repair: "fetch or write the model again",
          cause: error,
        });
      }
      throw new Error(`ONNX Runtime refuses graph "${graph.name}": ${reason}`, { cause: error });
    }
  }

  /**
   * Runs the graph. A missing, unknown or misshapen feed is a TypeError that names it. `outputs` are the ones that are
   * handed out. `@default` all of the graph's
   */
  async run(feeds: Feeds, outputs?: readonly string[]): Promise<Record<string, Tensor>> {
    const given: Record<string, ort.Tensor> = {};
    const lengths = new Map<string, number>();
    for (const input of this.#graph.inputs) {
      const feed = feeds[input.name];
      if (feed === undefined) {
        throw new TypeError(`Cannot run "${this.#graph.name}" as it needs input "${input.name}"`);
      }
      const fits = feed.dtype === input.dtype && feed.dims.length === input.dims.length &&
        input.dims.every((dim, axis) => {
          const length = feed.dims[axis] as number;
          if (input.broadcasts === true && length === 1) return true;
          if (typeof dim === "number") return dim === length;
          const known = lengths.get(dim) ?? length;
          lengths.set(dim, known);
          return known === length;
        });
      if (!fits) {
        const known = input.dims.filter((dim) => lengths.has(String(dim)));
        const where = known.length === 0
          ? ""
          : ` where ${known.map((dim) => `${dim} = ${lengths.get(String(dim))}`).join(", ")}`;
        throw new TypeError(
          `Cannot run "${this.#graph.name}" as "${input.name}" must be ${formatType(input)}${where}: ` +
            `current value is ${feed.dtype}[${feed.dims.join(", ")}]`,
        );
      }
      // A page's worker takes its feeds from the caller, who may feed them again, and cannot take one array twice.
      const data = (inPage ? feed.data.slice() : feed.data) as ort.Tensor.DataTypeMap[BorderDType];
      given[input.name] = new ort.Tensor(feed.dtype, data, [...feed.dims]);
    }
    const extra = Object.keys(feeds).find((name) => !(name in given));
    if (extra !== undefined) {
      throw new TypeError(`Cannot run "${this.#graph.name}" as it has no input "${extra}"`);
    }
    const wanted = outputs ?? this.#graph.outputs.map(({ name }) => name);
    const results = await this.#session.run(given, [...wanted]);
    const out: Record<string, Tensor> = {};
    for (const name of wanted) {
      const result = results[name] as ort.Tensor;
      out[name] = { dtype: result.type as BorderDType, dims: [...result.dims], data: result.data } as Tensor;
    }
    return out;
  }

  /** Frees the session's memory and hands it back to the system. */
  async release(): Promise<void> {
    await this.#session.release();
    returnFreedMemory();
  }
}

/** What the binding of ONNX Runtime says of itself. */
export interface RuntimeReport {
  /** Its version. */
  readonly version: string;
  /** The execution providers that it knows; whether one can be had is only known by making a session. */
  readonly backends: readonly string[];
  /** The folder that its libraries lie in, and that a provider's libraries belong in; ends in a slash. */
  readonly folder: string;
}

/**
 * Version of ONNX Runtime's binding and the execution providers that it was built with; whether a device of theirs
 * can be had is only known by making a session.
 */
export function runtimeReport(): RuntimeReport {
  return {
    folder: process.getBuiltinModule("node:url").fileURLToPath(
      new URL(`../bin/napi-v6/${process.platform}/${process.arch}/`, import.meta.resolve("onnxruntime-node")),
    ),
    version: ort.env.versions.node ?? ort.env.versions.common,
    backends: ort.listSupportedBackends().map((backend) => backend.name),
  };
}
