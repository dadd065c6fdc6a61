/**
 * control-shuffled: the all-layer vectors put into each other's layers.
 *
 * @module
 */
import {
  accuracyDifference,
  accuracyInterval,
  type BenchmarkOutcomes,
  recoveredShare,
} from "../lib/analysis/mod.ts";
import { InputError, RandomStream } from "../lib/core/mod.ts";
import { rearrangeVectors } from "../lib/decode/mod.ts";
import {
  type Bench,
  derivedTreatment,
  type Findings,
  type Reproduction,
  setsText,
} from "../lib/experiment/mod.ts";
import { accuracyBars, figureSpec, type MetricValue } from "../lib/report/mod.ts";
import { accuracyMetric, barOf, pointsMetric, separated } from "./_accuracy.ts";
import { CONTROL_DRAWS, CONTROL_SEED, drawsNote, firstSeed } from "./_controls.ts";
import { intervalClaim, intervalMetric } from "./_measured.ts";

/** How long a vector is in the layer that it is put into. */
const VARIANTS = [
  { name: "as_they_are", norms: "as they are", title: "Shuffled, own norms" },
  { name: "norm_of_layer", norms: "of the layer", title: "Shuffled, norms of the layers" },
] as const;

/** The layers in an order that leaves none in its place; a function of the draw alone. */
function displaced(layers: readonly number[], draw: number): readonly number[] {
  const stream = new RandomStream(CONTROL_SEED, "layers", draw);
  let order: readonly number[];
  // One order in e leaves none in its place, so that this ends after a few.
  do order = stream.shuffled(layers); while (order.some((layer, place) => layer === layers[place]));
  return order;
}

async function run({ lab, open }: Bench): Promise<Findings> {
  const zoo = await open("a");
  const { treatment, vectors } = await firstSeed(zoo, "all");
  const layers = [...vectors.keys()];
  if (layers.length < 2) {
    throw new InputError(`the run "all" has vectors in ${layers.length} layer`, {
      where: zoo.entry.vectorsFolder,
      repair: "train it with --layers all",
    });
  }
  const sampled = { zoo, decoding: "sampling" } as const;
  const [base, inPlace] = await lab.outcomesOf([{ ...sampled, run: null }, { ...sampled, run: [treatment] }]);
  const shuffled = [];
  for (const variant of VARIANTS) {
    const treatments = Array.from(
      { length: CONTROL_DRAWS },
      (_, draw) =>
        derivedTreatment(`all shuffled, norms ${variant.norms}`, {
          of: [treatment],
          steer: rearrangeVectors(vectors, { order: displaced(layers, draw), norms: variant.norms }),
        }),
    );
    const outcomes = await lab.outcomes({ ...sampled, run: treatments });
    shuffled.push({
      ...variant,
      outcomes,
      kept: recoveredShare({ base, prefix: outcomes, steered: inPlace }),
    });
  }
  const conditions: readonly (readonly [string, BenchmarkOutcomes])[] = [
    ["Base", base],
    ...shuffled.map(({ title, outcomes }) => [title, outcomes] as const),
    ["In place", inPlace],
  ];
  const share = (percent: number | null) => percent === null ? null : percent / 100;
  const values: MetricValue[] = [
    accuracyMetric("accuracy.base.sampling", accuracyInterval(base)),
    accuracyMetric("accuracy.in_place", accuracyInterval(inPlace), "First training seed."),
    ...shuffled.flatMap(({ name, outcomes, kept }): MetricValue[] => [
      accuracyMetric(`accuracy.shuffled.${name}`, accuracyInterval(outcomes), drawsNote(separated(outcomes))),
      pointsMetric(
        `lead.in_place.${name}`,
        accuracyDifference(inPlace, outcomes),
        "In place minus shuffled.",
      ),
      intervalMetric({
        value: share(kept.percent),
        low: share(kept.low),
        high: share(kept.high),
        level: kept.level,
      }, {
        name: `normalised.kept.${name}`,
        unit: "share",
        why: `Not applicable: ${kept.reason}.`,
      }),
    ]),
  ];
  const panel = accuracyBars({
    series: conditions.map(([name]) => ({ name })),
    groups: [{
      label: zoo.entry.name,
      bars: conditions.map(([series, outcomes]) => ({ series, ...barOf(accuracyInterval(outcomes)) })),
    }],
    yTitle: "Mean accuracy (%)",
    width: 520,
  });
  return {
    spec: figureSpec([panel], {
      title: "All-layer vectors in each other's layers",
      subtitle: [
        `Mean of ${setsText(lab.asked)}, τ = 1. ${CONTROL_DRAWS} orders that leave no vector in its layer;`,
        "bars: 95 % bootstrap over problems, seeds and orders.",
      ],
    }),
    values,
    claims: shuffled.map(({ name, norms, outcomes }) =>
      intervalClaim(accuracyDifference(inPlace, outcomes), {
        claim: `layers_matter_norms_${name}`,
        statement: `Vectors put into other layers, norms ${norms}, gain less than in their own.`,
        name: "in place minus shuffled",
        range: { above: 0 },
        note: "Holds when the interval lies above 0.",
      })
    ),
  };
}

/** Control: all-layer vectors in permuted layers. */
export const controlShuffled: Reproduction = {
  id: "control-shuffled",
  slug: "shuffled-layers",
  title: "All-layer vectors in each other's layers",
  itemClass: "review",
  differences: ["The paper has no such control; reviewers asked for it."],
  run,
};
