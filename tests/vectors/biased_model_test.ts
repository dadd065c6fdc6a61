import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  type ModelConfig,
  openCheckpoint,
  randomWeights,
  readSafetensorsHeader,
  readTensor,
  writeCheckpoint,
  writeRandomCheckpoint,
} from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError } from "../../lib/core/mod.ts";
import { loadBiasVectors, saveBiasedModel } from "../../lib/vectors/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { randomVectors } from "../decode/_tiny_model.ts";

/** A model of a family in a folder, open. */
async function opened(folder: string, overrides: Partial<ModelConfig>) {
  await writeRandomCheckpoint(folder, {
    config: tinyConfig(overrides),
    dtype: "bfloat16",
    seed: 3,
    shards: 2,
  });
  return await openCheckpoint(folder);
}

const json = (path: string) => JSON.parse(Deno.readTextFileSync(path)) as Record<string, unknown>;

Deno.test("saveBiasedModel() keeps every weight to the bit, and other keys of config.json", () =>
  withFolder(async (folder) => {
    const checkpoint = await opened(`${folder}/base`, { architecture: "qwen2" });
    const config = json(`${folder}/base/config.json`);
    await Deno.writeTextFile(`${folder}/base/config.json`, JSON.stringify({ ...config, note: "of others" }));
    await Deno.writeTextFile(`${folder}/base/generation_config.json`, '{"eos_token_id": 3}');
    const vectors = randomVectors(checkpoint.config, [1]);
    for (const as of ["own", "llama"] as const) {
      await saveBiasedModel(`${folder}/${as}`, { checkpoint, vectors, as });
      const { tensors } = await readSafetensorsHeader(`${folder}/${as}/model.safetensors`);
      for (const [name, entry] of checkpoint.weights) {
        assertEquals(tensors.get(name)?.dtype, "bfloat16");
        assertEquals(await readTensor(tensors.get(name) as typeof entry), await readTensor(entry));
      }
      const added = [...tensors.keys()].filter((name) => !checkpoint.weights.has(name)).sort();
      const places = as === "own"
        ? ["mlp.down_proj"]
        : ["mlp.down_proj", "mlp.gate_proj", "mlp.up_proj", "self_attn.o_proj"];
      assertEquals(
        added,
        [0, 1].flatMap((layer) => places.map((place) => `model.layers.${layer}.${place}.bias`)),
      );
      assertEquals(json(`${folder}/${as}/generation_config.json`), { eos_token_id: 3 });
      assertEquals((await loadBiasVectors(`${folder}/${as}/model.safetensors`, null)).vectors, vectors);
    }
    assertEquals(json(`${folder}/own/config.json`), { ...config, note: "of others" });
    const llama = json(`${folder}/llama/config.json`);
    assertEquals([llama["model_type"], llama["attention_bias"], llama["mlp_bias"]], ["llama", true, true]);
  }));

Deno.test("saveBiasedModel() writes Mistral as Llama without attention's biases, and Qwen3 in its own class alone", () =>
  withFolder(async (folder) => {
    const mistral = await opened(`${folder}/mistral`, { architecture: "mistral" });
    await saveBiasedModel(`${folder}/a`, {
      checkpoint: mistral,
      vectors: randomVectors(mistral.config, [0]),
      as: "llama",
    });
    const { config } = await openCheckpoint(`${folder}/a`);
    assertEquals([config.architecture, config.attentionBias, config.mlpBias], ["llama", undefined, true]);
    const refused = async (overrides: Partial<ModelConfig>, message: string) => {
      const checkpoint = await opened(`${folder}/${message}`, overrides),
        vectors = randomVectors(checkpoint.config, [0]);
      const save = () => saveBiasedModel(`${folder}/b`, { checkpoint, vectors, as: "llama" });
      assertStringIncludes((await assertRejects(save, InputError)).message, message);
      await saveBiasedModel(`${folder}/${message}.own`, { checkpoint, vectors, as: "own" });
      assertEquals((await loadBiasVectors(`${folder}/${message}.own`, checkpoint.config)).vectors, vectors);
    };
    await refused({ architecture: "qwen3" }, "a qwen3 model has norms of query and key heads");
    await refused(
      { architecture: "mistral", maxPositions: 16, slidingWindow: 16 },
      "a mistral model has a sliding window",
    );
    assertEquals([...Deno.readDirSync(folder)].some(({ name }) => name === "b"), false);
  }));

Deno.test("a model with MLP biases of its own keeps them under the vectors, which then cannot be read out", () =>
  withFolder(async (folder) => {
    const config = tinyConfig({ architecture: "llama", mlpBias: true }),
      weights = randomWeights(config, { seed: 0 });
    await writeCheckpoint(`${folder}/base`, { config, dtype: "float32", weights });
    const checkpoint = await openCheckpoint(`${folder}/base`), vectors = randomVectors(config, [1]);
    await saveBiasedModel(`${folder}/a`, { checkpoint, vectors, as: "llama" });
    const { tensors } = await readSafetensorsHeader(`${folder}/a/model.safetensors`);
    for (const layer of [0, 1]) {
      const name = `model.layers.${layer}.mlp.down_proj.bias`, before = weights.get(name) as Float32Array;
      const found = await readTensor(tensors.get(name) as NonNullable<ReturnType<typeof tensors.get>>);
      assertEquals(found, before.map((value, at) => value + (vectors.get(layer)?.[at] ?? 0)));
    }
    const { message } = await assertRejects(() => loadBiasVectors(`${folder}/a`, config), InputError);
    assertStringIncludes(message, 'tensor "model.layers.0.mlp.gate_proj.bias" is not zero');
  }));

Deno.test("saveBiasedModel() refuses vectors that do not fit, and loadBiasVectors() models that they do not fit", () =>
  withFolder(async (folder) => {
    const checkpoint = await opened(`${folder}/base`, {});
    const save = (vectors: ReadonlyMap<number, Float32Array>) =>
      saveBiasedModel(`${folder}/a`, { checkpoint, vectors, as: "own" });
    await assertRejects(() => save(new Map([[2, new Float32Array(32)]])), RangeError, "layer 2");
    await assertRejects(() => save(new Map([[0, new Float32Array(31)]])), RangeError, "must have 32 values");
    await save(randomVectors(checkpoint.config, [0, 1]));
    const load = (overrides: Partial<ModelConfig>) => loadBiasVectors(`${folder}/a`, tinyConfig(overrides));
    await assertRejects(() => load({ embed: 33 }), InputError, "must have shape [33], found [32]");
    await assertRejects(
      () => load({ layers: 1 }),
      InputError,
      "for layer 1 does not fit a model of 1 layers",
    );
    await assertRejects(() => loadBiasVectors(`${folder}/base`, null), InputError, "no steering vectors");
  }));
