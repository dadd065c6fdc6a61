import { z } from "zod";
import { InputError, mean, standardDeviation } from "../../lib/core/mod.ts";
import type { RunArtifact } from "../../lib/experiment/mod.ts";
import { type CorpusConfig, type CorpusGroup, corpusReport, WRITERS } from "../../lib/problems/mod.ts";
import type { SteeringConfig } from "../../lib/train/mod.ts";
import { markdownTable } from "../command/markdown_table.ts";
import { trainedPlaces } from "../training/trained_output.ts";

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
const STEERING_LINE = z.object({
  step: z.int(),
  reward: z.number().min(-1).max(1),
  vectorNorm: z.number(),
});

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

/** What a run trained, as its card shows it. */
interface RunRow {
  /** `all`, `layer-3`, `adapter-all`. */
  readonly run: string;
  readonly config: SteeringConfig;
  /** L2 norm of all that it changed together. */
  readonly norm: number;
  /** Accuracy in percent of each of the last steps' rollouts. */
  readonly lastPercents: readonly number[];
}

/** The end of every run's log. The runs must be there. */
export async function readRunRows(
  runs: readonly RunArtifact[],
  options: {
    /** How many steps at the end count. */
    readonly last: number;
  },
): Promise<readonly RunRow[]> {
  return await Promise.all(runs.map(async (artifact) => {
    const { config } = artifact;
    const { log: where, what } = trainedPlaces(artifact.out, artifact);
    const log = parseLog(await Deno.readTextFile(where), { schema: STEERING_LINE, where });
    if (log.length !== config.steps) {
      throw new InputError(`the log has ${log.length} steps, the run ${config.steps}`, { where });
    }
    return {
      run: what,
      config,
      norm: (log.at(-1) as z.infer<typeof STEERING_LINE>).vectorNorm,
      lastPercents: log.slice(-options.last).map(({ reward }) => (reward + 1) * 50),
    };
  }));
}

/** Standard error of a mean over steps; "-" where there is one alone. */
function standardError(values: readonly number[]): string {
  return values.length < 2
    ? "-"
    : (standardDeviation(values, { ddof: 1 }) / Math.sqrt(values.length)).toFixed(1);
}

/** The table of what a model's runs trained. */
export function runsSection(rows: readonly RunRow[], options: { readonly last: number }): string[] {
  const { last } = options;
  const rates = (list: readonly number[]): string => {
    const low = Math.min(...list), high = Math.max(...list);
    return low === high ? String(low) : `${low} to ${high}`;
  };
  return markdownTable([
    [
      "run",
      "seed",
      "learning rate",
      "steps",
      "rollouts per step",
      "norm",
      `accuracy %, last ${last} steps`,
      "standard error",
    ],
    ...rows.map(({ run, config, norm, lastPercents }) => [
      run,
      String(config.seed),
      rates(config.learningRates),
      String(config.steps),
      String(config.prompts * config.samples),
      norm.toFixed(2),
      mean(lastPercents).toFixed(1),
      standardError(lastPercents),
    ]),
  ]);
}
