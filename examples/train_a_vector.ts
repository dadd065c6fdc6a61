/**
 * Train a vector: a few steps of reinforcement learning on one layer. The weights stay as they are; only the 128
 * numbers of the vector learn, from nothing but right and wrong.
 *
 *     deno run --allow-read --allow-write --allow-ffi examples/train_a_vector.ts
 *
 * @module
 */
import { loadModel, parseSteeringConfig, saveVectors, trainSteering } from "../mod.ts";

const model = await loadModel(new URL("../fixtures/embedded/base-a", import.meta.url).pathname);
const folder = await Deno.makeTempDir({ prefix: "train-a-vector-" });

const config = parseSteeringConfig({
  layers: [4],
  seed: 0,
  steps: 3,
  prompts: 4,
  samples: 8,
  maxNewTokens: 64,
  learningRates: [0.1],
  warmupShare: 0,
  maxNorm: 2,
  families: ["linear"],
}, { where: "this example" });

const { vectors } = await trainSteering(model, config, {
  folder,
  onStep: ({ step, reward, vectorNorm }) =>
    console.log(
      `step ${step}: ${(50 * (reward + 1)).toFixed(0)} % of ${
        config.prompts * config.samples
      } answers right, ` +
        `vector of norm ${vectorNorm.toFixed(2)}`,
    ),
});
const path = `${folder}/layer-4.safetensors`;
await saveVectors(path, { vectors, metadata: { seed: String(config.seed) } });
console.log(`a vector of ${vectors.get(4)?.length} numbers, ${(await Deno.stat(path)).size} bytes as a file`);
await Deno.remove(folder, { recursive: true });
await model.release();
