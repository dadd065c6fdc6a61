import { assertEquals, assertThrows } from "@std/assert";
import { openCheckpoint, randomWeights, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { tensor } from "../../lib/core/mod.ts";
import { fileWeights, inputWeights, unembeddingName } from "../../lib/model/mod.ts";
import { formatGraph, GraphBuilder } from "../../lib/onnx/mod.ts";
import { sequenceGraph } from "../../lib/probe/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";

/** Text of a graph without what the stored type decides: the type of a weight and its range in the file, or of its rows. */
const withoutStorage = (text: string) =>
  text.replace(/^( {2}weight \S+: )\w+(\[.*\]) @ .*$/gm, "$1stored$2")
    .replace(/^( {2}\S+ = Gather\(model\.embed_tokens\.weight, .*# )\w+/gm, "$1stored");

Deno.test("float32, float16 and bfloat16 files give the same graph but for the stored type, and the same logits", () =>
  withFolder(async (folder) => {
    const config = tinyConfig();
    // Seven significant bits, so that all three types hold every weight exactly.
    const weights = new Map(
      [...randomWeights(config, { seed: 2 })].map(([name, data]) => [
        name,
        data.map((value) => Math.max(-127, Math.min(127, Math.round(value * 64))) / 64),
      ]),
    );
    const texts: string[] = [], logits: number[][] = [];
    for (const dtype of ["float32", "float16", "bfloat16"] as const) {
      await writeCheckpoint(`${folder}/${dtype}`, { config, dtype, weights });
      const checkpoint = await openCheckpoint(`${folder}/${dtype}`);
      const graph = sequenceGraph({ config, weights: checkpoint, outputs: { logits: true } });
      const text = formatGraph(graph);
      const stored = text.match(/^ {2}weight \S+: \w+/gm)?.map((line) => line.split(": ")[1]);
      assertEquals(new Set(stored), new Set([dtype]));
      assertEquals(stored?.length, checkpoint.weights.size);
      texts.push(withoutStorage(text));
      const feeds = { tokens: tensor("int64", [2, 4], [1, 5, 9, 60, 3, 3, 0, 2]) };
      const out = await runGraph(graph, { feeds, weightsFolder: checkpoint.weightsFolder });
      logits.push(numbersOf(out["logits"]));
    }
    assertEquals(texts[1], texts[0]);
    assertEquals(texts[2], texts[0]);
    assertEquals(logits[1], logits[0]);
    assertEquals(logits[2], logits[0]);
  }));

Deno.test("fileWeights() points at each tensor once and refuses one that the checkpoint lacks", () =>
  withFolder(async (folder) => {
    const config = tinyConfig({ tiedEmbeddings: true });
    await writeCheckpoint(folder, {
      config,
      dtype: "bfloat16",
      weights: randomWeights(config, { seed: 0 }),
      shards: 3,
    });
    const checkpoint = await openCheckpoint(folder);
    const g = new GraphBuilder("weights");
    const weights = fileWeights(g, { checkpoint, compute: "float32" });
    const name = "model.norm.weight";
    const norm = weights.get(name);
    assertEquals([norm.dtype, ...norm.dims], ["float32", config.embed]);
    assertEquals(weights.get(name), norm);
    g.output("y", norm);
    const held = g.build().initializers.map((item) => item.kind === "external" ? item : null);
    const entry = checkpoint.weights.get(name);
    assertEquals(held.map((item) => [item?.location, item?.offset, item?.length]), [
      [entry?.location, entry?.offset, config.embed * 2],
    ]);
    assertEquals([weights.has(name), weights.has("lm_head.weight")], [true, false]);
    assertThrows(
      () => weights.get("lm_head.weight"),
      RangeError,
      'Cannot use weight "lm_head.weight" as the checkpoint lacks it',
    );
  }));

Deno.test("inputWeights() makes one input per tensor and refuses others", () => {
  const g = new GraphBuilder("weights");
  const shapes = new Map([["a", [2, 3]], ["b", [4]]]);
  const weights = inputWeights(g, { shapes, compute: "float64" });
  assertEquals([...weights.values].map(([name, value]) => [name, value.name, value.dtype, value.dims]), [
    ["a", "a", "float64", [2, 3]],
    ["b", "b", "float64", [4]],
  ]);
  assertEquals(weights.get("b"), weights.values.get("b"));
  assertThrows(
    () => weights.get("c"),
    RangeError,
    'Cannot use weight "c" as it is not among the graph\'s inputs',
  );
});

Deno.test("unembeddingName() is the embedding where they are tied", () => {
  assertEquals(unembeddingName(tinyConfig({ tiedEmbeddings: true })), "model.embed_tokens.weight");
  assertEquals(unembeddingName(tinyConfig()), "lm_head.weight");
});
