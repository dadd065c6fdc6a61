import { assertEquals } from "@std/assert";
import type { Graph } from "../../lib/onnx/mod.ts";
import { rawSession } from "../../lib/runtime/_raw_session.ts";
import { OPERATOR_SUPPORT, placement } from "../../lib/runtime/mod.ts";
import { ONE_NODE_DTYPES, ONE_NODE_OPS, oneNodeGraph } from "./_one_node_graphs.ts";

/** Whether ONNX Runtime itself takes a graph, whatever the table says. */
async function runs(graph: Graph): Promise<boolean> {
  try {
    await (await rawSession(graph, { threads: 1 })).release();
    return true;
  } catch (error) {
    // "NOT_IMPLEMENTED: no kernel", or a type that the operation does not have at all.
    if (
      error instanceof Error && /Could not find an implementation|Type Error|is invalid/.test(error.message)
    ) {
      return false;
    }
    throw error;
  }
}

Deno.test("the CPU's column holds exactly the types that a session of one node can be made in", async () => {
  assertEquals([...ONE_NODE_OPS].sort(), Object.keys(OPERATOR_SUPPORT).sort());
  let sessions = 0;
  for (const op of ONE_NODE_OPS) {
    const measured: string[] = [];
    for (const dtype of ONE_NODE_DTYPES) {
      const graph = oneNodeGraph(op, dtype);
      if (graph === null) continue;
      sessions++;
      if (await runs(graph)) measured.push(dtype);
    }
    assertEquals([...OPERATOR_SUPPORT[op].cpu].sort(), measured.sort(), op);
  }
  assertEquals(sessions > 200, true, `${sessions} sessions`);
});

Deno.test("placement() agrees with both columns on every one-node graph", () => {
  for (const op of ONE_NODE_OPS) {
    for (const dtype of ONE_NODE_DTYPES) {
      const graph = oneNodeGraph(op, dtype);
      if (graph === null) continue;
      for (const device of ["cpu", "cuda"] as const) {
        const { faults } = placement(graph, { device });
        const ours = faults.filter(({ node }) => node === op || node === "choice" || node === "steps");
        assertEquals(
          ours.length === 0,
          OPERATOR_SUPPORT[op][device].includes(dtype),
          `${op} ${dtype} ${device}`,
        );
      }
    }
  }
});

Deno.test("the CUDA column keeps what was found of the types that matter", () => {
  const cuda = (op: keyof typeof OPERATOR_SUPPORT) => OPERATOR_SUPPORT[op].cuda;
  const floats = ["float32", "float64", "float16", "bfloat16"];
  for (
    const op of [
      "MatMul",
      "Softmax",
      "Sigmoid",
      "RMSNormalization",
      "RotaryEmbedding",
      "ReduceSum",
      "ReduceMean",
      "Cos",
      "Sin",
    ] as const
  ) {
    assertEquals([op, floats.every((dtype) => cuda(op).some((own) => own === dtype))], [op, true]);
  }
  for (
    const op of ["ArgMax", "CumSum", "LogSoftmax", "Log", "Less", "Greater", "Equal", "ReduceMax"] as const
  ) {
    assertEquals([op, cuda(op).includes("bfloat16"), cuda(op).includes("float32")], [op, false, true]);
  }
});

Deno.test("under CUDA shapes, axes, counts and the ends of ranges are read on the host, and nothing else", () => {
  const read = Object.entries(OPERATOR_SUPPORT).flatMap(([op, { hostInputs }]) =>
    hostInputs ? [[op, hostInputs]] : []
  );
  assertEquals(Object.fromEntries(read), {
    Expand: [1],
    Loop: [0, 1],
    Range: [0, 1, 2],
    Reshape: [1],
    Split: [1],
  });
});
