import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { saveVectors } from "../../lib/vectors/mod.ts";
import { readPaperItem } from "../../lib/report/mod.ts";
import { table5 } from "../../reproductions/table5.ts";
import { checkFindings, valueOf } from "../reproductions/_reproduction.ts";
import { scriptedFindings, ScriptedLab, tooEarly } from "../reproductions/_scripted_lab.ts";
import { layerRate, madeBy, withWholeZoo } from "../reproductions/_whole_zoo.ts";
import { ROLES } from "../experiment/_tiny_zoo.ts";

const PAPER = decodeURIComponent(new URL("../../fixtures/paper/table5.json", import.meta.url).pathname);

Deno.test("table5 reads every setting off the files, and sets the paper's beside them", () =>
  withWholeZoo(async (zoo) => {
    const paper = await readPaperItem(PAPER, { item: "table5" });
    const findings = await scriptedFindings(table5, { zoo, share: tooEarly, paper });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, name);
    for (const role of ["a", "b"]) {
      assertEquals([value(`steps.${role}`), value(`samples_per_prompt.${role}`)], [60, 16]);
      assertEquals([value(`training_seeds.${role}`), value(`families.${role}`)], [2, 6]);
      assertEquals(value(`learning_rate.${role}.full`), 0.0005);
      assertEquals(value(`learning_rate.${role}.adapters.layer_3`), 0.003);
      for (const layer of [0, 1, 2, 3]) {
        assertEquals(value(`learning_rate.${role}.layer_${layer}`), layerRate(layer));
        assertEquals(value(`learning_rate.${role}.all_layers.layer_${layer}`), layerRate(layer) / 2);
        assertEquals(value(`checkpoint.${role}.layer_${layer}`), 60);
      }
    }
    assertEquals([value("adam.beta_1"), value("adam.beta_2"), value("adam.epsilon")], [0.9, 0.999, 1e-8]);
    // One right of 16: 1 − (−1) for it; −1 minus the mean of 14 times −1 and once 1 for the others.
    assertEquals(value("advantage.lone_right"), 2);
    assertAlmostEquals(value("advantage.lone_wrong") ?? NaN, -1 - (-14 + 1) / 15, 1e-12);
    // The paper's layer 23 and our layer 3 stand in the table.
    const drawn = JSON.stringify(findings.spec);
    for (const text of ["0.01 @ 265", "0.04 @ 60", "0.005 to 0.02", "314"]) {
      assert(drawn.includes(text), text);
    }
    const without = await scriptedFindings(table5, { zoo, share: tooEarly });
    assertEquals(without.values, findings.values);
    assert(!JSON.stringify(without.spec).includes("0.01 @ 265"), "no numbers but ours");
  }));

Deno.test("table5 leaves a setting open where runs differ, and names the files it read", () =>
  withWholeZoo(async (zoo) => {
    const path = `${zoo.entry.vectorsFolder}/layer-2.seed-1.safetensors`,
      vectors = new Map([[2, new Float32Array(20)]]);
    await saveVectors(path, {
      vectors,
      metadata: madeBy({ layers: [2], learningRates: [0.5], seed: 1, steps: 61 }),
    });
    const lab = new ScriptedLab(tooEarly);
    const findings = await table5.run({
      lab,
      roles: ROLES,
      open: (role) => Promise.resolve(role === "b" ? zoo.b : zoo.a),
    });
    checkFindings(findings);
    for (const name of ["learning_rate.a.layer_2", "checkpoint.a.layer_2", "checkpoint.b.layer_2"]) {
      assertEquals([name, valueOf(findings, name)], [name, null]);
    }
    const differing = findings.values.find(({ name }) => name === "checkpoint.a.layer_2");
    assertEquals(differing?.note, "Runs differ: 60, 61.");
    // Vectors of one layer may be trained for fewer steps than the runs that train all.
    assertEquals(valueOf(findings, "steps.a"), 60);
    const read = Object.keys(lab.inputs);
    for (
      const name of ["vectors.base-a.layer-2.seed-1", "vectors.base-b.all.seed-0", "model.base-a.full.seed-0"]
    ) {
      assert(read.includes(name), `${name} among ${read}`);
    }
  }));

Deno.test("table5 refuses a file that does not say how it was made", () =>
  withWholeZoo(async (zoo) => {
    const path = `${zoo.entry.vectorsFolder}/layer-1.seed-0.safetensors`,
      vectors = new Map([[1, new Float32Array(20)]]);
    for (const metadata of [{}, { config: "{" }] as const) {
      await saveVectors(path, { vectors, metadata });
      await assertRejects(
        () => scriptedFindings(table5, { zoo, share: tooEarly }),
        InputError,
        "this file does not say how it was made",
      );
    }
  }));
