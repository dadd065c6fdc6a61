/**
 * fig11: accuracy of rank-1 adapters trained in one layer, next to the steering vectors of fig1 and fig9.
 *
 * @module
 */
import { accuracyInterval, accuracyStatistic } from "../lib/analysis/mod.ts";
import { mean } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  type Laboratory,
  type Reproduction,
  setsText,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, pointsMetric, seedBand } from "./_accuracy.ts";
import { openEach } from "./_roles.ts";
import { curvePoints, layerRuns, measureRuns, requireRuns, seedNote } from "./_single_layer.ts";

const ROLES = ["a", "b"] as const;

async function study(
  lab: Laboratory,
  options: { readonly zoo: ZooModel; readonly role: typeof ROLES[number] },
) {
  const { zoo, role } = options, decoding = "sampling";
  const references = await lab.outcomesOf([{ zoo, run: null, decoding }, { zoo, run: "all", decoding }]);
  const base = accuracyInterval(references[0]), all = accuracyInterval(references[1]);
  const vectors = await measureRuns(lab, { zoo, runs: layerRuns(zoo), decoding });
  const adapters = await measureRuns(lab, { zoo, runs: layerRuns(zoo, "adapter"), decoding });
  const byLayer = {
    vector: vectors.map((layer) => accuracyInterval(layer)),
    adapter: adapters.map((layer) => accuracyInterval(layer)),
  };
  const count = zoo.layers;
  const difference = accuracyStatistic(
    [...adapters, ...vectors],
    (percents) => mean(percents.slice(0, count)) - mean(percents.slice(count)),
  );
  const values: MetricValue[] = [
    accuracyMetric(`accuracy.${role}.base`, base),
    accuracyMetric(`accuracy.${role}.all_layers`, all, seedNote(all)),
    ...(["adapter", "vector"] as const).flatMap((kind) =>
      byLayer[kind].map((accuracy, layer) =>
        accuracyMetric(`accuracy.${role}.${kind}.layer_${layer}`, accuracy, seedNote(accuracy))
      )
    ),
    pointsMetric(`adapter_minus_vector.${role}`, difference, "Mean over the layers."),
  ];
  const panel = layerCurve({
    curves: [
      { name: "Rank-1 adapter", points: curvePoints(byLayer.adapter) },
      { name: "Vector", points: curvePoints(byLayer.vector) },
    ],
    references: [
      { label: "Base", value: base.percent, ...seedBand(base) },
      { label: "Vectors, all layers", value: all.percent, ...seedBand(all) },
    ],
    title: `${role}  ${zoo.entry.name}`,
    yTitle: "Mean accuracy (%)",
    width: 400,
  });
  return { values, panel };
}

async function run({ lab, ...bench }: Bench): Promise<Findings> {
  const models = await openEach(bench, ROLES);
  for (const { zoo } of models) {
    await requireRuns(zoo, ["all", ...layerRuns(zoo), ...layerRuns(zoo, "adapter")]);
  }
  const studies = [];
  for (const model of models) studies.push(await study(lab, model));
  const spec = figureSpec(studies.map(({ panel }) => panel), {
    title: "A rank-1 adapter in one layer in place of a steering vector",
    subtitle: [
      `Mean of ${
        setsText(lab.asked)
      }, τ = 1. Adapters read the input of one layer's down_proj and write along one direction.`,
      "Bands: ± std over evaluation seeds; bars: 95 % bootstrap over problems and seeds.",
    ],
  });
  return { spec, values: studies.flatMap(({ values }) => values), claims: [] };
}

/** Fig 11: a rank-1 adapter on one layer's down_proj in place of a vector, by layer. */
export const fig11: Reproduction = {
  id: "fig11",
  slug: "single-layer-lora",
  title: "Accuracy of rank-1 adapters trained in one layer",
  itemClass: "code",
  differences: [
    "The curve of the vectors is drawn beside that of the adapters; the published plot has the adapters alone.",
    "The last checkpoint of every run is used; the published one was chosen on the test problems.",
  ],
  run,
};
