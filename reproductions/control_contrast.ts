/**
 * control-contrast: vectors that tell the base model's right answers from its wrong ones, as long as the trained vectors
 * and next to them.
 *
 * @module
 */
import { accuracyDifference, cosineMatrix } from "../lib/analysis/mod.ts";
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
import { figureSpec, type MetricValue } from "../lib/report/mod.ts";
import { pointsMetric, pooled } from "./_accuracy.ts";
import { COUNTS } from "./_accuracy_claims.ts";
import { besideTrained, cosineMetrics } from "./_beside_trained.ts";
import { firstSeed } from "./_controls.ts";
import { intervalClaim } from "./_measured.ts";
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
  const everywhere = [await contrasted(zoo, "all", vectors)], single: (readonly Treatment[])[] = [];
  for (const name of runs) single.push([await contrasted(zoo, name, vectors)]);
  const { base, together, alone, problems, ...beside } = await besideTrained(lab, zoo, {
    name: "contrast",
    what: "contrast vectors",
    everywhere,
    single,
  });
  const trainedVectors = await Promise.all(runs.map((name) => firstSeed(zoo, name)));
  const cosines = runs.map((_, layer) =>
    cosineMatrix([vectors.get(layer) as Float32Array], [
      trainedVectors[layer]?.vectors.get(layer) as Float32Array,
    ])[0]?.[0] ?? null
  );
  const gain = accuracyDifference(together, base), gainAlone = accuracyDifference(pooled(alone), base);
  const values: MetricValue[] = [
    { name: "pairs", value: pairs, unit: "pairs", note: "Training problems answered both right and wrong." },
    ...beside.accuracies,
    pointsMetric("gain.contrast.all_layers", gain, "Contrast vectors in all layers minus base."),
    pointsMetric(
      "gain.contrast.single_layers",
      gainAlone,
      "Mean of contrast vectors in one layer minus base.",
    ),
    ...beside.leads,
    ...cosineMetrics(cosines, "Of the contrast vector and the first training seed's."),
    ...[...vectors].map(([layer, vector]): MetricValue => ({
      name: `norm.contrast.layer_${layer}`,
      value: Math.hypot(...vector),
      unit: "length",
      note: "Of the difference of means as it comes out.",
    })),
  ];
  return {
    spec: figureSpec([beside.panel], {
      title: "Vectors that tell right answers from wrong ones, as long as the trained vectors",
      subtitle: [
        `${zoo.entry.name}: mean over ${pairs} problems of right minus wrong answer, over the answers' tokens, behind each layer.`,
        `${problems} problems of each set, τ = 1; bars: 95 % bootstrap over problems, evaluation and training seeds.`,
      ],
    }),
    values,
    claims: [
      ...([
        ["all_layers", "Contrast vectors in all layers gain.", "contrast vectors in all layers", gain],
        [
          "single_layers",
          "A contrast vector in one layer gains.",
          "mean over layers of a contrast vector",
          gainAlone,
        ],
      ] as const).map(([key, statement, what, difference]) =>
        intervalClaim(difference, {
          claim: `contrast_${key}_gain`,
          statement,
          name: `${what} minus base`,
          range: { above: COUNTS },
          note: `Holds when the interval lies above ${COUNTS} points, fails when it lies below.`,
        })
      ),
      ...beside.leadClaims,
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
