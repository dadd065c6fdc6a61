import { assertEquals } from "@std/assert";
import { type ModelConfig, tinyConfig } from "../../lib/checkpoint/mod.ts";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import {
  cachedAttention,
  cachedKernelOf,
  concatenatedAttention,
  type LayerCache,
  rotaryTables,
  sequenceAttention,
} from "../../lib/model/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";

Deno.test("cachedKernelOf() takes the fused kernel for multiples of 16 alone", () => {
  const kernels = [2, 8, 16, 24, 32, 128].map((headDim) => cachedKernelOf(tinyConfig({ headDim })));
  assertEquals(kernels, ["concatenated", "concatenated", "fused", "concatenated", "fused", "fused"]);
});

const WIDTH = 5, LENGTHS = [5, 2, 3], STEPS = 3;

/** One call of the kernel, over a prompt of `WIDTH` slots or over one new token behind a cache. */
function kernelGraph(config: ModelConfig, phase: "prefill" | "step"): Graph {
  const { heads, kvHeads, headDim } = config;
  const g = new GraphBuilder(phase);
  const seq = phase === "prefill" ? "seq" : 1;
  g.input("prompts", "int64", ["batch", "seq"]);
  const input = (name: string, count: number) => g.input(name, "float32", ["batch", seq, count, headDim]);
  const slots = phase === "prefill" ? 0 : "past";
  const cache = (name: string) =>
    phase === "prefill"
      ? g.expand(g.scalar("float32", 0), ["batch", kvHeads, 0, headDim])
      : g.input(name, "float32", ["batch", kvHeads, slots, headDim]);
  const past: LayerCache = { key: cache("past_key"), value: cache("past_value") };
  const lengths = g.input("lengths", "int32", ["batch"]);
  const kernel = concatenatedAttention(g, config, {
    tables: rotaryTables(g, config, { count: 32, compute: "float32" }),
    lastIndex: lengths, // not read by this kernel
    total: g.input("total", "int32", []),
    present: phase === "prefill" ? "seq" : "past+1",
    past: () => past,
    store: (_, { key, value }) => {
      g.output("key", key);
      g.output("value", value);
    },
    added: seq,
    prompt: { lengths, width: "seq" },
  });
  g.output(
    "out",
    kernel(g, { layer: 0, q: input("q", heads), k: input("k", kvHeads), v: input("v", kvHeads) }),
  );
  return g.build();
}

/** Open attention over each row's own tokens, no padding and no cache: what the kernel must give at their places. */
async function wholeRow(
  config: ModelConfig,
  row: Readonly<Record<"q" | "k" | "v", readonly (readonly number[])[]>>,
): Promise<number[][]> {
  const { heads, kvHeads, headDim } = config;
  const g = new GraphBuilder("whole");
  const input = (name: string, count: number) => g.input(name, "float32", ["batch", "seq", count, headDim]);
  const site = (_: GraphBuilder, __: string, value: Value) => value;
  const q = input("q", heads), k = input("k", kvHeads), v = input("v", kvHeads);
  const open = sequenceAttention(g, config, { batch: "batch", seq: "seq", compute: "float32", site });
  g.output("out", open(g, { layer: 0, q, k, v }));
  const length = row.q.length;
  const feed = (name: "q" | "k" | "v", count: number) =>
    tensor("float32", [1, length, count, headDim], row[name].flat());
  const feeds = { q: feed("q", heads), k: feed("k", kvHeads), v: feed("v", kvHeads) };
  const out = numbersOf((await runGraph(g.build(), { feeds }))["out"]);
  return Array.from({ length }, (_, t) => out.slice(t * heads * headDim, (t + 1) * heads * headDim));
}

Deno.test("concatenatedAttention() over ragged prompts and new tokens equals attention over each row alone", async () => {
  for (const [heads, kvHeads, headDim] of [[4, 4, 6], [4, 2, 8], [6, 2, 24], [4, 1, 16]] as const) {
    const config = tinyConfig({ heads, kvHeads, headDim });
    const random = new RandomStream(5, "concatenated", heads, kvHeads, headDim);
    const vector = (count: number) => Array.from({ length: count * headDim }, () => random.normal());
    const counts = { q: heads, k: kvHeads, v: kvHeads };
    const names = ["q", "k", "v"] as const;
    // A row's own vectors by position; padding is other numbers, which must not be seen.
    const rows = LENGTHS.map((length) =>
      Object.fromEntries(
        names.map((name) => [name, Array.from({ length: length + STEPS }, () => vector(counts[name]))]),
      ) as Record<"q" | "k" | "v", number[][]>
    );
    const at = (name: "q" | "k" | "v", positions: (length: number) => readonly number[]) => {
      const perRow = rows.map((row, r) => positions(LENGTHS[r] as number).map((t) => row[name][t]));
      const data = perRow.flat().map((value) => value ?? vector(counts[name]));
      return tensor("float32", [rows.length, perRow[0]?.length ?? 0, counts[name], headDim], data.flat());
    };
    const feedsOf = (positions: (length: number) => readonly number[], total: number) => ({
      ...Object.fromEntries(names.map((name) => [name, at(name, positions)])),
      prompts: tensor("int64", [rows.length, WIDTH], new BigInt64Array(rows.length * WIDTH)),
      lengths: tensor("int32", [rows.length], LENGTHS),
      total: tensor("int32", [], [total]),
    });
    const expected = await Promise.all(rows.map((row) => wholeRow(config, row)));
    const size = heads * headDim;
    const inPrompt = (length: number) => Array.from({ length: WIDTH }, (_, t) => t < length ? t : -1);
    let { out, key, value } = await runGraph(kernelGraph(config, "prefill"), {
      feeds: feedsOf(inPrompt, WIDTH),
    });
    LENGTHS.forEach((length, r) => {
      for (let t = 0; t < length; t++) {
        const start = (r * WIDTH + t) * size;
        assertClose(numbersOf(out).slice(start, start + size), expected[r]?.[t] ?? [], "forwardFloat32");
      }
    });
    const step = kernelGraph(config, "step");
    for (let s = 0; s < STEPS; s++) {
      const feeds = {
        ...feedsOf((length) => [length + s], WIDTH + s + 1),
        past_key: key as Tensor,
        past_value: value as Tensor,
      };
      ({ out, key, value } = await runGraph(step, { feeds }));
      assertEquals(key?.dims, [rows.length, kvHeads, WIDTH + s + 1, headDim]);
      LENGTHS.forEach((length, r) =>
        assertClose(
          numbersOf(out).slice(r * size, (r + 1) * size),
          expected[r]?.[length + s] ?? [],
          "forwardFloat32",
        )
      );
    }
  }
});

Deno.test("both kernels give the same output and the same cache in a prefill", async () => {
  const config = tinyConfig({ heads: 6, kvHeads: 2 });
  const { heads, kvHeads, headDim } = config;
  const g = new GraphBuilder("both");
  const input = (name: string, count: number) => g.input(name, "float32", ["batch", "seq", count, headDim]);
  const [q, k, v] = [input("q", heads), input("k", kvHeads), input("v", kvHeads)] as const;
  const lengths = g.input("lengths", "int32", ["batch"]);
  const empty = g.expand(g.scalar("float32", 0), ["batch", kvHeads, 0, headDim]);
  const options = (name: string) => ({
    tables: rotaryTables(g, config, { count: 32, compute: "float32" }),
    lastIndex: g.sub(lengths, g.scalar("int32", 1)),
    total: g.scalar("int32", 4),
    present: "seq",
    past: () => ({ key: empty, value: empty }),
    store: (_: number, { key, value }: LayerCache) => {
      g.output(`${name}_key`, key);
      g.output(`${name}_value`, value);
    },
  });
  const fused = cachedAttention(config, options("fused"));
  const open = concatenatedAttention(g, config, {
    ...options("open"),
    added: "seq",
    prompt: { lengths, width: "seq" },
  });
  g.output("fused", fused(g, { layer: 0, q, k, v }));
  g.output("open", open(g, { layer: 0, q, k, v }));
  const random = new RandomStream(6, "both");
  const fill = (count: number) =>
    tensor(
      "float32",
      [2, 4, count, headDim],
      Array.from({ length: 8 * count * headDim }, () => random.normal()),
    );
  const out = await runGraph(g.build(), {
    feeds: { q: fill(heads), k: fill(kvHeads), v: fill(kvHeads), lengths: tensor("int32", [2], [4, 4]) },
  });
  for (const suffix of ["", "_key", "_value"]) {
    assertClose(numbersOf(out[`open${suffix}`]), numbersOf(out[`fused${suffix}`]), "forwardFloat32");
  }
});
