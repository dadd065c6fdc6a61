/**
 * fig23 (the number is our assignment, Appendix S): mean and median magnitude of rank-1 adapters by layer.
 *
 * @module
 */
import { textInterval } from "../lib/analysis/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import { figureSpec, layerCurve, type MetricValue } from "../lib/report/mod.ts";
import { ADAPTER_DIFFERENCES, INFERRED, signOf, type TracedLayer, tracedLayers } from "./_adapters.ts";
import { intervalMetric } from "./_measured.ts";

/** Σ m or Σ |m| over Σ ‖y‖, with its interval over texts. */
function relative(traced: TracedLayer, kind: "mean" | "mean_absolute") {
  const sign = signOf(traced);
  return textInterval(traced.traces.map(({ magnitudes, outputNorms }) => [magnitudes, outputNorms]), {
    terms: ([m, norm]) => [kind === "mean" ? sign * (m as number) : Math.abs(m as number), norm as number],
    statistic: (sums) => sums[1] === 0 ? null : (sums[0] as number) / (sums[1] as number),
  });
}

async function run(bench: Bench): Promise<Findings> {
  const { a, layers } = await tracedLayers(bench);
  const values: MetricValue[] = [];
  const curves = [
    { name: "Mean |magnitude|", kind: "mean_absolute" as const },
    { name: "Mean", kind: "mean" as const },
    { name: "Median", kind: "median" as const },
  ].map(({ name, kind }) => ({
    name,
    points: layers.flatMap((traced) => {
      const { layer } = traced;
      const read = kind === "median"
        ? { value: traced.magnitudes.summary().relativeMedian, low: null, high: null, level: 0.95 }
        : relative(traced, kind);
      values.push(intervalMetric(read, {
        name: `relative_${kind}.layer_${layer}`,
        unit: "ratio",
        why: "Not applicable: every output is 0.",
      }));
      if (read.value === null) return [];
      const error = read.low === null || read.high === null ? {} : { error: [read.low, read.high] as const };
      return [{ layer, value: read.value, ...error }];
    }),
  }));
  const drawn = curves.filter(({ points }) => points.length > 0);
  const nothing = [{ name: "nothing to show", points: [{ layer: 0, value: 0 }] }];
  const spec = figureSpec([layerCurve({
    curves: drawn.length > 0 ? drawn : nothing,
    yTitle: "Magnitude over mean output norm",
    digits: 2,
  })], {
    title: "Magnitude of rank-1 adapters by layer",
    subtitle: [
      `${a.entry.name}, an adapter on one layer's down-projection at a time. ${INFERRED}`,
      `${
        layers[0]?.traces.length ?? 0
      } answers to held-out problems, τ = 1, all positions. Bars: 95 % bootstrap over texts.`,
    ],
  });
  return { spec, values, claims: [] };
}

/** Fig 23 (inferred): mean, median and mean |magnitude| over the mean output norm, per layer. */
export const fig23: Reproduction = {
  id: "fig23",
  slug: "adaptive-by-layer",
  title: "Magnitude of rank-1 adapters by layer",
  itemClass: "inferred",
  differences: [
    ...ADAPTER_DIFFERENCES,
    "The line of mean |magnitude| has a place of its own; the published file of the median is overwritten by it.",
  ],
  run,
};
