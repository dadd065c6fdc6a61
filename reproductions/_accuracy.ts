import type { AccuracyInterval, BenchmarkOutcomes } from "../lib/analysis/mod.ts";
import type { MetricValue } from "../lib/report/mod.ts";
import { intervalMetric, type Measured } from "./_measured.ts";

/** An accuracy as a metric, with its bootstrap interval over problems and seeds. */
export function accuracyMetric(name: string, accuracy: Measured, note?: string): MetricValue {
  return intervalMetric(accuracy, { name, unit: "%", note });
}

/** A difference of accuracies as a metric, with its paired bootstrap interval. */
export function pointsMetric(name: string, difference: Measured, note?: string): MetricValue {
  return intervalMetric(difference, { name, unit: "points", note });
}

/** The height of an accuracy in a chart, with its error bar. */
export function barOf({ percent, low, high }: AccuracyInterval) {
  return { value: percent, error: [low, high] as const };
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

/** Outcomes of conditions that were measured side by side, as many training seeds of one condition, each alone. */
export function separated(outcomes: BenchmarkOutcomes): readonly BenchmarkOutcomes[] {
  const names = Object.keys(outcomes), count = outcomes[names[0] ?? ""]?.length ?? 0;
  return Array.from(
    { length: count },
    (_, turn) =>
      Object.fromEntries(names.map((name) => [name, (outcomes[name] ?? []).slice(turn, turn + 1)])),
  );
}

/** The outcomes on the first problems of each family, which conditions that were measured on fewer are paired with. */
export function onFirst(
  outcomes: BenchmarkOutcomes,
  options: { readonly problems: number },
): BenchmarkOutcomes {
  return Object.fromEntries(
    Object.entries(outcomes).map(([name, runs]) => [
      name,
      runs.map((seeds) => seeds.map((problems) => problems.slice(0, options.problems))),
    ]),
  );
}
