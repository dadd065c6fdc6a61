import { z } from "zod";
import { type ModelConfig, modelConfigFrom } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { type CorpusConfig, parseCorpusConfig } from "../problems/mod.ts";
import { checkedConfig } from "./_checked_config.ts";
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
const FORMAT = z.exactOptional(z.enum(FORMATS));
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

/** The parts of a config that have readers of their own. */
function partsOf(
  { model, corpus }: { readonly model: unknown; readonly corpus: unknown },
  { where }: { readonly where: string },
): Pick<PretrainConfig, "model" | "corpus"> {
  return {
    model: modelConfigFrom(model, { where: `${where}, model` }),
    corpus: parseCorpusConfig(corpus, { where }),
  };
}

/**
 * Checks a pretraining config that came from a file; `where` names it in errors. Its `model` is written as a
 * config.json is. With `from`, the tokenizer has no size of its own and training no `initial`. Throws an `InputError`
 * for unknown, missing and misshapen keys, by name.
 */
export function parsePretrainConfig(value: unknown, options: { readonly where: string }): PretrainConfig {
  const what = "pretraining config";
  if (typeof value === "object" && value !== null && "from" in value) {
    const given = checkedConfig(FINE_TUNE_SCHEMA, value, { what, ...options });
    return { ...given, ...partsOf(given, options) };
  }
  const given = checkedConfig(FRESH_SCHEMA, value, { what, ...options }), made = partsOf(given, options);
  const { vocabSize } = given.tokenizer, { vocab } = made.model;
  if (vocabSize > vocab) {
    throw new InputError(
      `bad ${what} at tokenizer.vocabSize, it must be <= the model's vocab_size ${vocab}: ` +
        `current value is ${vocabSize}`,
      options,
    );
  }
  return { ...given, ...made };
}
