import { assertEquals } from "@std/assert";
import { type ModelConfig } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import { cachedAttention, rotaryTables, sequenceAttention } from "../../lib/model/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../../lib/onnx/mod.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";

const WIDTH = 5, LENGTHS = [5, 2, 3], STEPS = 3;

/** One call of the kernel: new tokens behind a cache in two parts. */
function kernelGraph(config: ModelConfig): Graph {
  const { heads, kvHeads, headDim } = config;
  const g = new GraphBuilder("kernel");
  g.input("prompts", "int64", ["batch", "seq"]);
  const input = (name: string, count: number) => g.input(name, "float32", ["batch", "new", count, headDim]);
  const cache = (part: string) => {
    const of = (name: string) => g.input(`${part}_${name}`, "float32", ["batch", kvHeads, part, headDim]);
    return { key: of("key"), value: of("value") };
  };
  const past = { settled: cache("settled"), recent: cache("recent") };
  const kernel = cachedAttention(g, config, {
    tables: rotaryTables(g, config, { count: 32, compute: "float32" }),
    positions: g.input("positions", "int64", ["batch", "new"]),
    lengths: g.input("lengths", "int64", ["batch"]),
    prompt: "seq",
    added: "new",
    slots: { settled: "settled", recent: "recent" },
    past: () => past,
    store: (_, { key, value }) => {
      g.output("key", key);
      g.output("value", value);
    },
  });
  const [q, k, v] = [input("q", heads), input("k", kvHeads), input("v", kvHeads)] as const;
  g.output("out", kernel(g, { layer: 0, q, k, v }));
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

/** Slots of two caches one behind the other, [batch, kv_heads, slots, head_dim]. */
function behind(a: Tensor, b: Tensor): Tensor {
  const [batch, heads, , dim] = a.dims as [number, number, number, number];
  const [left, right] = [a, b].map((part) => (part.dims[2] as number) * dim) as [number, number];
  const data: number[] = [];
  for (let row = 0; row < batch * heads; row++) {
    data.push(...numbersOf(a).slice(row * left, (row + 1) * left));
    data.push(...numbersOf(b).slice(row * right, (row + 1) * right));
  }
  return tensor("float32", [batch, heads, (left + right) / dim, dim], data) as Tensor;
}

Deno.test("cachedAttention() over ragged prompts and new tokens equals attention over each row alone", async () => {
  for (const [heads, kvHeads, headDim] of [[4, 4, 6], [4, 2, 8], [6, 2, 24], [4, 1, 16]] as const) {
    const config = tinyConfig({ heads, kvHeads, headDim });
    const random = new RandomStream(5, "cached", heads, kvHeads, headDim);
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
    const empty = tensor("float32", [rows.length, kvHeads, 0, headDim], []) as Tensor;
    const expected = await Promise.all(rows.map((row) => wholeRow(config, row)));
    const size = heads * headDim, graph = kernelGraph(config);
    const call = (
      positions: (length: number) => readonly number[],
      cache: Readonly<Record<"settled" | "recent", Readonly<Record<"key" | "value", Tensor>>>>,
    ) => {
      const places = LENGTHS.map((length) => positions(length).map((t) => Math.max(0, t)));
      const feeds = {
        ...Object.fromEntries(names.map((name) => [name, at(name, positions)])),
        prompts: tensor("int64", [rows.length, WIDTH], new BigInt64Array(rows.length * WIDTH)),
        positions: tensor("int64", [rows.length, places[0]?.length ?? 0], places.flat()),
        lengths: tensor("int64", [rows.length], LENGTHS),
        settled_key: cache.settled.key,
        settled_value: cache.settled.value,
        recent_key: cache.recent.key,
        recent_value: cache.recent.value,
      };
      return runGraph(graph, { feeds }) as Promise<Readonly<Record<"out" | "key" | "value", Tensor>>>;
    };
    const nothing = { key: empty, value: empty };
    const inPrompt = (length: number) => Array.from({ length: WIDTH }, (_, t) => t < length ? t : -1);
    const read = await call(inPrompt, { settled: nothing, recent: nothing });
    LENGTHS.forEach((length, r) => {
      for (let t = 0; t < length; t++) {
        const start = (r * WIDTH + t) * size;
        assertClose(numbersOf(read.out).slice(start, start + size), expected[r]?.[t] ?? [], "forwardFloat32");
      }
    });
    // With settled parts of the prompts alone, and of generated tokens too, the newest first.
    for (const chunk of [1, 2, STEPS]) {
      let settled: Readonly<Record<"key" | "value", Tensor>> = read, recent = nothing;
      for (let s = 0; s < STEPS; s++) {
        const { out, key, value } = await call((length) => [length + s], { settled, recent });
        recent = { key, value };
        assertEquals(key.dims, [rows.length, kvHeads, s % chunk + 1, headDim]);
        LENGTHS.forEach((length, r) =>
          assertClose(
            numbersOf(out).slice(r * size, (r + 1) * size),
            expected[r]?.[length + s] ?? [],
            "forwardFloat32",
          )
        );
        if ((s + 1) % chunk > 0) continue;
        settled = { key: behind(key, settled.key), value: behind(value, settled.value) };
        recent = nothing;
      }
    }
  }
});
