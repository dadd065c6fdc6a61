import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { controlRandomReward } from "../../reproductions/control_random_reward.ts";
import { FREE_AXES, writeVectors } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";
import { type Asked, scriptedFindings, tooEarly } from "../reproductions/_scripted_lab.ts";
import { withWholeZoo } from "../reproductions/_whole_zoo.ts";

const EVERY = [0, 1, 2, 3];
/** Vectors along an axis that no weight reads, as a run on random rewards. */
async function writeRandom(folder: string, strength: number, axis: "push" | number = FREE_AXES[0]) {
  const strengths = Object.fromEntries(EVERY.map((layer) => [layer, strength]));
  await writeVectors(`${folder}/random-all.seed-0.safetensors`, strengths, { axis });
}

const script = (random: number) => ({ model, run }: Asked) =>
  model.includes(".full") ? 0.8 : run === "all" ? 0.7 : run === "random-all" ? random : 0.3;

Deno.test("control-random-reward says what random rewards gain of base and of full tuning", () =>
  withWholeZoo(async (zoo) => {
    await writeRandom(zoo.entry.vectorsFolder, 0.05);
    const run = async (random: number) => {
      const findings = await scriptedFindings(controlRandomReward, { zoo, share: script(random) });
      checkFindings(findings);
      return findings;
    };
    const nothing = await run(0.3);
    assertEquals(valueOf(nothing, "accuracy.random"), 30);
    assertAlmostEquals(valueOf(nothing, "lead.trained") ?? NaN, 40, 1e-9);
    assertEquals(nothing.claims.map(({ claim, holds }) => [claim, holds]), [
      ["random_rewards_gain_nothing", true],
      ["trained_lead_random_rewards", true],
      ["random_rewards_recover_most_of_full_tuning", false],
    ]);
    const gains = await run(0.7);
    assertEquals(gains.claims.map(({ holds }) => holds), [false, false, true]);
    assertAlmostEquals(gains.claims[2]?.effect.value ?? NaN, 80, 1e-9);
  }));

Deno.test("control-random-reward reads what vectors move: lengths, directions, predictions", () =>
  withWholeZoo(async (zoo) => {
    const { a, entry: { vectorsFolder } } = zoo;
    await writeRandom(vectorsFolder, 0.1);
    const apart = await findingsOf(controlRandomReward, { a });
    checkFindings(apart);
    // The trained vectors push the opener by 0.05, but for layer 0, which learnt nothing.
    for (const layer of EVERY) {
      assertAlmostEquals(valueOf(apart, `norm.random.layer_${layer}`) ?? NaN, 0.1, 1e-6);
      assertAlmostEquals(valueOf(apart, `norm.trained.layer_${layer}`) ?? NaN, layer === 0 ? 0 : 0.05, 1e-6);
      assertEquals(valueOf(apart, `cosine.layer_${layer}`), layer === 0 ? null : 0);
    }
    // An axis that nothing reads lengthens the stream a little; the opener's moves the first token.
    const kl = (findings: typeof apart, kind: string) => valueOf(findings, `kl.${kind}`) ?? NaN;
    assert(kl(apart, "trained") > 0.1 && kl(apart, "random") < kl(apart, "trained") / 50);
    assertEquals([valueOf(apart, "ended.random"), valueOf(apart, "ended.trained")], [1, 1]);
    await writeRandom(vectorsFolder, 0.1, "push");
    const alike = await findingsOf(controlRandomReward, { a });
    assertAlmostEquals(valueOf(alike, "cosine.layer_3") ?? NaN, 1, 1e-6);
    assert(kl(alike, "random") > kl(alike, "trained"));
    assertEquals(alike.values.map(({ name }) => name), apart.values.map(({ name }) => name));
  }));

Deno.test("control-random-reward misses the run, a layer of it and a tuned model before it measures anything", () =>
  withWholeZoo(async (zoo) => {
    const { vectorsFolder } = zoo.entry;
    const refused = (message: string) =>
      assertRejects(
        () => scriptedFindings(controlRandomReward, { zoo, share: tooEarly }),
        InputError,
        message,
      );
    await refused('no run "random-all"');
    await writeVectors(`${vectorsFolder}/random-all.seed-0.safetensors`, { 0: 1, 1: 1, 3: 1 });
    await refused('the run "random-all.seed-0" has no vector in layer 2');
    await writeRandom(vectorsFolder, 0.05);
    await Deno.remove(`${vectorsFolder}/full.seed-0`, { recursive: true });
    await refused('no run "full"');
  }));
