import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError, RandomStream } from "../../lib/core/mod.ts";
import type { FeatureTraces } from "../../lib/experiment/mod.ts";
import { beforeFirstResult } from "../../reproductions/_features.ts";
import { fig07 } from "../../reproductions/fig07.ts";
import { fig08 } from "../../reproductions/fig08.ts";
import { PlantedStore, TINY_FEATURES, writeTinyAutoencoder } from "../experiment/_tiny_additions.ts";
import { withZooModel } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

/**
 * Generations of ten tokens to nine problems, four each, two of them right. Feature 0 fires on the first token of all,
 * feature 1 on 6 tokens of right answers and 1 of wrong ones when `planted`, else on 3 of all, plus one now and then.
 */
function plantedTraces(planted: boolean): FeatureTraces {
  const random = new RandomStream(7, "planted features");
  const generations = Array.from({ length: 36 }, (_, index) => {
    const correct = index % 4 < 2, extra = random.integer({ below: 2 });
    const often = extra + (planted ? correct ? 6 : 1 : 3);
    return {
      problem: Math.floor(index / 4),
      correct,
      tokens: Array.from({ length: 10 }, () => 5),
      indices: Array.from({ length: 10 }, () => [0, 1]).flat(),
      values: Array.from({ length: 10 }, (_, at) => [at === 0 ? 1 : 0, at < often ? 2 + at : 0]).flat(),
    };
  });
  return { generations, explainedVariance: 0.75, meanActive: 0.5, firingShare: [0.1, 0.4, 0, 0] };
}

const contrasts = (prefix: string) => [
  `${prefix}.beyond_null`,
  `${prefix}.null_z`,
  ...Array.from(
    { length: TINY_FEATURES },
    (_, place) =>
      ["feature", "difference", "z", "adjusted_p"].map((what) => `${prefix}.top_${place + 1}.${what}`),
  ).flat(),
];

const NAMES = [
  "generations.correct",
  "generations.incorrect",
  "autoencoder.explained_variance",
  "autoencoder.mean_active",
  "autoencoder.live_features",
  ...contrasts("features"),
  ...contrasts("features.before_result"),
];

Deno.test("fig7 finds a planted feature of right answers, and its claim holds", () =>
  withZooModel(async (a) => {
    await writeTinyAutoencoder(a, { layer: 2 });
    const store = new PlantedStore({ "feature traces": () => plantedTraces(true) });
    const findings = await findingsOf(fig07, { a, store });
    checkFindings(findings);
    assertEquals(findings.values.map(({ name }) => name), NAMES);
    assertEquals(valueOf(findings, "generations.correct"), 18);
    assertEquals(valueOf(findings, "autoencoder.live_features"), 2);
    assertEquals([valueOf(findings, "features.beyond_null"), valueOf(findings, "features.top_1.feature")], [
      1,
      1,
    ]);
    // Six tokens of ten against one, and the same chance of one more.
    assertAlmostEquals(valueOf(findings, "features.top_1.difference") ?? NaN, 0.5, 0.06);
    const [claim] = findings.claims;
    assertEquals(claim?.holds, true);
    assertAlmostEquals(
      claim?.effect.value ?? NaN,
      100 * (valueOf(findings, "features.top_1.difference") ?? NaN),
      1e-9,
    );
  }));

Deno.test("fig7 is open where features fire as often on wrong answers, and ten tokens of each say too little", () =>
  withZooModel(async (a) => {
    await writeTinyAutoencoder(a, { layer: 2 });
    const store = new PlantedStore({ "feature traces": () => plantedTraces(false) });
    const findings = await findingsOf(fig07, { a, store });
    checkFindings(findings);
    assertEquals(valueOf(findings, "features.beyond_null"), 0);
    const { holds, interval, note = "" } = findings.claims[0] ?? {};
    assertEquals(holds, null);
    assert((interval?.high ?? 0) - (interval?.low ?? 0) > 5, "the interval reaches over one token in twenty");
    assertMatch(note, /0 features do, 0 with right answers, 0 with wrong answers/);
  }));

Deno.test("fig7 and fig8 leave everything open where no answer is right", () =>
  withZooModel(async (a) => {
    await writeTinyAutoencoder(a, { layer: 2 });
    const traces = plantedTraces(true);
    const generations = traces.generations.map((generation) => ({ ...generation, correct: false }));
    const store = new PlantedStore({ "feature traces": () => ({ ...traces, generations }) });
    const findings = await findingsOf(fig07, { a, store });
    checkFindings(findings);
    assertEquals(findings.values.map(({ name }) => name), NAMES);
    assertEquals([findings.claims[0]?.holds, findings.claims[0]?.effect.value], [null, null]);
    assertMatch(findings.claims[0]?.note ?? "", /^Not applicable/);
    const examples = await findingsOf(fig08, { a, store });
    checkFindings(examples);
    assertEquals(valueOf(examples, "example_1.feature"), 1); // the most frequent
  }));

Deno.test("fig7 reads the tiny model's own generations, in which one feature fires everywhere", () =>
  withZooModel(async (a) => {
    await writeTinyAutoencoder(a, { layer: 2 });
    const findings = await findingsOf(fig07, { a });
    checkFindings(findings);
    assertEquals(findings.values.map(({ name }) => name), NAMES);
    assertAlmostEquals(valueOf(findings, "autoencoder.mean_active") ?? NaN, 1, 1e-9);
    assertEquals(valueOf(findings, "autoencoder.live_features"), 1);
    assertEquals(findings.claims[0]?.holds === true, false);
  }));

Deno.test("fig8 shows the planted feature where it is strongest", () =>
  withZooModel(async (a) => {
    await writeTinyAutoencoder(a, { layer: 2 });
    const store = new PlantedStore({ "feature traces": () => plantedTraces(true) });
    const findings = await findingsOf(fig08, { a, store });
    checkFindings(findings);
    assertEquals(findings.claims, []);
    assertEquals(findings.values.length, 12);
    assertEquals(valueOf(findings, "example_1.feature"), 1);
    // Six or seven tokens, the last of them with the activation 2 + 5 or 2 + 6.
    assertEquals(valueOf(findings, "example_1.peak"), 8);
    assert(JSON.stringify(findings.spec).includes("more often on right answers: 1."));
  }));

Deno.test("fig7 misses the autoencoder before it measures anything", () =>
  withZooModel(async (a) => {
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => findingsOf(fig07, { a }), InputError, 'no autoencoder of "base-a"');
  }));

Deno.test("beforeFirstResult() reads until the first sign that a result stands behind", () => {
  const words = ["\n", "To", " 1", " =", "2", " \\boxed", "{"];
  const codes = (tokens: readonly number[]) => ({
    problem: 0,
    correct: true,
    tokens,
    indices: tokens.flatMap((_, at) => [at, at + 100]),
    values: tokens.flatMap(() => [1, 2]),
  });
  const read = (tokens: readonly number[]) =>
    beforeFirstResult(codes(tokens), (token) => words[token] as string);
  assertEquals(read([0, 1, 2, 3, 4, 5]), { ...codes([0, 1, 2, 3]) });
  assertEquals(read([0, 5, 6]), codes([0, 5]));
  assertEquals(read([0, 1, 2]), codes([0, 1, 2]));
  // The first token is the prompt's last, whatever it says.
  assertEquals(read([3, 1, 2]), codes([3, 1, 2]));
});

Deno.test("fig7 tells features that foretell right answers from those that follow", () =>
  withZooModel(async (a) => {
    await writeTinyAutoencoder(a, { layer: 2 });
    const mark = Array.from({ length: a.model.config.vocab }, (_, token) => token)
      .find((token) => a.tokenizer.tokenText(token) === "=") as number;
    const planted = (from: number) => {
      const traces = plantedTraces(true);
      // Five tokens, the sign, four tokens; the planted feature fires in the part that begins at `from`.
      const generations = traces.generations.map((generation) => ({
        ...generation,
        tokens: generation.tokens.map((token, at) => at === 5 ? mark : token),
        values: generation.values.map((value, entry) =>
          Math.floor(entry / 2) >= from && Math.floor(entry / 2) < from + 4 && entry % 2 === 1
            ? Number(generation.correct)
            : entry % 2 === 0
            ? value
            : 0
        ),
      }));
      return new PlantedStore({ "feature traces": () => ({ ...traces, generations }) });
    };
    const verdicts = async (from: number) =>
      (await findingsOf(fig07, { a, store: planted(from) })).claims.map(({ holds }) => holds);
    assertEquals([await verdicts(1), await verdicts(6)], [[true, true], [true, false]]);
  }));
