import { assertEquals } from "@std/assert";
import { openCheckpoint, tinyConfig, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { rolloutGraph } from "../../lib/decode/mod.ts";
import type { Graph, GraphNode, Value } from "../../lib/onnx/mod.ts";
import type { SiteName } from "../../lib/model/mod.ts";
import { sequenceGraph, type SteeringRoute } from "../../lib/probe/mod.ts";
import { placement } from "../../lib/runtime/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const ADAPTER_SITES: readonly SiteName[] = ["blocks.0.adapter_scale", "blocks.1.down_out"];

const HALVES = ["bfloat16", "float16"] as const;

/** What is added to a model, each by graphs of its own; an adapter's scale is patched where there is one. */
const ADDITIONS: readonly (SteeringRoute & { readonly adapters?: readonly number[] })[] = [
  {},
  { place: "input_norm", asPublished: true },
  { lastBlock: { mode: "v", head: 0 } },
  { lastBlock: { mode: "head", head: 1, path: "mlp" } },
  { lastBlock: { mode: "skip_layer" } },
  { adapters: [0, 1] },
];

/** Graphs of the two kinds for a model with grouped queries, without running them. */
async function withGraphs(
  compute: "float32" | "bfloat16" | "float16",
  additions: typeof ADDITIONS[number],
  body: (graphs: { readonly rollout: Graph; readonly sequence: Graph }) => void,
): Promise<void> {
  await withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "bfloat16", seed: 0 });
    const checkpoint = await openCheckpoint(folder), { config } = checkpoint;
    const kernel = compute === "float32" ? "concatenated" : "fused";
    const rollout = rolloutGraph({
      config,
      checkpoint,
      stopTokens: [0, 7],
      edits: { steer: [0, 1], ...additions },
      compute,
      kernel,
    });
    const sequence = sequenceGraph({
      config,
      weights: checkpoint,
      compute,
      edits: {
        steer: [0, 1],
        steerFactors: true,
        taps: ["blocks.0.k"],
        patches: ["blocks.0.attn_weights", ...additions.adapters === undefined ? [] : ADAPTER_SITES],
        ...additions,
      },
      outputs: { logits: true, logProbs: true, steeringAdjoint: true },
    });
    body({ rollout, sequence });
  });
}

/** A graph's nodes, those of its loop included. */
const allNodes = (graph: Graph): GraphNode[] =>
  graph.nodes.flatMap((node) => [node, ...Object.values(node.bodies).flatMap(allNodes)]);

const loopOf = (graph: Graph): GraphNode => {
  const loop = graph.nodes.find(({ op }) => op === "Loop");
  if (loop === undefined) throw new Error("no loop");
  return loop;
};

Deno.test("every node of rollouts, sequences and adjoints has a CUDA kernel, and none of the main graph is put on the CPU", async () => {
  for (const compute of ["float32", ...HALVES] as const) {
    for (const additions of ADDITIONS) {
      const what = `${compute} ${JSON.stringify(additions)}`;
      await withGraphs(compute, additions, ({ rollout, sequence }) => {
        assertEquals(placement(rollout, { device: "cuda" }).faults, [], what);
        assertEquals(
          placement(sequence, { device: "cuda" }),
          { faults: [], hostReads: [], hostNodes: [] },
          what,
        );
      });
    }
  }
});

Deno.test("a token hands the host the loop's condition and nothing else", async () => {
  for (const compute of ["float32", ...HALVES] as const) {
    for (const additions of ADDITIONS) {
      await withGraphs(compute, additions, ({ rollout }) => {
        const { hostReads } = placement(rollout, { device: "cuda" });
        const readIn = (name: string) =>
          hostReads.filter(({ graph }) => graph === name).map(({ value }) => value.split(" ")[1]);
        assertEquals(readIn("decode"), ["bool[]"]);
        // The prompt's length, once: by the fused kernel, or by the ranges of slots and of own positions.
        assertEquals(readIn("rollout"), compute === "float32" ? ["int64[]", "int64[1]"] : ["int32[]"]);
      });
    }
  }
});

Deno.test("the length that attention reads on the host comes from the cache's shape, by host arithmetic alone", async () => {
  for (const compute of HALVES) {
    for (const additions of ADDITIONS) {
      await withGraphs(compute, additions, ({ rollout }) => {
        const body = loopOf(rollout).bodies["body"] as Graph,
          { hostNodes } = placement(rollout, { device: "cuda" });
        const made = (value: Value | null | undefined) =>
          body.nodes.find(({ outputs }) => outputs.includes(value as Value));
        const kernels = body.nodes.filter(({ op }) => op === "GroupQueryAttention");
        const totals = new Set(kernels.map(({ inputs }) => inputs[6]));
        assertEquals([kernels.length >= 2, totals.size], [true, 1]);
        const cast = made([...totals][0]), sum = made(cast?.inputs[0]), shape = made(sum?.inputs[0]);
        assertEquals([cast?.op, sum?.op, shape?.op], ["Cast", "Add", "Shape"]);
        const cache = shape?.inputs[0] as Value;
        assertEquals([body.inputs.includes(cache), /\.key_0$/.test(cache.name)], [true, true]);
        assertEquals(shape?.attributes, { start: 2, end: 3 });
        assertEquals(hostNodes, [sum, cast].map((node) => node?.name as string));
      });
    }
  }
});

Deno.test("the KV cache is carried by the loop and is no output of the graph", async () => {
  for (const compute of HALVES) {
    for (const additions of ADDITIONS) {
      await withGraphs(compute, additions, ({ rollout }) => {
        const loop = loopOf(rollout), body = loop.bodies["body"] as Graph;
        const caches = body.inputs.filter(({ name }) => /\.(key|value)_\d+$/.test(name));
        assertEquals(caches.map(({ dtype }) => dtype), [compute, compute, compute, compute]);
        // Each goes into the attention of its block and nowhere else (its shape is no value), and its successor comes
        // out of it.
        for (const cache of caches) {
          const readers = body.nodes.filter(({ inputs }) => inputs.includes(cache)).map(({ op }) => op);
          assertEquals(readers.filter((op) => op !== "Shape"), ["GroupQueryAttention"]);
          const next = body.outputs.find(({ name }) => name === `${cache.name}.next`)?.value as Value;
          assertEquals(body.nodes.find(({ outputs }) => outputs.includes(next))?.op, "GroupQueryAttention");
        }
        assertEquals(rollout.outputs.map(({ name }) => name), ["tokens", "log_probs"]);
        const carried = new Set(loop.outputs.slice(0, loop.inputs.length - 2));
        assertEquals(
          rollout.nodes.some(({ inputs }) => inputs.some((value) => value !== null && carried.has(value))),
          false,
        );
      });
    }
  }
});

/** Operations that must not be in 16 bits anywhere, and the few that carry a 16-bit graph's work. */
const ISLANDS = new Set([
  "RMSNormalization",
  "Softmax",
  "LogSoftmax",
  "Exp",
  "CumSum",
  "ArgMax",
  "ReduceMean",
  "ReduceSum",
  "Sqrt",
]);

Deno.test("a 16-bit graph has float32 islands and borders, and its matrices in 16 bits but for the logits", async () => {
  for (const compute of HALVES) {
    for (const additions of ADDITIONS) {
      await withGraphs(compute, additions, ({ rollout, sequence }) => {
        for (const graph of [rollout, sequence]) checkIslands(graph, { compute, additions });
      });
    }
  }
});

function checkIslands(
  graph: Graph,
  options: { readonly compute: typeof HALVES[number]; readonly additions: typeof ADDITIONS[number] },
): void {
  const { compute, additions } = options;
  for (const value of [...graph.inputs, ...graph.outputs.map((output) => output.value)]) {
    assertEquals(["float32", "int64", "int32", "bool"].includes(value.dtype), true, value.name);
  }
  // What is added comes in as float32 and is added to float32: nothing makes 16 bits of it before the sum.
  const added = new Set<Value>(graph.inputs.filter(({ name }) => /^(steering|adapter_)/.test(name)));
  assertEquals(added.size, additions.adapters === undefined ? 1 : 3);
  const neurons = tinyConfig().neurons, nodes = allNodes(graph);
  let half = 0, logits = 0, scales = 0, sums = 0;
  for (const { name, op, inputs, outputs } of nodes) {
    const types = [...inputs, ...outputs].filter((value) => value !== null).map(({ dtype }) => dtype);
    if (ISLANDS.has(op)) assertEquals(types.includes(compute), false, name);
    const output = outputs[0] as Value;
    if (!/(^|\.)adjoint\./.test(name) && inputs.some((value) => value !== null && added.has(value))) {
      assertEquals([output.dtype, op === "Cast"], ["float32", false], name);
      if (op === "Add") sums++;
      else added.add(output);
    }
    if (op !== "MatMul") continue;
    if (types[0] === compute) half++;
    else if (inputs.some((value) => value !== null && added.has(value)) && output.dims.at(-1) === 1) scales++;
    else if (output.dims.includes(neurons) && name.includes("adjoint.")) scales++;
    else {
      logits++;
      // The unembedding, of all positions and of targets, and the step of its backward pass.
      assertEquals(/(^|\.)unembed\./.test(name), true, name);
    }
  }
  assertEquals([half >= 18, logits >= 1 && logits <= 3], [true, true], `${half} and ${logits}`);
  assertEquals([sums >= 2, scales > 0], [true, additions.adapters !== undefined], `${sums} and ${scales}`);
}
