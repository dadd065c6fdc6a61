import { basename } from "node:path";
import { z } from "zod";
import type { ModelConfig } from "../lib/checkpoint/mod.ts";
import { InputError, mean, standardDeviation } from "../lib/core/mod.ts";
import { loadVectors } from "../lib/decode/mod.ts";
import { type CorpusConfig, type CorpusGroup, corpusReport, WRITERS } from "../lib/problems/mod.ts";
import { parseSteeringConfig } from "../lib/train/mod.ts";
import { markdownTable } from "./_markdown_table.ts";

/**
 * Puts new lines between the marks of every section, `<!-- NAME -->` and `<!-- /NAME -->`, each a line of its own.
 * Throws an InputError where marks are missing or out of order.
 */
export function replaceSections(
  text: string,
  sections: Readonly<Record<string, readonly string[]>>,
  options: { readonly where: string },
): string {
  return Object.entries(sections).reduce((card, [name, content]) => {
    const open = `<!-- ${name} -->`, close = `<!-- /${name} -->`;
    // A card may speak of its marks: only those that have a line to themselves count.
    const start = `\n${card}`.indexOf(`\n${open}\n`), end = `\n${card}`.indexOf(`\n${close}\n`);
    if (start < 0 || end < start) {
      throw new InputError(`the card has no place for "${name}"`, {
        where: options.where,
        repair: `add the lines ${open} and ${close}`,
      });
    }
    const lines = [open, "", ...content, ""].join("\n");
    return `${card.slice(0, start)}${lines}\n${card.slice(end)}`;
  }, text);
}

const percent = (share: number | null): string => share === null ? "-" : (share * 100).toFixed(1);

/** What a mixture's text comes to: by writer, by family, by opener. */
export function corpusSection(config: CorpusConfig, options: { readonly documents: number }): string[] {
  const report = corpusReport(config, { seed: 0, documents: options.documents });
  const cells = ({ share, accuracy, slipRate }: CorpusGroup): string[] => [
    percent(share),
    percent(accuracy),
    percent(slipRate),
  ];
  const numbers = ["documents %", "right %", "slips per step %"];
  const openers = Object.entries(report.openers).sort(([, a], [, b]) => b.documents - a.documents);
  return [
    ...markdownTable([
      ["writer at the start", ...numbers],
      ...WRITERS.map((writer) => [writer, ...cells(report.writers[writer])]),
      ["all", ...cells(report.overall)],
    ]),
    "",
    ...markdownTable([
      ["writer by name", ...numbers],
      ...WRITERS.map((writer) => [writer, ...cells(report.named[writer])]),
    ]),
    "",
    ...markdownTable([
      ["family", ...numbers],
      ...Object.entries(report.families).map(([family, group]) => [family, ...cells(group)]),
    ]),
    "",
    ...markdownTable([
      ["opener", ...numbers, ...WRITERS.map((writer) => `${writer} %`)],
      ...openers.map(([opener, group]) => [
        `\`${opener}\``,
        ...cells(group),
        ...WRITERS.map((writer) => percent(group.writers[writer])),
      ]),
    ]),
    "",
    ...markdownTable([
      ["corpus", "value"],
      ["documents counted", String(report.documents)],
      ["documents whose writer changes on the way, %", percent(report.switched)],
      ["characters of a question, mean", report.questionCharacters.toFixed(1)],
      ["characters of an answer, mean", report.answerCharacters.toFixed(1)],
    ]),
  ];
}

const PRETRAIN_LINE = z.object({
  step: z.int(),
  crossEntropyNats: z.number(),
  tokens: z.int(),
  adjointNorm: z.number(),
});
const STEERING_LINE = z.object({ step: z.int(), reward: z.number().min(-1).max(1) });

/** Lines of a training log, numbered from zero without a gap. */
function parseLog<T extends { readonly step: number }>(
  text: string,
  options: { readonly schema: z.ZodType<T>; readonly where: string },
): readonly T[] {
  return text.split("\n").filter((line) => line !== "").map((line, index) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = null; // the schema refuses it
    }
    const parsed = options.schema.safeParse(value);
    if (parsed.success && parsed.data.step === index) return parsed.data;
    throw new InputError(`line ${index + 1} of the log is not that of step ${index}`, {
      where: options.where,
      repair: "train again",
    });
  });
}

/** Steps at the end of a pretraining log whose cross-entropy is averaged. */
const LAST_PRETRAIN_STEPS = 50;

/** How a pretraining run ended. */
export function logSection(text: string, options: { readonly where: string }): string[] {
  const steps = parseLog(text, { ...options, schema: PRETRAIN_LINE });
  if (steps.length === 0) throw new InputError("the log is empty", { where: options.where });
  const last = steps.slice(-LAST_PRETRAIN_STEPS);
  const tokens = steps.reduce((sum, line) => sum + line.tokens, 0);
  return markdownTable([
    ["pretraining", "value"],
    ["steps", String(steps.length)],
    ["tokens read", String(tokens)],
    [`cross-entropy, step 0 (nats)`, (steps[0]?.crossEntropyNats as number).toFixed(3)],
    [
      `cross-entropy, mean of the last ${last.length} steps (nats)`,
      mean(last.map((line) => line.crossEntropyNats)).toFixed(3),
    ],
    [
      `adjoint norm before clipping, mean of the last ${last.length} steps`,
      mean(last.map((line) => line.adjointNorm)).toFixed(3),
    ],
  ]);
}

/** A trained set of vectors as its card shows it. */
export interface VectorRow {
  /** `all`, `layer-3`. */
  readonly run: string;
  readonly seed: number;
  readonly steps: number;
  readonly rolloutsPerStep: number;
  readonly learningRates: readonly number[];
  /** L2 norm of all its vectors together. */
  readonly norm: number;
  /** Accuracy in percent of each of the last steps' rollouts. */
  readonly lastPercents: readonly number[];
}

/** Single layers stand behind sets of several, in the order of their numbers. */
function byRun(a: VectorRow, b: VectorRow): number {
  const layer = (run: string): number => Number(/^layer-(\d+)$/.exec(run)?.[1] ?? -1);
  return layer(a.run) - layer(b.run) || (a.run < b.run ? -1 : a.run > b.run ? 1 : a.seed - b.seed);
}

/** Reads every `RUN.seed-N.safetensors` of a folder and the log beside it. */
export async function readVectorRows(
  folder: string,
  options: {
    readonly config: ModelConfig;
    /** Hash of the model that they must have been trained on. */
    readonly model: string;
    /** How many steps at the end count. */
    readonly last: number;
  },
): Promise<readonly VectorRow[]> {
  const rows: VectorRow[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".safetensors")) continue;
    const path = `${folder}/${name}`, stem = path.slice(0, -".safetensors".length);
    const run = /^(.+)\.seed-\d+$/.exec(basename(stem))?.[1];
    if (run === undefined) {
      throw new InputError("the name of the vectors does not say their run", {
        where: path,
        repair: "name them RUN.seed-N.safetensors",
      });
    }
    const { vectors, metadata } = await loadVectors(path, options.config);
    if (metadata.get("model") !== options.model) {
      throw new InputError("these vectors were trained on another model", {
        where: path,
        repair: "train them again",
      });
    }
    let made: unknown;
    try {
      made = JSON.parse(metadata.get("config") ?? "");
    } catch {
      made = null; // refused below as no config
    }
    const config = parseSteeringConfig(made, { where: path });
    const where = `${stem}.log.jsonl`;
    const log = parseLog(await Deno.readTextFile(where), { schema: STEERING_LINE, where });
    if (log.length !== config.steps) {
      throw new InputError(`the log has ${log.length} steps, the vectors ${config.steps}`, { where });
    }
    const values = [...vectors.values()].flatMap((vector) => [...vector]);
    rows.push({
      run,
      seed: config.seed,
      steps: config.steps,
      rolloutsPerStep: config.prompts * config.samples,
      learningRates: config.learningRates,
      norm: Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)),
      lastPercents: log.slice(-options.last).map(({ reward }) => (reward + 1) * 50),
    });
  }
  if (rows.length === 0) throw new InputError("no vectors in this folder", { where: folder });
  return rows.sort(byRun);
}

/** Standard error of a mean over steps; "-" where there is one alone. */
function standardError(values: readonly number[]): string {
  return values.length < 2
    ? "-"
    : (standardDeviation(values, { ddof: 1 }) / Math.sqrt(values.length)).toFixed(1);
}

/** The table of vectors. */
export function vectorsSection(rows: readonly VectorRow[], options: { readonly last: number }): string[] {
  const { last } = options;
  const rates = (list: readonly number[]): string => {
    const low = Math.min(...list), high = Math.max(...list);
    return low === high ? String(low) : `${low} to ${high}`;
  };
  return [
    ...markdownTable([
      [
        "vectors",
        "seed",
        "learning rate",
        "steps",
        "rollouts per step",
        "norm",
        `accuracy %, last ${last} steps`,
        "standard error",
      ],
      ...rows.map((row) => [
        row.run,
        String(row.seed),
        rates(row.learningRates),
        String(row.steps),
        String(row.rolloutsPerStep),
        row.norm.toFixed(2),
        mean(row.lastPercents).toFixed(1),
        standardError(row.lastPercents),
      ]),
    ]),
  ];
}
