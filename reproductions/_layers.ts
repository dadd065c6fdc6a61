import type { MetricValue } from "../lib/report/mod.ts";

/** Layers between the ends: without the first quarter and the last two. Empty in a model of three layers. */
export function middleLayers(count: number): readonly number[] {
  const from = Math.ceil(count / 4);
  return Array.from({ length: Math.max(0, count - 2 - from) }, (_, step) => from + step);
}

/** "2 to 5", "2", or "none", for titles and notes. */
export function layerRange(layers: readonly number[]): string {
  const first = layers[0], last = layers.at(-1);
  if (first === undefined) return "none";
  return first === last ? String(first) : `${first} to ${last}`;
}

/** A number that may not be applicable as a metric; `why` says why it is not. */
export function metricOrNull(metric: MetricValue, why: string): MetricValue {
  return metric.value === null ? { ...metric, uncertainty: undefined, note: why } : metric;
}
