/**
 * control-language: whether the last layer, or any direction, pushes non-English tokens down as middle layers do.
 *
 * @module
 */
import type { MeanInterval } from "../lib/analysis/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import { figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { languageStudy, overRandom, shareMetric } from "./_languages.ts";
import { layerRange } from "./_layers.ts";
import { intervalClaim } from "./_measured.ts";

async function run({ lab, open }: Bench): Promise<Findings> {
  const a = await open("a"), study = await languageStudy(lab, a);
  const { suppressedShares, boostedShares, randomShare, vocabulary, middleShare, overLast, count } = study;
  const lastShare = suppressedShares[a.layers - 1] ?? null;
  const noShift = "Not applicable: the vector shifts nothing.";
  const lastOver = lastShare === null ? null : overRandom(lastShare.mean, randomShare);
  const middleOver = middleShare === null ? null : overRandom(middleShare.mean, randomShare);
  const values: MetricValue[] = [
    ...suppressedShares.map((found, layer) => shareMetric(`suppressed.layer_${layer}`, found, noShift)),
    ...boostedShares.map((found, layer) => shareMetric(`boosted.layer_${layer}`, found, noShift)),
    shareMetric("random_direction", randomShare, noShift),
    { name: "vocabulary", value: vocabulary.nonEnglish, unit: "share" },
    shareMetric("middle_layers_over_last", overLast, study.why),
    shareMetric("middle_layers_over_random", middleOver, study.why),
    shareMetric("last_layer_over_random", lastOver, noShift),
    { name: "listed_tokens", value: count, unit: "tokens" },
  ];
  const curve = (name: string, shares: readonly (MeanInterval | null)[]) => ({
    name,
    points: shares.flatMap((found, layer) =>
      found === null
        ? []
        : [{ layer, value: 100 * found.mean, error: [100 * found.low, 100 * found.high] as const }]
    ),
  });
  const curves = [
    curve(`${count} lowest tokens`, suppressedShares),
    curve(`${count} highest tokens`, boostedShares),
  ].filter(({ points }) => points.length > 0);
  const references = [
    {
      label: "Random direction",
      value: 100 * randomShare.mean,
      band: [100 * randomShare.low, 100 * randomShare.high] as const,
    },
    { label: "Vocabulary", value: 100 * vocabulary.nonEnglish },
  ];
  const spec = figureSpec([
    layerCurve({
      // A model whose vectors shift nothing still has its controls.
      curves: curves.length > 0
        ? curves
        : [curve("Vocabulary", [{ ...randomShare, mean: vocabulary.nonEnglish }])],
      references,
      yTitle: "Non-English tokens (%)",
    }),
  ], {
    title: "Non-English tokens among those that vectors push down and up",
    subtitle: [
      `${a.entry.name}: cosines of unembedding rows with the mean shift behind the last block, ${
        study.found[0]?.[0]?.texts ?? 0
      } held-out problems, τ = 1.`,
      `Bars: 95 % bootstrap over problems and training seeds. Band: 95 % of ${study.random.length} random directions of equal norm.`,
    ],
  });
  const where = layerRange(study.middle), above = { unit: "share", range: { above: 0 } } as const;
  return {
    spec,
    values,
    claims: [
      intervalClaim(middleOver, {
        ...above,
        claim: "middle_layers_above_random",
        statement: "Middle layers push more non-English tokens down than a random direction of equal norm.",
        name: "share in middle layers minus that of random directions",
        note: `Layers ${where}. Holds when the mean share lies above 97.5 % of the random directions.`,
        why: study.why,
      }),
      intervalClaim(overLast, {
        ...above,
        claim: "middle_layers_above_last",
        statement: "Middle layers push more non-English tokens down than the last layer does.",
        name: "share in middle layers minus that in the last layer",
        note: `Layers ${where}. Holds when the interval, from the same draws of problems, lies above 0.`,
        why: study.why,
      }),
      intervalClaim(lastOver, {
        ...above,
        claim: "last_layer_above_random",
        statement: "The last layer, too, pushes more non-English tokens down than a random direction.",
        name: "share in the last layer minus that of random directions",
        note:
          "Holds when the share lies above 97.5 % of the random directions. Where it fails or stays open and the " +
          "middle layers hold, what they do is theirs.",
        why: noShift,
      }),
    ],
  };
}

/** Language shares of the last layer and of random directions, next to those of all layers. */
export const controlLanguage: Reproduction = {
  id: "control-language",
  slug: "language-controls",
  title: "Non-English tokens among those that vectors push down and up, with controls",
  itemClass: "review",
  differences: [
    "The paper has no such control; reviewers asked for it.",
    "Labels are Unicode scripts, a rule that gives the same label every time.",
  ],
  run,
};
