/**
 * fig12: where in a late block the vector is added. The number is our assignment: the paper shows this in an appendix.
 *
 * @module
 */
import { accuracyInterval, accuracyStatistic, type BenchmarkOutcomes } from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  type Reproduction,
  type RunName,
  setsText,
} from "../lib/experiment/mod.ts";
import {
  accuracyBars,
  type ClaimResult,
  FIGURE_COLOURS,
  figureSpec,
  type MetricValue,
} from "../lib/report/mod.ts";
import { accuracyMetric, barOf } from "./_accuracy.ts";
import { intervalClaim } from "./_measured.ts";
import { requireRuns, seedNote } from "./_single_layer.ts";

/** Places in the order in which a block comes to them, as the bars name them. */
const PLACES = [
  { place: "input_norm", label: "input\nnorm" },
  { place: "attention", label: "attention" },
  { place: "post_attention_norm", label: "post-att.\nnorm" },
  { place: "mlp", label: "MLP" },
] as const;
/** Places whose vector the published rollouts add twice. */
const DOUBLED = PLACES.filter(({ place }) => place === "input_norm" || place === "post_attention_norm");

/** |block effect| − range over places; percents are block before, then the places of the block. */
function blockOverPlace([before = NaN, ...places]: readonly number[]): number {
  const own = places.at(-1) as number;
  return Math.abs(own - before) - (Math.max(...places) - Math.min(...places));
}

function claimOf(
  outcomes: { readonly before: BenchmarkOutcomes; readonly places: readonly BenchmarkOutcomes[] },
  layer: number,
): ClaimResult {
  const { before, places } = outcomes;
  return intervalClaim(accuracyStatistic([before, ...places], blockOverPlace), {
    claim: "place_matters_less_than_block",
    statement: "Where in a block the vector is added matters less than which block it is added to.",
    name: `|MLP of block ${layer} − MLP of block ${
      layer - 1
    }| minus the range over the places of block ${layer}`,
    range: { above: 0 },
    note: "Holds when the interval lies above 0, fails when it lies below, open otherwise. " +
      "The range of noisy accuracies is drawn too wide, which speaks against the claim.",
  });
}

async function run({ lab, open, asPublished = false }: Bench): Promise<Findings> {
  const zoo = await open("a"), layer = zoo.layers - 3;
  if (layer < 1) {
    throw new InputError(`a model of ${zoo.layers} layers has no late block with one before it`, {
      where: zoo.entry.modelFolder,
      repair: "use a model of at least 4 layers",
    });
  }
  const runOf = (place: typeof PLACES[number]["place"]): RunName =>
    place === "mlp" ? `layer-${layer}` : `place-${place}-${layer}`;
  await requireRuns(zoo, [`layer-${layer - 1}`, ...PLACES.map(({ place }) => runOf(place))]);
  const decoding = "sampling" as const;
  const base = accuracyInterval(await lab.outcomes({ zoo, run: null, decoding }));
  const [before, ...places] = await lab.outcomesOf([
    { zoo, run: `layer-${layer - 1}`, decoding },
    ...PLACES.map(({ place }) => ({ zoo, run: runOf(place), decoding })),
  ]);
  const published = await lab.outcomesOf(
    await Promise.all(DOUBLED.map(async ({ place }) => {
      const trained = await zoo.trained(runOf(place));
      return { zoo, run: trained.map((treatment) => ({ ...treatment, asPublished: true })), decoding };
    })),
  );
  const previous = accuracyInterval(before), byPlace = places.map((place) => accuracyInterval(place));
  const twice = published.map((place) => accuracyInterval(place));
  const values: MetricValue[] = [
    accuracyMetric("accuracy.base", base),
    accuracyMetric("accuracy.block_before.mlp", previous, seedNote(previous)),
    ...PLACES.map(({ place }, index) => {
      const accuracy = byPlace[index] as typeof previous;
      return accuracyMetric(`accuracy.block.${place}`, accuracy, seedNote(accuracy));
    }),
    ...DOUBLED.map(({ place }, index) =>
      accuracyMetric(
        `accuracy.block.${place}.as_published`,
        twice[index] as typeof previous,
        "The vector of the norm is added once more to the output of the module that reads it.",
      )
    ),
  ];
  const bar = (series: string, accuracy: typeof previous) => ({ series, ...barOf(accuracy) });
  // The published bars of the norms are those of vectors added twice.
  const shown = PLACES.map(({ place }, index) => {
    const again = asPublished ? twice[DOUBLED.findIndex((other) => other.place === place)] : undefined;
    return again ?? byPlace[index] as typeof previous;
  });
  const subject = "Vector", once = "Added once", doubled = "Added twice";
  const spec = figureSpec([
    accuracyBars({
      title: "a  Place and block",
      series: [{ name: subject }],
      groups: [
        { label: "No vector\n ", bars: [bar(subject, base)] },
        { label: `Block ${layer - 1}\nMLP`, bars: [bar(subject, previous)] },
        ...PLACES.map(({ label }, index) => ({
          label: `Block ${layer}\n${label}`,
          bars: [bar(subject, shown[index] as typeof previous)],
        })),
      ],
      yTitle: "Mean accuracy (%)",
      width: 470,
    }),
    accuracyBars({
      title: "b  The same vector, added twice",
      series: [{ name: once, colour: FIGURE_COLOURS.subject }, {
        name: doubled,
        colour: FIGURE_COLOURS.companion,
      }],
      groups: DOUBLED.map(({ place, label }, index) => ({
        label: `Block ${layer}\n${label}`,
        bars: [
          bar(once, byPlace[PLACES.findIndex((other) => other.place === place)] as typeof previous),
          bar(doubled, twice[index] as typeof previous),
        ],
      })),
      yTitle: "Mean accuracy (%)",
      width: 230,
    }),
  ], {
    title: "Where in a late block the vector is added (inferred number: Appendix C)",
    subtitle: [
      `${zoo.entry.name}, mean of ${
        setsText(lab.asked)
      }, τ = 1. Each place has a vector of its own, trained there.`,
      "Bars: 95 % bootstrap over problems and seeds.",
    ],
  });
  return { spec, values, claims: [claimOf({ before, places }, layer)] };
}

/** Fig 12 (inferred number): vectors at four places of a late block, and in the block before it. */
export const fig12: Reproduction = {
  id: "fig12",
  slug: "add-place",
  title: "Where in a late block the vector is added (inferred number: Appendix C)",
  itemClass: "inferred",
  publishedFault: "vectors of norms are added twice.",
  differences: [
    "A norm's vector is added once, in training and in evaluation; the published rollouts add it a second time to the " +
    "output of the module that reads the norm (`*.as_published`), where training does not.",
    "The published runs of the two blocks differ fivefold in learning rate; table5 says what ours have.",
    "The late block is the third from the end, as the paper's 25 of 28.",
  ],
  run,
};
