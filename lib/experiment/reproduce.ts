import {
  comparedValues,
  compareMetrics,
  compareWithPaper,
  type Expectation,
  FONT_VERSION,
  type Metrics,
  paperChecks,
  type PaperItem,
  renderPng,
  renderSvg,
  type Report,
  withSubtitle,
  writeReport,
} from "../report/mod.ts";
import { runtimeReport } from "../runtime/mod.ts";
import type { Bench, Reproduction } from "./reproduction.ts";

/** Facts of one run that are not part of the result: times, machine, folders. */
export type RunFacts = Report["run"];

/** How an item is reproduced. */
export interface ReproduceOptions {
  /** What measures it. */
  readonly bench: Bench;
  /** What it should be; null checks nothing. */
  readonly expectations: readonly Expectation[] | null;
  /** Whether the run is of the first seed that was recorded. `@default "recorded"` */
  readonly at?: "recorded" | "other";
  /** Where the expected values come from, for the metrics: a path within the repository. */
  readonly source: string;
  /** What the paper says; null where nothing is known. */
  readonly paper: PaperItem | null;
  /** Which models measure it. */
  readonly profile: string;
  /**
   * Whether its models are the paper's: layers of one index lie at one depth, and what the paper says is expected.
   * `@default false`
   */
  readonly paperModels?: boolean;
  /** Where the five files go. */
  readonly folder: string;
  /** Asked last, so that it may hold the time taken. */
  readonly runFacts: () => RunFacts;
}

/**
 * Makes one table or figure: measures, compares with what was expected, draws, writes the five files of a
 * {@link Report}. Returns the metrics.
 *
 * @throws InputError for bad input and for an expected metric that the item does not have.
 */
export async function reproduce(item: Reproduction, options: ReproduceOptions): Promise<Metrics> {
  const { bench, expectations, at = "recorded", source, paper, profile, paperModels = false } = options;
  const { spec: drawn, values, claims } = await item.run({ ...bench, paper });
  const fault = bench.asPublished === true ? item.publishedFault : undefined;
  const spec = fault === undefined ? drawn : withSubtitle(drawn, `As published: ${fault}`);
  const metrics: Metrics = {
    schemaVersion: 1,
    id: item.id,
    title: item.title,
    profile,
    values,
    checks: paperModels && paper !== null
      ? paperChecks(values, paper, { source })
      : expectations === null
      ? []
      : compareMetrics(comparedValues({ values, claims }), expectations, { source, at }),
    claims,
    ...(paper === null
      ? {}
      : { paper: compareWithPaper(values, paper, { layers: paperModels ? "same" : "other" }) }),
    inputs: bench.lab.inputs,
    seed: bench.lab.seed,
    device: bench.lab.device,
    dtype: bench.lab.dtype,
    versions: { onnxruntime: runtimeReport().version, font: FONT_VERSION },
  };
  const svg = await renderSvg(spec);
  const png = await renderPng(svg);
  await writeReport(options.folder, { spec, svg, png, metrics, run: options.runFacts() });
  return metrics;
}
