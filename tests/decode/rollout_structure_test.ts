import { assertEquals } from "@std/assert";
import {
  type Architecture,
  ARCHITECTURES,
  openCheckpoint,
  weightShapes,
  writeRandomCheckpoint,
} from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { rolloutGraph } from "../../lib/decode/mod.ts";
import type { Graph, GraphNode, Value } from "../../lib/onnx/mod.ts";
import type { SiteName } from "../../lib/model/mod.ts";
import { differenceGraph, sequenceGraph, type SteeringRoute, tokenShiftGraph } from "../../lib/probe/mod.ts";
import { languageModelGraph } from "../../lib/train/mod.ts";
import { OPERATOR_SUPPORT, placement } from "../../lib/runtime/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { withTinyModel } from "./_tiny_model.ts";

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
  architecture: Architecture = "qwen2",
): Promise<void> {
  await withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig({ architecture }), dtype: "bfloat16", seed: 0 });
    const checkpoint = await openCheckpoint(folder), { config } = checkpoint;
    const rollout = rolloutGraph({
      config,
      checkpoint,
      stopTokens: [0, 7],
      edits: { steer: [0, 1], ...additions },
      compute,
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

/** A graph's constants, those of its loops included. */
const allInitializers = (graph: Graph): Value[] => [
  ...graph.initializers.map(({ value }) => value),
  ...graph.nodes.flatMap((node) => Object.values(node.bodies).flatMap(allInitializers)),
];

/** The loop over chunks, and the one over steps inside it, each with its body. */
function loopsOf(graph: Graph): readonly { readonly node: GraphNode; readonly body: Graph }[] {
  const node = graph.nodes.find(({ op }) => op === "Loop"), body = node?.bodies["body"];
  return node === undefined || body === undefined ? [] : [{ node, body }, ...loopsOf(body)];
}

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

Deno.test("graphs that compare a model with itself have CUDA kernels, and hand the host their loops' conditions alone", () =>
  withTinyModel((model) => {
    const { config, checkpoint: weights } = model, edits = { steer: [0, 1], adapters: [1] };
    for (const compute of ["float32", ...HALVES] as const) {
      const common = { config, weights, edits, compute };
      for (
        const graph of [
          differenceGraph({ ...common, countsZeros: [false, true] }),
          tokenShiftGraph({ ...common, totals: 1 }),
          tokenShiftGraph({ ...common, pairs: [["base", "no_patch"]] }),
        ]
      ) {
        const { faults, hostReads, hostNodes } = placement(graph, { device: "cuda" });
        assertEquals([compute, graph.name, faults, hostNodes], [compute, graph.name, [], []]);
        assertEquals(
          hostReads.every(({ value }) => value.endsWith("bool[]")),
          true,
          JSON.stringify(hostReads),
        );
      }
    }
    return Promise.resolve();
  }));

Deno.test("a token and a chunk hand the host the loop's condition each, and nothing else", async () => {
  for (const compute of ["float32", ...HALVES] as const) {
    for (const additions of ADDITIONS) {
      await withGraphs(compute, additions, ({ rollout }) => {
        const { hostReads } = placement(rollout, { device: "cuda" });
        const readIn = (name: string) =>
          hostReads.filter(({ graph }) => graph === name).map(({ value }) => value.split(" ")[1]);
        assertEquals([readIn("decode"), readIn("chunks"), readIn("rollout")], [["bool[]"], ["bool[]"], []]);
      });
    }
  }
});

Deno.test("graphs of every architecture, and of training all weights, run whole on CUDA and read no computed length", async () => {
  for (const architecture of ARCHITECTURES) {
    for (const compute of ["float32", ...HALVES] as const) {
      await withGraphs(compute, { lastBlock: { mode: "head", head: 1 } }, ({ rollout, sequence }) => {
        for (const graph of [rollout, sequence]) {
          assertEquals([architecture, placement(graph, { device: "cuda" }).faults], [architecture, []]);
        }
      }, architecture);
    }
    const config = tinyConfig({ architecture });
    const training = languageModelGraph(config, { shapes: weightShapes(config), zLoss: 0.1, logProbs: true });
    assertEquals([architecture, placement(training, { device: "cuda" }).faults], [architecture, []]);
  }
});

/** What a value is computed from, through every node on the way. */
function* sourcesOf(value: Value, nodes: readonly GraphNode[]): Iterable<GraphNode | Value> {
  const node = nodes.find(({ outputs }) => outputs.includes(value));
  if (node === undefined) return void (yield value);
  yield node;
  if (node.op === "Shape") return; // what a tensor holds does not matter to its shape
  for (const input of node.inputs) if (input !== null) yield* sourcesOf(input, nodes);
}

Deno.test("lengths that kernels read on the host come of shapes, constants and inputs alone", async () => {
  for (const compute of ["float32", ...HALVES] as const) {
    for (const additions of ADDITIONS) {
      await withGraphs(compute, additions, ({ rollout, sequence }) => {
        for (const graph of [rollout, sequence]) {
          const nodes = allNodes(graph),
            held = new Set(allInitializers(graph)),
            given = new Set(graph.inputs);
          for (const node of nodes) {
            for (const index of OPERATOR_SUPPORT[node.op].hostInputs ?? []) {
              const value = node.inputs[index];
              if (value === null || value === undefined) continue;
              for (const source of sourcesOf(value, nodes)) {
                const known = "op" in source
                  ? ["Shape", "Add", "Sub", "Mul", "Concat"].includes(source.op)
                  : held.has(source) || given.has(source);
                assertEquals(
                  known,
                  true,
                  `${node.name} reads ${value.name}, which is made of ${source.name}`,
                );
              }
            }
          }
        }
      });
    }
  }
});

Deno.test("the KV cache is carried by the loops and is no output of the graph; steps copy the recent part alone", async () => {
  for (const compute of HALVES) {
    for (const additions of ADDITIONS) {
      await withGraphs(compute, additions, ({ rollout }) => {
        const [chunks, steps] = loopsOf(rollout) as [
          ReturnType<typeof loopsOf>[0],
          ReturnType<typeof loopsOf>[0],
        ];
        const cachesOf = ({ body }: { readonly body: Graph }, part: string) =>
          body.inputs.filter(({ name }) => new RegExp(`\\.${part}_(key|value)_\\d+$`).test(name));
        const recent = cachesOf(steps, "recent"), settled = cachesOf(chunks, "settled");
        assertEquals([recent.length, settled.length], [4, 4]);
        assertEquals([...recent, ...settled].every(({ dtype }) => dtype === compute), true);
        const readers = (value: Value, body: Graph) =>
          body.nodes.filter(({ op, inputs }) => inputs.includes(value) && op !== "Shape").map(({ op }) => op);
        // A step puts new slots behind the recent ones and multiplies by settled ones where they lie.
        for (const value of recent) assertEquals(readers(value, steps.body), ["Concat"]);
        for (const value of settled) {
          assertEquals([readers(value, steps.body), readers(value, chunks.body)], [["MatMul"], ["Concat"]]);
        }
        assertEquals(rollout.outputs.map(({ name }) => name), ["tokens", "log_probs"]);
      });
    }
  }
});

Deno.test("each weight has one place in a rollout: a product, a sum or a table", async () => {
  await withGraphs("float32", {}, ({ rollout }) => {
    const nodes = allNodes(rollout);
    const weights = allInitializers(rollout).filter(({ name }) => name.endsWith(".weight"));
    assertEquals(weights.length > 10, true);
    for (const weight of weights) {
      assertEquals(nodes.filter(({ inputs }) => inputs.includes(weight)).length, 1, weight.name);
    }
  });
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
