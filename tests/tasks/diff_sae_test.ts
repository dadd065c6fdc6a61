import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openCheckpoint, writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { canonicalJson, RandomStream, sha256 } from "../../lib/core/mod.ts";
import { readSparseAutoencoder, saveVectors } from "../../lib/vectors/mod.ts";
import { diffSae } from "../../tasks/diff_sae.ts";
import { faultLine, inFolder, namesBelow, runOn } from "./_tiny_zoo.ts";

const CONFIG = {
  layer: 1,
  texts: 6,
  maxNewTokens: 6,
  features: 12,
  active: 2,
  seed: 3,
  steps: 4,
  batch: 16,
  learningRate: 0.01,
  warmupShare: 0,
  deadAfterSteps: 2,
};

/** A model of random weights with a tokenizer, vectors for both its layers, and a config; the flags that name them. */
async function writeInputs(folder: string, change: object = {}): Promise<string[]> {
  const config = tinyConfig({ vocab: 423, eosTokenIds: [422], maxPositions: 256 });
  const model = `${folder}/m`, vectorsPath = `${folder}/all.safetensors`, configPath = `${folder}/sae.json`;
  await writeRandomCheckpoint(model, { config, dtype: "float32", seed: 0 });
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await Deno.copyFile(
      new URL(`../../fixtures/golden/tokenizers/qwen/${name}`, import.meta.url),
      `${model}/${name}`,
    );
  }
  const random = new RandomStream(1, "vectors");
  const vectors = new Map(
    [0, 1].map((layer) => [layer, Float32Array.from({ length: config.embed }, () => random.normal())]),
  );
  await saveVectors(vectorsPath, { vectors, metadata: {} });
  await Deno.writeTextFile(configPath, JSON.stringify({ ...CONFIG, ...change }));
  return ["--model", model, "--vectors", vectorsPath, "--config", configPath, "--threads", "1"];
}

Deno.test("diff-sae writes an autoencoder that names the model, the vectors and the config", () =>
  inFolder(async (folder) => {
    const args = await writeInputs(folder), out = `${folder}/out/sae.safetensors`;
    const { code, output } = await runOn(diffSae, [...args, "--out", out]);
    assertEquals(code, 0);
    assertStringIncludes(output, `${out}: 12 features, explained variance `);
    assertEquals(namesBelow(`${folder}/out`), ["sae.safetensors"]);
    const { autoencoder, metadata } = await readSparseAutoencoder(out);
    assertEquals([autoencoder.features, autoencoder.active, autoencoder.embed], [12, 2, 32]);
    const given = (name: string) => metadata.get(name);
    assertEquals(given("model"), await (await openCheckpoint(`${folder}/m`)).hash());
    assertEquals(given("trained"), sha256(await Deno.readFile(`${folder}/all.safetensors`)));
    assertEquals(given("config"), canonicalJson(CONFIG));
    assertEquals(given("config_hash"), sha256(canonicalJson(CONFIG)));
    assertEquals([given("site"), given("layer"), given("seed")], ["blocks.1.resid_post", "1", "3"]);
    assert(Number(given("rows")) > 6 * 20, given("rows"));
    const again = await runOn(diffSae, [...args, "--out", out]);
    assertStringIncludes(faultLine(again), "there is a finished result");
  }));

Deno.test("diff-sae that goes on after Ctrl-C ends with the same bytes", () =>
  inFolder(async (folder) => {
    const args = await writeInputs(folder);
    const whole = `${folder}/whole.safetensors`, broken = `${folder}/broken.safetensors`;
    await runOn(diffSae, [...args, "--out", whole]);
    const stopped = await runOn(diffSae, [...args, "--out", broken], { interruptAt: " 2/4 steps" });
    assertEquals(stopped.code, 130);
    assertStringIncludes(stopped.error, "add --resume to the same command");
    assertEquals(namesBelow(`${folder}/broken.run`).includes("rows.safetensors"), true);
    assertStringIncludes(
      faultLine(await runOn(diffSae, [...args, "--out", broken])),
      "unfinished run of 2 steps",
    );
    await writeInputs(folder, { steps: 5 });
    assertStringIncludes(
      faultLine(await runOn(diffSae, [...args, "--out", broken, "--resume"])),
      "the unfinished run has other inputs than these",
    );
    await writeInputs(folder);
    const resumed = await runOn(diffSae, [...args, "--out", broken, "--resume"]);
    assertEquals([resumed.code, resumed.error.includes("answers and their differences")], [0, false]);
    assertEquals(await Deno.readFile(broken), await Deno.readFile(whole));
  }));

Deno.test("diff-sae refuses what it cannot train on, in one line", () =>
  inFolder(async (folder) => {
    const out = ["--out", `${folder}/sae.safetensors`];
    const args = await writeInputs(folder);
    assertStringIncludes(
      faultLine(await runOn(diffSae, [...args, "--out", `${folder}/sae.bin`])),
      "--out must name a .safetensors file",
    );
    assertStringIncludes(
      faultLine(await runOn(diffSae, [...await writeInputs(folder, { layer: 2 }), ...out])),
      "layer 2 is out of range",
    );
    assertStringIncludes(
      faultLine(await runOn(diffSae, [...await writeInputs(folder, { active: 13 }), ...out])),
      "no more features can be active",
    );
    const still = await writeInputs(folder);
    await saveVectors(`${folder}/all.safetensors`, {
      vectors: new Map([[0, new Float32Array(32)]]),
      metadata: {},
    });
    const { code, error } = await runOn(diffSae, [...still, ...out]);
    assertEquals(code, 2);
    assertStringIncludes(error, "every position is changed alike at layer 1");
  }));
