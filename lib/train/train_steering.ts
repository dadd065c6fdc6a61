import { canonicalJson, RandomStream, sha256 } from "../core/mod.ts";
import { type LanguageModel, promptTokens, type Rollout, type WeightedRow } from "../decode/mod.ts";
import { answerModeOf, graderNamed } from "../problems/mod.ts";
import { AdamW, clipToNorm, type Parameters } from "./adamw.ts";
import { parameterSet } from "./parameter_set.ts";
import type { ParameterSet, TrainedResult } from "./trained_parameters.ts";
import { type GradedRollout, stepWeights } from "./rloo.ts";
import { scheduleFactor } from "./schedule.ts";
import type { SteeringConfig } from "./steering_config.ts";
import { type TrainingProblem, trainingProblems } from "./training_problems.ts";
import { loadTrainingState, saveTrainingState } from "./training_state.ts";

/** One line of an RL log. */
export interface SteeringStep {
  /** Counts from zero. */
  readonly step: number;
  /** Mean reward, +1 right and −1 wrong; what would have been its mean where rewards are random. */
  readonly reward: number;
  /** Completions cut off by the length limit. */
  readonly truncatedShare: number;
  /** Completions in which the grader finds no answer. */
  readonly unboxedShare: number;
  /** Problems whose completions were all right or all wrong. */
  readonly zeroVarianceGroups: number;
  /** Mean generated tokens, the stop token included. */
  readonly lengthTokens: number;
  /** Global norm of all adjoints before clipping. */
  readonly adjointNorm: number;
  /**
   * Norm of the change to the model's parameters after the update: of all vectors, which are biases; of all b·aᵀ of
   * adapters, which add to down_proj; of all weights minus what they were.
   */
  readonly vectorNorm: number;
  /** Factor of the schedule on every layer's rate. */
  readonly learningRateFactor: number;
  /** Largest |log p sampled − log p scored| over the tokens of rollouts that carry an advantage. */
  readonly worstLogRatio: number;
}

/** Sampler and scorer are two graphs of one model in float32: a ratio further from 1 than this is a fault. */
const LOG_RATIO_BOUND = 1e-3;

/** Result of a run: what was trained, the log, and whether it came to its end. */
export interface SteeringRun extends TrainedResult {
  /** One JSON line per finished step. */
  readonly log: readonly string[];
  /** False after an abort. */
  readonly finished: boolean;
  /** Names the run: hash of its config and its model. */
  readonly runHash: string;
}

/** The hash of everything that decides an RL run: its config and the hash of its model. */
export function steeringRunHash(config: SteeringConfig, options: { readonly model: string }): string {
  return sha256(canonicalJson({ config, model: options.model }));
}

/**
 * Trains steering vectors of a frozen model, or what else the config names, by RLOO: per step, `prompts` problems ×
 * `samples` completions at temperature 1, reward ±1 from the grader, or by `reward: "random"` from a coin, leave-one-out
 * advantages, one AdamW step. The model starts unchanged; no KL, no ratio, no clipping of ratios. Everything is a pure
 * function of (config, model, step), so a killed run that resumes ends with the same bytes as an unbroken one.
 * Source: the trainer of the paper and its settings, which table5 lists (class: code).
 *
 * `@default {saveEvery: 10}`
 *
 * @example
 * ```ts
 * import { loadModel, parseSteeringConfig, trainSteering } from "@small-vectors/steering";
 * const model = await loadModel("./fixtures/embedded/base-a"), folder = await Deno.makeTempDir();
 * const sizes = { seed: 0, steps: 1, prompts: 1, samples: 2, maxNewTokens: 4, warmupShare: 0, maxNorm: 2 };
 * const config = { ...sizes, layers: [3, 4], learningRates: [0.01, 0.02], families: ["linear"] };
 * const run = await trainSteering(model, parseSteeringConfig(config, { where: "here" }), { folder });
 * if (run.vectors.size !== 2 || run.log.length !== 1) throw new Error("a vector per layer, a line per step");
 * await model.release();
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @throws {InputError} when `folder` holds the state of another run.
 * @throws {RangeError} for a layer that the model lacks, when sampler and scorer disagree, and when adjoints are no
 * longer finite; the last saved state stays.
 */
export async function trainSteering(
  model: LanguageModel,
  config: SteeringConfig,
  options: {
    /** Keeps the state between calls. */
    readonly folder: string;
    /** Problems of the config's data, in the order of the file. */
    readonly problems?: readonly TrainingProblem[];
    readonly saveEvery?: number;
    readonly signal?: AbortSignal;
    readonly onStep?: (line: SteeringStep) => void;
  },
): Promise<SteeringRun> {
  const { folder, saveEvery = 10 } = options;
  const runHash = steeringRunHash(config, { model: await model.checkpoint.hash() });
  const resumed = await loadTrainingState(folder, runHash);
  const set = await parameterSet(model, config, { kept: resumed?.parameters ?? null, folder });
  try {
    const { parameters } = set;
    const optimizer = new AdamW(parameters, { state: resumed?.optimizer });
    const log = [...(resumed?.log ?? [])];
    const warmupSteps = Math.ceil(config.warmupShare * config.steps);
    const schedule = { warmupSteps, decay: "constant", totalSteps: config.steps } as const;
    const asked = trainingProblems(config, options);
    const save = () => saveTrainingState(folder, { runHash, parameters, optimizer: optimizer.state, log });
    for (let step = optimizer.state.step; step < config.steps; step++) {
      if (options.signal?.aborted === true) {
        await save();
        return { ...set.result, log, finished: false, runHash };
      }
      const { adjoints, measured, worstLogRatio } = await scoreStep(model, config, { step, set, asked });
      const factor = scheduleFactor(schedule, step);
      optimizer.step(adjoints, { learningRate: (parameter) => factor * set.rate(parameter) });
      const line: SteeringStep = {
        step,
        ...measured,
        vectorNorm: Number(set.norm().toPrecision(5)),
        learningRateFactor: factor,
        worstLogRatio: Number(worstLogRatio.toPrecision(2)),
      };
      log.push(JSON.stringify(line));
      options.onStep?.(line);
      if ((step + 1) % saveEvery === 0) await save();
    }
    return { ...set.result, log, finished: true, runHash };
  } finally {
    await set.release();
  }
}

/** Which step is made, of what, on which problems. */
export interface StepState {
  readonly step: number;
  readonly set: ParameterSet;
  readonly asked: ReturnType<typeof trainingProblems>;
}

/** What one step gave. */
export interface ScoredStep {
  readonly adjoints: Parameters;
  readonly measured: StepBatch["statistics"] & Pick<SteeringStep, "zeroVarianceGroups" | "adjointNorm">;
  readonly worstLogRatio: number;
}

/** Samples, grades and differentiates one step; the adjoints come clipped, and finite or not at all. */
export async function scoreStep(
  model: LanguageModel,
  config: SteeringConfig,
  state: StepState,
): Promise<ScoredStep> {
  const { step, set } = state;
  const batch = await sampleStep(model, config, state);
  const { weights, zeroVarianceGroups } = stepWeights(batch.graded);
  // Rows without an advantage add nothing to the loss: they count in T and are not run again.
  const rows: WeightedRow[] = [], sampled: (readonly number[])[] = [];
  batch.rollouts.forEach((rollout, i) => {
    const weight = weights[Math.floor(i / config.samples)]?.[i % config.samples] as number;
    if (weight === 0) return;
    const from = rollout.promptTokens.length;
    rows.push({ tokens: [...rollout.promptTokens, ...rollout.tokens], from, weight });
    sampled.push(rollout.logProbs);
  });
  const { adjoints, logProbs } = await set.adjoints(rows);
  const worstLogRatio = worstDifference(sampled, logProbs);
  if (!(worstLogRatio <= LOG_RATIO_BOUND)) {
    throw new RangeError(
      `Cannot train as sampler and scorer must agree to ${LOG_RATIO_BOUND}: step ${step} differs by ${worstLogRatio}`,
    );
  }
  const adjointNorm = clipToNorm(adjoints, config.maxNorm);
  if (!Number.isFinite(adjointNorm)) {
    throw new RangeError(
      `Cannot train as adjoints must be finite: step ${step} gave a norm of ${adjointNorm}`,
    );
  }
  return {
    adjoints,
    measured: { ...batch.statistics, zeroVarianceGroups, adjointNorm: Number(adjointNorm.toPrecision(4)) },
    worstLogRatio,
  };
}

interface StepBatch {
  readonly rollouts: readonly Rollout[];
  /** What the update is made of. */
  readonly graded: readonly (readonly GradedRollout[])[];
  readonly statistics: Pick<SteeringStep, "reward" | "truncatedShare" | "unboxedShare" | "lengthTokens">;
}

/** Samples and grades one step. Prompts are numbered through the run, so no two steps share random numbers. */
async function sampleStep(
  model: LanguageModel,
  config: SteeringConfig,
  state: StepState,
): Promise<StepBatch> {
  const { seed, samples, template = "embedded", grader = "box-number" } = config;
  const tokenizer = await model.tokenizer();
  const first = state.step * config.prompts;
  const problems = state.asked.slice(first, first + config.prompts);
  const requests = problems.flatMap((problem, p) => {
    const tokens = promptTokens(tokenizer, problem.question, { template });
    return Array.from({ length: samples }, (_, sample) => ({ tokens, prompt: first + p, sample }));
  });
  const rollouts = await state.set.sample(requests, { maxNewTokens: config.maxNewTokens, seed });
  const { grade } = graderNamed(grader, { mode: answerModeOf(template) });
  const verdicts = rollouts.map((rollout, i) =>
    grade(tokenizer.decode(rollout.tokens), problems[Math.floor(i / samples)]?.answer as string)
  );
  const graded = problems.map((_, p) =>
    Array.from({ length: samples }, (_, s) => ({
      reward: verdicts[p * samples + s]?.correct === true ? 1 : -1,
      length: rollouts[p * samples + s]?.tokens.length as number,
    }))
  );
  const tossed = config.reward !== "random" ? graded : graded.map((group, p) => {
    const coin = new RandomStream(seed, "random reward", first + p);
    return group.map(({ length }) => ({ reward: coin.uniform() < 0.5 ? 1 : -1, length }));
  });
  const share = (count: number) => Number((count / rollouts.length).toFixed(4));
  const lengths = graded.flat().reduce((sum, rollout) => sum + rollout.length, 0);
  return {
    rollouts,
    graded: tossed,
    statistics: {
      reward: share(graded.flat().reduce((sum, rollout) => sum + rollout.reward, 0)),
      truncatedShare: share(rollouts.filter((rollout) => !rollout.finished).length),
      unboxedShare: share(verdicts.filter((verdict) => verdict.extracted === null).length),
      lengthTokens: Number((lengths / rollouts.length).toFixed(2)),
    },
  };
}

/** The largest |a − b|; NaN when any is, since `Math.max` hands NaN on. */
function worstDifference(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  let worst = 0;
  a.forEach((row, r) =>
    row.forEach((value, t) => void (worst = Math.max(worst, Math.abs(value - (b[r]?.[t] as number)))))
  );
  return worst;
}
