import { type ChatTokenizer, type ModelConfig, weightShapes } from "../checkpoint/mod.ts";
import { elementCount, RandomStream, tensor } from "../core/mod.ts";
import { promptTokens } from "../decode/mod.ts";
import { corpusDocument } from "../problems/mod.ts";
import { Session } from "../runtime/mod.ts";
import { AdamW, clipToNorm } from "./adamw.ts";
import { CHAT_FORMATS } from "./chat_format.ts";
import { addAdjoints, languageModelGraph, weightFeeds } from "./language_model_graph.ts";
import type { FreshConfig, PretrainConfig, TrainingSettings } from "./pretrain_config.ts";
import { scheduleFactor } from "./schedule.ts";
import { pretrainRunHash, type StartingPoint } from "./starting_point.ts";
import { loadTrainingState, saveTrainingState } from "./training_state.ts";

/** A document as token ids; tokens from `answerStart` on are the answer, the stop token included. */
interface TokenDocument {
  readonly ids: readonly number[];
  readonly answerStart: number;
}

/** One line of a pretraining log. */
export interface PretrainStep {
  /** Counts from zero. */
  readonly step: number;
  /** Mean −log p per unit of target weight, in nats. */
  readonly crossEntropyNats: number;
  /** Global norm of all adjoints before clipping. */
  readonly adjointNorm: number;
  /** Rate of this step's update. */
  readonly learningRate: number;
  /** Tokens of the step's documents, prompts included. */
  readonly tokens: number;
}

/**
 * Weights at the start, by tensor name: normal, with output projections narrowed by the depth so that the residual
 * grows evenly; norm gains are 1, biases 0. A pure function of its arguments, each tensor with a stream of its own.
 */
export function initialWeights(
  config: ModelConfig,
  training: Pick<FreshConfig["training"], "seed" | "initial">,
): Map<string, Float32Array> {
  const { initial } = training;
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of weightShapes(config)) {
    const stream = new RandomStream(training.seed, "initial", name);
    const values = new Float32Array(elementCount(dims));
    if (name.endsWith("norm.weight")) values.fill(1);
    else if (!name.endsWith(".bias")) {
      const intoResidual = /(o_proj|down_proj)\.weight$/.test(name) ? 1 / Math.sqrt(2 * config.layers) : 1;
      const spread = name === "model.embed_tokens.weight"
        ? initial.embedding
        : name === "lm_head.weight"
        ? initial.unembedding
        : initial.projection * intoResidual / Math.sqrt(dims[1] as number);
      for (let i = 0; i < values.length; i++) values[i] = spread * stream.normal();
    }
    weights.set(name, values);
  }
  return weights;
}

/** A copy, since training changes weights in place. */
function startWeights(
  weights: ReadonlyMap<string, Float32Array>,
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, Float32Array> {
  return new Map([...shapes].map(([name, dims]) => {
    const values = weights.get(name), count = elementCount(dims);
    if (values?.length !== count || weights.size !== shapes.size) {
      throw new RangeError(
        `Cannot go on from these weights as "${name}" must have ${count} values, and be one of ${shapes.size}: ` +
          `current counts are ${values?.length} and ${weights.size}`,
      );
    }
    return [name, values.slice()];
  }));
}

/** Documents of one step as right-padded feeds, sorted by length so that a micro-batch wastes little padding. */
function microBatches(documents: readonly TokenDocument[], training: TrainingSettings) {
  const sorted = [...documents].sort((a, b) => a.ids.length - b.ids.length);
  const weightOf = (document: TokenDocument, target: number) =>
    target >= document.answerStart ? 1 : training.promptWeight;
  let total = 0;
  for (const document of documents) {
    for (let target = 1; target < document.ids.length; target++) total += weightOf(document, target);
  }
  const batches = [];
  for (let start = 0; start < sorted.length; start += training.microBatch) {
    const rows = sorted.slice(start, start + training.microBatch);
    const seq = Math.max(...rows.map((row) => row.ids.length)) - 1;
    const dims = [rows.length, seq];
    const tokens = new BigInt64Array(rows.length * seq), targets = new BigInt64Array(rows.length * seq);
    const weights = new Float32Array(rows.length * seq);
    rows.forEach((row, r) => {
      for (let t = 0; t + 1 < row.ids.length; t++) {
        tokens[r * seq + t] = BigInt(row.ids[t] as number);
        targets[r * seq + t] = BigInt(row.ids[t + 1] as number);
        weights[r * seq + t] = weightOf(row, t + 1) / total;
      }
    });
    batches.push({
      tokens: tensor("int64", dims, tokens),
      targets: tensor("int64", dims, targets),
      target_weights: tensor("float32", dims, weights),
    });
  }
  return batches;
}

/**
 * Trains a language model on the corpus, from random weights or, for a config with `from`, from `start`. Documents are
 * a pure function of (seed, index), so a run that was killed and resumed sees what an unbroken one would have seen and
 * ends with the same bytes.
 *
 * `folder` keeps the state between calls; `onStep` gets each log line; an aborted `signal` saves and returns early.
 * Returns the weights, the log and the run's hash; `finished` is false after an abort.
 *
 * `@default {saveEvery: 100, threads: 2}`
 *
 * @throws {InputError} when `folder` holds the state of a run with another config.
 * @throws {RangeError} when loss or adjoints are no longer finite (the last saved state stays), or a config with
 * `from` comes without `start`.
 */
export async function pretrain(
  config: PretrainConfig,
  options: {
    readonly tokenizer: ChatTokenizer;
    readonly folder: string;
    /** Weights of the model that the config goes on `from`; its config is the config's `model`. */
    readonly start?: StartingPoint;
    readonly saveEvery?: number;
    readonly threads?: number;
    readonly signal?: AbortSignal;
    readonly onStep?: (line: PretrainStep) => void;
  },
): Promise<{
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly log: readonly string[];
  readonly runHash: string;
  readonly finished: boolean;
}> {
  const { tokenizer, folder, start, saveEvery = 100 } = options;
  const { model, training, corpus } = config;
  const runHash = pretrainRunHash(config, { fromHash: start?.hash });
  const shapes = weightShapes(model);
  const resumed = await loadTrainingState(folder, runHash);
  const weights = resumed !== null
    ? new Map(resumed.parameters)
    : config.from === undefined
    ? initialWeights(model, config.training)
    : startWeights(start?.weights ?? new Map(), shapes);
  const optimizer = new AdamW(weights, {
    betas: training.betas,
    weightDecay: (name) => /_proj\.weight$/.test(name) ? training.weightDecay : 0,
    state: resumed?.optimizer,
  });
  const log = [...(resumed?.log ?? [])];
  const schedule = {
    warmupSteps: training.warmupSteps,
    decay: "cosine",
    totalSteps: training.steps,
    floor: training.floor,
  } as const;
  const graph = languageModelGraph(model, { shapes, zLoss: training.zLoss });
  const session = await Session.create(graph, { threads: options.threads ?? 2 });
  const { stopToken } = CHAT_FORMATS[config.tokenizer.format ?? "chatml"];
  const stop = tokenizer.tokenId(stopToken);
  if (stop === null) {
    throw new RangeError(`Cannot pretrain as the tokenizer must have the token "${stopToken}"`);
  }
  const documentAt = (index: number): TokenDocument => {
    const { problem, system, answer } = corpusDocument(corpus, { seed: training.seed, index });
    const prompt = promptTokens(tokenizer, problem.question, { system });
    return { ids: [...prompt, ...tokenizer.encode(answer), stop], answerStart: prompt.length };
  };
  const save = () =>
    saveTrainingState(folder, { runHash, parameters: weights, optimizer: optimizer.state, log });
  for (let step = optimizer.state.step; step < training.steps; step++) {
    if (options.signal?.aborted === true) {
      await save();
      await session.release();
      return { weights, log, runHash, finished: false };
    }
    const first = step * training.documentsPerStep;
    const documents = Array.from({ length: training.documentsPerStep }, (_, i) => documentAt(first + i));
    const adjoints = new Map([...shapes].map(([name, dims]) => [name, new Float32Array(elementCount(dims))]));
    let weightedNats = 0;
    const feeds = weightFeeds(weights, shapes);
    for (const batch of microBatches(documents, training)) {
      const out = await session.run({ ...batch, ...feeds });
      weightedNats += Number(out["cross_entropy"]?.data[0]);
      addAdjoints(adjoints, out);
    }
    const adjointNorm = clipToNorm(adjoints, training.maxNorm);
    // Before the update, so that neither weights nor a later state ever hold a NaN.
    if (!Number.isFinite(weightedNats) || !Number.isFinite(adjointNorm)) {
      await session.release();
      throw new RangeError(
        `Cannot go on pretraining as loss and adjoints must be finite: step ${step} gave ` +
          `${weightedNats} nats and an adjoint norm of ${adjointNorm}`,
      );
    }
    const learningRate = training.learningRate * scheduleFactor(schedule, step);
    optimizer.step(adjoints, { learningRate });
    const line: PretrainStep = {
      step,
      crossEntropyNats: Number(weightedNats.toPrecision(6)),
      adjointNorm: Number(adjointNorm.toPrecision(4)),
      learningRate: Number(learningRate.toPrecision(4)),
      tokens: documents.reduce((sum, document) => sum + document.ids.length, 0),
    };
    log.push(JSON.stringify(line));
    options.onStep?.(line);
    if ((step + 1) % saveEvery === 0) await save();
  }
  await session.release();
  return { weights, log, runHash, finished: true };
}
