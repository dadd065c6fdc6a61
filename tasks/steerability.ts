import { canonicalJson, InputError, sha256 } from "../lib/core/mod.ts";
import { type LanguageModel, promptTokens } from "../lib/decode/mod.ts";
import { type Problem, PROBLEM_SETS, type ProblemSet, testSet, trainProblem } from "../lib/problems/mod.ts";
import { runtimeReport } from "../lib/runtime/mod.ts";
import {
  type AnsweredText,
  type ResidualNorms,
  residualNorms,
  type Steerability,
  steerTowards,
} from "../lib/train/mod.ts";
import { POSITIVE, wholeNumber } from "./command/checks.ts";
import { COMPUTE_FLAGS, computeOptions, MODEL_FLAG, tellNotices } from "./command/compute_flags.ts";
import { defineCommand, main } from "./command/command.ts";
import { markdownTable } from "./command/markdown_table.ts";
import { checkRoom, openModel } from "./model/model_input.ts";
import { checkWritable, writeReport } from "./command/output_place.ts";
import { Progress } from "./command/progress.ts";

/** What a model must allow before its vectors are worth training by rewards. */
const GOAL = { probability: 0.9, normShare: 0.2 } as const;

/** Texts for the divergence of the rest, and their length: enough tokens for two digits. */
const TEXTS = 24;
const MAX_NEW_TOKENS = 64;

/** A layer's row: its norms, and what its vector does. */
export type SteerabilityRow = ResidualNorms & Omit<Steerability, "vector"> & { readonly goalMet: boolean };

/** One layer's results, judged. */
export function steerabilityRow(norms: ResidualNorms, result: Steerability): SteerabilityRow {
  const { vector: _, ...numbers } = result;
  const goalMet = numbers.after >= GOAL.probability && numbers.normShare < GOAL.normShare;
  return { ...norms, ...numbers, goalMet };
}

/** Problems of every family in turn. */
function problemsOf(
  { families, heldOut }: ProblemSet,
  { count, seed }: { readonly count: number; readonly seed: number },
): { readonly train: Problem[]; readonly heldOut: Problem[] } {
  const each = Math.ceil(count / families.length);
  if (each > heldOut) {
    throw new InputError(
      `--prompts must be at most ${heldOut * families.length} for this suite: got ${count}`,
    );
  }
  const sets = families.map((family) => testSet(family, { size: each, seed }));
  const place = (index: number) => ({
    turn: index % families.length,
    index: Math.floor(index / families.length),
  });
  const places = Array.from({ length: count }, (_, index) => place(index));
  return {
    train: places.map(({ turn, index }) =>
      trainProblem(families[turn] as typeof families[number], { seed, index })
    ),
    heldOut: places.map(({ turn, index }) => sets[turn]?.[index] as Problem),
  };
}

/** Answers that the unsteered model writes, those of one token left out. */
async function textsOf(
  model: LanguageModel,
  options: { readonly prompts: readonly (readonly number[])[]; readonly seed: number },
): Promise<readonly AnsweredText[]> {
  const requests = options.prompts.slice(0, TEXTS).map((tokens, prompt) => ({ tokens, prompt, sample: 0 }));
  const rollouts = await model.generate(requests, { maxNewTokens: MAX_NEW_TOKENS, seed: options.seed });
  const texts = rollouts.map(({ promptTokens, tokens }) => ({
    tokens: [...promptTokens, ...tokens],
    from: promptTokens.length,
  }));
  const long = texts.filter(({ tokens, from }) => tokens.length - from >= 2);
  if (long.length > 0) return long;
  throw new InputError("the model ends every answer at its first token", {
    repair: "use a model that answers questions",
  });
}

/** Rows as lines of a table, and the line that sums them up. */
export function steerabilityLines(rows: readonly SteerabilityRow[], opener: string): string[] {
  const table = [
    [
      "layer",
      "residual, prompt",
      "residual, first answer position",
      "residual, largest",
      "steps",
      `P("${opener}")`,
      "steered",
      "norm",
      "of residual",
      "KL of the rest",
      "goal",
    ],
    ...rows.map((row) => [
      String(row.layer),
      row.promptMedian.toFixed(1),
      row.answerMean.toFixed(1),
      row.largest.toFixed(1),
      String(row.steps),
      row.before.toFixed(3),
      row.after.toFixed(3),
      row.norm.toFixed(2),
      row.normShare.toFixed(3),
      row.restKl.toFixed(4),
      row.goalMet ? "met" : "not met",
    ]),
  ];
  const met = rows.filter((row) => row.goalMet).map(({ layer }) => layer);
  const goal =
    `goal: P("${opener}") >= ${GOAL.probability} with a norm below ${GOAL.normShare} of the residual's`;
  const where = met.length === 0 ? "no layer" : `layer${met.length > 1 ? "s" : ""} ${met.join(", ")}`;
  return [...markdownTable(table), `${goal}: met in ${where}`];
}

/** Measures whether small vectors can move a model's opener. */
export const steerability = defineCommand({
  name: "steerability",
  summary:
    "Measures residual norms, and trains one vector per layer towards an opener, before any training by rewards.",
  flags: {
    model: MODEL_FLAG,
    opener: {
      kind: "string",
      default: "To",
      metavar: "TEXT",
      help: "The token that answers shall begin with",
    },
    suite: {
      kind: "string",
      default: "embedded",
      choices: Object.keys(PROBLEM_SETS) as ["embedded", "first-arithmetic"],
      help: "Problems that the prompts ask",
    },
    prompts: {
      kind: "number",
      default: 48,
      metavar: "N",
      check: wholeNumber(1),
      help: "Prompts to train on, and as many held-out ones to report on",
    },
    steps: {
      kind: "number",
      default: 40,
      metavar: "N",
      check: wholeNumber(1),
      help: "Most updates per layer",
    },
    "learning-rate": {
      kind: "number",
      default: 0.01,
      metavar: "X",
      check: POSITIVE,
      help: "Norm of the first update as a share of the layer's residual norm",
    },
    seed: {
      kind: "number",
      default: 0,
      metavar: "N",
      check: wholeNumber(0),
      help: "Seed of problems and texts",
    },
    ...COMPUTE_FLAGS,
    out: { kind: "string", metavar: "FILE", help: "JSON file for numbers, hashes and settings" },
  },
  examples: [
    [
      "deno task steerability --model fixtures/embedded/base-a",
      'How small a vector makes base A open with "To"',
    ],
    [
      "deno task steerability --model fixtures/embedded/base-a --opener Let --out out/let.json",
      "The same for another opener, with the numbers in a file",
    ],
  ],
  async run({ flags, signal, terminal, print }) {
    const { opener, steps, seed, device, out } = flags;
    if (out !== undefined) await checkWritable(out, { as: "file" });
    const set = PROBLEM_SETS[flags.suite], { template } = set;
    const model = await openModel(flags.model, { ...computeOptions(flags, terminal), template });
    try {
      tellNotices(model, { verbose: flags.verbose, terminal });
      const tokenizer = await model.tokenizer(), ids = tokenizer.encode(opener);
      if (ids.length !== 1) {
        throw new InputError(`--opener must be one token: "${opener}" is ${ids.length}`, {
          repair: "give a word that the tokenizer knows as a whole",
        });
      }
      const problems = problemsOf(set, { count: flags.prompts, seed });
      const asking = { template, maxNewTokens: MAX_NEW_TOKENS };
      checkRoom([...problems.train, ...problems.heldOut], { model, tokenizer, ...asking });
      const encoded = (list: readonly Problem[]) =>
        list.map(({ question }) => promptTokens(tokenizer, question, { template }));
      const prompts = encoded(problems.train), heldOut = encoded(problems.heldOut);
      const texts = await textsOf(model, { prompts: heldOut, seed });
      const norms = await residualNorms(model, prompts);
      const total = norms.length * steps;
      const progress = new Progress(terminal, { label: `steering towards "${opener}"`, total });
      const rows: SteerabilityRow[] = [];
      for (const of of norms) {
        const { layer } = of;
        const result = await steerTowards(model, {
          layer,
          token: ids[0] as number,
          prompts,
          heldOut,
          texts,
          steps,
          learningRate: flags["learning-rate"],
          onStep(step, probability) {
            progress.update(layer * steps + step, `layer ${layer}  P ${probability.toFixed(3)}`);
            signal.throwIfAborted();
          },
        });
        rows.push(steerabilityRow(of, result));
        // A layer that came to its end early leaves steps that need no time.
        progress.update((layer + 1) * steps, `layer ${layer}  P ${result.after.toFixed(3)}`);
      }
      progress.finish();
      for (const line of steerabilityLines(rows, opener)) print(line);
      if (out === undefined) return;
      const report = {
        kind: "steerability",
        settings: {
          opener,
          suite: flags.suite,
          prompts: flags.prompts,
          steps,
          learningRate: flags["learning-rate"],
          seed,
        },
        goal: GOAL,
        inputs: {
          model: await model.checkpoint.hash(),
          tokenizer: tokenizer.hash,
          problems: sha256(canonicalJson(problems)),
        },
        device,
        dtype: model.dtype,
        versions: { onnxruntime: runtimeReport().version },
        layers: rows.map((row) => ({ ...row })),
      };
      await writeReport(out, report);
    } finally {
      await model.release();
    }
  },
});

if (import.meta.main) await main(steerability);
