/**
 * fig13: what pairs of vectors reach that were trained in isolation, in layers i < j, for both models.
 *
 * @module
 */
import {
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
  type LayerMatrix,
  PAIR_CROSS_THRESHOLD,
  type PairComposition,
  pairComposition,
  pairCrosses,
  pairGains,
  type PairNormalisation,
  type PairRun,
} from "../lib/analysis/mod.ts";
import { InputError, mean } from "../lib/core/mod.ts";
import { mergeVectors, pairVectors } from "../lib/decode/mod.ts";
import {
  type Bench,
  derivedTreatment,
  type Findings,
  type Laboratory,
  type Reproduction,
  setsText,
  type Treatment,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { figureSpec, heatMap, type MetricValue, type Panel, textTable } from "../lib/report/mod.ts";
import { accuracyMetric, onFirst, pointsMetric, separated } from "./_accuracy.ts";
import { pairClaim } from "./_accuracy_claims.ts";
import { openEach } from "./_roles.ts";

const NORMALISATIONS: Readonly<Record<PairNormalisation, string>> = {
  prev: "over the later vector",
  next: "over the earlier vector",
  max: "over the better vector",
};
const ORDER = ["max", "prev", "next"] as const;

/** The vectors of one model that were trained alone. */
interface Isolated {
  readonly zoo: ZooModel;
  /** By layer, the first training seed of each. */
  readonly singles: readonly Treatment[];
}

interface Study extends Isolated {
  readonly composition: PairComposition;
  readonly runs: readonly PairRun[];
  readonly allLayers: BenchmarkOutcomes;
  readonly merged: BenchmarkOutcomes;
}

/** The first training seed of every single-layer run. Finds what is missing before anything is measured. */
async function isolatedVectors(zoo: ZooModel): Promise<Isolated> {
  await zoo.trained("all");
  const singles: Treatment[] = [];
  for (let layer = 0; layer < zoo.layers; layer++) {
    const [single] = await zoo.trained(`layer-${layer}`);
    const layers = [...single?.steer?.keys() ?? []];
    if (single === undefined || layers.join() !== String(layer)) {
      throw new InputError(`the run "layer-${layer}" has vectors in the layers [${layers.join(", ")}]`, {
        where: zoo.entry.vectorsFolder,
        repair: `train it with --layers ${layer}`,
      });
    }
    singles.push(single);
  }
  return { zoo, singles };
}

async function measure(lab: Laboratory, { zoo, singles }: Isolated): Promise<Study> {
  const layers = zoo.layers;
  const together = mergeVectors(singles.map(({ steer = new Map() }) => steer));
  const places = Array.from({ length: layers }, (_, i) => i).flatMap((i) =>
    Array.from({ length: layers - i - 1 }, (_, k) => [i, i + 1 + k] as const)
  );
  const pairs = places.map(([i, j]) =>
    derivedTreatment(`layers ${i} and ${j}`, {
      of: [singles[i] as Treatment, singles[j] as Treatment],
      steer: pairVectors(together, [i, j]),
    })
  );
  const sampled = { zoo, decoding: "sampling" } as const, swept = { problems: lab.size.swept };
  // What other items measure on more problems is read on the first of them.
  const allLayers = onFirst(await lab.outcomes({ ...sampled, run: "all" }), swept);
  const alone = onFirst(await lab.outcomes({ ...sampled, run: singles, label: "single layers" }), swept);
  const paired = await lab.outcomes({ ...sampled, ...swept, run: pairs, label: "pairs of layers" });
  const set = derivedTreatment("single layers together", { of: singles, steer: together });
  const merged = await lab.outcomes({ ...sampled, ...swept, run: [set] });
  const both = separated(paired);
  const runs: PairRun[] = [
    ...separated(alone).map((outcomes, layer) => ({ i: layer, j: layer, outcomes })),
    ...places.map(([i, j], place) => ({ i, j, outcomes: both[place] as BenchmarkOutcomes })),
  ];
  return { zoo, singles, runs, allLayers, merged, composition: pairComposition({ layers, runs, allLayers }) };
}

/** Mean of what a map holds above its diagonal; null where it holds nothing. */
function meanAbove(gains: LayerMatrix): number | null {
  const known = gains.flatMap((row, i) => row.filter((gain, j) => j > i && gain !== null)) as number[];
  return known.length === 0 ? null : mean(known);
}

/** Pairs that carry a cross; a single vector is no pair. */
function crossCount(gains: LayerMatrix): number {
  return pairCrosses(gains).filter(([i, j]) => i < j).length;
}

function valuesOf(role: "a" | "b", study: Study): readonly MetricValue[] {
  const { composition, runs, allLayers, merged } = study;
  const name = ({ i, j }: PairRun) => i === j ? `layer_${i}` : `pair_${i}_${j}`;
  const singles = runs.filter(({ i, j }) => i === j).map(({ outcomes }) => outcomes);
  const percents = singles.map((outcomes) => accuracyInterval(outcomes).percent);
  const best = percents.indexOf(Math.max(...percents));
  return [
    accuracyMetric(`accuracy.${role}.all_layers`, accuracyInterval(allLayers), "P, over all training seeds."),
    accuracyMetric(
      `accuracy.${role}.merged`,
      accuracyInterval(merged),
      "Every single-layer vector at once, each in its layer.",
    ),
    ...runs.map((run) => accuracyMetric(`accuracy.${role}.${name(run)}`, accuracyInterval(run.outcomes))),
    pointsMetric(
      `gain.${role}.pairs`,
      composition.meanGain,
      "Mean over pairs of the accuracy of the pair minus that of its better vector.",
    ),
    pointsMetric(
      `gain.${role}.merged`,
      accuracyDifference(merged, singles[best] as BenchmarkOutcomes),
      "Every single-layer vector at once, minus the best of them.",
    ),
    {
      name: `pairs.${role}.above`,
      value: composition.pairsAbove.length,
      unit: "pairs",
      note: `Of ${composition.pairCount}: those whose interval over the better vector lies above 0.`,
    },
    ...ORDER.flatMap((by): MetricValue[] => {
      const gains = pairGains(composition.accuracies, { by });
      const published = pairGains(composition.accuracies, { by, asPublished: true });
      const above = meanAbove(gains);
      return [
        {
          name: `normalised.${role}.${by}.mean`,
          value: above,
          unit: "share",
          ...(above === null ? { note: "Not applicable: no single vector lies below all layers." } : {}),
        },
        { name: `pairs.${role}.crosses.${by}`, value: crossCount(gains), unit: "pairs" },
        {
          name: `pairs.${role}.crosses.${by}.as_published`,
          value: crossCount(published),
          unit: "pairs",
          note: "With negative denominators kept, which the published maps show.",
        },
      ];
    }),
  ];
}

function panelsOf(
  letters: string,
  options: { readonly study: Study; readonly asPublished: boolean },
): readonly Panel[] {
  const { study, asPublished } = options;
  const { zoo, composition } = study;
  return ORDER.map((by, place) => {
    const values = pairGains(composition.accuracies, { by, asPublished });
    const title = `${letters[place]}  ${zoo.entry.name}: gain ${NORMALISATIONS[by]}`;
    // A control whose vectors alone reach all layers has no gap to divide by.
    if (values.flat().every((value) => value === null)) {
      const rows = [{ cells: ["No single vector lies below all-layer steering."] }];
      return textTable({ title, columns: [{ title: "Not applicable" }], rows });
    }
    return heatMap({
      title,
      values,
      rowTitle: "Layer of the earlier vector",
      columnTitle: "Layer of the later vector",
      barTitle: "Share of the gap\nto all layers",
      triangle: "upper",
      crossAbove: PAIR_CROSS_THRESHOLD,
      colours: { high: 1 },
      cell: Math.min(36, Math.max(12, Math.floor(288 / zoo.layers))),
    });
  });
}

async function run({ lab, asPublished = false, ...bench }: Bench): Promise<Findings> {
  const models: { readonly role: "a" | "b"; readonly isolated: Isolated }[] = [];
  // Everything that is missing is found before the first measurement.
  for (const { role, zoo } of await openEach(bench, ["a", "b"])) {
    models.push({ role, isolated: await isolatedVectors(zoo) });
  }
  const studies: { readonly role: "a" | "b"; readonly study: Study }[] = [];
  for (const { role, isolated } of models) studies.push({ role, study: await measure(lab, isolated) });
  const letters = ["abc", "def"] as const;
  const panels = studies.flatMap(({ study }, place) =>
    panelsOf(letters[place] as string, { study, asPublished })
  );
  const spec = figureSpec(panels, {
    title: "Pairs of vectors that were trained in isolation",
    subtitle: [
      `Mean of ${
        setsText(lab.asked)
      }, ${lab.size.swept} problems of each, τ = 1, first training seed of each layer. 0: no better`,
      `than alone; 1: as good as all-layer steering; crosses: above ${PAIR_CROSS_THRESHOLD}${
        asPublished ? "." : "; hatched: no gap to all layers."
      }`,
    ],
    columns: 3,
  });
  return {
    spec,
    values: studies.flatMap(({ role, study }) => valuesOf(role, study)),
    claims: studies.map(({ role, study }) =>
      pairClaim(study.composition, {
        claim: `isolated_vectors_combine${role === "a" ? "" : "_b"}`,
        model: study.zoo.entry.name,
      })
    ),
  };
}

/** Fig 13: normalised gain of pairs of vectors trained in isolation. */
export const fig13: Reproduction = {
  id: "fig13",
  slug: "pair-composition",
  title: "Gain of pairs of vectors trained in isolation",
  itemClass: "code",
  publishedFault: "gains are divided by the gap whatever its sign.",
  differences: [
    "All-layer accuracy P is measured, where the published one is typed in with one decimal.",
    "All three normalisations are shown, as the code does not say which one the figure has.",
    "Where a single vector is as good as all layers there is no gain to normalise; the published maps divide by what is negative.",
  ],
  run,
};
