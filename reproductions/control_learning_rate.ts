/**
 * control-learning-rate: what a smaller or larger learning rate alone does to a layer's accuracy. Reviewers asked why
 * only two layers of fig1 dip; those were trained with a tenth of their neighbours' rate.
 *
 * @module
 */
import {
  accuracyDifference,
  accuracyInterval,
  accuracyStatistic,
  type BenchmarkOutcomes,
} from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  type Reproduction,
  type RunName,
  setsText,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { type ClaimResult, figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, barOf, pointsMetric, seedBand } from "./_accuracy.ts";
import { intervalClaim } from "./_measured.ts";
import { measureRuns, requireRuns, seedNote } from "./_single_layer.ts";

/** Factors on the layer's learning rate with their names in metrics, from small to large. */
const FACTORS = [
  { factor: 0.25, name: "quarter" },
  { factor: 0.5, name: "half" },
  { factor: 1, name: "usual" },
  { factor: 2, name: "double" },
] as const;

/** The one rate of a run's layer; all training seeds must agree. */
async function rateOf(zoo: ZooModel, run: RunName): Promise<number> {
  const rates = new Set((await zoo.trainingRecords(run)).flatMap(({ config }) => config.learningRates));
  const [rate] = rates;
  if (rates.size === 1 && rate !== undefined) return rate;
  throw new InputError(`the run "${run}" has ${rates.size} learning rates`, {
    where: zoo.entry.vectorsFolder,
    repair: "train one layer, every seed with the same rate",
  });
}

/** Throws unless a run has the factor on the usual rate that its name says. */
function checkRate(
  rates: { readonly usual: number; readonly found: number; readonly factor: number },
  file: { readonly run: RunName; readonly where: string },
): void {
  const { usual, found, factor } = rates, wanted = usual * factor;
  if (Math.abs(found - wanted) <= 1e-6 * wanted) return;
  throw new InputError(`the run "${file.run}" has the learning rate ${found}, not ${factor} · ${usual}`, {
    where: file.where,
    repair: `train it with --learning-rate ${wanted}`,
  });
}

/** How far a layer lies below the mean of its neighbours. */
function belowNeighbours([own = NaN, below = NaN, above = NaN]: readonly number[]): number {
  return (below + above) / 2 - own;
}

function claimsOf(
  outcomes: {
    readonly slow: BenchmarkOutcomes;
    readonly usual: BenchmarkOutcomes;
    readonly neighbours: readonly BenchmarkOutcomes[];
  },
  layer: number,
): readonly ClaimResult[] {
  const { slow, usual, neighbours } = outcomes;
  const lost = accuracyDifference(usual, slow);
  const dip = accuracyStatistic([slow, ...neighbours], belowNeighbours);
  const note = "Holds when the interval lies above 0, fails when it lies below, open otherwise.";
  return [
    intervalClaim(lost, {
      claim: "smaller_rate_lowers_accuracy",
      statement: "A quarter of the learning rate lowers the accuracy of a layer's vector.",
      name: `layer ${layer}: usual rate minus a quarter of it`,
      range: { above: 0 },
      note,
    }),
    intervalClaim(dip, {
      claim: "smaller_rate_makes_a_dip",
      statement: "A quarter of the learning rate alone makes a layer dip below its neighbours.",
      name: `mean of layers ${layer - 1} and ${layer + 1} minus layer ${layer} at a quarter of its rate`,
      range: { above: 0 },
      note: `${note} How far the layer lies below its neighbours at its usual rate is \`dip.usual\`.`,
    }),
  ];
}

async function run({ lab, open }: Bench): Promise<Findings> {
  const zoo = await open("a"), layer = Math.floor(zoo.layers / 2);
  if (zoo.layers < 3) {
    throw new InputError(`a model of ${zoo.layers} layers has no layer between two others`, {
      where: zoo.entry.modelFolder,
      repair: "use a model of at least 3 layers",
    });
  }
  const usualRun: RunName = `layer-${layer}`;
  const neighbourRuns: readonly RunName[] = [`layer-${layer - 1}`, `layer-${layer + 1}`];
  const runs = FACTORS.map(({ factor }): RunName => factor === 1 ? usualRun : `rate-${factor}-${layer}`);
  await requireRuns(zoo, [...runs, ...neighbourRuns]);
  const usualRate = await rateOf(zoo, usualRun), rates: number[] = [];
  for (const [index, { factor }] of FACTORS.entries()) {
    const run = runs[index] as RunName, found = await rateOf(zoo, run);
    checkRate({ usual: usualRate, found, factor }, { run, where: zoo.entry.vectorsFolder });
    rates.push(found);
  }
  const decoding = "sampling";
  const base = accuracyInterval(await lab.outcomes({ zoo, run: null, decoding }));
  const outcomes = await measureRuns(lab, { zoo, runs, decoding });
  const neighbours = await measureRuns(lab, { zoo, runs: neighbourRuns, decoding });
  const accuracies = outcomes.map((outcome) => accuracyInterval(outcome));
  const beside = neighbours.map((outcome) => accuracyInterval(outcome));
  const usual = outcomes[FACTORS.findIndex(({ factor }) => factor === 1)] as BenchmarkOutcomes;
  const values: MetricValue[] = [
    accuracyMetric("accuracy.base", base),
    ...FACTORS.map(({ name }, index) => {
      const accuracy = accuracies[index] as typeof base;
      return accuracyMetric(`accuracy.rate.${name}`, accuracy, seedNote(accuracy));
    }),
    ...FACTORS.map(({ name }, index): MetricValue => ({
      name: `learning_rate.${name}`,
      value: rates[index] as number,
      unit: "per step",
    })),
    ...["below", "above"].map((side, index) =>
      accuracyMetric(`accuracy.neighbour.${side}`, beside[index] as typeof base)
    ),
    ...FACTORS.map(({ name }, index) =>
      pointsMetric(
        `dip.${name}`,
        accuracyStatistic([outcomes[index] as BenchmarkOutcomes, ...neighbours], belowNeighbours),
        "Mean of both neighbours minus it.",
      )
    ),
  ];
  const panel = layerCurve({
    curves: [{
      name: "Layer",
      points: accuracies.map((accuracy, index) => ({
        layer: Math.log2(FACTORS[index]?.factor ?? 1),
        ...barOf(accuracy),
        ...seedBand(accuracy),
      })),
    }],
    references: [
      { label: "Base", value: base.percent, ...seedBand(base) },
      ...neighbourRuns.map((name, index) => ({
        label: `Layer ${name.slice("layer-".length)}`,
        value: (beside[index] as typeof base).percent,
      })),
    ],
    xTitle: `log₂ of the factor on the learning rate (${usualRate} at 0)`,
    yTitle: "Mean accuracy (%)",
    width: 420,
  });
  const spec = figureSpec([panel], {
    title: "One layer's vector trained with other learning rates",
    subtitle: [
      `${zoo.entry.name}, vector in layer ${layer}, mean of ${setsText(lab.asked)}, τ = 1.`,
      "Band: ± std over evaluation seeds; bars: 95 % bootstrap over problems and seeds.",
    ],
  });
  const slow = outcomes[0] as BenchmarkOutcomes;
  return { spec, values, claims: claimsOf({ slow, usual, neighbours }, layer) };
}

/** Control: a layer in the middle trained at a quarter, half and twice its learning rate. */
export const controlLearningRate: Reproduction = {
  id: "control-learning-rate",
  slug: "learning-rate",
  title: "One layer's vector trained with other learning rates",
  itemClass: "review",
  differences: [
    "No such run is published; the two layers that dip there had a tenth of their neighbours' learning rate.",
    "The layer is the middle one, whatever its accuracy, so that what is measured does not choose it.",
  ],
  run,
};
