import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import {
  checkFinite,
  openCheckpoint,
  randomWeights,
  type WeightDType,
  writeCheckpoint,
  writeSafetensors,
} from "../../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../_tiny_config.ts";
import { readSafetensorsHeader, type WeightEntry } from "../../../lib/checkpoint/mod.ts";
import { withFolder } from "../_folder.ts";

const config = tinyConfig();

/** The message of checkFinite() on a random checkpoint with some elements replaced, or null. */
async function fault(dtype: WeightDType, changes: Record<string, [number, number]>): Promise<string | null> {
  let message: string | null = null;
  await withFolder(async (folder) => {
    const weights = new Map(
      [...randomWeights(config, { seed: 0 })].map(([name, data]) => [name, data.slice()]),
    );
    for (const [name, [index, value]] of Object.entries(changes)) weights.get(name)![index] = value;
    await writeCheckpoint(folder, { config, dtype, weights });
    const checkpoint = await openCheckpoint(folder);
    try {
      await checkFinite(checkpoint);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      message = error.message;
    }
  });
  return message;
}

Deno.test("checkFinite() names the first tensor of the forward pass that holds a NaN or an infinity", async () => {
  for (const dtype of ["float32", "float16", "bfloat16"] as const) {
    assertEquals(await fault(dtype, { "lm_head.weight": [0, 60000] }), null);
    for (const value of [NaN, Infinity, -Infinity]) {
      const changes: Record<string, [number, number]> = {
        "lm_head.weight": [0, value],
        "model.layers.1.mlp.down_proj.weight": [1535, value],
      };
      const message = await fault(dtype, changes) ?? "no fault found";
      const expected =
        'tensor "model.layers.1.mlp.down_proj.weight" holds a NaN or an infinity, first at element 1535 of [32, 48]';
      assertEquals(message.startsWith(expected), true, `${dtype} ${value}: ${message}`);
    }
  }
});

Deno.test("checkFinite() counts on across chunks", async () => {
  await withFolder(async (folder) => {
    const data = new Float32Array(1_200_000).fill(1), path = `${folder}/x.safetensors`;
    data[1_100_000] = NaN;
    await writeSafetensors(path, { tensors: { x: { dtype: "float32", dims: [data.length], data } } });
    const entry = (await readSafetensorsHeader(path)).tensors.get("x")!;
    const weights = new Map<string, WeightEntry>([["x", { ...entry, location: "x.safetensors" }]]);
    await assertRejects(() => checkFinite({ weights }), InputError, "first at element 1100000 of");
  });
});
