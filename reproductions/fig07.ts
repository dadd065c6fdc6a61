/**
 * fig7: features of a sparse autoencoder of residual differences that fire more often on right answers than on wrong.
 *
 * @module
 */
import type { FeatureFrequencies } from "../lib/analysis/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import { figureSpec, frequencyDots, type MetricValue, type Panel } from "../lib/report/mod.ts";
import { type FeatureStudy, featureStudy } from "./_features.ts";
import { metricOrNull } from "./_layers.ts";
import { intervalOf } from "./_measured.ts";
import { featureClaims, NO_CONTRAST } from "./_trace_claims.ts";

/** Features that the figure and the metrics show: of all positions, and of those before a result. */
const SHOWN = { all: 16, early: 8 } as const;

/** What one comparison found, under a prefix: `features`, or `features.before_result`. */
function contrastMetrics(
  prefix: string,
  found: { readonly frequencies: FeatureFrequencies | null; readonly shown: number },
): readonly MetricValue[] {
  const { frequencies, shown } = found;
  const metric = (name: string, value: number | null = null, unit: string) =>
    metricOrNull({ name, value, unit }, NO_CONTRAST);
  return [
    metric(`${prefix}.beyond_null`, frequencies?.beyondNull, "features"),
    metric(`${prefix}.null_z`, frequencies?.nullZ, "z"),
    ...Array.from({ length: shown }, (_, place): readonly MetricValue[] => {
      const entry = frequencies?.top[place];
      const name = (what: string) => `${prefix}.top_${place + 1}.${what}`;
      const difference = metric(name("difference"), entry?.difference, "share");
      const interval = entry === undefined ? null : { ...entry, level: frequencies?.level as number };
      return [
        metric(name("feature"), entry?.feature, "index"),
        { ...difference, uncertainty: intervalOf(interval) },
        metric(name("z"), entry?.z, "z"),
        metric(name("adjusted_p"), entry?.adjustedP, "probability"),
      ];
    }).flat(),
  ];
}

function metrics(
  { traces, frequencies, difference }: FeatureStudy,
  early: FeatureFrequencies | null,
): readonly MetricValue[] {
  const right = traces.generations.filter(({ correct }) => correct).length;
  const live = traces.firingShare.filter((share) => share > 0).length;
  const { features } = difference.autoencoder;
  return [
    { name: "generations.correct", value: right, unit: "texts" },
    { name: "generations.incorrect", value: traces.generations.length - right, unit: "texts" },
    metricOrNull(
      { name: "autoencoder.explained_variance", value: traces.explainedVariance, unit: "share" },
      "Not applicable: the differences do not vary.",
    ),
    { name: "autoencoder.mean_active", value: traces.meanActive, unit: "features" },
    { name: "autoencoder.live_features", value: live, unit: "features" },
    ...contrastMetrics("features", { frequencies, shown: Math.min(SHOWN.all, features) }),
    ...contrastMetrics("features.before_result", {
      frequencies: early,
      shown: Math.min(SHOWN.early, features),
    }),
  ];
}

function panelOf(
  frequencies: FeatureFrequencies | null,
  options: { readonly title: string; readonly shown: number },
): Panel {
  const percent = (share: number) => (100 * share).toFixed(1);
  const dots = (frequencies?.top ?? []).slice(0, options.shown).map((entry) => {
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
  return frequencyDots({
    title: options.title,
    dots: dots.length > 0 ? dots : [{ label: "none", difference: 0, nullBand: [0, 0], note: NO_CONTRAST }],
    xTitle: "Firing frequency, right minus wrong answers to the same problem (% of tokens)",
    nullLabel: "Grey: largest |z| of all features in 95 % of shuffles",
    noteTitle: "on all right / all wrong",
  });
}

async function run(bench: Bench): Promise<Findings> {
  const study = await featureStudy(bench);
  const { a, difference, frequencies, traces } = study, early = study.early();
  const counts = frequencies === null ? "" : `${frequencies.correct} right, ${frequencies.incorrect} wrong`;
  const spec = figureSpec([
    panelOf(frequencies, { title: "a  All positions of the answer", shown: SHOWN.all }),
    panelOf(early, { title: "b  Positions before a first result is written", shown: SHOWN.early }),
  ], {
    columns: 1,
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
  const claims = featureClaims({ all: frequencies, early });
  return { spec, values: metrics(study, early), claims };
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
    "Positions before a first result are compared as well: what fires after a slip may follow from it, whoever writes.",
    "Problems are held out.",
  ],
  run,
};
