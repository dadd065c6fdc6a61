/**
 * fig17: how the cosines of each layer's propagated shift with all unembedding rows spread.
 *
 * @module
 */
import { type CosineDistribution, cosineDistribution, symmetricEdges } from "../lib/analysis/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  propagation,
  type Reproduction,
  vocabularyLens,
} from "../lib/experiment/mod.ts";
import { figureSpec, histogramPanels, type MetricValue } from "../lib/report/mod.ts";
import { metricOrNull } from "./_layers.ts";
import { MEAN_SHIFT_FAULT, readPropagated } from "./_lens.ts";

/** Bins of each histogram, as published. */
const BINS = 50;
/** Shares of the quantiles that stand in the metrics; the outer two end the tails. */
const SHARES = [0.01, 0.1, 0.5, 0.9, 0.99] as const;

function distributionValues(
  name: string,
  found: CosineDistribution | null,
): readonly MetricValue[] {
  const numbers: readonly (readonly [string, number | null, string])[] = [
    ["mean", found?.mean ?? null, "cosine"],
    ["standard_deviation", found?.standardDeviation ?? null, "cosine"],
    ["skewness", found?.skewness ?? null, "standardised moment"],
    ["excess_kurtosis", found?.excessKurtosis ?? null, "standardised moment"],
    ["lowest", found?.lowest ?? null, "cosine"],
    ["highest", found?.highest ?? null, "cosine"],
    ...SHARES.map((share, place) =>
      [`quantile_${Math.round(100 * share)}`, found?.quantiles[place]?.value ?? null, "cosine"] as const
    ),
  ];
  return numbers.map(([part, value, unit]) =>
    metricOrNull({ name: `${name}.${part}`, value, unit }, "Not applicable: the vector shifts nothing.")
  );
}

async function run({ lab, open, asPublished = false }: Bench): Promise<Findings> {
  const a = await open("a"), found = await propagation(lab, a), { lens, languages } = await vocabularyLens(a);
  const layers = readPropagated(lens, found);
  // Rows without a token have readings that no text can show.
  const named = (cosines: Float64Array) => cosines.filter((_, token) => languages[token] !== "none");
  const cosines = layers.map(({ raw }) => raw === null ? null : named(raw.mean.cosine));
  const drawn = asPublished
    ? layers.map(({ published }) => published === null ? null : named(published.mean.cosine))
    : cosines;
  const sizes = drawn.flatMap((of) => of === null ? [] : [...of].filter((value) => !Number.isNaN(value)))
    .map(Math.abs);
  if (sizes.length === 0) {
    throw new InputError("no vector of a single layer shifts anything", {
      where: a.entry.vectorsFolder,
      repair: "use vectors that are not zero",
    });
  }
  const limit = Math.min(1, 1.05 * sizes.reduce((x, y) => Math.max(x, y)));
  const edges = symmetricEdges(limit, { bins: BINS });
  const distribution = (of: Float64Array | null) =>
    of === null ? null : cosineDistribution(of, { edges, shares: SHARES });
  const distributions = cosines.map(distribution);
  const values: MetricValue[] = layers.flatMap(({ published }, layer) => [
    ...distributionValues(`layer_${layer}`, distributions[layer] ?? null),
    metricOrNull({
      name: `layer_${layer}.standard_deviation.as_published`,
      value: published === null
        ? null
        : cosineDistribution(named(published.mean.cosine), { edges: [-1, 1] }).standardDeviation,
      unit: "cosine",
      note: "With the positions of the prompt.",
    }, "Not applicable: the vector shifts nothing."),
  ]);
  values.push({
    name: "random_direction.standard_deviation",
    value: 1 / Math.sqrt(lens.embed),
    unit: "cosine",
    note: "1 / √embed: what a random direction has where rows are spread evenly.",
  });
  const drawnDistributions = drawn.map(distribution);
  const panels = drawnDistributions.flatMap((of, layer) => {
    if (of === null) return [];
    const low = of.quantiles[0]?.value as number, high = of.quantiles.at(-1)?.value as number;
    return [{
      title: `Layer ${layer}`,
      edges: of.histogram.edges,
      counts: of.histogram.counts,
      tails: [low, high] as const,
      note: `sd ${of.standardDeviation.toFixed(2)}${
        of.skewness === null ? "" : `, skew ${of.skewness.toFixed(1)}`
      }`
        .replaceAll("-", "−"),
    }];
  });
  const spec = figureSpec(histogramPanels({ panels, xTitle: "Cosine with the shift", yTitle: "Tokens" }), {
    title: "Cosines of each layer's propagated shift with all tokens",
    subtitle: [
      `${a.entry.name}: mean shift behind the last block, ${
        asPublished ? "prompt and answer" : "answer"
      } positions of ${
        found[0]?.[0]?.texts ?? 0
      } held-out problems, τ = 1; mean of ${found.length} training seed${found.length === 1 ? "" : "s"}.`,
      `${
        drawnDistributions.find((of) => of !== null)?.count ?? 0
      } tokens. Dashed: 1 % and 99 %, beyond them the tails. A random direction has sd ${
        (1 / Math.sqrt(lens.embed)).toFixed(2)
      }.`,
    ],
    columns: Math.min(4, panels.length),
    spacing: 26,
  });
  return { spec, values, claims: [] };
}

/** Fig 17: distribution of the cosines of the propagated shift with all unembedding rows, per layer. */
export const fig17: Reproduction = {
  id: "fig17",
  slug: "unembedding-cosines",
  title: "Cosines of each layer's propagated shift with all tokens",
  itemClass: "code",
  publishedFault: MEAN_SHIFT_FAULT,
  differences: [
    "All layers have a panel and the same bins; the published figure leaves out the last four layers of a model of 32.",
    "Positions are those that predict the answer; the published means count the prompt too (*.as_published).",
    "Rows of the unembedding without a token are left out.",
  ],
  run,
};
