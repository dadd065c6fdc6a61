/**
 * fig24 (the number is our assignment, Appendix S): histograms of the magnitudes of rank-1 adapters by layer.
 *
 * @module
 */
import { quantile } from "../lib/core/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import { figureSpec, histogramPanels, type MetricValue } from "../lib/report/mod.ts";
import { ADAPTER_DIFFERENCES, INFERRED, signOf, tracedLayers } from "./_adapters.ts";

/** Bins of each histogram, as published. */
const BINS = 50;

async function run(bench: Bench): Promise<Findings> {
  const { a, layers } = await tracedLayers(bench);
  const values: MetricValue[] = [];
  const relative = layers.map((traced) => {
    const { meanOutputNorm } = traced.magnitudes.summary(), sign = signOf(traced);
    const all = meanOutputNorm === 0
      ? []
      : traced.traces.flatMap(({ magnitudes }) =>
        magnitudes.map((magnitude) => sign * magnitude / meanOutputNorm)
      );
    const metric = (name: string, read: (list: readonly number[]) => number, unit: string): MetricValue => ({
      name: `${name}.layer_${traced.layer}`,
      value: all.length === 0 ? null : read(all),
      unit,
      note: all.length === 0 ? "Not applicable: every output is 0." : undefined,
    });
    values.push(
      metric("quantile_05", (list) => quantile(list, 0.05), "ratio"),
      metric("quantile_50", (list) => quantile(list, 0.5), "ratio"),
      metric("quantile_95", (list) => quantile(list, 0.95), "ratio"),
      metric("positive_share", (list) => list.filter((value) => value > 0).length / list.length, "share"),
    );
    return all;
  });
  const everything = relative.flat();
  const low = everything.reduce((x, y) => Math.min(x, y), 0);
  const high = everything.reduce((x, y) => Math.max(x, y), 0);
  const span = high > low ? high - low : 1;
  const edges = Array.from({ length: BINS + 1 }, (_, bin) => low + span * bin / BINS);
  const panels = layers.map(({ layer, magnitudes }, row) => {
    const known = (relative[row] as number[]).length > 0;
    const counts = known ? [...magnitudes.histogram(edges).counts] : edges.slice(1).map(() => 0);
    return { title: `Layer ${layer}`, edges, counts };
  });
  const spec = figureSpec(
    histogramPanels({ panels, xTitle: "Magnitude over mean output norm", yTitle: "Positions" }),
    {
      title: "Magnitudes of rank-1 adapters",
      subtitle: [
        `${a.entry.name}, an adapter on one layer's down-projection at a time. ${INFERRED}`,
        `All positions of ${
          layers[0]?.traces.length ?? 0
        } answers to held-out problems, τ = 1; turned so that the mean is positive.`,
      ],
      columns: 4,
    },
  );
  return { spec, values, claims: [] };
}

/** Fig 24 (inferred): histograms of magnitudes per layer. */
export const fig24: Reproduction = {
  id: "fig24",
  slug: "adaptive-histograms",
  title: "Magnitudes of rank-1 adapters",
  itemClass: "inferred",
  differences: [...ADAPTER_DIFFERENCES, "All layers share their bins, so that widths can be compared."],
  run,
};
