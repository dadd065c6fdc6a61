import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { accuracyInterval, evaluate } from "../../lib/analysis/mod.ts";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError } from "../../lib/core/mod.ts";
import { saveVectors } from "../../lib/vectors/mod.ts";
import { STUDY_SIZES, ZooModel } from "../../lib/experiment/mod.ts";
import { FAMILIES, testSet } from "../../lib/problems/mod.ts";
import { fig01 } from "../../reproductions/_single_layer.ts";
import { TINY_SIZE, withTinyZoo, withZooModel } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "./_reproduction.ts";

Deno.test("fig1 measures base, all layers and every layer at the quick size, and decides its claims", () =>
  withZooModel(async (a) => {
    const findings = await findingsOf(fig01, { a, size: STUDY_SIZES.quick });
    checkFindings(findings);
    assertEquals(findings.values.map(({ name }) => name), [
      "accuracy.base.greedy",
      "accuracy.base.sampling",
      "accuracy.all_layers",
      "accuracy.layer_0",
      "accuracy.layer_1",
      "accuracy.layer_2",
      "accuracy.layer_3",
    ]);
    // The vectors of layers 0 and 2 are zero: their accuracy is the base model's, sample by sample.
    const base = valueOf(findings, "accuracy.base.sampling");
    assertEquals(valueOf(findings, "accuracy.layer_0"), base);
    assertEquals(valueOf(findings, "accuracy.layer_2"), base);
    assertEquals(findings.claims.map(({ claim }) => claim), [
      "middle_layers_gain_most",
      "no_layer_reaches_all_layer",
      "all_but_two_layers_above_base",
    ]);
    // What vectors of zeros gain is exactly nothing; two layers may.
    assertMatch(findings.claims[2]?.note ?? "", /\(2 do\), open otherwise\.$/);
    // Layers 0 and 2 cannot lie above base; each of the two others may miss it too on so few problems.
    const notAbove = findings.claims[2]?.effect.value ?? NaN;
    assert(notAbove >= 2 && notAbove <= 4, String(notAbove));
    assertEquals(findings.claims[2]?.holds, notAbove <= 2 ? true : null);
  }));

Deno.test("fig1 gives the accuracy that evaluating the same vectors and seeds gives", () =>
  withZooModel(async (a) => {
    const findings = await findingsOf(fig01, { a });
    const problems = FAMILIES.flatMap((family) => testSet(family, { size: TINY_SIZE.problems }));
    const tables = await Promise.all((await a.trained("layer-3")).map(async ({ steer = new Map() }) => {
      const settings = { problems, maxNewTokens: TINY_SIZE.maxNewTokens, seeds: [0, 1], steer };
      return (await evaluate(a.model, settings)).outcomes;
    }));
    const perFamily = TINY_SIZE.problems;
    const outcomes = Object.fromEntries(FAMILIES.map((family, f) => [
      family,
      tables.map((seeds) => seeds.map((table) => table.slice(f * perFamily, (f + 1) * perFamily))),
    ]));
    const { percent, low, high } = accuracyInterval(outcomes);
    assertAlmostEquals(valueOf(findings, "accuracy.layer_3") ?? NaN, percent, 1e-9);
    const { uncertainty } = findings.values.find(({ name }) => name === "accuracy.layer_3") ?? {};
    assertEquals(uncertainty, { kind: "interval", level: 0.95, low, high });
  }));

Deno.test("fig1 on a model without middle layers says that the claim about them cannot be decided", () =>
  withTinyZoo(async ({ entry, folder }) => {
    const modelFolder = `${folder}/two-layers`, vectorsFolder = `${folder}/vectors`;
    const config = tinyConfig({ vocab: 423, eosTokenIds: [422] }); // two layers
    await writeRandomCheckpoint(modelFolder, { config, dtype: "float32", seed: 0 });
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(`${entry.modelFolder}/${name}`, `${modelFolder}/${name}`);
    }
    await Deno.mkdir(vectorsFolder);
    for (const name of ["all", "layer-0", "layer-1"]) {
      const vectors = new Map([[0, new Float32Array(config.embed)]]);
      await saveVectors(`${vectorsFolder}/${name}.seed-0.safetensors`, { vectors, metadata: {} });
    }
    const a = await ZooModel.open({ ...entry, modelFolder, vectorsFolder }, { threads: 1 });
    const findings = await findingsOf(fig01, { a, size: { ...TINY_SIZE, problems: 2 } });
    await a.release();
    checkFindings(findings);
    const [middle] = findings.claims;
    assertEquals([middle?.holds, middle?.effect.value, middle?.interval], [null, null, null]);
    assertMatch(middle?.note ?? "", /^Not applicable: a model of 2 layers/);
  }));

Deno.test("fig1 misses a run of vectors before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    await Deno.remove(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(fig01, { a }), InputError, 'no run "layer-2"');
  }));
