import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  configJson,
  type ModelConfig,
  modelConfigFrom,
  openCheckpoint,
  PUBLISHED_CONFIGS,
  readTensor,
  weightShapes,
  writeSafetensors,
  writeSyntheticCheckpoint,
} from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "./_tiny_config.ts";
import { type ConfigJson, PUBLISHED } from "../../fixtures/golden/published_configs_cases.ts";
import { elementCount, mean, standardDeviation } from "../../lib/core/mod.ts";
import { withFolder } from "./_folder.ts";

Deno.test("PUBLISHED_CONFIGS have as many parameters as the published models", () => {
  // Safetensors parameter counts as the model pages state them.
  const stated = {
    "qwen2.5-1.5b": 1_543_714_304,
    "qwen2.5-math-7b": 7_615_616_512,
    "qwen2.5-14b": 14_770_033_664,
    "smollm2-135m": 134_515_008,
    "llama-3.1-8b-instruct": 8_030_261_248,
  };
  for (const [name, config] of Object.entries(PUBLISHED_CONFIGS)) {
    const shapes = weightShapes(config);
    const parameters = [...shapes.values()].reduce((sum, dims) => sum + elementCount(dims), 0);
    assertEquals([name, parameters], [name, stated[name as keyof typeof stated]]);
    assertEquals(modelConfigFrom(configJson(config, { dtype: "bfloat16" }), { where: name }), config);
  }
});

Deno.test("PUBLISHED_CONFIGS are what the models' own files say", () => {
  const forms = {
    "qwen2.5-1.5b": "Qwen/Qwen2.5-1.5B",
    "qwen2.5-math-7b": "Qwen/Qwen2.5-Math-7B",
    "qwen2.5-14b": "Qwen/Qwen2.5-14B",
    "smollm2-135m": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "llama-3.1-8b-instruct": "meta-llama/Llama-3.1-8B-Instruct",
  } as const;
  for (const [name, config] of Object.entries(PUBLISHED_CONFIGS)) {
    const form = forms[name as keyof typeof forms];
    const read = modelConfigFrom(PUBLISHED[form] as ConfigJson, { where: form });
    const shape = ({ bosTokenId: _, eosTokenIds: __, ...rest }: ModelConfig) => rest;
    assertEquals([name, shape(config)], [name, shape(read)]);
  }
});

Deno.test("writeSyntheticCheckpoint() spreads weights as a normal distribution of the stated scale, each tensor its own", async () => {
  await withFolder(async (folder) => {
    const config = tinyConfig({ embed: 256, neurons: 512 });
    await writeSyntheticCheckpoint(folder, { config, dtype: "float32", seed: 3 });
    const { weights } = await openCheckpoint(folder);
    const up = await readTensor(weights.get("model.layers.0.mlp.up_proj.weight")!);
    const gate = await readTensor(weights.get("model.layers.0.mlp.gate_proj.weight")!);
    const gain = await readTensor(weights.get("model.norm.weight")!);
    // 131,072 draws: the mean of σ = 1/16 scatters by 1.7e-4, σ itself by 0.2 %, the share within σ by 0.13 %.
    const values = [...up], sigma = 1 / 16;
    assert(Math.abs(mean(values)) < 1e-3, `mean ${mean(values)}`);
    assert(Math.abs(standardDeviation(values) / sigma - 1) < 0.015, `spread ${standardDeviation(values)}`);
    const within = values.filter((value) => Math.abs(value) < sigma).length / values.length;
    assert(Math.abs(within - 0.6827) < 0.01, `share within one σ: ${within}`);
    assert(Math.abs(mean([...gain]) - 1) < 0.06, "gains scatter around 1");
    const correlation = mean(values.map((value, index) => value * (gate[index] as number))) / sigma ** 2;
    assert(Math.abs(correlation) < 0.015, `two tensors are independent: ${correlation}`);
    const shifted = mean(values.slice(1).map((value, index) => value * (values[index] as number))) /
      sigma ** 2;
    assert(Math.abs(shifted) < 0.015, `neighbours are independent: ${shifted}`);
    const progress: number[] = [];
    const onProgress = (done: { bytes: number; of: number }) => void progress.push(done.bytes / done.of);
    await writeSyntheticCheckpoint(folder, { config, dtype: "float16", seed: 4, onProgress });
    assertEquals([progress[0], progress.at(-1), progress.length], [0, 1, weights.size + 1]);
    const other = await readTensor(
      (await openCheckpoint(folder)).weights.get("model.layers.0.mlp.up_proj.weight")!,
    );
    assert(other.some((value, index) => Math.abs(value - (up[index] as number)) > 0.01), "another seed");
  });
});

Deno.test("writeSafetensors() refuses a stream of another length and leaves nothing behind", async () => {
  await withFolder(async (folder) => {
    const streamed = (lengths: number[]) => ({
      dtype: "float32" as const,
      dims: [4],
      chunks: () => lengths.map((length) => new Uint8Array(length)),
    });
    const write = (...lengths: number[]) =>
      writeSafetensors(`${folder}/x.safetensors`, { tensors: { x: streamed(lengths) } });
    await assertRejects(() => write(8, 4), RangeError, "needs 16 bytes: current count is 12");
    await assertRejects(() => write(8, 16), RangeError, "needs 16 bytes: current count is 24");
    assertEquals([...Deno.readDirSync(folder)].length, 0);
    await write(4, 12);
    assertEquals((await Deno.stat(`${folder}/x.safetensors`)).size % 8, 0);
  });
});
