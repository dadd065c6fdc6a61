import { dirname } from "node:path";
import { z } from "zod";
import { accuracyInterval, type BenchmarkOutcomes, evaluate as evaluateModel } from "../lib/analysis/mod.ts";
import { ensureFolder, writeFileAtomic } from "../lib/checkpoint/mod.ts";
import { canonicalJson, sha256 } from "../lib/core/mod.ts";
import { loadVectors, type VectorFile } from "../lib/decode/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { NOT_NEGATIVE, wholeNumber, wholeNumbers } from "./_checks.ts";
import { COMPUTE_FLAGS, computeOptions } from "./_compute_flags.ts";
import { defineCommand, main } from "./_command.ts";
import { checkRoom, openModel } from "./_model_input.ts";
import { checkWritable } from "./_output_place.ts";
import { Progress } from "./_progress.ts";
import { MOST_PROBLEMS, suiteBenchmarks } from "./_suite.ts";

/** One row of results: a benchmark, or the mean over them. */
export interface EvaluationRow {
  readonly percent: number;
  /** Ends of the bootstrap interval. */
  readonly low: number;
  readonly high: number;
  /** Standard deviation over evaluation seeds, in percentage points; null with one seed. */
  readonly evaluationSeedStd: number | null;
}

function rowOf(outcomes: BenchmarkOutcomes): EvaluationRow {
  const { percent, low, high, evaluationSeedStd } = accuracyInterval(outcomes);
  return { percent, low, high, evaluationSeedStd };
}

/** Rows as lines of a table; the last is the mean, the only one that knows lengths. */
function tableLines(
  rows: Readonly<Record<string, EvaluationRow>>,
  mean: EvaluationRow & { readonly lengthTokens: number; readonly truncatedShare: number },
): string[] {
  const cells = (row: EvaluationRow): string[] => [
    row.percent.toFixed(1),
    `${row.low.toFixed(1)} to ${row.high.toFixed(1)}`,
    row.evaluationSeedStd === null ? "-" : row.evaluationSeedStd.toFixed(1),
  ];
  const table = [
    ["benchmark", "accuracy %", "95 % interval", "std over seeds"],
    ...Object.entries(rows).map(([name, row]) => [name, ...cells(row)]),
    ["mean", ...cells(mean)],
  ];
  const widths = (table[0] as string[]).map((_, c) => Math.max(...table.map((row) => row[c]?.length ?? 0)));
  const lines = table.map((row) =>
    row.map((cell, c) => c === 0 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number))
      .join("  ")
  );
  const truncated = (mean.truncatedShare * 100).toFixed(1);
  return [...lines, `mean length ${mean.lengthTokens.toFixed(1)} tokens, ${truncated} % truncated`];
}

/** Accuracy of a model, with or without vectors, on a problem set. */
export const evaluate = defineCommand({
  name: "evaluate",
  summary: "Measures the accuracy of a model, with or without steering vectors, on held-out problems.",
  flags: {
    model: { kind: "string", required: true, placeholder: "DIR", help: "Model folder" },
    vectors: { kind: "string", placeholder: "FILE", help: "Steering vectors to add; none without it" },
    suite: {
      kind: "string",
      default: "embedded",
      placeholder: "NAME",
      help: "Problems to answer: embedded (six families), or one family by name",
    },
    problems: {
      kind: "number",
      default: 50,
      placeholder: "N",
      check: z.int("must be a whole number").min(1, "must be at least 1").max(
        MOST_PROBLEMS,
        `must be at most ${MOST_PROBLEMS}`,
      ),
      help: "Problems per family",
    },
    samples: {
      kind: "number",
      default: 1,
      placeholder: "N",
      check: wholeNumber(1),
      help: "Answers per problem and seed",
    },
    seeds: { kind: "list", default: ["0", "1", "2"], check: wholeNumbers(), help: "Evaluation seeds" },
    temperature: { kind: "number", default: 1, placeholder: "T", check: NOT_NEGATIVE, help: "0 is greedy" },
    prefix: { kind: "string", placeholder: "TEXT", help: "Text put at the start of every answer" },
    "max-new-tokens": {
      kind: "number",
      default: 64,
      placeholder: "N",
      check: wholeNumber(1),
      help: "Most tokens of an answer",
    },
    ...COMPUTE_FLAGS,
    out: {
      kind: "string",
      placeholder: "FILE",
      help: "JSON file for outcomes, intervals, hashes and settings",
    },
  },
  examples: [
    ["deno task evaluate --model fixtures/embedded/base-a", "Accuracy of the base model on the six families"],
    [
      "deno task evaluate --model fixtures/embedded/base-a --vectors out/vectors/layer-3.seed-0.safetensors",
      "The same with the vectors of a training run",
    ],
    [
      'deno task evaluate --model fixtures/embedded/base-a --prefix "To" --suite chain --out out/chain-to.json',
      'One family, with "To" put at the start of every answer',
    ],
  ],
  async run({ flags, signal, terminal, print }) {
    const { temperature, samples, device, prefix: answerPrefix = "", out } = flags;
    const maxNewTokens = flags["max-new-tokens"], seeds = flags.seeds.map(Number);
    if (out !== undefined) await checkWritable(out, { as: "file" });
    const benchmarks = suiteBenchmarks(flags.suite, { problems: flags.problems });
    const model = await openModel(flags.model, computeOptions(flags));
    try {
      const steering: VectorFile | null = flags.vectors === undefined
        ? null
        : await loadVectors(flags.vectors, model.config);
      const trainedOn = steering?.metadata.get("model"), modelHash = await model.checkpoint.hash();
      if (trainedOn !== undefined && trainedOn !== modelHash) {
        terminal.error(`note: these vectors were trained on another model, ${trainedOn.slice(0, 12)}\n`);
      }
      const problems = benchmarks.flatMap((benchmark) => benchmark.problems);
      const tokenizer = await model.tokenizer();
      checkRoom(problems, { model, tokenizer, maxNewTokens, answerPrefix });
      const total = problems.length * samples * seeds.length;
      const progress = new Progress(terminal, { label: "answering", total, unit: "answers" });
      const { outcomes, lengthTokens, truncatedShare } = await evaluateModel(model, {
        problems,
        maxNewTokens,
        samples,
        seeds,
        temperature,
        answerPrefix,
        ...(steering === null ? {} : { steer: steering.vectors }),
        onProgress(done) {
          progress.update(done);
          signal.throwIfAborted();
        },
      });
      progress.finish();

      let first = 0;
      const byBenchmark = Object.fromEntries(benchmarks.map(({ name, problems: { length } }) => {
        const table = outcomes.map((bySeed) => bySeed.slice(first, first + length));
        first += length;
        return [name, [table]];
      }));
      const rows = Object.fromEntries(
        Object.entries(byBenchmark).map(([name, table]) => [name, rowOf({ [name]: table })]),
      );
      const mean = { ...rowOf(byBenchmark), lengthTokens, truncatedShare };
      for (const line of tableLines(rows, mean)) print(line);
      if (out === undefined) return;
      const report = {
        kind: "evaluation",
        settings: {
          suite: flags.suite,
          problems: flags.problems,
          samples,
          seeds,
          temperature,
          answerPrefix,
          maxNewTokens,
        },
        inputs: {
          model: modelHash,
          tokenizer: tokenizer.hash,
          problems: sha256(canonicalJson(problems)),
          vectors: flags.vectors === undefined ? null : sha256(await Deno.readFile(flags.vectors)),
        },
        device,
        dtype: model.dtype,
        versions: { onnxruntime: runtimeReport().version },
        mean,
        benchmarks: Object.fromEntries(benchmarks.map(({ name, problems }) => [name, {
          ...rows[name],
          problems: problems.map(({ id }) => id),
          outcomes: byBenchmark[name]?.[0],
        }])),
      };
      await ensureFolder(dirname(out));
      await writeFileAtomic(out, `${canonicalJson(report)}\n`);
    } finally {
      await model.release();
    }
  },
});

if (import.meta.main) await main(evaluate);
