import { accuracyInterval, type BenchmarkOutcomes, evaluate as evaluateModel } from "../lib/analysis/mod.ts";
import { canonicalJson, InputError, sha256 } from "../lib/core/mod.ts";
import { type LanguageModel, promptText, type SteerAt } from "../lib/decode/mod.ts";
import { loadTrained, type TrainedFile } from "../lib/vectors/mod.ts";
import { lastBlockPatchText, parseLastBlockPatch, type SteeringRoute } from "../lib/probe/mod.ts";
import { type Grader, PROMPT_TEMPLATES, type PromptTemplate } from "../lib/problems/mod.ts";
import { alignedLines } from "../lib/report/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import { NOT_NEGATIVE, NUMBERS, wholeNumber, wholeNumbers } from "./command/checks.ts";
import { COMPUTE_FLAGS, computeOptions, MODEL_FLAG, tellNotices } from "./command/compute_flags.ts";
import { defineCommand, main } from "./command/command.ts";
import { checkRoom, longestPrompt, openModel } from "./model/model_input.ts";
import { didYouMean } from "./command/did_you_mean.ts";
import { checkWritable, writeReport } from "./command/output_place.ts";
import { Progress } from "./command/progress.ts";
import { checkSamplesPath, withSampleFile } from "./samples/sample_file.ts";
import { sourceHash } from "./study/source_hash.ts";
import { GRADER_FLAGS, openSuite, SUITE_NAMES, suiteGrader, USUAL_PROBLEMS } from "./study/suite.ts";

/** One row of results: a benchmark, or the mean over them. */
interface EvaluationRow {
  readonly percent: number;
  /** Ends of the bootstrap interval. */
  readonly low: number;
  readonly high: number;
  /** Standard deviation of what the interval is made of, in percentage points. */
  readonly standardError: number;
  /** Standard deviation over evaluation seeds, in percentage points; null with one seed. */
  readonly evaluationSeedStd: number | null;
}

function rowOf(outcomes: BenchmarkOutcomes): EvaluationRow {
  const { percent, low, high, standardError, evaluationSeedStd } = accuracyInterval(outcomes);
  return { percent, low, high, standardError, evaluationSeedStd };
}

/** Rows as lines of a table; the last is the mean, the only one that knows lengths. */
function tableLines(
  rows: Readonly<Record<string, EvaluationRow>>,
  options: {
    readonly mean: StrengthResult["mean"];
    readonly grader: Grader;
  },
): string[] {
  const { mean, grader } = options;
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
  const truncated = (mean.truncatedShare * 100).toFixed(1);
  return [
    ...alignedLines(table),
    `mean length ${
      mean.lengthTokens.toFixed(1)
    } tokens, ${truncated} % truncated, graded by ${grader.name} ${grader.version}`,
  ];
}

/** Tokens of prompt and completion together for the benchmarks: the paper's for Qwen2.5-Math-7B. */
const BENCHMARK_TOKENS = 4096;

/** The way of the vectors that the flags and their file ask for. */
function routeFrom(
  flags: { readonly patch: string | undefined; readonly "as-published": boolean },
  given: { readonly model: LanguageModel; readonly steering: TrainedFile | null },
): Required<SteeringRoute> {
  const { model: { config }, steering } = given;
  const { patch, "as-published": asPublished } = flags;
  const place = steering?.place ?? "mlp";
  if (asPublished && (place === "mlp" || place === "attention")) {
    throw new InputError("--as-published doubles vectors of norms alone", {
      repair: steering === null ? "give --vectors" : `leave it out: these vectors belong to ${place}`,
    });
  }
  if (patch === undefined) return { place, asPublished, lastBlock: null };
  const lastBlock = parseLastBlockPatch(patch, { config, where: "--patch" });
  const routed = config.layers - 2;
  if (steering === null || !steering.vectors.has(routed)) {
    throw new InputError(`--patch routes the vector of layer ${routed}, and there is none`, {
      repair: steering === null ? "give --vectors" : `give vectors that have one for layer ${routed}`,
    });
  }
  if (place !== "mlp") {
    throw new InputError(`--patch routes vectors after an MLP, and these belong to ${place}`, {
      repair: "leave it out",
    });
  }
  return { place, asPublished, lastBlock };
}

/** What came out at one strength of the vectors. */
interface StrengthResult {
  readonly strength: number;
  readonly byBenchmark: BenchmarkOutcomes;
  readonly rows: Readonly<Record<string, EvaluationRow>>;
  readonly mean: EvaluationRow & { readonly lengthTokens: number; readonly truncatedShare: number };
}

/** Words of --steer-at. */
const STEER_PARTS = {
  prompt: { prompt: 1 },
  "last-prompt-token": { lastPromptToken: 1 },
  generated: { generated: 1 },
} as const satisfies Readonly<Record<string, SteerAt>>;

/** Where vectors act; null for everywhere. */
function steerAtFrom(words: readonly string[]): SteerAt | null {
  const parts = words.map((word) => {
    const part = Object.entries(STEER_PARTS).find(([name]) => name === word)?.[1];
    if (part !== undefined) return part;
    const known = Object.keys(STEER_PARTS);
    throw new InputError(`--steer-at must be of ${known.join(", ")}: got "${word}"`, didYouMean(word, known));
  });
  return parts.length === 0 ? null : Object.assign({}, ...parts);
}

/** Accuracy of a model, with or without vectors, on a problem set. */
export const evaluate = defineCommand({
  name: "evaluate",
  summary: "Measures the accuracy of a model, with or without steering vectors, on held-out problems.",
  flags: {
    model: MODEL_FLAG,
    vectors: {
      kind: "string",
      metavar: "FILE",
      help: "Steering vectors or adapters to add; none without it",
    },
    patch: {
      kind: "string",
      metavar: "MODE",
      help: "What of the last block sees the vector before it: v:1, inverse-v:1, head:3/mlp, skip-attn, ...",
    },
    strength: {
      kind: "list",
      default: ["1"],
      check: NUMBERS,
      help: "Factors on the vectors: an evaluation for each",
    },
    "steer-at": {
      kind: "list",
      metavar: "PART",
      help: `Tokens at which vectors act: ${Object.keys(STEER_PARTS).join(", ")} (default all)`,
    },
    "as-published": {
      kind: "boolean",
      help: "Add the vector of a norm a second time, as the published evaluation does",
    },
    suite: {
      kind: "string",
      default: "embedded",
      metavar: "NAME",
      help: `Problems to answer: ${SUITE_NAMES.join(", ")}`,
    },
    data: {
      kind: "string",
      metavar: "FILE|DIR|ID",
      help:
        "The benchmark's .jsonl or .parquet file, a folder that holds it (for math: all six), or owner/name@revision " +
        "of a data set in the hub cache (default: the one that publishes it)",
    },
    template: {
      kind: "string",
      choices: PROMPT_TEMPLATES as readonly [PromptTemplate, ...PromptTemplate[]],
      help: "How questions are put (default that of the families, qwen_math for benchmarks)",
    },
    grader: {
      kind: "string",
      choices: GRADER_FLAGS,
      help:
        "Who judges: what the last box holds (of families a plain number), as math-verify looks and compares, or the " +
        "last number (default last-number for first arithmetic, box for all else)",
    },
    problems: {
      kind: "number",
      metavar: "N",
      check: wholeNumber(1),
      help: `Problems per family (default ${USUAL_PROBLEMS}), or the first of each benchmark (default all)`,
    },
    answers: {
      kind: "number",
      metavar: "N",
      check: wholeNumber(1),
      help: "Answers per problem and seed (default 1; 32 for AIME and AMC unless greedy)",
    },
    seeds: { kind: "list", default: ["0", "1", "2"], check: wholeNumbers(), help: "Evaluation seeds" },
    temperature: { kind: "number", default: 1, metavar: "T", check: NOT_NEGATIVE, help: "0 is greedy" },
    prefix: { kind: "string", metavar: "TEXT", help: "Text put at the start of every answer" },
    system: {
      kind: "string",
      metavar: "TEXT",
      help: "System prompt in place of the template's, such as one that names a writer of the corpus",
    },
    "max-new-tokens": {
      kind: "number",
      metavar: "N",
      check: wholeNumber(1),
      help:
        `Most tokens of an answer (default that of the families; for benchmarks what ${BENCHMARK_TOKENS} leaves beside a prompt)`,
    },
    ...COMPUTE_FLAGS,
    out: {
      kind: "string",
      metavar: "FILE",
      help: "JSON file for outcomes, intervals, hashes and settings",
    },
    samples: {
      kind: "string",
      metavar: "FILE.jsonl",
      help: "File for what the model says: a line per answer, with its verdict; deno task samples shows it",
    },
  },
  examples: [
    ["deno task evaluate --model fixtures/embedded/base-a", "Accuracy of the base model on the six families"],
    [
      "deno task evaluate --model fixtures/embedded/base-a --vectors out/vectors/layer-3.seed-0.safetensors",
      "The same with the vectors of a training run",
    ],
    [
      "deno task evaluate --model fixtures/embedded/base-a --vectors out/vectors/layer-6.seed-0.safetensors " +
      "--patch skip-attn",
      "The same with the last block's attention blind to the vector of layer 6, the one before it",
    ],
    [
      "deno task evaluate --model fixtures/embedded/base-a --vectors out/vectors/layer-3.seed-0.safetensors " +
      "--strength 0,0.5,1 --steer-at generated",
      "A sweep over the vector's strength, at work behind the prompt alone",
    ],
    [
      'deno task evaluate --model fixtures/embedded/base-a --prefix "To" --suite chain --out out/chain-to.json',
      'One family, with "To" put at the start of every answer',
    ],
    [
      "deno task evaluate --model out/real-model --suite first-arithmetic",
      "First arithmetic of a small real model, after: deno task real-model",
    ],
    [
      "deno task evaluate --model fixtures/embedded/base-a --samples out/base-a.jsonl",
      "The same as the first, with every answer kept, to be read with: deno task samples out/base-a.jsonl",
    ],
    [
      "deno task evaluate --model ./Qwen2.5-Math-7B --suite math500 --data ./math500.jsonl --device cuda",
      "A benchmark of the paper from a file, graded by mathematical meaning",
    ],
    [
      "deno task evaluate --model ./Qwen2.5-Math-7B --suite math500 --data HuggingFaceH4/MATH-500",
      "The same from the hub cache, after: deno task fetch --dataset HuggingFaceH4/MATH-500",
    ],
    [
      "deno task evaluate --model ./Qwen2.5-Math-7B --suite math500 --grader math-verify --out out/math500.json",
      "The same judged as math-verify judges",
    ],
  ],
  async run({ flags, signal, terminal, print }) {
    const { temperature, device, prefix: answerPrefix = "", out, samples: samplesPath } = flags;
    const seeds = flags.seeds.map(Number);
    const asking = flags.system === undefined ? {} : { system: flags.system };
    if (samplesPath !== undefined && flags.strength.length > 1) {
      throw new InputError("--samples keeps the answers at one strength", { repair: "give one --strength" });
    }
    if (out !== undefined) await checkWritable(out, { as: "file" });
    if (samplesPath !== undefined) await checkSamplesPath(samplesPath, { beside: out });
    const { set, benchmarks } = await openSuite(flags.suite, { problems: flags.problems, data: flags.data });
    const template = flags.template ?? set?.template ?? "qwen_math";
    const grader = suiteGrader({ set }, { template, grader: flags.grader });
    const model = await openModel(flags.model, { ...computeOptions(flags, terminal), template });
    try {
      tellNotices(model, { verbose: flags.verbose, terminal });
      const steerAt = steerAtFrom(flags["steer-at"]);
      const steering: TrainedFile | null = flags.vectors === undefined
        ? null
        : await loadTrained(flags.vectors, model.config);
      const trainedOn = steering?.metadata.get("model"), modelHash = await model.checkpoint.hash();
      if (trainedOn !== undefined && trainedOn !== modelHash) {
        terminal.error(`note: these vectors were trained on another model, ${trainedOn.slice(0, 12)}\n`);
      }
      const route = routeFrom(flags, { model, steering }), strengths = flags.strength.map(Number);
      if (steering === null && (steerAt !== null || strengths.join() !== "1")) {
        throw new InputError("--strength and --steer-at are of vectors, and there are none", {
          repair: "give --vectors",
        });
      }
      const problems = benchmarks.flatMap((benchmark) => benchmark.problems);
      const tokenizer = await model.tokenizer();
      const asked = { template, ...asking }, prompts = { tokenizer, answerPrefix, ...asked };
      const maxNewTokens = flags["max-new-tokens"] ??
        set?.maxNewTokens ??
        Math.min(BENCHMARK_TOKENS, model.config.maxPositions) - longestPrompt(problems, prompts);
      checkRoom(problems, { ...prompts, model, maxNewTokens });
      // Greedy answers are all the same one.
      const answersOf = (usual: number): number => flags.answers ?? (temperature === 0 ? 1 : usual);
      const samples = benchmarks.flatMap((benchmark) =>
        benchmark.problems.map(() => answersOf(benchmark.samples))
      );
      const total = samples.reduce((sum, count) => sum + count, 0) * seeds.length * strengths.length;
      const progress = new Progress(terminal, { label: "answering", total, unit: "answers" });
      const results: StrengthResult[] = [];
      for (const [turn, strength] of strengths.entries()) {
        const measured = await withSampleFile(samplesPath, { benchmarks }, (hearing) =>
          evaluateModel(model, {
            ...hearing,
            problems,
            maxNewTokens,
            samples,
            seeds,
            temperature,
            answerPrefix,
            ...asking,
            template,
            grade: grader.grade,
            ...(steering === null ? {} : { steer: steering.vectors, adapters: steering.adapters }),
            ...(strength === 1 ? {} : { strength }),
            ...(steerAt === null ? {} : { steerAt }),
            ...route,
            onProgress(done) {
              progress.update(turn * total / strengths.length + done);
              signal.throwIfAborted();
            },
          }));
        const { outcomes, lengthTokens, truncatedShare } = measured;
        let first = 0;
        const byBenchmark = Object.fromEntries(benchmarks.map(({ name, problems: { length } }) => {
          const table = outcomes.map((bySeed) => bySeed.slice(first, first + length));
          first += length;
          return [name, [table]];
        }));
        const rows = Object.fromEntries(
          Object.entries(byBenchmark).map(([name, table]) => [name, rowOf({ [name]: table })]),
        );
        results.push({
          strength,
          byBenchmark,
          rows,
          mean: { ...rowOf(byBenchmark), lengthTokens, truncatedShare },
        });
      }
      progress.finish();
      for (const { strength, rows, mean } of results) {
        if (results.length > 1) print(`strength ${strength}`);
        for (const line of tableLines(rows, { mean, grader })) print(line);
      }
      if (out === undefined) return;
      const found = ({ rows, byBenchmark, mean }: StrengthResult) => ({
        mean,
        benchmarks: Object.fromEntries(
          benchmarks.map(({ name, problems, samples: usual, dataHash }) => [name, {
            ...rows[name],
            data: dataHash,
            sizes: {
              problems: { asked: flags.problems ?? null, effective: problems.length },
              answers: { asked: flags.answers ?? null, effective: answersOf(usual) },
              seeds: { asked: seeds.length, effective: temperature === 0 ? 1 : seeds.length },
            },
            problems: problems.map(({ id }) => id),
            outcomes: byBenchmark[name]?.[0],
          }]),
        ),
      });
      const report = {
        kind: "evaluation",
        grader: { name: grader.name, version: grader.version },
        settings: {
          suite: flags.suite,
          template,
          seeds,
          temperature,
          answerPrefix,
          system: flags.system ?? null,
          maxNewTokens,
          place: route.place,
          asPublished: route.asPublished,
          strength: strengths,
          steerAt,
          patch: route.lastBlock === null ? null : lastBlockPatchText(route.lastBlock),
          date: flags.date ?? null,
          endTokens: model.checkpoint.endTokens,
        },
        inputs: {
          model: modelHash,
          tokenizer: tokenizer.hash,
          chatTemplate: tokenizer.templateHash,
          prompts: sha256(
            canonicalJson(problems.map(({ question }) => promptText(tokenizer, question, asked))),
          ),
          problems: sha256(canonicalJson(problems)),
          vectors: flags.vectors === undefined ? null : await sourceHash(flags.vectors),
        },
        device,
        dtype: model.dtype,
        versions: { onnxruntime: runtimeReport().version },
        ...(results.length === 1
          ? found(results[0] as StrengthResult)
          : { strengths: results.map((result) => ({ strength: result.strength, ...found(result) })) }),
      };
      await writeReport(out, report);
    } finally {
      await model.release();
    }
  },
});

if (import.meta.main) await main(evaluate);
