import type { Tensor } from "../../lib/core/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { type Feeds, Session, type SessionOptions } from "../../lib/runtime/mod.ts";

/** A graph from its outputs by name. */
export function graphOf(fill: (g: GraphBuilder) => Readonly<Record<string, Value>>): Graph {
  const g = new GraphBuilder("test");
  for (const [name, value] of Object.entries(fill(g))) g.output(name, value);
  return g.build();
}

/** Runs a body with a session of one thread, which is freed afterwards whatever happens. */
export async function withSession<T>(
  graph: Graph,
  body: (session: Session) => Promise<T>,
  options: SessionOptions = {},
): Promise<T> {
  const session = await Session.create(graph, { threads: 1, ...options });
  try {
    return await body(session);
  } finally {
    await session.release();
  }
}

/** The outputs of one run of a graph. */
export function runGraph(
  graph: Graph,
  options: SessionOptions & { readonly feeds?: Feeds } = {},
): Promise<Record<string, Tensor>> {
  const { feeds = {}, ...rest } = options;
  return withSession(graph, (session) => session.run(feeds), rest);
}

/** Values of a tensor as plain numbers. */
export function numbersOf(tensor: Tensor | undefined): number[] {
  if (tensor === undefined) throw new Error("the run gave no such output");
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}
