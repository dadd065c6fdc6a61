import { InputError, type Json } from "../core/mod.ts";
import { type Metrics, serializeMetrics } from "./metrics.ts";
import type { VegaLiteSpec } from "./vega_lite.ts";

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

/** Writes beside the target, then renames: a reader, or a run that was cut off, never leaves half a file there. */
async function writeWhole(
  folder: string,
  file: { readonly name: string; readonly content: string | Uint8Array },
) {
  const target = `${folder}/${file.name}`, draft = `${folder}/.${file.name}.draft`;
  try {
    const bytes = typeof file.content === "string" ? new TextEncoder().encode(file.content) : file.content;
    await Deno.writeFile(draft, bytes);
    await Deno.rename(draft, target);
  } catch (cause) {
    await Deno.remove(draft).catch(() => undefined); // The first fault is the one to tell.
    throw new InputError("cannot write a result", {
      where: target,
      repair: "pass --out with a folder to write to",
      cause,
    });
  }
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
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (cause) {
    const repair = "pass --out with a folder to write to";
    throw new InputError("cannot make the output folder", { where: folder, repair, cause });
  }
  // An old run.json would vouch for files that are about to be replaced.
  await Deno.remove(`${folder}/run.json`).catch((cause) => {
    if (cause instanceof Deno.errors.NotFound) return;
    const repair = "pass --out with a folder to write to";
    throw new InputError("cannot replace a result", { where: `${folder}/run.json`, repair, cause });
  });
  for (const file of files) await writeWhole(folder, file);
  return files.map(({ name }) => `${folder}/${name}`);
}
