/**
 * fig10: accuracy of steering vectors trained in one layer, greedy decoding beside sampling, both models.
 *
 * @module
 */
import {
  type AccuracyInterval,
  accuracyInterval,
  accuracyStatistic,
  type BenchmarkOutcomes,
} from "../lib/analysis/mod.ts";
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
import { intervalClaim } from "./_measured.ts";
import { openEach } from "./_roles.ts";
import { curvePoints, type Decoding, layerRuns, requireRuns } from "./_single_layer.ts";

const ROLES = ["a", "b"] as const;
const DECODINGS = ["greedy", "sampling"] as const;
const CURVES = { greedy: "Greedy", sampling: "τ = 1" } as const;

interface Decoded {
  readonly base: BenchmarkOutcomes;
  readonly all: BenchmarkOutcomes;
  readonly layers: readonly BenchmarkOutcomes[];
}

async function measured(
  lab: Laboratory,
  options: { readonly zoo: ZooModel; readonly decoding: Decoding },
): Promise<Decoded> {
  const { zoo, decoding } = options;
  const runs = layerRuns(zoo).map((run) => ({ zoo, run, decoding }));
  const [base, all, ...layers] = await lab.outcomesOf([
    { zoo, run: null, decoding },
    { zoo, run: "all", decoding },
    ...runs,
  ]);
  return { base, all, layers };
}

/** All layers minus the mean of the single layers, in percent each. */
function gapOf([all = NaN, ...layers]: readonly number[]): number {
  return all - mean(layers);
}

/** One model: metrics, claim, panel. */
async function study(
  lab: Laboratory,
  options: { readonly zoo: ZooModel; readonly role: typeof ROLES[number]; readonly asPublished: boolean },
) {
  const { zoo, role, asPublished } = options;
  const outcomes = {
    greedy: await measured(lab, { zoo, decoding: "greedy" }),
    sampling: await measured(lab, { zoo, decoding: "sampling" }),
  };
  const values: MetricValue[] = [], gaps: MetricValue[] = [];
  const curves: Parameters<typeof layerCurve>[0]["curves"][number][] = [];
  const references: { label: string; value: number; curve: string; band?: readonly [number, number] }[] = [];
  for (const decoding of DECODINGS) {
    const { base, all, layers } = outcomes[decoding], curve = CURVES[decoding], decoded = curve.toLowerCase();
    const accuracy = { base: accuracyInterval(base), all: accuracyInterval(all) };
    const byLayer = layers.map((layer): AccuracyInterval => accuracyInterval(layer));
    values.push(
      accuracyMetric(`accuracy.${role}.base.${decoding}`, accuracy.base),
      accuracyMetric(`accuracy.${role}.all_layers.${decoding}`, accuracy.all),
      ...byLayer.map((layer, index) => accuracyMetric(`accuracy.${role}.layer_${index}.${decoding}`, layer)),
    );
    gaps.push(pointsMetric(
      `gap.${role}.${decoding}`,
      accuracyStatistic([all, ...layers], gapOf),
      "All layers minus the mean of the single layers.",
    ));
    curves.push({ name: curve, points: curvePoints(byLayer) });
    // The published greedy plot of the second model has the line of τ = 1.
    const line = asPublished && role === "b" ? accuracyInterval(outcomes.sampling.all) : accuracy.all;
    references.push(
      { label: `Base, ${decoded}`, value: accuracy.base.percent, curve, ...seedBand(accuracy.base) },
      { label: `All layers, ${decoded}`, value: line.percent, curve, ...seedBand(line) },
    );
  }
  const { greedy, sampling } = outcomes, count = zoo.layers + 1;
  const narrowing = accuracyStatistic(
    [sampling.all, ...sampling.layers, greedy.all, ...greedy.layers],
    (percents) => gapOf(percents.slice(0, count)) - gapOf(percents.slice(count)),
  );
  const claim = intervalClaim(narrowing, {
    claim: `greedy_narrows_the_gap_${role}`,
    statement:
      `Greedy decoding narrows the gap between single layers and all-layer steering (${role.toUpperCase()}).`,
    name: "gap at τ = 1 minus gap when greedy",
    range: { above: 0 },
    note: "Holds when the interval lies above 0, fails when it lies below, open otherwise. " +
      "The gap is that of all layers over the mean of the single layers, on the same problems.",
  });
  const panel = layerCurve({
    curves,
    references,
    title: `${role}  ${zoo.entry.name}`,
    yTitle: "Mean accuracy (%)",
    width: 400,
  });
  return {
    values: [
      ...values,
      ...gaps,
      pointsMetric(`gap_narrowing.${role}`, narrowing, "Gap at τ = 1 minus gap when greedy."),
    ],
    claim,
    panel,
    outcomes,
  };
}

async function run({ lab, asPublished = false, ...bench }: Bench): Promise<Findings> {
  const models = await openEach(bench, ROLES);
  for (const { zoo } of models) await requireRuns(zoo, ["all", ...layerRuns(zoo)]);
  const studies = [];
  for (const model of models) studies.push(await study(lab, { ...model, asPublished }));
  const second = studies[models.findIndex(({ role }) => role === "b")]?.outcomes;
  const published = second === undefined
    ? []
    : [accuracyStatistic([second.sampling.all, ...second.greedy.layers], gapOf)];
  const spec = figureSpec(studies.map(({ panel }) => panel), {
    title: "Greedy decoding and sampling with a steering vector in one layer",
    subtitle: [
      `Mean of ${
        setsText(lab.asked)
      }. Bands: ± std over evaluation seeds; bars: 95 % bootstrap over problems and seeds.`,
    ],
  });
  return {
    spec,
    values: [
      ...studies.flatMap(({ values }) => values),
      ...published.map((gap) =>
        pointsMetric(
          "gap.b.greedy.as_published",
          gap,
          "All layers at τ = 1 minus the mean of the single layers when greedy.",
        )
      ),
    ],
    claims: studies.map(({ claim }) => claim),
  };
}

/** Fig 10: single-layer vectors under greedy decoding, next to sampling at temperature 1. */
export const fig10: Reproduction = {
  id: "fig10",
  slug: "single-layer-greedy",
  title: "Greedy decoding and sampling with a steering vector in one layer",
  itemClass: "code",
  publishedFault: "in b, all layers stand at τ = 1 among greedy curves.",
  differences: [
    "All-layer steering is decoded as the single layers are; the published greedy plot of the second model has the line " +
    "of τ = 1 (`gap.b.greedy.as_published`).",
    "The last checkpoint of every run is used under both decodings; the published ones were chosen on the test problems, " +
    "for each decoding anew.",
    "Both decodings share one plot per model; the published plots show one each.",
  ],
  run,
};
