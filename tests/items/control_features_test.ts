import { assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { accuracyInterval } from "../../lib/analysis/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import type { FeatureTraces } from "../../lib/experiment/mod.ts";
import { controlFeatures } from "../../reproductions/control_features.ts";
import {
  PlantedStore,
  TINY_FEATURES,
  tinyBench,
  writeTinyAutoencoder,
} from "../experiment/_tiny_additions.ts";
import { TINY_SIZE, withZooModel } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

/** Two answers to each of nine problems: feature 0 fires on right ones alone, feature 1 on wrong ones, 2 and 3 on all. */
function plantedTraces(): FeatureTraces {
  const generations = Array.from({ length: 36 }, (_, index) => {
    const correct = index % 2 === 0, value = correct ? 1 : 2;
    return {
      problem: Math.floor(index / 4),
      correct,
      tokens: [5, 6],
      indices: [correct ? 0 : 1, 2 + index % 4 % 2, 2, 3],
      values: [value, 0, 1, 1],
    };
  });
  return { generations, explainedVariance: 1, meanActive: 1, firingShare: [0.5, 0.5, 0.5, 0.5] };
}

const PROBLEMS = 6 * TINY_SIZE.swept;

/** Outcomes by how many conditions were asked for before; shares of right answers. */
function plantedOutcomes(shares: readonly number[]): (key: unknown) => unknown {
  let turn = 0;
  return () => {
    const share = shares[turn++] as number;
    return Array.from(
      { length: TINY_SIZE.evaluationSeeds },
      () => Array.from({ length: PROBLEMS }, (_, problem) => [problem % 10 < 10 * share ? 1 : 0]),
    );
  };
}

Deno.test("control-features takes out in the model what the autoencoder reads", () =>
  withZooModel(async (a) => {
    // Behind layer 2 the vectors have pushed by 0.05; without that, layer 3's push of 0.1 is left.
    await writeTinyAutoencoder(a, { layer: 2 });
    const store = new PlantedStore({ "feature traces": plantedTraces });
    const findings = await findingsOf(controlFeatures, { a, store });
    checkFindings(findings);
    const { lab } = tinyBench(a), [alone] = await a.trained("layer-3");
    const outcomes = await lab.outcomes({
      zoo: a,
      run: [alone as NonNullable<typeof alone>],
      decoding: "sampling",
      problems: TINY_SIZE.swept,
    });
    const { percent } = accuracyInterval(outcomes), all = valueOf(findings, "accuracy.all_layers") ?? NaN;
    assertAlmostEquals(valueOf(findings, "accuracy.without_right") ?? NaN, percent, 1e-9);
    assertAlmostEquals(valueOf(findings, "accuracy.without_every") ?? NaN, percent, 1e-9);
    // The other features are never active.
    for (const name of ["wrong", "matched", "random"]) {
      assertAlmostEquals(valueOf(findings, `accuracy.without_${name}`) ?? NaN, all, 1e-9);
    }
    assertEquals([valueOf(findings, "features.right"), valueOf(findings, "features.wrong")], [1, 1]);
    assertAlmostEquals(valueOf(findings, "loss.right") ?? NaN, all - percent, 1e-9);
  }));

Deno.test("control-features decides its claims both ways", () =>
  withZooModel(async (a) => {
    await writeTinyAutoencoder(a, { layer: 2 });
    // base, all layers; without right, wrong, matched, three times random, every feature
    const cases = [
      [[0.1, 0.9, 0.2, 0.9, 0.8, 0.9, 0.8, 0.8, 0.1], true],
      [[0.1, 0.9, 0.8, 0.9, 0.2, 0.1, 0.2, 0.2, 0.1], false],
      [[0.1, 0.9, 0.8, 0.9, 0.8, 0.8, 0.8, 0.8, 0.1], false],
    ] as const;
    for (const [shares, holds] of cases) {
      const store = new PlantedStore({ "feature traces": plantedTraces, outcomes: plantedOutcomes(shares) });
      const findings = await findingsOf(controlFeatures, { a, store });
      checkFindings(findings);
      assertEquals(findings.claims.map((claim) => claim.holds), [holds, holds]);
    }
  }));

Deno.test("control-features leaves its claims open where no feature goes with right answers", () =>
  withZooModel(async (a) => {
    await writeTinyAutoencoder(a, { layer: 2 });
    const traces = plantedTraces();
    const generations = traces.generations.map((generation) => ({ ...generation, correct: false }));
    const store = new PlantedStore({
      "feature traces": () => ({ ...traces, generations }),
      outcomes: plantedOutcomes(Array.from({ length: 9 }, () => 0)),
    });
    const findings = await findingsOf(controlFeatures, { a, store });
    checkFindings(findings);
    assertEquals(findings.claims.map(({ holds, effect }) => [holds, effect.value]), [[null, null], [
      null,
      null,
    ]]);
    assertMatch(findings.claims[0]?.note ?? "", /^Not applicable/);
    assertEquals(TINY_FEATURES, 4);
  }));

Deno.test("control-features misses the autoencoder before it measures anything", () =>
  withZooModel(async (a) => {
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(controlFeatures, { a }), InputError, 'no autoencoder of "base-a"');
  }));
