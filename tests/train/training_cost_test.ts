import { assertEquals } from "@std/assert";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { trainingCost } from "../../lib/train/mod.ts";

const CONFIG = tinyConfig({
  layers: 3,
  embed: 8,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  neurons: 10,
  vocab: 7,
  tiedEmbeddings: false,
});
// By hand: q and o are 8 × 8, k and v 4 × 8; gate, up and down 10 × 8.
const BLOCK = 64 + 64 + 32 + 32 + 3 * 80, HEAD = 7 * 8;

Deno.test("trainingCost() counts every weight of full tuning, and three passes over its matrices", () => {
  // Per block also biases 8 + 4 + 4 and two norms of 8; embedding, unembedding and the last norm.
  const parameters = 3 * (BLOCK + 16 + 16) + 2 * HEAD + 8;
  assertEquals(trainingCost(CONFIG, { trained: "full" }), {
    parameters,
    optimizerBytes: 8 * parameters,
    syncBytes: 2 * parameters,
    flopsPerToken: 6 * (3 * BLOCK + HEAD),
  });
});

Deno.test("trainingCost() of vectors stops behind the first block, and adapters add their own products", () => {
  const flops = 2 * (3 * BLOCK + HEAD) + 2 * (2 * BLOCK + HEAD);
  assertEquals(trainingCost(CONFIG, { trained: "vectors" }), {
    parameters: 24,
    optimizerBytes: 192,
    syncBytes: 48,
    flopsPerToken: flops,
  });
  const adapter = trainingCost(CONFIG, { trained: "adapter" });
  assertEquals([adapter.parameters, adapter.flopsPerToken], [3 * 18, flops + 6 * 3 * 18]);
});

Deno.test("trainingCost() of a tied model trains one table and still multiplies by it", () => {
  const tied = trainingCost({ ...CONFIG, tiedEmbeddings: true }, { trained: "full" });
  const untied = trainingCost(CONFIG, { trained: "full" });
  assertEquals(untied.parameters - tied.parameters, HEAD);
  assertEquals(untied.flopsPerToken, tied.flopsPerToken);
});
