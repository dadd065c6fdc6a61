import type { AccuracyInterval, BenchmarkOutcomes } from "../lib/analysis/mod.ts";
import type { MetricValue, Uncertainty } from "../lib/report/mod.ts";

/** The bootstrap interval of an accuracy, as the uncertainty of a metric. */
export function intervalOf({ level, low, high }: AccuracyInterval): Uncertainty {
  return { kind: "interval", level, low, high };
}

/** An accuracy as a metric, with its bootstrap interval over problems and seeds. */
export function accuracyMetric(name: string, accuracy: AccuracyInterval, note?: string): MetricValue {
  const uncertainty = intervalOf(accuracy);
  return { name, value: accuracy.percent, unit: "%", uncertainty, ...(note === undefined ? {} : { note }) };
}

/** Several runs as training seeds of one condition, so that a mean over them has a paired interval too. */
export function pooled(runs: readonly BenchmarkOutcomes[]): BenchmarkOutcomes {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, runs.flatMap((run) => run[name] ?? [])]));
}

/** ± one standard deviation over evaluation seeds, where there are several. */
export function seedBand(accuracy: AccuracyInterval): { readonly band?: readonly [number, number] } {
  const std = accuracy.evaluationSeedStd;
  return std === null ? {} : { band: [accuracy.percent - std, accuracy.percent + std] };
}
