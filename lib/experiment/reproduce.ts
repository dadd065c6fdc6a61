import {
  compareMetrics,
  type Expectation,
  FONT_VERSION,
  type Metrics,
  renderPng,
  renderSvg,
  writeReport,
} from "../report/mod.ts";
import { runtimeReport } from "../runtime/mod.ts";
import type { Bench, Reproduction } from "./reproduction.ts";

/** Facts of one run that are not part of the result: times, machine, folders. */
export type RunFacts = Parameters<typeof writeReport>[1]["run"];

/**
 * Makes one table or figure: measures, compares with what was expected, draws, writes the five files. Returns the
 * metrics. `runFacts` is asked last, so that it may hold the time taken.
 */
export async function reproduce(
  item: Reproduction,
  options: {
    readonly bench: Bench;
    readonly expectations: readonly Expectation[] | null;
    readonly profile: "embedded" | "paper";
    readonly folder: string;
    readonly runFacts: () => RunFacts;
  },
): Promise<Metrics> {
  const { bench, expectations, profile } = options;
  const { spec, values, claims } = await item.run(bench);
  const source = `fixtures/${profile}/expected/${item.id}.json`;
  const checks = expectations === null ? [] : compareMetrics(values, expectations, { source });
  const metrics: Metrics = {
    schemaVersion: 1,
    id: item.id,
    title: item.title,
    profile,
    values,
    checks,
    claims,
    inputs: bench.lab.inputs,
    seed: bench.lab.seed,
    device: bench.lab.device,
    dtype: "float32",
    versions: { onnxruntime: runtimeReport().version, font: FONT_VERSION },
  };
  const svg = await renderSvg(spec);
  const png = await renderPng(svg);
  await writeReport(options.folder, { spec, svg, png, metrics, run: options.runFacts() });
  return metrics;
}
