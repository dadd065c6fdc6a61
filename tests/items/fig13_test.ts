import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { fig13 } from "../../reproductions/fig13.ts";
import { withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { MadeUpLaboratory } from "../reproductions/_made_up_laboratory.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

const PAIRS = ["0_1", "0_2", "0_3", "1_2", "1_3", "2_3"];

Deno.test("fig13 measures every pair of both models, and a vector of zeros adds nothing to another", () =>
  withZooModel(async (a) => {
    const findings = await findingsOf(fig13, { a });
    checkFindings(findings);
    const ofRole = (role: string) => [
      `accuracy.${role}.all_layers`,
      `accuracy.${role}.merged`,
      ...[0, 1, 2, 3].map((layer) => `accuracy.${role}.layer_${layer}`),
      ...PAIRS.map((pair) => `accuracy.${role}.pair_${pair}`),
      `gain.${role}.pairs`,
      `gain.${role}.merged`,
      `pairs.${role}.above`,
      ...["max", "prev", "next"].flatMap((by) => [
        `normalised.${role}.${by}.mean`,
        `pairs.${role}.crosses.${by}`,
        `pairs.${role}.crosses.${by}.as_published`,
      ]),
    ];
    assertEquals(findings.values.map(({ name }) => name), [...ofRole("a"), ...ofRole("b")]);
    // Layers 0 and 2 have zero vectors: their pairs are the other layer alone, sample by sample.
    const percent = (name: string) => valueOf(findings, `accuracy.a.${name}`);
    assertEquals(percent("pair_0_1"), percent("layer_1"));
    assertEquals(percent("pair_0_3"), percent("layer_3"));
    assertEquals(percent("pair_2_3"), percent("layer_3"));
    assertEquals(percent("pair_0_2"), percent("layer_0"));
    // So layers 1 and 3 are all that the merged set has.
    assertEquals(percent("merged"), percent("pair_1_3"));
    assertEquals(findings.claims.map(({ claim }) => claim), [
      "isolated_vectors_combine",
      "isolated_vectors_combine_b",
    ]);
  }));

Deno.test("fig13 says that vectors combine where every pair is better than both, and not where it is worse", () =>
  withZooModel(async (a) => {
    const made = async (percents: readonly [base: number, one: number, two: number, more: number]) => {
      const lab = new MadeUpLaboratory((_, treatment) => {
        const count = treatment?.steer?.size ?? 0;
        return percents[Math.min(count, 3)] as number;
      });
      const findings = await findingsOf(fig13, { a, lab });
      checkFindings(findings);
      return findings;
    };
    const better = await made([10, 40, 60, 80]);
    assertEquals(better.claims.map(({ holds, effect }) => [holds, effect.value]), [[true, 20], [true, 20]]);
    // (60 − 40) / (80 − 40) of the gap in each of the six pairs.
    assertEquals(valueOf(better, "normalised.a.max.mean"), 0.5);
    assertEquals(valueOf(better, "pairs.a.above"), 6);
    assertEquals(valueOf(better, "pairs.a.crosses.max"), 0);
    assertEquals(valueOf(better, "gain.a.merged"), 40);

    const full = await made([10, 40, 80, 80]);
    assertEquals(valueOf(full, "pairs.a.crosses.prev"), 6);

    const worse = await made([10, 60, 40, 80]);
    assertEquals(worse.claims.map(({ holds, effect }) => [holds, effect.value]), [[false, -20], [
      false,
      -20,
    ]]);
    assertEquals(valueOf(worse, "pairs.a.above"), 0);

    // Single vectors above all layers leave no gap: published maps divide by its negative.
    const noGap = await made([10, 80, 60, 40]);
    const mean = noGap.values.find(({ name }) => name === "normalised.a.max.mean");
    assertEquals(mean?.value, null);
    assertMatch(mean?.note ?? "", /^Not applicable/);
    assertEquals(valueOf(noGap, "pairs.a.crosses.max.as_published"), 0);
    const negative = await made([10, 80, 35, 40]);
    assertEquals(valueOf(negative, "pairs.a.crosses.max"), 0);
    assertEquals(valueOf(negative, "pairs.a.crosses.max.as_published"), 6);
  }));

Deno.test("fig13 refuses a run that is missing or of another layer before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    const path = `${entry.vectorsFolder}/layer-2.seed-0.safetensors`;
    await writeVectors(path, { 1: 0.1 });
    const { message } = await assertRejects(() => findingsOf(fig13, { a }), InputError);
    assert(message.startsWith('the run "layer-2" has vectors in the layers [1]: '), message);
    await Deno.remove(path);
    await assertRejects(() => findingsOf(fig13, { a }), InputError, 'no run "layer-2"');
  }));
