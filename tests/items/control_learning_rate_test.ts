import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { saveVectors } from "../../lib/vectors/mod.ts";
import { controlLearningRate } from "../../reproductions/control_learning_rate.ts";
import { checkFindings, valueOf } from "../reproductions/_reproduction.ts";
import { scriptedFindings, tooEarly } from "../reproductions/_scripted_lab.ts";
import { layerRate, madeBy, withWholeZoo } from "../reproductions/_whole_zoo.ts";

/** Accuracy of the middle layer by rate; its neighbours have 60 % and 70 %. */
function script(rates: Readonly<Record<string, number>>) {
  return ({ run }: { readonly run: string }): number =>
    ({ base: 0.1, "layer-1": 0.6, "layer-3": 0.7, ...rates })[run] ?? NaN;
}

Deno.test("control-learning-rate compares rates and neighbours, and decides its claims both ways", () =>
  withWholeZoo(async (zoo) => {
    const share = script({ "rate-0.25-2": 0.3, "rate-0.5-2": 0.5, "layer-2": 0.7, "rate-2-2": 0.75 });
    const findings = await scriptedFindings(controlLearningRate, { zoo, share });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, name) ?? NaN;
    assertEquals(["quarter", "half", "usual", "double"].map((name) => value(`accuracy.rate.${name}`)), [
      30,
      50,
      70,
      75,
    ]);
    assertAlmostEquals(value("learning_rate.quarter"), layerRate(2) / 4, 1e-12);
    assertAlmostEquals(value("dip.quarter"), 35, 1e-9);
    assertAlmostEquals(value("dip.usual"), -5, 1e-9);
    assertEquals([value("accuracy.neighbour.below"), value("accuracy.neighbour.above")], [60, 70]);
    assertEquals(findings.claims.map(({ claim, holds }) => [claim, holds]), [
      ["smaller_rate_lowers_accuracy", true],
      ["smaller_rate_makes_a_dip", true],
    ]);
    const level = script({ "rate-0.25-2": 0.8, "rate-0.5-2": 0.8, "layer-2": 0.7, "rate-2-2": 0.8 });
    const other = await scriptedFindings(controlLearningRate, { zoo, share: level });
    checkFindings(other);
    assertEquals(other.claims.map(({ holds }) => holds), [false, false]);
    assertEquals(other.values.map(({ name }) => name), findings.values.map(({ name }) => name));
  }));

Deno.test("control-learning-rate refuses missing runs, and runs whose rate is not what their name says", () =>
  withWholeZoo(async (zoo) => {
    const folder = zoo.entry.vectorsFolder,
      refused = (message: string) =>
        assertRejects(
          () => scriptedFindings(controlLearningRate, { zoo, share: tooEarly }),
          InputError,
          message,
        );
    const write = (learningRate: number) =>
      saveVectors(`${folder}/rate-0.5-2.seed-0.safetensors`, {
        vectors: new Map([[2, new Float32Array(20)]]),
        metadata: madeBy({ layers: [2], learningRates: [learningRate] }),
      });
    await write(0.1);
    await refused('the run "rate-0.5-2" has the learning rate 0.1, not 0.5 · 0.03');
    await write(layerRate(2) / 2);
    await saveVectors(`${folder}/layer-2.seed-1.safetensors`, {
      vectors: new Map([[2, new Float32Array(20)]]),
      metadata: madeBy({ layers: [2], learningRates: [0.2], seed: 1 }),
    });
    await refused('the run "layer-2" has 2 learning rates');
    await Deno.remove(`${folder}/rate-2-2.seed-0.safetensors`);
    await refused('no run "rate-2-2"');
  }));
