import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { STUDY_SIZES, toleranceFloors, UNCHECKED_METRICS } from "../../lib/experiment/mod.ts";
import { recordExpectations } from "../../lib/report/mod.ts";

const run = (seed: number) => ({
  seed,
  values: [
    { name: "accuracy.base.greedy", value: 40, unit: "%" },
    { name: "accuracy.prefix.greedy", value: 60, unit: "%" },
    { name: "accuracy.last_layer.greedy", value: 80, unit: "%" },
    { name: "recovered_share.greedy", value: 50, unit: "%" },
    { name: "recovered_share.sampling", value: null, unit: "%" },
    { name: "shift.opener.position_0", value: 0.7, unit: "probability" },
    { name: "shift.opener_leads_share", value: 0.9, unit: "share" },
    { name: "shift.texts", value: 190 + seed, unit: "texts" },
    { name: "shift.top_1.max", value: seed, unit: "probability" },
  ],
});

Deno.test("toleranceFloors() allows two answers to fork: in accuracies, in their ratio and in shares of texts", () => {
  const runs = [run(0), run(1)];
  const { file, leftOut } = recordExpectations(runs, {
    id: "fig3",
    madeBy: "by hand",
    floors: toleranceFloors(runs, STUDY_SIZES.full),
    leaveOut: UNCHECKED_METRICS,
  });
  const points = 2 * 100 / 192;
  const expected = [points, points, points, 2 * 100 * points / 40, 0, 2 / 192, 2 / 192];
  assertEquals(file.checks.length, expected.length);
  file.checks.forEach(({ tolerance }, at) => assertAlmostEquals(tolerance, expected[at] as number, 1e-5));
  // The share moves from 50 % by less than that when each accuracy moves by two answers, whichever way.
  for (const signs of [[1, -1, 1], [-1, 1, 1], [-1, -1, 1], [1, 1, -1], [1, -1, -1], [-1, 1, -1]]) {
    const [base, prefix, last] = [40, 60, 80].map((percent, at) => percent + (signs[at] as number) * points);
    const share = 100 * ((prefix as number) - (base as number)) / ((last as number) - (base as number));
    assertEquals(Math.abs(share - 50) <= (expected[3] as number) * 1.06, true, `${signs}: ${share}`);
  }
  assertEquals(leftOut.map(({ metric }) => metric), ["shift.texts", "shift.top_1.max"]);
  assertStringIncludes(file.checks[0]?.reason ?? "", "2 of 192 answers: near-ties");
});

Deno.test("toleranceFloors() holds counts and settings to their six digits, and differences to two answers a side", () => {
  const exact = (seed: number) => ({
    seed,
    values: [
      { name: "parameters.full", value: 14_770_033_664, unit: "parameters" },
      { name: "adam.beta_1", value: 0.9, unit: "share" },
      { name: "gap.greedy", value: 12, unit: "points" },
    ],
  });
  const runs = [exact(0), exact(1)];
  const { file: { checks } } = recordExpectations(runs, {
    id: "table7",
    madeBy: "by hand",
    floors: toleranceFloors(runs, STUDY_SIZES.full),
  });
  const [count, setting, gap] = checks;
  // 1.47700e10 is written; the count itself must pass, a count with another sixth digit must not.
  const expected = count?.expected ?? NaN, tolerance = count?.tolerance ?? NaN;
  assertEquals(expected, 14_770_000_000);
  assertEquals([33_664 <= tolerance, 133_664 <= tolerance], [true, false]);
  assertEquals([setting?.expected, (setting?.tolerance ?? 1) < 1e-5], [0.9, true]);
  assertAlmostEquals(gap?.tolerance ?? NaN, 2 * 2 * 100 / 192, 1e-4);
});

Deno.test("toleranceFloors() knows the accuracies that each kind of share divides by", () => {
  const percents = { base: 40, last_layer: 50, skip_attn: 55, penultimate: 80 };
  const values = [
    ...Object.entries(percents).map(([name, value]) => ({
      name: `accuracy.${name}.sampling`,
      value,
      unit: "%",
    })),
    ...["recovered_share.prefix_To", "gap_share.steer_v_all", "kept_share.skip_attn"].map((name) => ({
      name: `${name}.sampling`,
      value: 50,
      unit: "%",
    })),
  ];
  const floors = toleranceFloors([{ seed: 0, values }], STUDY_SIZES.full);
  const points = 2 * 100 / 192;
  const least = (name: string) => floors.find(({ metrics }) => metrics === name)?.least ?? NaN;
  assertAlmostEquals(least("recovered_share.prefix_To.sampling"), 200 * points / 10, 1e-9);
  assertAlmostEquals(least("gap_share.steer_v_all.sampling"), 200 * points / 25, 1e-9);
  assertAlmostEquals(least("kept_share.skip_attn.sampling"), 200 * points / 30, 1e-9);
});

Deno.test("toleranceFloors() moves a list by two tokens, a count by two, a mean of cosines by two texts", () => {
  const language = (seed: number) => ({
    seed,
    values: [
      { name: "suppressed.layer_0", value: 0.3, unit: "share" },
      { name: "listed_tokens", value: 50, unit: "tokens" },
      { name: "similarity.with_last", value: 0.5 + seed / 1000, unit: "cosine" },
      { name: "opener.layer_0.rank", value: 12, unit: "rank" },
      { name: "kl.later", value: seed === 0 ? -4 : 4, unit: "nats" },
      { name: "shift.top_1.max", value: seed, unit: "probability" },
    ],
  });
  const runs = [language(0), language(1)];
  const { file: { checks }, leftOut } = recordExpectations(runs, {
    id: "fig16",
    madeBy: "by hand",
    floors: toleranceFloors(runs, STUDY_SIZES.full),
    leaveOut: UNCHECKED_METRICS,
  });
  const least = new Map(checks.map(({ metric, tolerance }) => [metric, tolerance]));
  assertAlmostEquals(least.get("suppressed.layer_0") ?? NaN, 2 / 50, 1e-6);
  assertEquals(least.get("opener.layer_0.rank"), 2);
  // Spread over two seeds: t(0.995, 1) · 0.001 / √2 · √1.5 is more than two of 96 texts.
  assertAlmostEquals(
    least.get("similarity.with_last") ?? NaN,
    63.657 * 0.001 / Math.SQRT2 * Math.sqrt(1.5),
    1e-3,
  );
  assertEquals(leftOut.map(({ metric }) => metric), ["shift.top_1.max"]);
});

Deno.test("toleranceFloors() leaves float32's rounding alone to what no answer has a part in", () => {
  const read = (values: readonly number[]) =>
    toleranceFloors(
      values.map((value, seed) => ({ seed, values: [{ name: "cosine.layer_0", value, unit: "cosine" }] })),
      STUDY_SIZES.full,
    ).find(({ unit }) => unit === "cosine")?.least;
  assertEquals(read([0.25, 0.25]), 1e-4);
  assertEquals(read([0.25, 0.26]), 2 / 96);
  // One run cannot tell.
  assertEquals(read([0.25]), 2 / 96);
});

Deno.test("toleranceFloors() lets means of real numbers move by two texts, as far apart as seeds say that texts lie", () => {
  const floor = (values: readonly number[]) =>
    toleranceFloors(
      values.map((value, seed) => ({ seed, values: [{ name: "kl.later", value, unit: "nats" }] })),
      STUDY_SIZES.full,
    ).find(({ metrics }) => metrics === "kl.later");
  // Means of 96 texts with standard deviation 1 scatter by 1/√96 = 0.102; a text for another moves one by √2/96.
  const scatter = 1 / Math.sqrt(96), found = floor([2 - scatter, 2, 2 + scatter]);
  assertAlmostEquals(found?.least ?? NaN, 2 * Math.SQRT2 / 96, 1e-12);
  assertStringIncludes(found?.reason ?? "", "2 of 96 texts, each as far off as two texts lie apart");
  // Without a scatter float32's rounding is left, and of one run the size.
  assertAlmostEquals(floor([2, 2])?.least ?? NaN, 2e-4, 1e-12);
  assertAlmostEquals(floor([2])?.least ?? NaN, 2 * 2 / 96, 1e-12);
});
