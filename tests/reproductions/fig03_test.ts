import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { STUDY_SIZES, ZooModel } from "../../lib/experiment/mod.ts";
import { fig03 } from "../../reproductions/_last_layer.ts";
import {
  openerProbability,
  percentWith,
  STRENGTHS,
  USUAL_DIGIT,
  withZooModel,
  writeVectors,
} from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "./_reproduction.ts";

Deno.test("fig3 finds at the quick size what the weights put there: a vector that boosts the opener alone", () =>
  withZooModel(async (a) => {
    const size = STUDY_SIZES.quick, findings = await findingsOf(fig03, { a, size });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, name) ?? NaN;
    const sevens = percentWith(USUAL_DIGIT, size.problems);
    assertEquals(value("accuracy.base.greedy"), 0);
    assertAlmostEquals(value("accuracy.prefix.greedy"), sevens, 1e-9);
    assertAlmostEquals(value("accuracy.last_layer.greedy"), sevens, 1e-9);
    // Two training seeds; all texts end, and their first position is the same.
    const rise = (openerProbability(STRENGTHS[3]) + openerProbability(0.08)) / 2;
    assertAlmostEquals(value("shift.opener.position_0"), rise - openerProbability(0), 1e-5);
    assertAlmostEquals(value("shift.opener.elsewhere"), 0, 1e-5);
    // The first position is no part of elsewhere, where the length of the vector moves chances by some 2e-4.
    assertAlmostEquals(value("shift.concentration"), rise - openerProbability(0), 1e-3);
    assertEquals(value("shift.opener_leads_share"), 1);
    assertAlmostEquals(value("opener.base"), openerProbability(0), 1e-5);
    assertEquals(value("opener.base_greedy_share"), 0);
    assertEquals([value("shift.texts"), value("shift.truncated_texts")], [2 * size.traced, 0]);
    assertEquals(value("shift.rows_as_published"), 2 * size.traced); // one stop token per text
    const [concentrates, boosts, recovers] = findings.claims;
    assertEquals([concentrates?.holds, boosts?.holds], [true, true]);
    assertAlmostEquals(boosts?.effect.value ?? NaN, value("shift.opener.position_0"), 1e-12);
    assertMatch(boosts?.note ?? "", / in over half of the texts \(100\.0 %\), fails/);
    assertEquals(recovers?.effect.value ?? null, valueOf(findings, "recovered_share.sampling"));
  }));

Deno.test("fig3 leaves shares and verdicts open where the vector gains nothing", () =>
  withZooModel(async (a, { entry }) => {
    for (const seed of [0, 1]) {
      await writeVectors(`${entry.vectorsFolder}/layer-3.seed-${seed}.safetensors`, { 3: 0 });
    }
    const findings = await findingsOf(fig03, { a });
    checkFindings(findings);
    for (const decoding of ["greedy", "sampling"]) {
      assertEquals(valueOf(findings, `recovered_share.${decoding}`), null);
      assertEquals(
        valueOf(findings, `accuracy.last_layer.${decoding}`),
        valueOf(findings, `accuracy.base.${decoding}`),
      );
    }
    assertEquals(valueOf(findings, "shift.opener.position_0"), 0);
    assertEquals(findings.claims.map(({ holds }) => holds), [false, false, null]);
    assertEquals(findings.claims[2]?.interval, null);
  }));

Deno.test("fig3 has the same metrics whatever comes out", () =>
  withZooModel(async (a, { entry }) => {
    const names = async () => (await findingsOf(fig03, { a })).values.map(({ name }) => name);
    const before = await names();
    await writeVectors(`${entry.vectorsFolder}/layer-3.seed-0.safetensors`, { 3: 0 });
    await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-1.safetensors`);
    assertEquals(await names(), before);
    assert(before.includes("shift.top_5.max"));
  }));

Deno.test("fig3 refuses a model that it cannot trace, in one line", () =>
  withZooModel(async (a, { entry }) => {
    const spelt = await ZooModel.open({ ...entry, opener: "Two words" }, { threads: 1 });
    await assertRejects(
      () => findingsOf(fig03, { a: spelt }),
      InputError,
      'the opener "Two words" is not one token',
    );
    await spelt.model.release();
    // Two tokens end no answer that has begun; those that end at once say nothing.
    const size = { problems: 1, swept: 1, evaluationSeeds: 1, traced: 6, read: 4, maxNewTokens: 2 };
    await assertRejects(
      () => findingsOf(fig03, { a, size }),
      InputError,
      "no steered answer came to an end within 2 tokens",
    );
    await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-0.safetensors`);
    await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-1.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(fig03, { a }), InputError, 'no run "layer-3"');
  }));
