/**
 * control-gradient-energy: how much of the objective's adjoint falls on each layer before training, next to what a vector
 * in that layer gains.
 *
 * @module
 */
import { accuracyDifference, accuracyStatistic, meanInterval, rankCorrelation } from "../lib/analysis/mod.ts";
import { adjointEnergies, type Bench, type Findings, type Reproduction } from "../lib/experiment/mod.ts";
import { figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { pointsMetric } from "./_accuracy.ts";
import { metricOrNull } from "./_layers.ts";
import { intervalClaim, intervalMetric, intervalOf } from "./_measured.ts";
import { layerRuns, measureRuns, requireRuns } from "./_single_layer.ts";

/** The readings whose order is compared with that of the gains. */
const READINGS = {
  energy: "Mean of ‖g‖² over batches",
  signal: "Mean of gᵢ·gⱼ over pairs of batches",
} as const;
type Reading = keyof typeof READINGS;

async function run({ lab, open }: Bench): Promise<Findings> {
  const zoo = await open("a"), runs = layerRuns(zoo), decoding = "sampling";
  await requireRuns(zoo, runs);
  const energies = await adjointEnergies(lab, zoo);
  const base = await lab.outcomes({ zoo, run: null, decoding });
  const layers = await measureRuns(lab, { zoo, runs, decoding });
  const gains = layers.map((layer) => accuracyDifference(layer, base));
  const correlation = (reading: Reading) => {
    const values = energies.map((found) => found[reading]);
    if (values.includes(null)) return null;
    const order = (percents: readonly number[]) => rankCorrelation(values as readonly number[], percents);
    // The base model's accuracy is the same for all layers: it moves no rank.
    if (order(gains.map(({ points }) => points)) === null) return null;
    return accuracyStatistic(layers, (percents) => order(percents) ?? 0);
  };
  const found = { energy: correlation("energy"), signal: correlation("signal") };
  const why = "Not applicable: layers do not differ.";
  const values: MetricValue[] = [
    ...energies.flatMap(({ layer, energy, perBatch, signal }): readonly MetricValue[] => [
      {
        name: `energy.layer_${layer}`,
        value: energy,
        unit: "squared adjoint",
        uncertainty: intervalOf(meanInterval(perBatch)),
      },
      metricOrNull(
        { name: `signal.layer_${layer}`, value: signal, unit: "squared adjoint" },
        "Not applicable: there is a single batch.",
      ),
    ]),
    ...gains.map((gain, layer) => pointsMetric(`gain.layer_${layer}`, gain)),
    ...(["energy", "signal"] as const).map((reading) =>
      intervalMetric(found[reading], { name: `rank_correlation.${reading}`, unit: "correlation", why })
    ),
  ];
  const claims = (["energy", "signal"] as const).map((reading) =>
    intervalClaim(found[reading], {
      claim: `${reading}_foretells_the_gain`,
      statement: `The larger the adjoint before training (${READINGS[reading]}), the more a layer gains.`,
      name: `Spearman's ρ over ${zoo.layers} layers`,
      unit: "correlation",
      range: { above: 0 },
      note:
        "Holds when the interval lies above 0, fails when it lies below; the interval is over problems and seeds of " +
        "the gains, the layers and their adjoints are as they are.",
      why,
    })
  );
  const text = (reading: Reading) => found[reading]?.value.toFixed(2).replace("-", "−") ?? "–";
  const spec = figureSpec([
    layerCurve({
      title: "a  Gain of a vector in one layer",
      curves: [{
        name: "Gain",
        points: gains.map(({ points, low, high }, layer) => ({ layer, value: points, error: [low, high] })),
      }],
      yTitle: "Accuracy over base (points)",
      height: 170,
    }),
    layerCurve({
      title: "b  Adjoint before training",
      curves: [
        {
          name: READINGS.energy,
          points: energies.map(({ layer, energy }) => ({ layer, value: 1e6 * energy })),
        },
        {
          name: READINGS.signal,
          points: energies.flatMap(({ layer, signal }) =>
            signal === null ? [] : [{ layer, value: 1e6 * signal }]
          ),
        },
      ].filter(({ points }) => points.length > 0),
      yTitle: "Squared adjoint (millionths)",
      height: 170,
    }),
  ], {
    title: "The adjoint before training, next to what a layer's vector gains",
    subtitle: [
      `${zoo.entry.name}: vectors of zeros in all layers, RLOO's adjoint on training problems; gains at τ = 1, 95 % bootstrap.`,
      `Spearman's ρ with the gain over ${zoo.layers} layers: ${text("energy")} (‖g‖²), ${
        text("signal")
      } (gᵢ·gⱼ).`,
    ],
    columns: 1,
  });
  return { spec, values, claims };
}

/** Control: the energy of the objective's gradient per layer before training, as a predictor of fig1. */
export const controlGradientEnergy: Reproduction = {
  id: "control-gradient-energy",
  slug: "gradient-energy",
  title: "The adjoint before training, next to what a layer's vector gains",
  itemClass: "review",
  differences: [
    "Not in the paper. Another group found, over nine subspaces of a 7-billion-parameter model, a rank correlation of " +
    "0.92 between the gradient's energy before training and the gain, for a label-free objective.",
    "Raw adjoints: they are not scaled by how long the residual stream of a layer is, nor by its learning rate.",
  ],
  run,
};
