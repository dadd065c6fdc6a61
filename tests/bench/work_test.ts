import { assertAlmostEquals, assertEquals } from "@std/assert";
import { type ModelConfig, weightShapes } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { elementCount } from "../../lib/core/mod.ts";
import {
  activationAdjointWork,
  blockParameters,
  forwardWork,
  matrixParameters,
  neededBytes,
  pretrainingWork,
  rolloutWork,
} from "./_work.ts";

/** Small enough to count by hand, with shapes that are all different. */
const CONFIG: ModelConfig = {
  ...tinyConfig(),
  layers: 2,
  embed: 4,
  heads: 2,
  kvHeads: 1,
  headDim: 2,
  neurons: 3,
  vocab: 5,
  tiedEmbeddings: false,
};

Deno.test("matrixParameters() counts the matrices of a checkpoint, its embedding left out", () => {
  for (const config of [CONFIG, tinyConfig(), tinyConfig({ embed: 48, heads: 6, kvHeads: 2, neurons: 80 })]) {
    const shapes = weightShapes({ ...config, tiedEmbeddings: false });
    const matrices = [...shapes].filter(([name, dims]) =>
      dims.length === 2 && !name.includes("embed_tokens")
    );
    assertEquals(matrixParameters(config), matrices.reduce((sum, [, dims]) => sum + elementCount(dims), 0));
  }
});

Deno.test("forwardWork() gives what is counted by hand", () => {
  // Block: q 4·4, k 4·2, v 4·2, o 4·4, three of 4·3: 84 values. Unembedding: 20. All: 188.
  assertEquals(blockParameters(CONFIG), 84);
  assertEquals(matrixParameters(CONFIG), 188);
  // Three positions see 1 + 2 + 3 = 6 keys; a key costs 2·(2 + 2) per head: 6 · 8 · 2 heads · 2 layers = 192.
  assertEquals(forwardWork(CONFIG, { rows: 1, seq: 3 }), { flops: 2 * 188 * 3 + 192, bytes: 4 * 188 });
  assertEquals(forwardWork(CONFIG, { rows: 5, seq: 3 }).flops, 5 * (2 * 188 * 3 + 192));
});

Deno.test("activationAdjointWork() stops at the lowest steered layer", () => {
  const rows = { rows: 1, seq: 3 };
  // Above layer 0 lie one block and the unembedding; its attention, 96 forward, costs twice.
  assertEquals(activationAdjointWork(CONFIG, { ...rows, lowest: 0 }), {
    flops: 2 * (84 + 20) * 3 + 2 * 96,
    bytes: 4 * (84 + 20),
  });
  assertEquals(activationAdjointWork(CONFIG, { ...rows, lowest: 1 }).flops, 2 * 20 * 3);
});

Deno.test("pretrainingWork() is three forward passes but for attention, whose adjoint costs twice", () => {
  const rows = { rows: 4, seq: 7 };
  const flops = pretrainingWork(CONFIG, rows).reduce((sum, phase) => sum + phase.flops, 0);
  const matrices = 2 * 188 * 28;
  assertEquals(flops, 3 * matrices + 3 * (forwardWork(CONFIG, rows).flops - matrices));
});

Deno.test("rolloutWork() has the arithmetic of one forward pass over all that was read", () => {
  const size = { rows: 3, prompt: 4, newTokens: 6 };
  const [prefill, decode] = rolloutWork(CONFIG, size);
  // The last new token is never read, and logits before the prompt's end are never made.
  const whole = forwardWork(CONFIG, { rows: 3, seq: 4 + 6 - 1 }).flops - 2 * 20 * 3 * 3;
  assertAlmostEquals((prefill?.flops ?? 0) + (decode?.flops ?? 0), whole, 1e-6);
  // Five steps read all 188 values, and keys and values (2 layers · 2 · 2 floats a row) of 5 + 6 + 7 + 8 + 9 positions.
  assertEquals(decode?.bytes, 5 * 4 * 188 + 3 * 35 * 4 * 8);
});

Deno.test("neededBytes counts weights, and what each kind of work holds beside them", () => {
  const weights = 188 + 20;
  assertEquals(
    neededBytes.rollout(CONFIG, { rows: 3, prompt: 4, newTokens: 6 }),
    4 * (weights + 3 * 9 * 8),
  );
  assertEquals(neededBytes.steering(CONFIG, { rows: 2, seq: 5 }), 4 * (weights + 3 * 10 * 4));
  assertEquals(neededBytes.pretraining(CONFIG, { rows: 2, seq: 5 }), 4 * (4 * weights + 3 * 10 * 4));
});
