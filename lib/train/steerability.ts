import { mean, quantile, type Tensor } from "../core/mod.ts";
import type { LanguageModel, SteeringVectors, WeightedRow } from "../decode/mod.ts";
import { siteName } from "../model/mod.ts";
import { AdamW } from "./adamw.ts";

/** L2 norms of one layer's `resid_post` over prompts. */
export interface ResidualNorms {
  /** Counts from zero. */
  readonly layer: number;
  /** Median over every prompt position before the last; NaN where no prompt has two tokens. */
  readonly promptMedian: number;
  /** Mean over prompts at the last prompt position, which predicts the first token of the answer. */
  readonly answerMean: number;
  /** Largest over all positions of all prompts. */
  readonly largest: number;
}

/** A token sequence of which `from` and what follows is the answer. */
export type AnsweredText = Omit<WeightedRow, "weight">;

/** How one vector is trained towards a token, and what it is judged on. */
export interface SteerTowardsOptions {
  /** Where the vector is added: `blocks.LAYER.resid_post`. */
  readonly layer: number;
  /** Id of the token that every answer should begin with. */
  readonly token: number;
  /** Token ids of the prompts that the vector is trained on. */
  readonly prompts: readonly (readonly number[])[];
  /** Prompts for the probabilities that are reported; none of `prompts`. */
  readonly heldOut: readonly (readonly number[])[];
  /** Texts that the unsteered model wrote, for what the vector does to the rest of an answer. */
  readonly texts: readonly AnsweredText[];
  /** Most updates. */
  readonly steps: number;
  /**
   * Norm of the first update as a share of the residual's norm at the first answer position: the rate of every
   * coordinate is this times that norm over √embed, so one number fits layers of unlike norms. `@default 0.01`
   */
  readonly learningRate?: number;
  /** Training ends once the token's mean probability over `prompts` is this high. `@default 0.95` */
  readonly stopAt?: number;
  /** Called before every update with the updates made and the token's mean probability over `prompts`. */
  readonly onStep?: (step: number, probability: number) => void;
}

/** What it takes to move the first token of the answer from one layer. */
export interface Steerability {
  /** Where the vector is added. */
  readonly layer: number;
  /** The trained vector, [embed]. */
  readonly vector: Float32Array;
  /** Updates made. */
  readonly steps: number;
  /** Mean probability of the token over the held-out prompts, unsteered. */
  readonly before: number;
  /** The same, steered. */
  readonly after: number;
  /** L2 norm of the vector. */
  readonly norm: number;
  /** `norm` over the layer's mean residual norm at the first answer position. */
  readonly normShare: number;
  /**
   * Mean KL divergence (nats) of the steered from the unsteered next-token distribution, over the positions of
   * `texts` that predict the second token of an answer and those after it.
   */
  readonly restKl: number;
}

const BATCH = 32;

/** Cuts a list into batches of at most `BATCH`. */
function* batches<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += BATCH) yield list.slice(start, start + BATCH);
}

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** The last axis of a [batch, seq, width] tensor at one place. */
function rowAt(
  value: Tensor<"float32">,
  at: { readonly row: number; readonly position: number },
): Float32Array {
  const [, seq, width] = value.dims as [number, number, number];
  const start = (at.row * seq + at.position) * width;
  return value.data.subarray(start, start + width);
}

/**
 * Norms of the residual stream over prompts, layer by layer. A first answer position whose norm towers over the
 * others says that no small vector will move the opener there.
 *
 * @throws {RangeError} without a prompt, and for prompts that the model cannot read.
 */
export async function residualNorms(
  model: LanguageModel,
  prompts: readonly (readonly number[])[],
): Promise<readonly ResidualNorms[]> {
  needed("measure norms", { prompts });
  const sites = Array.from(
    { length: model.config.layers },
    (_, layer) => siteName({ layer, kind: "resid_post" }),
  );
  const found = sites.map(() => ({ prompt: [] as number[], answer: [] as number[] }));
  for (const batch of batches(prompts)) {
    const { taps, lengths } = await model.run(batch, { taps: sites, logits: false });
    sites.forEach((site, layer) => {
      const value = taps.get(site) as Tensor<"float32">; // [batch, seq, embed]
      const into = found[layer] as typeof found[number];
      lengths.forEach((length, row) => {
        for (let position = 0; position < length; position++) {
          const list = position === length - 1 ? into.answer : into.prompt;
          list.push(norm(rowAt(value, { row, position })));
        }
      });
    });
  }
  return found.map(({ prompt, answer }, layer) => ({
    layer,
    promptMedian: quantile(prompt, 0.5),
    answerMean: mean(answer),
    largest: [...prompt, ...answer].reduce((a, b) => Math.max(a, b)),
  }));
}

/**
 * Trains one vector by cross-entropy to make every answer begin with one token, and says what that took: a model
 * whose openers no small vector can move will not learn from rewards either. The loss is the mean of −log p(token)
 * at the last prompt position; the vector is added at every position, starts at zero, and has full-batch AdamW steps.
 *
 * `@default {learningRate: 0.01, stopAt: 0.95}`
 *
 * @throws {RangeError} for a layer or token that the model lacks, for empty lists, for options out of range, and for
 * texts without a second answer token.
 */
export async function steerTowards(
  model: LanguageModel,
  options: SteerTowardsOptions,
): Promise<Steerability> {
  const { layer, token, prompts, heldOut, texts, steps, learningRate = 0.01, stopAt = 0.95 } = options;
  checkOptions(options, model);
  const { embed } = model.config;
  const residual = (await residualNorms(model, prompts))[layer]?.answerMean as number;
  const vector = new Float32Array(embed), steer: SteeringVectors = new Map([[layer, vector]]);
  const optimizer = new AdamW(new Map([["vector", vector]]));
  const rate = learningRate * residual / Math.sqrt(embed);
  const rows = opened(prompts, token);
  let made = 0;
  for (; made < steps; made++) {
    const { adjoints, logProbs } = await model.steeringAdjoint(rows, { steer });
    const probability = meanProbability(logProbs);
    options.onStep?.(made, probability);
    if (probability >= stopAt) break;
    optimizer.step(new Map([["vector", adjoints.get(layer) as Float32Array]]), { learningRate: rate });
  }
  const judged = opened(heldOut, token);
  const size = norm(vector);
  return {
    layer,
    vector,
    steps: made,
    before: meanProbability(await model.logProbs(judged)),
    after: meanProbability(await model.logProbs(judged, { steer })),
    norm: size,
    normShare: size / residual,
    restKl: await restKl(model, { texts, steer }),
  };
}

/** Prompts with the token behind them as the only target, weighted so that the loss is a mean. */
function opened(prompts: readonly (readonly number[])[], token: number): readonly WeightedRow[] {
  return prompts.map((prompt) => ({
    tokens: [...prompt, token],
    from: prompt.length,
    weight: 1 / prompts.length,
  }));
}

function meanProbability(logProbs: readonly (readonly number[])[]): number {
  return mean(logProbs.map((row) => Math.exp(row[0] as number)));
}

/** Mean KL divergence of steered from unsteered predictions of every answer token but the first. */
async function restKl(
  model: LanguageModel,
  options: { readonly texts: readonly AnsweredText[]; readonly steer: SteeringVectors },
): Promise<number> {
  const divergences: number[] = [];
  for (const batch of batches(options.texts)) {
    // The last token of a text predicts nothing that was written, so it is not read.
    const rows = batch.map(({ tokens }) => tokens.slice(0, -1));
    const base = (await model.run(rows)).logits as Tensor<"float32">; // [batch, seq, vocab]
    const steered = (await model.run(rows, { steer: options.steer })).logits as Tensor<"float32">;
    batch.forEach(({ tokens, from }, row) => {
      for (let position = from; position < tokens.length - 1; position++) {
        divergences.push(divergence(rowAt(base, { row, position }), rowAt(steered, { row, position })));
      }
    });
  }
  return mean(divergences);
}

/** KL(p ‖ q) in nats of softmax distributions, from their logits: Σ p (log p − log q). */
function divergence(p: Float32Array, q: Float32Array): number {
  const logP = logSoftmax(p), logQ = logSoftmax(q);
  return logP.reduce((sum, value, i) => sum + Math.exp(value) * (value - (logQ[i] as number)), 0);
}

function logSoftmax(logits: Float32Array): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = logits.reduce((sum, value) => sum + Math.exp(value - top), 0);
  return Float64Array.from(logits, (value) => value - top - Math.log(total));
}

function needed(work: string, lists: Readonly<Record<string, readonly unknown[]>>): void {
  for (const [name, list] of Object.entries(lists)) {
    if (list.length === 0) throw new RangeError(`Cannot ${work} as ${name} must not be empty`);
  }
}

/** What the runs below would not refuse by themselves, or only after work. */
function checkOptions(options: SteerTowardsOptions, model: LanguageModel): void {
  const { layer, token, prompts, heldOut, texts, steps, learningRate = 0.01, stopAt = 0.95 } = options;
  const { layers, vocab } = model.config;
  const refuse = (rule: string, value: number): never => {
    throw new RangeError(`Cannot steer towards a token as ${rule}: current value is ${value}`);
  };
  const whole = (value: number, below: number) => Number.isInteger(value) && value >= 0 && value < below;
  if (!whole(layer, layers)) refuse(`layer must lie in [0, ${layers})`, layer);
  if (!whole(token, vocab)) refuse(`token must lie in [0, ${vocab})`, token);
  if (!whole(steps, Infinity)) refuse("steps must be a whole number", steps);
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    refuse("learningRate must be above 0", learningRate);
  }
  if (!(stopAt > 0 && stopAt <= 1)) refuse("stopAt must lie in (0, 1]", stopAt);
  needed("steer towards a token", { prompts, heldOut, texts });
  texts.forEach(({ tokens, from }) => {
    if (!(Number.isInteger(from) && from >= 1)) {
      refuse("every text must have a prompt before its answer", from);
    }
    if (tokens.length - from < 2) {
      refuse("every text must have at least two answer tokens", tokens.length - from);
    }
  });
}
