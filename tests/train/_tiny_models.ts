import { ChatTokenizer, weightShapes, writeCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { elementCount, RandomStream } from "../../lib/core/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { DEFAULT_CORPUS } from "../../lib/problems/mod.ts";
import type { FreshConfig } from "../../lib/train/mod.ts";

const TOKENIZER_FOLDER = decodeURIComponent(
  new URL("../../fixtures/golden/tokenizers/qwen", import.meta.url).pathname,
);

/** The small byte-level tokenizer of the golden files: 423 tokens, the last one ends a turn. */
export function tinyTokenizer(): Promise<ChatTokenizer> {
  return ChatTokenizer.open(TOKENIZER_FOLDER);
}

const VOCAB = 423;
const STOP = 422;

/** A pretraining run of 3,548 weights and six steps. */
export const TINY_PRETRAIN: FreshConfig = {
  name: "tiny",
  model: tinyConfig({
    layers: 1,
    embed: 4,
    heads: 2,
    kvHeads: 1,
    headDim: 2,
    neurons: 8,
    vocab: VOCAB,
    eosTokenIds: [STOP],
    maxPositions: 512,
  }),
  tokenizer: { vocabSize: VOCAB, documents: 1 },
  corpus: DEFAULT_CORPUS,
  training: {
    seed: 3,
    steps: 6,
    documentsPerStep: 3,
    microBatch: 2,
    learningRate: 0.02,
    warmupSteps: 2,
    floor: 0.1,
    betas: [0.9, 0.98],
    weightDecay: 0.1,
    maxNorm: 1,
    zLoss: 0.002,
    promptWeight: 0.2,
    initial: { embedding: 0.25, unembedding: 0.25, projection: 0.7 },
  },
};

/** What a chain model does; all shares are of steering zero. */
export interface ChainOptions {
  /** Chance of answering with a box; else it stops at once. */
  readonly boxShare: number;
  /** Weights of the ten digits inside the box. */
  readonly digitWeights: readonly number[];
  /** Size of random attention and MLP weights, which disturb the chain a little. `@default 0` */
  readonly noise?: number;
}

const CHAIN = { answer: 0, slash: 1, box: 2, ed: 3, open: 4, digit: 5, close: 6 } as const;
const BOX_AXIS = 7, FIRST_DIGIT_AXIS = 8, WIDTH = 20;

/**
 * Writes a model whose next token hangs on the current token alone, so that its accuracy is arithmetic: after the
 * prompt it writes `\boxed{d}.` or stops. Each link of the chain is an axis of the residual; further axes, that no
 * embedding touches, push the box and each digit: a steering vector can use them, and only those.
 */
async function writeChainModel(folder: string, options: ChainOptions): Promise<void> {
  const { boxShare, digitWeights, noise = 0 } = options;
  const config = tinyConfig({
    embed: WIDTH,
    headDim: 16,
    neurons: 16,
    vocab: VOCAB,
    eosTokenIds: [STOP],
    maxPositions: 512,
  });
  const tokenizer = await tinyTokenizer();
  const [slash, box, ed, open] = tokenizer.encode("\\boxed{3}.") as [number, number, number, number];
  const id = (text: string) => tokenizer.tokenId(text) as number;
  const digits = Array.from({ length: 10 }, (_, digit) => id(String(digit)));
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of weightShapes(config)) {
    const stream = new RandomStream(0, "chain", name);
    const gain = name.endsWith("norm.weight"), spread = name.startsWith("model.layers.") ? noise : 0;
    weights.set(
      name,
      Float32Array.from({ length: elementCount(dims) }, () => gain ? 1 : spread * stream.normal()),
    );
  }
  const embedding = weights.get("model.embed_tokens.weight") as Float32Array;
  const unembedding = weights.get("lm_head.weight") as Float32Array;
  const embed = (token: number, axis: number) => embedding[token * WIDTH + axis] = 1;
  // The last norm turns an axis of size 1 into √WIDTH, which is taken out again here.
  const link = (from: number, token: number, logit: number) =>
    unembedding[token * WIDTH + from] = logit / Math.sqrt(WIDTH);
  const sure = 30;
  const chain = [[id("\n"), CHAIN.answer], [slash, CHAIN.slash], [box, CHAIN.box], [ed, CHAIN.ed]] as const;
  for (const [token, axis] of chain) embed(token, axis);
  embed(open, CHAIN.open);
  for (const digit of digits) embed(digit, CHAIN.digit);
  embed(id("}."), CHAIN.close);
  link(CHAIN.answer, slash, sure + Math.log(boxShare));
  link(CHAIN.answer, STOP, sure + Math.log(1 - boxShare));
  link(CHAIN.slash, box, sure);
  link(CHAIN.box, ed, sure);
  link(CHAIN.ed, open, sure);
  digits.forEach((token, digit) => link(CHAIN.open, token, sure + Math.log(digitWeights[digit] as number)));
  link(CHAIN.digit, id("}."), sure);
  link(CHAIN.close, STOP, sure);
  unembedding[slash * WIDTH + BOX_AXIS] = 1;
  digits.forEach((token, digit) => void (unembedding[token * WIDTH + FIRST_DIGIT_AXIS + digit] = 1));
  await writeCheckpoint(folder, { config, dtype: "float32", weights });
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await Deno.copyFile(`${TOKENIZER_FOLDER}/${name}`, `${folder}/${name}`);
  }
}

/** Runs a body with a chain model on one thread and an empty folder beside it; both are gone afterwards. */
export async function withChainModel(
  options: ChainOptions,
  body: (model: LanguageModel, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "chain-" }));
  try {
    await Deno.mkdir(`${folder}/model`);
    await Deno.mkdir(`${folder}/run`);
    await writeChainModel(`${folder}/model`, options);
    const model = await LanguageModel.open(`${folder}/model`, { threads: 1 });
    await body(model, `${folder}/run`).finally(() => model.release());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
