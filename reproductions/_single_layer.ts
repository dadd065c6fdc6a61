import { type AccuracyInterval, accuracyInterval, type BenchmarkOutcomes } from "../lib/analysis/mod.ts";
import {
  type Bench,
  type Findings,
  type Laboratory,
  type ModelRole,
  type Reproduction,
  type RunName,
  setsText,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { type CurvePoint, figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, barOf, seedBand } from "./_accuracy.ts";
import { singleLayerClaims } from "./_accuracy_claims.ts";

/** How accuracies are decoded, in the order of the paper's bars. */
export type Decoding = "greedy" | "sampling";

/** The runs of a model that train one layer each, in the order of the layers. */
export function layerRuns(zoo: ZooModel, kind: "layer" | "adapter" = "layer"): readonly RunName[] {
  return Array.from({ length: zoo.layers }, (_, layer): RunName => `${kind}-${layer}`);
}

/** Throws unless a model has every run: a missing one is found before the first measurement, not after minutes. */
export async function requireRuns(zoo: ZooModel, runs: readonly RunName[]): Promise<void> {
  zoo.checkPlanned(runs);
  for (const name of runs) await zoo.trained(name);
}

/** Outcomes of several runs of one model, in their order. */
export async function measureRuns(
  lab: Laboratory,
  asked: { readonly zoo: ZooModel; readonly runs: readonly RunName[]; readonly decoding: Decoding },
): Promise<readonly BenchmarkOutcomes[]> {
  const { zoo, runs, decoding } = asked;
  return await lab.outcomesOf(runs.map((run) => ({ zoo, run, decoding })));
}

/** Accuracies by layer as the points of a curve: bootstrap bars, a band over evaluation seeds. */
export function curvePoints(byLayer: readonly AccuracyInterval[]): readonly CurvePoint[] {
  return byLayer.map((accuracy, layer) => ({
    layer,
    ...barOf(accuracy),
    ...seedBand(accuracy),
  }));
}

/** The accuracy of each training seed, for a metric's note. */
export function seedNote(accuracy: AccuracyInterval): string {
  return `Training seeds: ${accuracy.perTrainingSeed.map((percent) => percent.toFixed(1)).join(", ")}.`;
}

/** Accuracy of the layer that lies `fromEnd` layers from the end, as a metric that means one depth in every model. */
function depthMetric(
  name: string,
  options: { readonly byLayer: readonly AccuracyInterval[]; readonly fromEnd: number },
): MetricValue {
  const { byLayer, fromEnd } = options;
  const accuracy = byLayer.at(-fromEnd);
  return accuracy === undefined
    ? { name, value: null, unit: "%", note: `Not applicable: the model has ${byLayer.length} layers.` }
    : accuracyMetric(name, accuracy, `Layer ${byLayer.length - fromEnd}.`);
}

/**
 * Accuracy of every single-layer run of a model at τ = 1 among its references. `depths` names layers by their distance
 * from the end, where the paper has numbers of them.
 */
async function singleLayerStudy(
  { lab, open }: Bench,
  options: { readonly role: ModelRole; readonly depths?: Readonly<Record<string, number>> },
): Promise<Findings> {
  const zoo = await open(options.role), runs = layerRuns(zoo);
  await requireRuns(zoo, ["all", ...runs]);
  const [baseGreedy, base, all] = await lab.outcomesOf([
    { zoo, run: null, decoding: "greedy" },
    { zoo, run: null, decoding: "sampling" },
    { zoo, run: "all", decoding: "sampling" },
  ]);
  const layers = await measureRuns(lab, { zoo, runs, decoding: "sampling" });

  const greedyAccuracy = accuracyInterval(baseGreedy), baseAccuracy = accuracyInterval(base);
  const allAccuracy = accuracyInterval(all), byLayer = layers.map((layer) => accuracyInterval(layer));
  const values: MetricValue[] = [
    accuracyMetric("accuracy.base.greedy", greedyAccuracy),
    accuracyMetric("accuracy.base.sampling", baseAccuracy),
    accuracyMetric("accuracy.all_layers", allAccuracy, seedNote(allAccuracy)),
    ...byLayer.map((accuracy, layer) =>
      accuracyMetric(`accuracy.layer_${layer}`, accuracy, seedNote(accuracy))
    ),
    ...Object.entries(options.depths ?? {}).map(([name, fromEnd]) =>
      depthMetric(`accuracy.${name}`, { byLayer, fromEnd })
    ),
  ];
  const points = curvePoints(byLayer).map((point, layer) => ({
    ...point,
    runs: byLayer[layer]?.perTrainingSeed ?? [],
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
      `${zoo.entry.name}, mean of ${
        setsText(lab.asked)
      }, τ = 1. Markers: mean over training seeds (small dots: each).`,
      "Band: ± std over evaluation seeds; bars: 95 % bootstrap over problems and seeds.",
    ],
  });
  return { spec, values, claims: singleLayerClaims({ base, all, layers }) };
}

const differences = [
  "Uncertainty covers evaluation seeds, training seeds and problems; the published band covers evaluation seeds of one run.",
  "The last checkpoint of every run is used; the published one was chosen on the test problems.",
];

/** Fig 1: mean accuracy on six benchmarks, one vector s_l trained per layer. */
export const fig01: Reproduction = {
  id: "fig1",
  slug: "single-layer",
  title: "Accuracy of steering vectors trained in one layer",
  itemClass: "caption",
  differences,
  run: (bench) => singleLayerStudy(bench, { role: "a" }),
};

/** Fig 9: as Fig 1 on the second model, with the last two layers by name, whose numbers are attested. */
export const fig09: Reproduction = {
  id: "fig9",
  slug: "single-layer-b",
  title: "Accuracy of steering vectors trained in one layer of the second model",
  itemClass: "code",
  differences,
  run: (bench) => singleLayerStudy(bench, { role: "b", depths: { penultimate_layer: 2, last_layer: 1 } }),
};
