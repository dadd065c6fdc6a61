import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import { type GradedRollout, leaveOneOutAdvantages, stepWeights } from "../../lib/train/mod.ts";

/** `right` ones, then the reward of a wrong answer. */
const rewards = (right: number, of: number, wrong: number) =>
  Array.from({ length: of }, (_, index) => index < right ? 1 : wrong);

Deno.test("leaveOneOutAdvantages() gives the worked numbers", () => {
  const cases = [
    { right: 3, of: 8, wrong: 0, up: 0.7143, down: -0.4286 },
    { right: 1, of: 16, wrong: -1, up: 2, down: -0.1333 },
    { right: 8, of: 16, wrong: -1, up: 1.0667, down: -1.0667 },
    { right: 15, of: 16, wrong: -1, up: 0.1333, down: -2 },
    { right: 1, of: 2, wrong: -1, up: 2, down: -2 },
  ];
  for (const { right, of, wrong, up, down } of cases) {
    const advantages = leaveOneOutAdvantages(rewards(right, of, wrong));
    advantages.forEach((advantage, index) => assertAlmostEquals(advantage, index < right ? up : down, 5e-5));
  }
});

Deno.test("leaveOneOutAdvantages() is the reward less the mean of the others, and sums to zero", () => {
  const random = new RandomStream(1, "advantages");
  for (let turn = 0; turn < 20; turn++) {
    const group = Array.from({ length: random.integer({ from: 2, below: 9 }) }, () => random.normal());
    const advantages = leaveOneOutAdvantages(group);
    advantages.forEach((advantage, index) => {
      const others = group.filter((_, other) => other !== index);
      const baseline = others.reduce((sum, reward) => sum + reward, 0) / others.length;
      assertAlmostEquals(advantage, (group[index] as number) - baseline, 1e-12);
    });
    assertAlmostEquals(advantages.reduce((sum, advantage) => sum + advantage, 0), 0, 1e-12);
  }
});

Deno.test("leaveOneOutAdvantages() gives a group of equal rewards +0", () => {
  for (const reward of [1, -1, 0]) {
    for (const advantage of leaveOneOutAdvantages(rewards(0, 16, reward))) {
      assert(Object.is(advantage, 0), `${reward} gave ${Object.is(advantage, -0) ? "-0" : advantage}`);
    }
  }
});

Deno.test("leaveOneOutAdvantages() refuses a group of one", () => {
  for (const group of [[], [1]]) {
    assertThrows(
      () => leaveOneOutAdvantages(group),
      RangeError,
      `Cannot leave one out as a group needs two samples: current count is ${group.length}`,
    );
  }
});

const group = (...entries: readonly (readonly [number, number])[]): readonly GradedRollout[] =>
  entries.map(([reward, length]) => ({ reward, length }));

Deno.test("stepWeights() divides every advantage by one T, the tokens of the whole step", () => {
  const { weights, totalTokens, zeroVarianceGroups } = stepWeights([
    group([1, 10], [-1, 20], [-1, 30]),
    group([-1, 40], [-1, 50], [-1, 50]), // no advantage, and yet its 140 tokens count
  ]);
  assertEquals(totalTokens, 200);
  assertEquals(zeroVarianceGroups, 1);
  // A: 1 − (−1) = 2 for the right one, −1 − (1 − 1)/2 = −1 for the wrong ones.
  assertEquals(weights[0], [2 / 200, -1 / 200, -1 / 200]);
  assertEquals(weights[1], [0, 0, 0]);
});

Deno.test("stepWeights() weighs a token by its rollout's advantage alone, however long the rollout", () => {
  const long = stepWeights([group([1, 100], [-1, 2])]), short = stepWeights([group([1, 2], [-1, 100])]);
  assertEquals(long, short);
});

Deno.test("stepWeights() takes groups of different sizes, and groups all right for zero variance too", () => {
  const { weights, zeroVarianceGroups } = stepWeights([
    group([1, 1], [1, 1]),
    group([1, 1], [-1, 1], [1, 1], [1, 1], [1, 1]),
  ]);
  assertEquals(zeroVarianceGroups, 1);
  assertEquals(weights.map((entries) => entries.length), [2, 5]);
  // One of five wrong: A(right) = 2·1/4, A(wrong) = −2·4/4, over T = 7.
  assertEquals(weights[1], [0.5 / 7, -2 / 7, 0.5 / 7, 0.5 / 7, 0.5 / 7]);
});
