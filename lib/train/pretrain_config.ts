import { z } from "zod";
import { type ModelConfig, modelConfigFrom } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { type CorpusConfig, parseCorpusConfig } from "../problems/mod.ts";
import { CHAT_FORMATS, type ChatFormatName } from "./chat_format.ts";

/** Everything that decides a base model: architecture, tokenizer, corpus, optimisation. */
export interface FreshConfig {
  /** What the model is called. */
  readonly name: string;
  /** Absent: weights start at random. */
  readonly from?: never;
  /** Architecture and widths. */
  readonly model: ModelConfig;
  /** Tokens of the vocabulary, how many documents of the corpus it is learnt from, how a conversation is written. */
  readonly tokenizer: {
    readonly vocabSize: number;
    readonly documents: number;
    /** `@default "chatml"` */
    readonly format?: ChatFormatName;
  };
  /** The mixture that documents are drawn from. */
  readonly corpus: CorpusConfig;
  /** Optimisation, and standard deviations at the start. */
  readonly training: TrainingSettings & { readonly initial: InitialSpreads };
}

/** Everything that decides a model that goes on from another's weights and tokenizer. */
export interface FineTuneConfig {
  /** What the model is called. */
  readonly name: string;
  /** The other model's folder, as the config file writes it: relative to that file. */
  readonly from: string;
  /** Architecture and widths: those of the other model. */
  readonly model: ModelConfig;
  /** How a conversation is written from now on. */
  readonly tokenizer: {
    /** `@default "chatml"` */
    readonly format?: ChatFormatName;
  };
  /** The mixture that documents are drawn from. */
  readonly corpus: CorpusConfig;
  /** Optimisation. */
  readonly training: TrainingSettings;
}

/** A pretraining run: from random weights, or `from` another model. */
export type PretrainConfig = FreshConfig | FineTuneConfig;

/** Standard deviations of random weights. */
export interface InitialSpreads {
  /** Of the embedding. */
  readonly embedding: number;
  /** Of the unembedding. */
  readonly unembedding: number;
  /** Of projections, times √(their inputs). */
  readonly projection: number;
}

/** How a base model is optimised. One step sees `documentsPerStep` documents in micro-batches of like lengths. */
export interface TrainingSettings {
  /** Decides the documents and, where they are random, the weights at the start. */
  readonly seed: number;
  /** Updates. */
  readonly steps: number;
  /** Documents that one update is made of. */
  readonly documentsPerStep: number;
  /** Documents that run together. */
  readonly microBatch: number;
  /** Peak of the schedule. */
  readonly learningRate: number;
  /** Steps of linear rise. */
  readonly warmupSteps: number;
  /** Share of the peak learning rate at the end. */
  readonly floor: number;
  /** Of AdamW. */
  readonly betas: readonly [number, number];
  /** On projection matrices alone: embedding, unembedding, norms and biases are left free. */
  readonly weightDecay: number;
  /** Global norm that adjoints are clipped to. */
  readonly maxNorm: number;
  /** Weight of (log Z)² in the loss. */
  readonly zLoss: number;
  /** Weight of a prompt token's loss next to an answer token's 1. */
  readonly promptWeight: number;
}

const FORMATS = Object.keys(CHAT_FORMATS) as ChatFormatName[];
const positive = z.number().positive();
const whole = z.int().positive();
const FORMAT = z.enum(FORMATS).optional();
const TRAINING = z.strictObject({
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
});
const EVERY = { name: z.string().min(1), model: z.record(z.string(), z.unknown()), corpus: z.unknown() };
const FRESH_SCHEMA = z.strictObject({
  ...EVERY,
  tokenizer: z.strictObject({ vocabSize: whole, documents: whole, format: FORMAT }),
  training: TRAINING.extend({
    initial: z.strictObject({ embedding: positive, unembedding: positive, projection: positive }),
  }),
});
const FINE_TUNE_SCHEMA = z.strictObject({
  ...EVERY,
  from: z.string().min(1),
  tokenizer: z.strictObject({ format: FORMAT }),
  training: TRAINING,
});

/** The parsed value, or an InputError that says what is wrong first and where. */
function checked<T>(schema: z.ZodType<T>, value: unknown, options: { readonly where: string }): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(
    `bad pretraining config at ${issue?.path.join(".") || "its top"}, ${issue?.message}`,
    options,
  );
}

/** An optional format as an optional key. */
const formatOf = (format: ChatFormatName | undefined) => format === undefined ? {} : { format };

/**
 * Checks a pretraining config that came from a file; `where` names it in errors. Its `model` is written as a
 * config.json is. With `from`, the tokenizer has no size of its own and training no `initial`. Throws an `InputError`
 * for unknown, missing and misshapen keys, by name.
 */
export function parsePretrainConfig(value: unknown, options: { readonly where: string }): PretrainConfig {
  if (typeof value === "object" && value !== null && "from" in value) {
    const { name, from, model, tokenizer, corpus, training } = checked(FINE_TUNE_SCHEMA, value, options);
    return {
      name,
      from,
      model: modelConfigFrom(model, { where: `${options.where}, model` }),
      tokenizer: formatOf(tokenizer.format),
      corpus: parseCorpusConfig(corpus, options),
      training,
    };
  }
  const { name, model, tokenizer, corpus, training } = checked(FRESH_SCHEMA, value, options);
  const { vocabSize, documents, format } = tokenizer;
  const modelConfig = modelConfigFrom(model, { where: `${options.where}, model` });
  if (vocabSize > modelConfig.vocab) {
    throw new InputError(
      `bad pretraining config at tokenizer.vocabSize, it must be <= the model's vocab_size ${modelConfig.vocab}: ` +
        `current value is ${vocabSize}`,
      options,
    );
  }
  return {
    name,
    model: modelConfig,
    tokenizer: { vocabSize, documents, ...formatOf(format) },
    corpus: parseCorpusConfig(corpus, options),
    training,
  };
}
