import { z } from "zod";
import { type ModelConfig, modelConfigFrom } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { type CorpusConfig, parseCorpusConfig } from "../problems/mod.ts";

/** Everything that decides a base model: architecture, tokenizer, corpus, optimisation. */
export interface PretrainConfig {
  readonly name: string;
  readonly model: ModelConfig;
  readonly tokenizer: { readonly vocabSize: number; readonly documents: number };
  readonly corpus: CorpusConfig;
  readonly training: TrainingSettings;
}

/** How a base model is optimised. One step sees `documentsPerStep` documents in micro-batches of like lengths. */
export interface TrainingSettings {
  readonly seed: number;
  readonly steps: number;
  readonly documentsPerStep: number;
  readonly microBatch: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  /** Share of the peak learning rate at the end. */
  readonly floor: number;
  readonly betas: readonly [number, number];
  /** On projection matrices alone: embedding, unembedding, norms and biases are left free. */
  readonly weightDecay: number;
  readonly maxNorm: number;
  /** Weight of (log Z)² in the loss. */
  readonly zLoss: number;
  /** Weight of a prompt token's loss next to an answer token's 1. */
  readonly promptWeight: number;
  /** Standard deviations at the start. */
  readonly initial: { readonly embedding: number; readonly unembedding: number; readonly projection: number };
}

const positive = z.number().positive();
const whole = z.int().positive();
const SCHEMA = z.strictObject({
  name: z.string().min(1),
  model: z.record(z.string(), z.unknown()),
  tokenizer: z.strictObject({ vocabSize: whole, documents: whole }),
  corpus: z.unknown(),
  training: z.strictObject({
    seed: z.int().nonnegative(),
    steps: whole,
    documentsPerStep: whole,
    microBatch: whole,
    learningRate: positive,
    warmupSteps: z.int().nonnegative(),
    floor: z.number().min(0).max(1),
    betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]),
    weightDecay: z.number().nonnegative(),
    maxNorm: positive,
    zLoss: z.number().nonnegative(),
    promptWeight: z.number().min(0).max(1),
    initial: z.strictObject({ embedding: positive, unembedding: positive, projection: positive }),
  }),
});

/** Checks a pretraining config that came from a file; `where` names it in errors. */
export function parsePretrainConfig(value: unknown, options: { readonly where: string }): PretrainConfig {
  const parsed = SCHEMA.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InputError(
      `bad pretraining config at ${issue?.path.join(".") || "its top"}, ${issue?.message}`,
      options,
    );
  }
  const { name, model, tokenizer, corpus, training } = parsed.data;
  return {
    name,
    model: modelConfigFrom(model, { where: `${options.where}, model` }),
    tokenizer,
    corpus: parseCorpusConfig(corpus, options),
    training,
  };
}
