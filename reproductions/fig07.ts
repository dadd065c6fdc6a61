/**
 * fig7: features of a sparse autoencoder of residual differences that fire more often on right answers than on wrong.
 *
 * @module
 */
import type { FeatureContrast } from "../lib/analysis/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import { type ClaimResult, figureSpec, frequencyDots, type MetricValue } from "../lib/report/mod.ts";
import { type FeatureStudy, featureStudy } from "./_features.ts";

/** Features that the figure and the metrics show. */
const SHOWN = 16;
const NO_CONTRAST = "Not applicable: all generations are right, or all wrong.";

function metrics({ traces, frequencies, difference }: FeatureStudy): readonly MetricValue[] {
  const right = traces.generations.filter(({ correct }) => correct).length;
  const live = traces.firingShare.filter((share) => share > 0).length;
  const openOr = (value: number | null, note = NO_CONTRAST) => value === null ? { value, note } : { value };
  const shown: readonly (FeatureContrast | null)[] = Array.from(
    { length: Math.min(SHOWN, difference.autoencoder.features) },
    (_, place) => frequencies?.top[place] ?? null,
  );
  return [
    { name: "generations.correct", value: right, unit: "texts" },
    { name: "generations.incorrect", value: traces.generations.length - right, unit: "texts" },
    {
      name: "autoencoder.explained_variance",
      ...openOr(traces.explainedVariance, "Not applicable: the differences do not vary."),
      unit: "share",
    },
    { name: "autoencoder.mean_active", value: traces.meanActive, unit: "features" },
    { name: "autoencoder.live_features", value: live, unit: "features" },
    { name: "features.beyond_null", ...openOr(frequencies?.beyondNull ?? null), unit: "features" },
    { name: "features.null_z", ...openOr(frequencies?.nullZ ?? null), unit: "z" },
    ...shown.flatMap((entry, place): MetricValue[] => {
      const name = (what: string) => `features.top_${place + 1}.${what}`;
      return [
        { name: name("feature"), ...openOr(entry?.feature ?? null), unit: "index" },
        {
          name: name("difference"),
          ...openOr(entry?.difference ?? null),
          unit: "share",
          ...(entry === null || frequencies === null ? {} : {
            uncertainty: {
              kind: "interval" as const,
              level: frequencies.level,
              low: entry.low,
              high: entry.high,
            },
          }),
        },
        { name: name("z"), ...openOr(entry?.z ?? null), unit: "z" },
        { name: name("adjusted_p"), ...openOr(entry?.adjustedP ?? null), unit: "probability" },
      ];
    }),
  ];
}

function claimOf({ frequencies }: FeatureStudy): ClaimResult {
  const best = frequencies?.top[0] ?? null;
  return {
    claim: "features_of_correctness",
    statement: "Some features of the DiffSAE are associated with right generations beyond chance.",
    holds: frequencies === null || best === null ? null : frequencies.beyondNull > 0 && best.adjustedP < 0.05,
    effect: {
      name: best === null
        ? "difference of firing frequency, right minus wrong within problems"
        : `difference of firing frequency of feature ${best.feature}, right minus wrong within problems`,
      value: best === null ? null : 100 * best.difference,
      unit: "% of tokens",
    },
    interval: frequencies === null || best === null
      ? null
      : { level: frequencies.level, low: 100 * best.low, high: 100 * best.high },
    note: frequencies === null
      ? NO_CONTRAST
      : `Holds when the largest |z| of all features lies beyond what 95 % of 1,000 shuffles of correctness within ` +
        `problems reach (${frequencies.nullZ.toFixed(2)}): ${frequencies.beyondNull} features do.`,
  };
}

async function run(bench: Bench): Promise<Findings> {
  const study = await featureStudy(bench);
  const { a, difference, frequencies, traces } = study;
  const percent = (share: number) => (100 * share).toFixed(1);
  const dots = (frequencies?.top ?? []).slice(0, SHOWN).map((entry) => {
    // The band in units of this feature's own spread: z = difference / standard error under the null.
    const unit = entry.z === 0 ? 0 : Math.abs(100 * entry.difference / entry.z);
    const reach = unit * (frequencies?.nullZ ?? 0);
    return {
      label: `feature ${entry.feature}`,
      difference: 100 * entry.difference,
      error: [100 * entry.low, 100 * entry.high] as const,
      nullBand: [-reach, reach] as const,
      note: `${percent(entry.onCorrect)} / ${percent(entry.onIncorrect)} %`,
    };
  });
  const counts = frequencies === null ? "" : `${frequencies.correct} right, ${frequencies.incorrect} wrong`;
  const spec = figureSpec([frequencyDots({
    dots: dots.length > 0 ? dots : [{ label: "none", difference: 0, nullBand: [0, 0], note: NO_CONTRAST }],
    xTitle: "Firing frequency, right minus wrong answers to the same problem (% of tokens)",
    nullLabel: "Grey: largest |z| of all features in 95 % of shuffles",
    noteTitle: "on all right / all wrong",
  })], {
    title: "Features of residual differences, by association with right answers",
    subtitle: [
      `${a.entry.name} under all-layer steering, TopK autoencoder at layer ${difference.layer}` +
      (traces.explainedVariance === null
        ? "."
        : ` (explained variance ${traces.explainedVariance.toFixed(2)}).`),
      `Held-out problems, τ = 1${
        counts === "" ? "" : `: ${counts}`
      }. Differences within problems. Bars: 95 % bootstrap.`,
    ],
  });
  return { spec, values: metrics(study), claims: [claimOf(study)] };
}

/** Fig 7: firing frequency of DiffSAE features on right against wrong generations. */
export const fig07: Reproduction = {
  id: "fig7",
  slug: "diffsae-features",
  title: "Features of residual differences, by association with right answers",
  itemClass: "review",
  differences: [
    "The autoencoder's form, size and layer are ours: nothing of the published one is known.",
    "Answers are compared, and correctness is shuffled, within problems, so that the difficulty of a problem cannot pass for a feature.",
    "Problems are held out.",
  ],
  run,
};
