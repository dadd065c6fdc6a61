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
