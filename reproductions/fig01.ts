/**
 * fig1: accuracy of steering vectors trained in one layer, by layer.
 *
 * @module
 */
import {
  accuracyDifference,
  type AccuracyInterval,
  accuracyInterval,
  type BenchmarkOutcomes,
} from "../lib/analysis/mod.ts";
import type { Bench, Findings, Reproduction, RunName } from "../lib/experiment/mod.ts";
import { type ClaimResult, figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, pooled, seedBand } from "./_accuracy.ts";

function claims(
  outcomes: {
    readonly base: BenchmarkOutcomes;
    readonly all: BenchmarkOutcomes;
    readonly layers: readonly BenchmarkOutcomes[];
  },
): readonly ClaimResult[] {
  const { base, all, layers } = outcomes;
  const count = layers.length;
  // The first quarter and the last two blocks are the ends; the paper's best layers lie between them.
  const from = Math.ceil(count / 4), to = count - 2;
  const middle = layers.slice(from, to),
    ends = [...layers.slice(0, from), ...layers.slice(Math.max(from, to))];
  const middleGain = middle.length === 0 ? null : accuracyDifference(pooled(middle), pooled(ends));
  const means = layers.map((layer) => accuracyInterval(layer).percent);
  const best = means.indexOf(Math.max(...means));
  const gap = accuracyDifference(all, layers[best] as BenchmarkOutcomes);
  const notAbove = layers.filter((layer) => !(accuracyDifference(layer, base).low > 0)).length;
  const interval = ({ level, low, high }: typeof gap) => ({ level, low, high });
  return [
    {
      claim: "middle_layers_gain_most",
      statement: "Middle layers give the largest gains.",
      holds: middleGain === null ? null : middleGain.low > 0,
      effect: {
        name: middleGain === null
          ? "mean of middle layers minus mean of the others"
          : `mean of layers ${from} to ${to - 1} minus mean of the others`,
        value: middleGain?.points ?? null,
        unit: "points",
      },
      interval: middleGain === null ? null : interval(middleGain),
      note: middleGain === null
        ? `Not applicable: a model of ${count} layers has none between its first quarter and its last two.`
        : "Holds when the interval lies above 0.",
    },
    {
      claim: "no_layer_reaches_all_layer",
      statement: "No single layer reaches all-layer steering.",
      holds: gap.low > 0,
      effect: { name: `all layers minus the best layer (${best})`, value: gap.points, unit: "points" },
      interval: interval(gap),
      note:
        "Holds when the interval lies above 0. The best layer is chosen on the same problems, which shrinks the gap.",
    },
    {
      claim: "all_but_two_layers_above_base",
      statement: "All but at most two layers lie above the base model.",
      holds: notAbove <= 2,
      effect: { name: "layers whose paired interval over base reaches 0", value: notAbove, unit: "layers" },
      interval: null,
      note: "A layer lies above base when the interval of its paired difference at τ = 1 lies above 0.",
    },
  ];
}

async function run({ lab, open }: Bench): Promise<Findings> {
  const a = await open("a");
  const layerRuns = Array.from({ length: a.layers }, (_, layer): RunName => `layer-${layer}`);
  // A missing run is found before the first measurement, not after minutes of them.
  for (const name of ["all", ...layerRuns] as const) await a.trained(name);
  const measure = (name: RunName | null, decoding: "greedy" | "sampling") =>
    lab.outcomes({ zoo: a, run: name, decoding });
  const baseGreedy = await measure(null, "greedy");
  const base = await measure(null, "sampling");
  const all = await measure("all", "sampling");
  const layers: BenchmarkOutcomes[] = [];
  for (const name of layerRuns) layers.push(await measure(name, "sampling"));

  const greedyAccuracy = accuracyInterval(baseGreedy), baseAccuracy = accuracyInterval(base);
  const allAccuracy = accuracyInterval(all), byLayer = layers.map((layer) => accuracyInterval(layer));
  const seedNotes = (accuracy: AccuracyInterval) =>
    `Training seeds: ${accuracy.perTrainingSeed.map((percent) => percent.toFixed(1)).join(", ")}.`;
  const values: MetricValue[] = [
    accuracyMetric("accuracy.base.greedy", greedyAccuracy),
    accuracyMetric("accuracy.base.sampling", baseAccuracy),
    accuracyMetric("accuracy.all_layers", allAccuracy, seedNotes(allAccuracy)),
    ...byLayer.map((accuracy, layer) =>
      accuracyMetric(`accuracy.layer_${layer}`, accuracy, seedNotes(accuracy))
    ),
  ];
  const points = byLayer.map((accuracy, layer) => ({
    layer,
    value: accuracy.percent,
    error: [accuracy.low, accuracy.high] as const,
    runs: accuracy.perTrainingSeed,
    ...seedBand(accuracy),
  }));
  const panel = layerCurve({
    curves: [{ name: "One layer", points }],
    references: [
      { label: "Base, greedy", value: greedyAccuracy.percent },
      { label: "Base, τ = 1", value: baseAccuracy.percent, ...seedBand(baseAccuracy) },
      { label: "All layers, τ = 1", value: allAccuracy.percent, ...seedBand(allAccuracy) },
    ],
    yTitle: "Mean accuracy (%)",
  });
  const spec = figureSpec([panel], {
    title: "Accuracy with a steering vector in one layer",
    subtitle: [
      `${a.entry.name}, mean of six problem families, τ = 1. Markers: mean over training seeds (small dots: each).`,
      "Band: ± std over evaluation seeds; bars: 95 % bootstrap over problems and seeds.",
    ],
  });
  return { spec, values, claims: claims({ base, all, layers }) };
}

/** Fig 1: mean accuracy on six benchmarks, one vector s_l trained per layer. */
export const fig01: Reproduction = {
  id: "fig1",
  slug: "single-layer",
  title: "Accuracy of steering vectors trained in one layer",
  itemClass: "caption",
  differences: [
    "Uncertainty covers evaluation seeds, training seeds and problems; the published band covers evaluation seeds of one run.",
    "The last checkpoint of every run is used; the published one was chosen on the test problems.",
  ],
  run,
};
