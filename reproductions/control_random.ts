/**
 * control-random: random directions as long as the trained vectors, which must not gain what these do.
 *
 * @module
 */
import {
  accuracyDifference,
  type AccuracyInterval,
  accuracyInterval,
  type BenchmarkOutcomes,
} from "../lib/analysis/mod.ts";
import { randomDirections } from "../lib/decode/mod.ts";
import {
  type Bench,
  derivedTreatment,
  type Findings,
  type Reproduction,
  type RunName,
  setsText,
  type Treatment,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, onFirst, pointsMetric, pooled, separated } from "./_accuracy.ts";
import {
  CONTROL_DRAWS,
  CONTROL_SEED,
  differenceClaim,
  drawsAgainst,
  drawsNote,
  firstSeed,
} from "./_controls.ts";

/**
 * A gain below this many points counts as none: it is wider than the interval of a mean over draws, and a small part of
 * what trained vectors gain.
 */
const NO_GAIN_POINTS = 5;

/** A run's vectors replaced by random ones of the same norms, one treatment per draw. */
async function randomised(zoo: ZooModel, run: RunName): Promise<readonly Treatment[]> {
  const { treatment, vectors } = await firstSeed(zoo, run);
  return Array.from({ length: CONTROL_DRAWS }, (_, draw) =>
    derivedTreatment(`random for ${run}`, {
      of: [treatment],
      steer: randomDirections(vectors, { seed: CONTROL_SEED, draw }),
    }));
}

async function run({ lab, open }: Bench): Promise<Findings> {
  const zoo = await open("a");
  const layerRuns = Array.from({ length: zoo.layers }, (_, layer): RunName => `layer-${layer}`);
  const randomAll = await randomised(zoo, "all");
  const randomLayers: (readonly Treatment[])[] = [];
  for (const name of layerRuns) randomLayers.push(await randomised(zoo, name));

  const sampled = { zoo, decoding: "sampling" } as const, swept = { problems: lab.size.swept };
  // What other items measure on more problems is read on the first of them.
  const known = await lab.outcomesOf(
    [null, "all" as const, ...layerRuns].map((run) => ({ ...sampled, run })),
  );
  const [base, all, ...trained] = known.map((outcomes) => onFirst(outcomes, swept)) as [
    BenchmarkOutcomes,
    BenchmarkOutcomes,
    ...BenchmarkOutcomes[],
  ];
  const [everywhere, ...alone] = await lab.outcomesOf([
    { ...sampled, ...swept, run: randomAll },
    ...randomLayers.map((run) => ({ ...sampled, ...swept, run })),
  ]);

  const gainAll = drawsAgainst(separated(everywhere), base);
  const gainAlone = drawsAgainst(alone, base);
  const lead = accuracyDifference(all, everywhere);
  const leadAlone = accuracyDifference(pooled(trained), pooled(alone));
  const accuracies = alone.map((outcomes) => accuracyInterval(outcomes));
  const values: MetricValue[] = [
    accuracyMetric("accuracy.base.sampling", accuracyInterval(base)),
    accuracyMetric("accuracy.all_layers", accuracyInterval(all)),
    accuracyMetric(
      "accuracy.random.all_layers",
      accuracyInterval(everywhere),
      drawsNote(separated(everywhere)),
    ),
    ...accuracies.map((accuracy, layer) =>
      accuracyMetric(
        `accuracy.random.layer_${layer}`,
        accuracy,
        drawsNote(separated(alone[layer] as BenchmarkOutcomes)),
      )
    ),
    pointsMetric("gain.random.all_layers", gainAll, "Random directions in all layers minus base."),
    pointsMetric(
      "gain.random.single_layers",
      gainAlone,
      "Mean of random directions in one layer minus base.",
    ),
    pointsMetric("lead.all_layers", lead, "Trained minus random, all layers."),
    pointsMetric("lead.single_layers", leadAlone, "Trained minus random, mean over single layers."),
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
      { name: "Random, one layer", points: curve(accuracies) },
    ],
    references: [
      { label: "Base", value: accuracyInterval(base).percent },
      { label: "Trained, all layers", value: accuracyInterval(all).percent },
      { label: "Random, all layers", value: accuracyInterval(everywhere).percent },
    ],
    yTitle: "Mean accuracy (%)",
  });
  return {
    spec: figureSpec([panel], {
      title: "Random directions as long as the trained vectors",
      subtitle: [
        `${zoo.entry.name}, mean of ${
          setsText(lab.asked)
        }, ${swept.problems} problems of each, τ = 1. Small dots: training seeds, or`,
        `${CONTROL_DRAWS} draws of directions; bars: 95 % bootstrap over problems, evaluation seeds and these.`,
      ],
    }),
    values,
    claims: [
      differenceClaim(gainAll, {
        claim: "random_all_layers_gain_nothing",
        statement: "Random directions of equal norm in all layers gain nothing.",
        name: "random directions in all layers minus base",
        range: { below: NO_GAIN_POINTS },
        note: `Holds when the interval lies below ${NO_GAIN_POINTS} points.`,
      }),
      differenceClaim(gainAlone, {
        claim: "random_single_layers_gain_nothing",
        statement: "A random direction of equal norm in one layer gains nothing.",
        name: "mean over layers of a random direction minus base",
        range: { below: NO_GAIN_POINTS },
        note: `Holds when the interval lies below ${NO_GAIN_POINTS} points.`,
      }),
      differenceClaim(lead, {
        claim: "trained_lead_random_all_layers",
        statement: "Trained vectors in all layers lie above random directions of equal norm.",
        name: "trained minus random, all layers",
        range: { above: 0 },
        note: "Holds when the interval lies above 0.",
      }),
      differenceClaim(leadAlone, {
        claim: "trained_lead_random_single_layers",
        statement: "Trained vectors in one layer lie above random directions of equal norm.",
        name: "trained minus random, mean over single layers",
        range: { above: 0 },
        note: "Holds when the interval lies above 0.",
      }),
    ],
  };
}

/** Control: random directions of equal norm, in one layer and in all. */
export const controlRandom: Reproduction = {
  id: "control-random",
  slug: "random-directions",
  title: "Random directions as long as the trained vectors",
  itemClass: "review",
  differences: ["The paper has no such control; reviewers asked for it."],
  run,
};
