import { z } from "zod";
import { type ModelConfig, modelConfigFrom } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { type CorpusConfig, parseCorpusConfig } from "../problems/mod.ts";
import { CHAT_FORMATS, type ChatFormatName } from "./chat_format.ts";

/** Everything that decides a base model: architecture, tokenizer, corpus, optimisation. */
export interface PretrainConfig {
  /** What the model is called. */
  readonly name: string;
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
  /** Optimisation. */
  readonly training: TrainingSettings;
}

/** How a base model is optimised. One step sees `documentsPerStep` documents in micro-batches of like lengths. */
export interface TrainingSettings {
  /** Decides the documents and the weights at the start. */
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
  /** Standard deviations at the start. */
  readonly initial: { readonly embedding: number; readonly unembedding: number; readonly projection: number };
}

const FORMATS = Object.keys(CHAT_FORMATS) as ChatFormatName[];
const positive = z.number().positive();
const whole = z.int().positive();
const SCHEMA = z.strictObject({
  name: z.string().min(1),
  model: z.record(z.string(), z.unknown()),
  tokenizer: z.strictObject({ vocabSize: whole, documents: whole, format: z.enum(FORMATS).optional() }),
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

/**
 * Checks a pretraining config that came from a file; `where` names it in errors. Its `model` is written as a
 * config.json is. Throws an `InputError` for unknown, missing and misshapen keys, by name.
 *
 * @example
 * ```ts
 * import { parsePretrainConfig } from "./mod.ts";
 * const where = "./fixtures/embedded/base-a.pretrain.json";
 * const config = parsePretrainConfig(JSON.parse(await Deno.readTextFile(where)), { where });
 * if (config.tokenizer.vocabSize !== config.model.vocab) throw new Error("one vocabulary");
 * ```
 */
export function parsePretrainConfig(value: unknown, options: { readonly where: string }): PretrainConfig {
  const parsed = SCHEMA.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InputError(
      `bad pretraining config at ${issue?.path.join(".") || "its top"}, ${issue?.message}`,
      options,
    );
  }
  const { name, model, corpus, training } = parsed.data;
  const { format, ...sizes } = parsed.data.tokenizer;
  const tokenizer = format === undefined ? sizes : { ...sizes, format };
  const modelConfig = modelConfigFrom(model, { where: `${options.where}, model` });
  if (tokenizer.vocabSize > modelConfig.vocab) {
    throw new InputError(
      `bad pretraining config at tokenizer.vocabSize, it must be <= the model's vocab_size ${modelConfig.vocab}: ` +
        `current value is ${tokenizer.vocabSize}`,
      options,
    );
  }
  return {
    name,
    model: modelConfig,
    tokenizer,
    corpus: parseCorpusConfig(corpus, options),
    training,
  };
}
