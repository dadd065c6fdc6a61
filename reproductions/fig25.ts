/**
 * fig25 (the number is our assignment, Appendix S): magnitude of rank-1 adapters against the alignment of what they add to.
 *
 * @module
 */
import { correlationInterval, leastSquaresLine } from "../lib/analysis/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import { figureSpec, type MetricValue, scatterPanels } from "../lib/report/mod.ts";
import { ADAPTER_DIFFERENCES, INFERRED, tracedLayers } from "./_adapters.ts";
import { intervalMetric } from "./_measured.ts";

/** Points drawn per layer; r and the line are those of all. */
const POINTS = 250;

async function run(bench: Bench): Promise<Findings> {
  const { asPublished = false } = bench;
  const { a, layers } = await tracedLayers(bench);
  const values: MetricValue[] = [];
  const still = "Not applicable: magnitude or alignment does not vary.";
  const panels = layers.map(({ layer, traces, magnitudes }) => {
    const { publishedR: published } = magnitudes.summary();
    const r = correlationInterval(traces.map((trace) => [trace.alignments, trace.magnitudes]));
    // The published magnitude is turned where its mean is negative, and what it is set against is not.
    const turn = asPublished && (published ?? 0) * (r.value ?? 0) < 0 ? -1 : 1;
    const interval = r.low === null || r.high === null ? null : [r.low, r.high] as const;
    values.push(
      intervalMetric(r, { name: `r.layer_${layer}`, unit: "correlation", why: still }),
      {
        name: `r.layer_${layer}.as_published`,
        value: published,
        unit: "correlation",
        note: published === null
          ? still
          : "The magnitude turned where its mean is negative, the direction not.",
      },
    );
    const line = leastSquaresLine(
      traces.flatMap((trace) => trace.alignments),
      traces.flatMap((trace) => trace.magnitudes.map((magnitude) => turn * magnitude)),
    );
    return {
      title: `Layer ${layer}`,
      points: magnitudes.points(POINTS).map(({ magnitude, alignment }) =>
        [alignment, turn * magnitude] as const
      ),
      r: asPublished ? published : r.value,
      ...(interval === null || asPublished ? {} : { interval }),
      ...(line === null ? {} : { line }),
    };
  });
  const spec = figureSpec(
    scatterPanels({ panels, xTitle: "cos(output, direction)", yTitle: "Magnitude", axes: "own" }),
    {
      title: "Magnitude of rank-1 adapters and alignment of the output they add to",
      subtitle: [
        `${a.entry.name}, an adapter on one layer's down-projection at a time. ${INFERRED}`,
        `r and line: all positions of ${layers[0]?.traces.length ?? 0} answers, τ = 1${
          asPublished ? "" : "; in brackets 95 % bootstrap over texts"
        }. ${POINTS} points drawn per layer.`,
      ],
      columns: 4,
    },
  );
  return { spec, values, claims: [] };
}

/** Fig 25 (inferred): magnitude against cos(down_proj output, direction), Pearson r per layer. */
export const fig25: Reproduction = {
  id: "fig25",
  slug: "adaptive-alignment",
  title: "Magnitude of rank-1 adapters and alignment of the output they add to",
  itemClass: "inferred",
  publishedFault: "magnitudes are turned where their mean is negative, directions are not.",
  differences: [
    ...ADAPTER_DIFFERENCES,
    "r is left alone when A and B change sign together; the published magnitude is turned and its direction is not. " +
    "Published rows padded with NaN have no r but for the longest.",
  ],
  run,
};
