import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError, mean, sha256, standardDeviation } from "../../lib/core/mod.ts";
import {
  openCheckpoint,
  randomWeights,
  readTensor,
  writeCheckpoint,
  writeRandomCheckpoint,
} from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "./_tiny_config.ts";
import { CHECKPOINT_CASES } from "../../fixtures/golden/checkpoint_cases.ts";
import { golden, withFolder } from "./_folder.ts";

interface GoldenCase {
  readonly files: Record<string, string>;
  readonly missing: string[];
  readonly unexpected: string[];
  readonly mismatched: string[];
  readonly class: string;
  readonly sums: Record<string, { readonly sum: number; readonly shape: number[] }>;
}

Deno.test("writeRandomCheckpoint() writes the bytes that transformers loaded without a key missing or left over", async () => {
  const { cases } = await golden<{ cases: Record<string, GoldenCase> }>("checkpoint.json");
  for (const [name, options] of Object.entries(CHECKPOINT_CASES)) {
    const loaded = cases[name]!;
    assertEquals([loaded.missing, loaded.unexpected, loaded.mismatched], [[], [], []]);
    assertEquals(
      loaded.class,
      options.config.architecture === "llama" ? "LlamaForCausalLM" : "Qwen2ForCausalLM",
    );
    await withFolder(async (folder) => {
      await writeRandomCheckpoint(folder, options);
      for (const [file, hash] of Object.entries(loaded.files)) {
        const message = `${name}/${file} changed: run fixtures/golden/checkpoint.py again`;
        assertEquals(sha256(await Deno.readFile(`${folder}/${file}`)), hash, message);
      }
      const { weights } = await openCheckpoint(folder);
      const tied = options.config.tiedEmbeddings ? ["lm_head.weight"] : [];
      assertEquals(Object.keys(loaded.sums).sort(), [...weights.keys(), ...tied].sort());
      for (const [tensor, entry] of weights) {
        const { sum, shape } = loaded.sums[tensor]!;
        assertEquals([...entry.dims], shape);
        assertAlmostEquals(
          (await readTensor(entry)).reduce((total, value) => total + value, 0),
          sum,
          1e-9,
          tensor,
        );
      }
    });
  }
});

Deno.test("randomWeights() leaves no gain at 1, no bias at 0 and no two tensors alike", () => {
  const weights = randomWeights(tinyConfig(), { seed: 0 });
  for (const [name, data] of weights) {
    assert(data.every((value) => value !== 0 && value !== 1), name);
    const centre = name.endsWith("norm.weight") ? 1 : 0;
    const spread = standardDeviation(data);
    assert(
      Math.abs(mean(data) - centre) < 5 * spread / Math.sqrt(data.length),
      `${name} has mean ${mean(data)}`,
    );
  }
  assertEquals(new Set([...weights.values()].map((data) => data[0])).size, weights.size);
  const seeds = [0, 1].map((seed) => randomWeights(tinyConfig(), { seed }).get("model.norm.weight")![0]);
  assert(seeds[0] !== seeds[1]);
});

Deno.test("writeCheckpoint() refuses weights that are not those of the config", async () => {
  await withFolder(async (folder) => {
    const config = tinyConfig(), weights = new Map(randomWeights(config, { seed: 0 }));
    const write = () => writeCheckpoint(`${folder}/a`, { config, dtype: "float32", weights });
    weights.set("extra", new Float32Array(1));
    await assertRejects(write, RangeError, 'current extra is "extra"');
    weights.delete("extra");
    weights.delete("model.norm.weight");
    await assertRejects(write, RangeError, '"model.norm.weight" must be among its weights');
    weights.set("model.norm.weight", new Float32Array(3));
    await assertRejects(write, RangeError, "needs 32 values: current count is 3");
    assertEquals([...Deno.readDirSync(folder)].filter(({ isFile }) => isFile), []);
  });
});

Deno.test("writeCheckpoint() refuses a number of files that cannot be, and a folder that is none", async () => {
  await withFolder(async (folder) => {
    const options = { config: tinyConfig(), dtype: "float32", seed: 0 } as const;
    for (const shards of [0, 1.5, 28]) {
      await assertRejects(
        () => writeRandomCheckpoint(folder, { ...options, shards }),
        RangeError,
        "shards must be in [1, 27]",
      );
    }
    await Deno.writeTextFile(`${folder}/file`, "");
    await assertRejects(() => writeRandomCheckpoint(`${folder}/file`, options), InputError, "a file stands");
  });
});
