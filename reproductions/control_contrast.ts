/**
 * control-contrast: vectors that tell the base model's right answers from its wrong ones, as long as the trained vectors
 * and next to them.
 *
 * @module
 */
import {
  accuracyDifference,
  type AccuracyInterval,
  accuracyInterval,
  type BenchmarkOutcomes,
  cosineMatrix,
} from "../lib/analysis/mod.ts";
import type { SteeringVectors } from "../lib/decode/mod.ts";
import {
  answerContrasts,
  type Bench,
  derivedTreatment,
  type Findings,
  type Reproduction,
  type RunName,
  type Treatment,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, onFirst, pointsMetric, pooled } from "./_accuracy.ts";
import { COUNTS } from "./_accuracy_claims.ts";
import { differenceClaim, firstSeed } from "./_controls.ts";
import { layerRuns, requireRuns } from "./_single_layer.ts";

/** The vectors of a run replaced by contrast vectors of the same lengths. */
async function contrasted(zoo: ZooModel, run: RunName, contrasts: SteeringVectors): Promise<Treatment> {
  const { treatment, vectors } = await firstSeed(zoo, run);
  const steer = new Map([...vectors].map(([layer, trained]) => {
    const contrast = contrasts.get(layer) as Float32Array;
    const scale = Math.hypot(...trained) / Math.hypot(...contrast);
    return [layer, contrast.map((value) => value * scale)] as const;
  }));
  return derivedTreatment(`contrast for ${run}`, { of: [treatment], steer });
}

async function run({ lab, open }: Bench): Promise<Findings> {
  const zoo = await open("a"), runs = layerRuns(zoo);
  await requireRuns(zoo, runs);
  const { pairs, vectors } = await answerContrasts(lab, zoo);
  const everywhere = await contrasted(zoo, "all", vectors), singles: Treatment[] = [];
  for (const name of runs) singles.push(await contrasted(zoo, name, vectors));

  const sampled = { zoo, decoding: "sampling" } as const, swept = { problems: lab.size.swept };
  // What other items measure on more problems is read on the first of them.
  const known = await lab.outcomesOf([null, "all" as const, ...runs].map((run) => ({ ...sampled, run })));
  const [base, all, ...trained] = known.map((outcomes) => onFirst(outcomes, swept)) as [
    BenchmarkOutcomes,
    BenchmarkOutcomes,
    ...BenchmarkOutcomes[],
  ];
  const [together, ...alone] = await lab.outcomesOf(
    [everywhere, ...singles].map((treatment) => ({ ...sampled, ...swept, run: [treatment] })),
  ) as [BenchmarkOutcomes, ...BenchmarkOutcomes[]];
  const trainedVectors = await Promise.all(runs.map((name) => firstSeed(zoo, name)));
  const cosines = runs.map((_, layer) =>
    cosineMatrix([vectors.get(layer) as Float32Array], [
      trainedVectors[layer]?.vectors.get(layer) as Float32Array,
    ])[0]?.[0] ?? null
  );
  const gain = accuracyDifference(together, base), lead = accuracyDifference(all, together);
  const gainAlone = accuracyDifference(pooled(alone), base);
  const leadAlone = accuracyDifference(pooled(trained), pooled(alone));
  const accuracies = alone.map((outcomes) => accuracyInterval(outcomes));
  const values: MetricValue[] = [
    { name: "pairs", value: pairs, unit: "pairs", note: "Training problems answered both right and wrong." },
    accuracyMetric("accuracy.base.sampling", accuracyInterval(base)),
    accuracyMetric("accuracy.all_layers", accuracyInterval(all)),
    accuracyMetric("accuracy.contrast.all_layers", accuracyInterval(together)),
    ...accuracies.map((accuracy, layer) => accuracyMetric(`accuracy.contrast.layer_${layer}`, accuracy)),
    pointsMetric("gain.contrast.all_layers", gain, "Contrast vectors in all layers minus base."),
    pointsMetric(
      "gain.contrast.single_layers",
      gainAlone,
      "Mean of contrast vectors in one layer minus base.",
    ),
    pointsMetric("lead.all_layers", lead, "Trained minus contrast, all layers."),
    pointsMetric("lead.single_layers", leadAlone, "Trained minus contrast, mean over single layers."),
    ...cosines.map((cosine, layer): MetricValue => ({
      name: `cosine.layer_${layer}`,
      value: cosine,
      unit: "cosine",
      note: cosine === null
        ? "Not applicable: a vector is zero."
        : "Of the contrast vector and the first training seed's.",
    })),
    ...[...vectors].map(([layer, vector]): MetricValue => ({
      name: `norm.contrast.layer_${layer}`,
      value: Math.hypot(...vector),
      unit: "length",
      note: "Of the difference of means as it comes out.",
    })),
  ];
  const curve = (byLayer: readonly AccuracyInterval[]) =>
    byLayer.map(({ percent, low, high, perTrainingSeed }, layer) => ({
      layer,
      value: percent,
      error: [low, high] as const,
      runs: perTrainingSeed,
    }));
  const panel = layerCurve({
    curves: [
      { name: "Trained, one layer", points: curve(trained.map((outcomes) => accuracyInterval(outcomes))) },
      { name: "Contrast, one layer", points: curve(accuracies) },
    ],
    references: [
      { label: "Base", value: accuracyInterval(base).percent },
      { label: "Trained, all layers", value: accuracyInterval(all).percent },
      { label: "Contrast, all layers", value: accuracyInterval(together).percent },
    ],
    yTitle: "Mean accuracy (%)",
  });
  return {
    spec: figureSpec([panel], {
      title: "Vectors that tell right answers from wrong ones, as long as the trained vectors",
      subtitle: [
        `${zoo.entry.name}: mean over ${pairs} problems of right minus wrong answer, over the answers' tokens, behind each layer.`,
        `${swept.problems} problems of each set, τ = 1; bars: 95 % bootstrap over problems, evaluation and training seeds.`,
      ],
    }),
    values,
    claims: [
      differenceClaim(gain, {
        claim: "contrast_all_layers_gain",
        statement: "Contrast vectors in all layers gain.",
        name: "contrast vectors in all layers minus base",
        range: { above: COUNTS },
        note: `Holds when the interval lies above ${COUNTS} points, fails when it lies below.`,
      }),
      differenceClaim(gainAlone, {
        claim: "contrast_single_layers_gain",
        statement: "A contrast vector in one layer gains.",
        name: "mean over layers of a contrast vector minus base",
        range: { above: COUNTS },
        note: `Holds when the interval lies above ${COUNTS} points, fails when it lies below.`,
      }),
      differenceClaim(lead, {
        claim: "trained_lead_contrast_all_layers",
        statement: "Trained vectors in all layers lie above contrast vectors of equal norm.",
        name: "trained minus contrast, all layers",
        range: { above: 0 },
        note: "Holds when the interval lies above 0, fails when it lies below.",
      }),
      differenceClaim(leadAlone, {
        claim: "trained_lead_contrast_single_layers",
        statement: "Trained vectors in one layer lie above contrast vectors of equal norm.",
        name: "trained minus contrast, mean over single layers",
        range: { above: 0 },
        note: "Holds when the interval lies above 0, fails when it lies below.",
      }),
    ],
  };
}

/** Control: contrast vectors of (right answer, wrong answer) pairs, in one layer and in all. */
export const controlContrast: Reproduction = {
  id: "control-contrast",
  slug: "contrast-vectors",
  title: "Vectors that tell right answers from wrong ones, as long as the trained vectors",
  itemClass: "review",
  differences: [
    "The paper has no such control; reviewers asked for it.",
    "Contrast vectors are as long as the trained ones of the first training seed, so that directions are compared.",
  ],
  run,
};
