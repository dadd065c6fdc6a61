import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { TOKEN_CLASSES, type TokenClass } from "../../lib/analysis/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import type { TextClassShift } from "../../lib/experiment/mod.ts";
import { classClaim } from "../../reproductions/_penultimate_claims.ts";
import { fig06 } from "../../reproductions/fig06.ts";
import { FIRST, openerProbability, withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

const STRENGTH = 0.05, SEED = 0;
/**
 * The norm's ε of 1e-6 beside a mean square of 1/20 shortens what it divides by 1e-5: logits that lie 4 apart by 4e-5.
 * Probabilities move by a quarter of that at most, their KL by as much.
 */
const NEAR = 1e-5, NEAR_KL = 4e-5;

Deno.test("fig6 finds what a vector that pushes the opener changes, on every route alike", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-2.seed-${SEED}.safetensors`, { 2: STRENGTH });
    const findings = await findingsOf(fig06, { a });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, name) ?? NaN;
    // The last block is zero: every route with the vector is the whole one.
    for (const pair of ["skip_attn_to_no_patch", "skip_attn_to_skip_layer"]) {
      assertAlmostEquals(value(`kl.${pair}.mean`), 0, 1e-9);
    }
    const rise = openerProbability(STRENGTH) - openerProbability(0);
    assertAlmostEquals(value("class_shift.base_to_no_patch.process_word.position_0"), rise, NEAR);
    // From Skip-Attn to base it falls again by as much.
    assertAlmostEquals(value("class_shift.skip_attn_to_base.process_word.position_0"), -rise, NEAR);
    // KL(base ‖ whole) at the first position, from the model's three choices there.
    const scale = 1 / Math.sqrt(1 + STRENGTH * STRENGTH), sure = 30;
    const others = [FIRST.box, FIRST.stop].map((share) => Math.exp(scale * (sure + Math.log(share)) - sure));
    const opener = openerProbability(STRENGTH), left = (1 - opener) / ((others[0] ?? 0) + (others[1] ?? 0));
    const steered = [opener, ...others.map((weight) => weight * left)];
    const kl = [FIRST.opener, FIRST.box, FIRST.stop].reduce(
      (sum, p, at) => sum + p * Math.log(p / (steered[at] as number)),
      0,
    );
    assertAlmostEquals(value("kl.base_to_no_patch.position_0"), kl, NEAR_KL);
    const top = findings.values.find(({ name }) => name === "shift.top_1.base_to_no_patch");
    assertEquals(top?.note, '"To", process word');
    assertEquals(value("class_rise.base_to_no_patch.process_word") > 0.99, true);
    const alike = findings.claims.find(({ claim }) => claim === "skip_attn_is_like_the_whole");
    assertEquals(alike?.holds, true);
    assertAlmostEquals(alike?.effect.value ?? NaN, 0, 1e-6);
  }));

Deno.test("fig6 sees that Skip-Attn is not the whole where the last block's values carry the vector", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-2.seed-${SEED}.safetensors`, { 2: 0.1 }, {
      axis: "hint",
    });
    const findings = await findingsOf(fig06, { a });
    checkFindings(findings);
    const alike = findings.claims.find(({ claim }) => claim === "skip_attn_is_like_the_whole");
    assertEquals(alike?.holds, false);
    assert((alike?.effect.value ?? 0) > 0.9);
    // Metrics have the same names whatever comes out, also when nothing changes at all.
    await writeVectors(`${entry.vectorsFolder}/layer-2.seed-${SEED}.safetensors`, { 2: 0 });
    const nothing = await findingsOf(fig06, { a });
    checkFindings(nothing);
    assertEquals(nothing.values.map(({ name }) => name), findings.values.map(({ name }) => name));
    assertEquals(nothing.claims.map(({ holds }) => holds), [false, null]);
    assertEquals(valueOf(nothing, "kl_ratio.skip_attn"), null);
  }, { reader: "values" }));

/** Texts whose classes shift by these amounts after the first position, a little more or less by text. */
function texts(shifts: Partial<Record<TokenClass, number>>, spread = 0.001): readonly TextClassShift[] {
  const zero = Object.fromEntries(TOKEN_CLASSES.map((name) => [name, 0])) as Record<TokenClass, number>;
  return Array.from({ length: 20 }, (_, text) => {
    const later = { ...zero };
    for (const [name, value] of Object.entries(shifts)) {
      later[name as TokenClass] = value + (text % 2 === 0 ? spread : -spread);
    }
    return { first: zero, later };
  });
}

Deno.test("classClaim() holds when both classes rise and lead, fails when one falls or trails, is open between", () => {
  const rises = { "process word": 0.02, "structure symbol": 0.01 };
  assertEquals(classClaim(texts({ ...rises, number: 0.002, word: -0.032 })).holds, true);
  assertEquals(classClaim(texts({ ...rises, number: 0.015, word: -0.045 })).holds, false);
  assertEquals(classClaim(texts({ "process word": 0.02, "structure symbol": -0.01 })).holds, false);
  assertEquals(classClaim(texts({ ...rises, word: -0.03 }, 0.1)).holds, null);
  const single = texts(rises).map(({ first }) => ({ first, later: null }));
  assertEquals([classClaim(single).holds, classClaim(single).effect.value], [null, null]);
});

Deno.test("fig6 misses a run of vectors before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    await Deno.remove(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(fig06, { a }), InputError, 'no run "layer-2"');
  }));
