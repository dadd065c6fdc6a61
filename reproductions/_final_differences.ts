import {
  cosineMatrix,
  finalDifferenceSimilarity,
  type MeanInterval,
  type SimilarityBlocks,
  similarityBlocks,
  type TextDifferences,
} from "../lib/analysis/mod.ts";
import { mean } from "../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  type ModelRole,
  propagation,
  type Reproduction,
} from "../lib/experiment/mod.ts";
import { type ClaimResult, figureSpec, heatMap, type MetricValue } from "../lib/report/mod.ts";
import { metricOrNull } from "./_layers.ts";
import { INFERRED_FIGURE, MEAN_SHIFT_FAULT } from "./_lens.ts";
import { intervalClaim, intervalMetric } from "./_measured.ts";

type Matrix = readonly (readonly (number | null)[])[];

/** What "highly similar" means: within 60° of each other. The line is ours. */
const ALIKE_ABOVE = 0.5;
/** A difference of mean cosines that counts as another mechanism. The line is ours. */
const APART_ABOVE = 0.1;
/** Labels fit into the cells of this many layers. */
const MOST_WRITTEN = 14;

/** Mean of matrices, cell by cell; null where one of them has none. */
function meanMatrix(matrices: readonly Matrix[]): Matrix {
  return (matrices[0] ?? []).map((row, i) =>
    row.map((_, j) => {
      const cells = matrices.map((matrix) => matrix[i]?.[j] ?? null);
      return cells.includes(null) ? null : mean(cells as number[]);
    })
  );
}

/** Means over the block of earlier layers and over the last column of one matrix. */
function blocksOf(matrix: Matrix): { readonly among: number | null; readonly withLast: number | null } {
  const last = matrix.length - 1;
  const cells = (within: (j: number) => boolean) =>
    matrix.flatMap((row, i) => row.filter((_, j) => j > i && within(j)));
  const average = (values: readonly (number | null)[]) =>
    values.length === 0 || values.includes(null) ? null : mean(values as number[]);
  return { among: average(cells((j) => j < last)), withLast: average(cells((j) => j === last)) };
}

/** The claims of figures 4 and 18; `why` says why there are no blocks. */
export function finalDifferenceClaims(
  blocks: SimilarityBlocks | null,
  why: string,
): readonly ClaimResult[] {
  const above = (limit: number) => ({
    unit: "cosine",
    range: { above: limit },
    note: `Holds when the interval lies above ${limit}, fails when it lies below.`,
    why,
  });
  return [
    intervalClaim(blocks?.among ?? null, {
      claim: "earlier_layers_alike",
      statement:
        "Mean final-layer shifts of vectors in layers before the last are highly similar to each other.",
      name: "mean cosine of the final shifts of two layers before the last",
      ...above(ALIKE_ABOVE),
    }),
    intervalClaim(blocks?.difference ?? null, {
      claim: "last_layer_apart",
      statement: "The last layer's own shift is another one: its row and column are low.",
      name: "mean cosine among earlier layers minus that with the last layer",
      ...above(APART_ABOVE),
    }),
  ];
}

/** Figures 4 and 18: cosines of the mean final-layer shifts of one model. */
async function finalDifferenceFindings(
  { lab, open, asPublished = false }: Bench,
  options: { readonly role: ModelRole; readonly title: string; readonly remark?: string },
): Promise<Findings> {
  const zoo = await open(options.role), found = await propagation(lab, zoo);
  const shifts = found.map((seed): readonly TextDifferences[] =>
    seed.map(({ finalDifferences }) => finalDifferences)
  );
  const matrix = meanMatrix(shifts.map(finalDifferenceSimilarity));
  const published = meanMatrix(found.map((seed) => {
    const rows = seed.map((source) => source.published.finalDifference);
    return cosineMatrix(rows, rows);
  }));
  const silent = matrix.findIndex((row, layer) => row[layer] === null);
  const why = zoo.layers < 3
    ? `Not applicable: ${zoo.layers} layers have no two before the last.`
    : `Not applicable: the vector of layer ${silent} shifts nothing.`;
  const blocks = zoo.layers < 3 || silent >= 0 ? null : similarityBlocks(shifts, { draws: 1000 });
  const values: MetricValue[] = [];
  for (
    const [name, block, part] of [
      ["among_earlier", blocks?.among, "among"],
      ["with_last", blocks?.withLast, "withLast"],
      ["difference", blocks?.difference, "difference"],
    ] as const
  ) {
    values.push(intervalMetric(block ?? null, { name: `similarity.${name}`, unit: "cosine", why }));
    const { among, withLast } = blocksOf(published);
    const publishedBlock = blocks === null || among === null || withLast === null
      ? null
      : { among, withLast, difference: among - withLast }[part];
    values.push(metricOrNull({
      name: `similarity.${name}.as_published`,
      value: publishedBlock,
      unit: "cosine",
      note: "With the positions of the prompt.",
    }, why));
  }
  matrix.forEach((row, i) =>
    row.forEach((value, j) => {
      if (j <= i) return;
      const perSeed = shifts.map((seed) =>
        finalDifferenceSimilarity([seed[i], seed[j]] as TextDifferences[])[0]?.[1] ?? null
      );
      values.push(metricOrNull({
        name: `similarity.layer_${i}.layer_${j}`,
        value,
        unit: "cosine",
        note: `Training seeds: ${perSeed.map((cosine) => cosine?.toFixed(3) ?? "none").join(", ")}.`,
      }, "Not applicable: one of the two vectors shifts nothing."));
    })
  );
  const block = (name: string, interval: MeanInterval) =>
    `${name} ${interval.mean.toFixed(2)} [${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`;
  const spec = figureSpec([
    heatMap({
      values: asPublished ? published : matrix,
      rowTitle: "Steered layer i",
      columnTitle: "Steered layer j",
      barTitle: "cos(mᵢ, mⱼ)",
      colours: { high: 1 },
      ...(zoo.layers <= MOST_WRITTEN ? { cellDigits: 2 } : {}),
    }),
  ], {
    title: options.title,
    subtitle: [
      ...(options.remark === undefined ? [] : [options.remark]),
      `${zoo.entry.name}: m is the mean shift behind the last block`,
      `${asPublished ? "of prompt and answer" : "at answer positions"}, ${
        found[0]?.[0]?.texts ?? 0
      } problems, τ = 1.`,
      ...(blocks === null || asPublished ? [] : [
        `${block("Earlier layers:", blocks.among)},`,
        `${block("with the last:", blocks.withLast)}; 95 % bootstrap.`,
      ]),
    ],
  });
  return { spec, values, claims: finalDifferenceClaims(blocks, why) };
}

const differences = [
  "Positions are those that predict the answer; the published means count the prompt too and leave the last two positions out (*.as_published).",
  "Shifts are float32; the published ones are differences of bfloat16 residuals.",
  "Problems are held out; the published ones belong to the training set.",
];

const fig04Title = "How alike the final-layer shifts of different layers are";
/** Fig 4: cosine between the mean final-layer shifts of layers i and j. */
export const fig04: Reproduction = {
  id: "fig4",
  slug: "final-shift-similarity",
  title: fig04Title,
  itemClass: "caption",
  publishedFault: MEAN_SHIFT_FAULT,
  differences,
  run: (bench) => finalDifferenceFindings(bench, { role: "a", title: fig04Title }),
};

const fig18Title = "How alike the final-layer shifts of different layers are, second model";
/** Fig 18 (inferred): as fig 4, on the second model. */
export const fig18: Reproduction = {
  id: "fig18",
  slug: "final-shift-similarity-b",
  title: fig18Title,
  itemClass: "inferred",
  publishedFault: MEAN_SHIFT_FAULT,
  differences,
  run: (bench) => finalDifferenceFindings(bench, { role: "b", title: fig18Title, remark: INFERRED_FIGURE }),
};
