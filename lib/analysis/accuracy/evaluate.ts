import { type Additions, type LanguageModel, promptText } from "../../decode/mod.ts";
import { type Completion, gradeBoxed, type Judgement, type PromptTemplate } from "../../problems/mod.ts";

/** What is asked: any question with its gold answer. */
export interface AskedProblem {
  /** The question, before any template. */
  readonly question: string;
  /** The gold answer, as the grader takes it. */
  readonly answer: string;
}

/** How a model is evaluated. */
export interface EvaluateOptions extends Additions {
  /** Asked in this order, at least one. */
  readonly problems: readonly AskedProblem[];
  /** Most tokens of a completion, the prefix not counted. */
  readonly maxNewTokens: number;
  /** Completions per problem and seed: one count for all problems, or one for each. `@default 1` */
  readonly samples?: number | readonly number[];
  /**
   * Number of each problem, which its draws are made under: a part of a set that keeps the numbers of the whole draws
   * as the whole does. `@default` its place
   */
  readonly numbers?: readonly number[];
  /** How a question is put to the model. `@default "embedded"` */
  readonly template?: PromptTemplate;
  /** Judges a completion, its prefix included, against the gold answer. `@default gradeBoxed` */
  readonly grade?: (completion: string, gold: string) => Judgement;
  /** Evaluation seeds. `@default [0]` */
  readonly seeds?: readonly number[];
  /** 0 is greedy. `@default 1` */
  readonly temperature?: number;
  /** Factor on all that steers. `@default` 1 */
  readonly strength?: number;
  /** What the system message says. `@default` the template's */
  readonly system?: string | undefined;
  /** Text put at the start of every answer, such as the opener "To". `@default ""` */
  readonly answerPrefix?: string;
  /** Called with the number of finished completions of all seeds. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Hears of every completion, by seed, problem and sample, once its problem is done; it may take its time. */
  readonly onCompletion?: ((completion: Completion) => void | Promise<void>) | undefined;
}

/** What an evaluation measured. */
export interface Evaluation {
  /** 1 for a right answer: [evaluation seed][problem][sample]. */
  readonly outcomes: readonly (readonly (readonly number[])[])[];
  /** Mean generated tokens. */
  readonly lengthTokens: number;
  /** Share of completions that the length limit cut off. */
  readonly truncatedShare: number;
}

/** Completions that are generated together: enough to keep a batch full, few enough to be held in memory. */
const COMPLETIONS_AT_ONCE = 1024;

/** Places of problems in parts of at most so many completions each. */
function partsOf(counts: readonly number[]): readonly (readonly number[])[] {
  const parts: number[][] = [];
  let held = Infinity;
  for (const [place, count] of counts.entries()) {
    if (held + count > COMPLETIONS_AT_ONCE) {
      parts.push([]);
      held = 0;
    }
    parts.at(-1)?.push(place);
    held += count;
  }
  return parts;
}

/** What the draws of each problem are made under. */
function problemNumbers({ problems, numbers }: EvaluateOptions): readonly number[] {
  if (numbers === undefined) return problems.map((_, place) => place);
  if (numbers.length === problems.length && new Set(numbers).size === numbers.length) return numbers;
  throw new RangeError(
    `Cannot evaluate as every problem must have a number of its own: ` +
      `current counts are ${problems.length} problems and ${new Set(numbers).size} numbers`,
  );
}

/** Completions of each problem. */
function sampleCounts({ problems, samples = 1 }: EvaluateOptions): readonly number[] {
  if (typeof samples === "number") return problems.map(() => samples);
  if (samples.length === problems.length) return samples;
  throw new RangeError(
    `Cannot evaluate as there must be a count of samples for each problem: ` +
      `current counts are ${problems.length} problems and ${samples.length} counts`,
  );
}

/**
 * Answers every problem and grades the completions, by their last box unless `grade` says otherwise. Problems are
 * numbered, by their place unless `numbers` says otherwise, so seeds pair up conditions: with equal seeds, sample s of
 * problem p draws the same uniforms whatever the vectors or the prefix.
 *
 * Throws a `RangeError` without problems, samples or seeds, for numbers that are not one per problem, and for vectors or
 * a route that do not fit the model; an `InputError` for a template that goes with another kind of model.
 *
 * @example
 * ```ts
 * import { evaluate, loadModel, testSet } from "@small-vectors/steering";
 * const model = await loadModel("./fixtures/embedded/base-a"), problems = testSet("linear", { size: 2 });
 * const { outcomes } = await evaluate(model, { problems, maxNewTokens: 4, seeds: [0, 1, 2] });
 * if (outcomes.length !== 3 || outcomes[0]?.length !== 2) throw new Error("[seed][problem][sample]");
 * await model.release();
 * ```
 */
export async function evaluate(model: LanguageModel, options: EvaluateOptions): Promise<Evaluation> {
  const {
    problems,
    maxNewTokens,
    samples: _samples,
    numbers: _numbers,
    template = "embedded",
    grade = gradeBoxed,
    seeds = [0],
    temperature = 1,
    strength,
    system,
    answerPrefix = "",
    onProgress,
    onCompletion,
    ...additions
  } = options;
  const counts = sampleCounts(options), numbers = problemNumbers(options);
  if (problems.length === 0 || counts.some((count) => !(count >= 1)) || seeds.length === 0) {
    throw new RangeError(
      "Cannot evaluate as there must be a problem, a sample and a seed: " +
        `current counts are ${problems.length}, ${Math.min(...counts)} and ${seeds.length}`,
    );
  }
  const tokenizer = await model.tokenizer();
  const prefix = answerPrefix === "" ? [] : tokenizer.encode(answerPrefix);
  const asking = system === undefined ? {} : { system };
  const all = counts.reduce((sum, count) => sum + count, 0), total = all * seeds.length;
  const outcomes: number[][][] = [];
  let tokenCount = 0, truncated = 0, answered = 0;
  for (const seed of seeds) {
    const bySeed: number[][] = [];
    outcomes.push(bySeed);
    for (const places of partsOf(counts)) {
      const prompts = places.map((place) =>
        promptText(tokenizer, (problems[place] as AskedProblem).question, { template, ...asking })
      );
      const requests = places.flatMap((place, part) => {
        const tokens = [...tokenizer.encode(prompts[part] as string), ...prefix];
        const prompt = numbers[place] as number;
        const request = { tokens, prompt, ...(strength === undefined ? {} : { strength }) };
        return Array.from({ length: counts[place] as number }, (_, sample) => ({ ...request, sample }));
      });
      const before = answered;
      const rollouts = await model.generate(requests, {
        ...additions,
        maxNewTokens,
        temperature,
        seed,
        onProgress: (done) => onProgress?.(before + done, total),
      });
      answered += requests.length;
      let first = 0;
      for (const [part, place] of places.entries()) {
        const { answer } = problems[place] as AskedProblem, right: number[] = [];
        bySeed.push(right);
        for (
          const { prompt: number, sample, tokens, finished } of rollouts.slice(
            first,
            first + (counts[place] as number),
          )
        ) {
          const text = answerPrefix + tokenizer.decode(tokens), judgement = grade(text, answer);
          right.push(judgement.correct ? 1 : 0);
          tokenCount += tokens.length;
          truncated += finished ? 0 : 1;
          const prompt = prompts[part] as string;
          await onCompletion?.({
            problem: place,
            number,
            seed,
            sample,
            prompt,
            text,
            tokens,
            finished,
            judgement,
          });
        }
        first += counts[place] as number;
      }
    }
  }
  return { outcomes, lengthTokens: tokenCount / total, truncatedShare: truncated / total };
}
