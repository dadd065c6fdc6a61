import { assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { controlOpeners } from "../../reproductions/control_openers.ts";
import { percentWith, TINY_SIZE, USUAL_DIGIT, withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, PlannedLaboratory, valueOf } from "../reproductions/_reproduction.ts";

/** Base A's writers use these. */
const NAMES = ["To", "Let", "First", "So", "The", "Well", "Maybe", "boxed", "Найдём", "Сначала", "Решим"];

Deno.test("control-openers finds that the boosted opener alone leads to a box", () =>
  withZooModel(async (a) => {
    const findings = await findingsOf(controlOpeners, {
      a,
      size: { ...TINY_SIZE, problems: 1, evaluationSeeds: 1 },
    });
    checkFindings(findings);
    const sevens = percentWith(USUAL_DIGIT, 1);
    for (const name of NAMES) {
      // The other openers are no token that the model knows; after "\boxed" it opens and fills the box.
      const expected = name === "To" || name === "boxed" ? sevens : 0;
      assertAlmostEquals(valueOf(findings, `accuracy.prefix_${name}.greedy`) ?? NaN, expected, 1e-9, name);
    }
    assertEquals(valueOf(findings, "boosted.leads_share"), 1);
    assertEquals(findings.values.length, 2 * (2 + 2 * NAMES.length) + 1);
  }));

async function claimOf(right: Readonly<Record<string, number>>) {
  let found: unknown = null;
  await withZooModel(async (a) => {
    const lab = new PlannedLaboratory({
      size: TINY_SIZE,
      right: ({ run, prefix = "" }) => run !== null ? 8 : prefix === "" ? 2 : right[prefix] ?? 3,
    });
    const findings = await findingsOf(controlOpeners, { a, lab });
    checkFindings(findings);
    const [claim] = findings.claims;
    found = [claim?.holds, claim?.effect.value];
    assertAlmostEquals(valueOf(findings, "recovered_share.prefix_To.sampling") ?? NaN, 50, 1e-9);
  });
  return found;
}

Deno.test("control-openers takes the boosted opener as special when no other helps as much", async () => {
  assertEquals(await claimOf({ To: 5 }), [true, 20]);
  assertEquals(await claimOf({ To: 5, Let: 7 }), [false, -20]);
});

Deno.test("control-openers leaves the claim open where the vector boosts no opener or gains nothing", () =>
  withZooModel(async (a, { entry }) => {
    const gains = new PlannedLaboratory({ size: TINY_SIZE, right: ({ run }) => run === null ? 2 : 8 });
    for (const seed of [0, 1]) {
      await writeVectors(`${entry.vectorsFolder}/layer-3.seed-${seed}.safetensors`, { 3: -0.1 });
    }
    const other = await findingsOf(controlOpeners, { a, lab: gains });
    checkFindings(other);
    assertEquals(other.claims[0]?.holds, null);
    assertMatch(other.claims[0]?.note ?? "", /is none of the openers/);
    const nothing = await findingsOf(controlOpeners, {
      a,
      lab: new PlannedLaboratory({ size: TINY_SIZE, right: () => 2 }),
    });
    checkFindings(nothing);
    assertEquals(nothing.claims[0]?.holds, null);
    assertEquals(valueOf(nothing, "recovered_share.prefix_Let.greedy"), null);
  }));

Deno.test("control-openers misses a run of vectors before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    for (const seed of [0, 1]) await Deno.remove(`${entry.vectorsFolder}/layer-3.seed-${seed}.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(controlOpeners, { a }), InputError, 'no run "layer-3"');
  }));
