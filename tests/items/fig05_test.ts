import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import type { Condition } from "../../lib/experiment/mod.ts";
import { fig05 } from "../../reproductions/fig05.ts";
import { TINY_SIZE, withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, PlannedLaboratory, valueOf } from "../reproductions/_reproduction.ts";

const HEADS = { q: [0, 1, 2, 3], k: [0, 1], v: [0, 1] } as const;

Deno.test("fig5 finds that the values carry the vector where values alone read it", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`, { 2: 0.1 }, { axis: "hint" });
    const findings = await findingsOf(fig05, { a, size: { ...TINY_SIZE, evaluationSeeds: 1 } });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, `accuracy.${name}.sampling`);
    const whole = value("penultimate"), without = value("skip_attn");
    assert((whole ?? 0) > (without ?? 0), `${whole} over ${without}`);
    assertEquals(value("skip_layer"), without);
    for (const projection of ["q", "k", "v"] as const) {
      const carries = projection === "v";
      assertEquals(value(`steer_${projection}_all`), carries ? whole : without, projection);
      assertEquals(value(`unsteer_${projection}_all`), carries ? without : whole, projection);
    }
    // The first value head is the one that reads.
    const first = value("steer_v_0"), other = value("steer_v_1");
    assertEquals([value("unsteer_v_1"), value("unsteer_v_0")], [first, other]);
    for (const head of HEADS.q) {
      assertEquals([value(`steer_q_${head}`), value(`unsteer_q_${head}`)], [other, first]);
    }
    for (const head of HEADS.k) {
      assertEquals([value(`steer_k_${head}`), value(`unsteer_k_${head}`)], [other, first]);
    }
    // Differences are from Skip-Attn where the vector is let in, from the whole vector where it is kept out.
    const difference = (name: string) => valueOf(findings, `difference.${name}.sampling`) ?? NaN;
    const gap = (whole ?? 0) - (without ?? 0);
    assertAlmostEquals(valueOf(findings, "gap.sampling") ?? NaN, gap, 1e-9);
    assertAlmostEquals(difference("steer_v_all"), gap, 1e-9);
    assertAlmostEquals(difference("unsteer_v_all"), -gap, 1e-9);
    assertEquals([difference("steer_q_all"), difference("unsteer_k_all")], [0, 0]);
    assertAlmostEquals(difference("steer_v_0"), (first ?? 0) - (without ?? 0), 1e-9);
    assertEquals(valueOf(findings, "seen_difference.sampling"), 0); // most heads change nothing at all
    // Queries and keys are zero: attention is uniform, whatever is added.
    assertAlmostEquals(valueOf(findings, "attention.moved") ?? NaN, 0, 1e-6);
    assertAlmostEquals(valueOf(findings, "attention.moved.random") ?? NaN, 0, 1e-6);
  }, { reader: "values" }));

/** Problems of ten that are right: the whole vector 8, Skip-Attn 4, and a projection's share of the gap. */
function plan(gain: Readonly<Record<"q" | "k" | "v", number>>, ends = { whole: 8, skip: 4 }) {
  return ({ run }: Condition): number => {
    const [treatment] = run as readonly { name: string; lastBlock?: { mode: string; inverse?: boolean } }[] ??
      [];
    if (treatment === undefined) return 1;
    const { lastBlock } = treatment;
    if (lastBlock === undefined) return treatment.name.startsWith("layer-2") ? ends.whole : 2;
    const { mode, inverse = false } = lastBlock;
    if (mode === "skip_attn") return ends.skip;
    if (mode === "skip_layer") return 2;
    const projection = mode === "all_v" ? "v" : mode as "q" | "k" | "v";
    const filled = gain[projection] * (ends.whole - ends.skip);
    return inverse ? ends.skip + filled : ends.whole - filled;
  };
}

async function verdicts(right: (condition: Condition) => number): Promise<Record<string, boolean | null>> {
  const found: Record<string, boolean | null> = {};
  await withZooModel(async (a) => {
    const lab = new PlannedLaboratory({ size: TINY_SIZE, right });
    const findings = await findingsOf(fig05, { a, lab });
    checkFindings(findings);
    for (const { claim, holds } of findings.claims) found[claim] = holds;
  });
  return found;
}

Deno.test("fig5 takes the claims as true where values fill the gap and queries and keys do not", async () => {
  assertEquals(await verdicts(plan({ q: 0, k: 0, v: 1 })), {
    values_alone_close_the_gap: true,
    one_value_head_closes_the_gap: true,
    queries_and_keys_do_not_matter: true,
    mlp_and_residual_carry_the_effect: true,
    skip_attn_keeps_most_of_the_gain: false, // 4 − 2 of 8 − 2
    attention_weights_stay: true,
  });
});

Deno.test("fig5 takes them as false where queries fill the gap, and as open where there is none", async () => {
  const queries = await verdicts(plan({ q: 1, k: 0, v: 0 }));
  assertEquals(
    [queries.values_alone_close_the_gap, queries.one_value_head_closes_the_gap],
    [false, false],
  );
  assertEquals(queries.queries_and_keys_do_not_matter, false);
  const none = await verdicts(plan({ q: 0, k: 0, v: 1 }, { whole: 8, skip: 8 }));
  assertEquals(
    [
      none.values_alone_close_the_gap,
      none.one_value_head_closes_the_gap,
      none.queries_and_keys_do_not_matter,
    ],
    [null, null, null],
  );
  assertEquals(none.skip_attn_keeps_most_of_the_gain, true);
  // A vector below base has no effect that attention could carry.
  assertEquals((await verdicts(() => 3)).attention_weights_stay, null);
});

Deno.test("fig5 misses a run of vectors before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-0.safetensors`);
    await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-1.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(fig05, { a }), InputError, 'no run "layer-3"');
  }));
