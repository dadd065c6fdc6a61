import type { Adapters, LanguageModel, SteeringVectors } from "../decode/mod.ts";
import { answerMessages, gradeBoxed, type Problem } from "../problems/mod.ts";

/** How a model is evaluated. */
export interface EvaluateOptions {
  /** Asked in this order, at least one. */
  readonly problems: readonly Problem[];
  /** Most tokens of a completion, the prefix not counted. */
  readonly maxNewTokens: number;
  /** Completions per problem and seed. `@default 1` */
  readonly samples?: number;
  /** Evaluation seeds. `@default [0]` */
  readonly seeds?: readonly number[];
  /** 0 is greedy. `@default 1` */
  readonly temperature?: number;
  /** Vectors added at every position. `@default none` */
  readonly steer?: SteeringVectors;
  /** Rank-1 adapters on down_proj. `@default none` */
  readonly adapters?: Adapters;
  /** Text put at the start of every answer, such as the opener "To". `@default ""` */
  readonly answerPrefix?: string;
  /** Called with the number of finished completions of all seeds. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What an evaluation measured. */
export interface Evaluation {
  /** 1 for a right answer: [evaluation seed][problem][sample]. */
  readonly outcomes: readonly (readonly (readonly number[])[])[];
  /** Mean generated tokens. */
  readonly lengthTokens: number;
  /** Share of completions that the length limit cut off. */
  readonly truncatedShare: number;
  /** Completions as [evaluation seed][problem][sample] text, the prefix included. */
  readonly texts: readonly (readonly (readonly string[])[])[];
}

/**
 * Answers every problem and grades the last box. Problems are numbered by their place, so seeds pair up conditions:
 * with equal seeds, sample s of problem p draws the same uniforms whatever the vectors or the prefix.
 *
 * Throws a `RangeError` without problems, samples or seeds, and for vectors that do not fit the model.
 *
 * @example
 * ```ts
 * import { tinyConfig, writeRandomCheckpoint } from "../checkpoint/mod.ts";
 * import { LanguageModel } from "../decode/mod.ts";
 * import { testSet } from "../problems/mod.ts";
 * import { evaluate } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * const config = tinyConfig({ vocab: 423, eosTokenIds: [422] });
 * await writeRandomCheckpoint(folder, { config, dtype: "float32", seed: 0 });
 * for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
 *   await Deno.copyFile(`./fixtures/golden/tokenizers/qwen/${name}`, `${folder}/${name}`);
 * }
 * const model = await LanguageModel.open(folder);
 * const problems = testSet("linear", { size: 2 });
 * const { outcomes } = await evaluate(model, { problems, maxNewTokens: 4, seeds: [0, 1, 2] });
 * if (outcomes.length !== 3 || outcomes[0]?.length !== 2) throw new Error("[seed][problem][sample]");
 * await model.release();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function evaluate(model: LanguageModel, options: EvaluateOptions): Promise<Evaluation> {
  const { problems, samples = 1, seeds = [0], temperature = 1, answerPrefix = "" } = options;
  if (problems.length === 0 || !(samples >= 1) || seeds.length === 0) {
    throw new RangeError(
      "Cannot evaluate as there must be a problem, a sample and a seed: " +
        `current counts are ${problems.length}, ${samples} and ${seeds.length}`,
    );
  }
  const tokenizer = await model.tokenizer();
  const prefix = answerPrefix === "" ? [] : tokenizer.encode(answerPrefix);
  const requests = problems.flatMap((problem, prompt) => {
    const tokens = [...tokenizer.encodeChat(answerMessages(problem.question)), ...prefix];
    return Array.from({ length: samples }, (_, sample) => ({ tokens, prompt, sample }));
  });
  const outcomes: number[][][] = [], texts: string[][][] = [];
  let tokenCount = 0, truncated = 0;
  for (const [turn, seed] of seeds.entries()) {
    const rollouts = await model.generate(requests, {
      maxNewTokens: options.maxNewTokens,
      temperature,
      seed,
      ...(options.steer === undefined ? {} : { steer: options.steer }),
      ...(options.adapters === undefined ? {} : { adapters: options.adapters }),
      onProgress: (done) =>
        options.onProgress?.(turn * requests.length + done, seeds.length * requests.length),
    });
    const byProblem = problems.map((problem, p) => {
      const group = rollouts.slice(p * samples, (p + 1) * samples);
      const groupTexts = group.map((rollout) => answerPrefix + tokenizer.decode(rollout.tokens));
      return {
        texts: groupTexts,
        right: groupTexts.map((text) => gradeBoxed(text, problem.answer).correct ? 1 : 0),
      };
    });
    outcomes.push(byProblem.map((entry) => entry.right));
    texts.push(byProblem.map((entry) => entry.texts));
    for (const rollout of rollouts) {
      tokenCount += rollout.tokens.length;
      truncated += rollout.finished ? 0 : 1;
    }
  }
  const total = requests.length * seeds.length;
  return { outcomes, texts, lengthTokens: tokenCount / total, truncatedShare: truncated / total };
}
