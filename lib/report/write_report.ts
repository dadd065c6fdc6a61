import { ensureFolder, writeFileAtomic } from "../checkpoint/mod.ts";
import { InputError, type Json } from "../core/mod.ts";
import { type Metrics, serializeMetrics } from "./metrics.ts";
import type { VegaLiteSpec } from "./charts/vega_lite.ts";

/** Everything a reproduced table or figure leaves behind. */
export interface Report {
  /** The figure as a specification: `spec.vl.json`. */
  readonly spec: VegaLiteSpec;
  /** The figure as SVG: `figure.svg`. */
  readonly svg: string;
  /** The figure as PNG: `figure.png`. */
  readonly png: Uint8Array;
  /** The numbers: `metrics.json`. */
  readonly metrics: Metrics;
  /** When, how long, where, with which versions: `run.json`, the only file that differs between two equal runs. */
  readonly run: Readonly<Record<string, Json>>;
}

/**
 * Writes the five files of a report into `folder`, which is made when missing. Each file appears whole or not at all;
 * `run.json` comes last, so that it stands only beside a complete report. Everything is serialised before anything
 * is written. Returns the paths.
 *
 * @throws InputError naming the folder or file that cannot be written; TypeError when the metrics are not valid.
 *
 * @example
 * ```ts
 * import { type Metrics, writeReport } from "./mod.ts";
 * const metrics: Metrics = {
 *   schemaVersion: 1, id: "fig1", title: "Accuracy by layer", profile: "embedded", values: [], checks: [],
 *   claims: [], inputs: {}, seed: 0, device: "cpu", dtype: "float32", versions: {},
 * };
 * const folder = await Deno.makeTempDir();
 * const paths = await writeReport(`${folder}/fig1`, { spec: {}, svg: "<svg/>", png: new Uint8Array(), metrics, run: {} });
 * await Deno.remove(folder, { recursive: true });
 * if (paths.length !== 5) throw new Error("five files expected");
 * ```
 */
export async function writeReport(folder: string, report: Report): Promise<readonly string[]> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const files = [
    { name: "spec.vl.json", content: json(report.spec) },
    { name: "figure.svg", content: `${report.svg.trimEnd()}\n` },
    { name: "figure.png", content: report.png },
    { name: "metrics.json", content: serializeMetrics(report.metrics) },
    { name: "run.json", content: json(report.run) },
  ];
  await ensureFolder(folder);
  // An old run.json would vouch for files that are about to be replaced.
  await Deno.remove(`${folder}/run.json`).catch((cause) => {
    if (cause instanceof Deno.errors.NotFound) return;
    const repair = "choose a folder that can be written";
    throw new InputError("cannot replace the file", { where: `${folder}/run.json`, repair, cause });
  });
  for (const { name, content } of files) await writeFileAtomic(`${folder}/${name}`, content);
  return files.map(({ name }) => `${folder}/${name}`);
}
