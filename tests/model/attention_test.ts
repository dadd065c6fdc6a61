import { assertThrows } from "@std/assert";
import { tinyConfig } from "../../lib/checkpoint/mod.ts";
import { RandomStream, tensor } from "../../lib/core/mod.ts";
import { cachedAttention, rotaryTables, sequenceAttention } from "../../lib/model/mod.ts";
import { GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";

Deno.test("cachedAttention() refuses a head_dim that the fused kernel cannot take", () => {
  const config = tinyConfig({ headDim: 24 });
  const g = new GraphBuilder("heads");
  const value = g.input("x", "float32", [1]);
  assertThrows(
    () =>
      cachedAttention(config, {
        tables: { cos: value, sin: value },
        lastIndex: value,
        total: value,
        present: "seq",
        past: () => ({ key: value, value }),
        store: () => {},
      }),
    RangeError,
    "Cannot decode with the fused kernel as head_dim must be a multiple of 16: current value is 24",
  );
});

/** Head outputs of the open kernel and of the fused one on the same queries, keys and values. */
async function bothKernels(
  config: ReturnType<typeof tinyConfig>,
  seq: number,
): Promise<[number[], number[]]> {
  const g = new GraphBuilder("kernels");
  const { heads, kvHeads, headDim } = config;
  const q = g.input("q", "float32", ["batch", "seq", heads, headDim]);
  const k = g.input("k", "float32", ["batch", "seq", kvHeads, headDim]);
  const v = g.input("v", "float32", ["batch", "seq", kvHeads, headDim]);
  const site = (_: GraphBuilder, __: string, value: Value) => value;
  const open = sequenceAttention(g, config, { batch: "batch", seq: "seq", compute: "float32", site });
  const empty = g.expand(g.scalar("float32", 0), ["batch", kvHeads, 0, headDim]);
  const fused = cachedAttention(config, {
    tables: rotaryTables(g, config, { count: 64, compute: "float32" }),
    lastIndex: g.input("last", "int32", ["batch"]),
    total: g.input("total", "int32", []),
    present: "seq",
    past: () => ({ key: empty, value: empty }),
    store: () => {},
  });
  g.output("open", open(g, { layer: 0, q, k, v }));
  g.output("fused", fused(g, { layer: 0, q, k, v }));
  const random = new RandomStream(3, "kernels", heads, kvHeads);
  const fill = (count: number) =>
    tensor(
      "float32",
      [2, seq, count, headDim],
      Array.from({ length: 2 * seq * count * headDim }, () => random.normal()),
    );
  const out = await runGraph(g.build(), {
    feeds: {
      q: fill(heads),
      k: fill(kvHeads),
      v: fill(kvHeads),
      last: tensor("int32", [2], [seq - 1, seq - 1]),
      total: tensor("int32", [], [seq]),
    },
  });
  return [numbersOf(out["open"]), numbersOf(out["fused"])];
}

Deno.test("the fused kernel equals the open one for all groupings of heads", async () => {
  for (const [heads, kvHeads] of [[4, 4], [4, 2], [4, 1], [6, 2]] as const) {
    const [open, fused] = await bothKernels(tinyConfig({ heads, kvHeads }), 5);
    assertClose(fused, open, "forwardFloat32");
  }
});
