import type { ModelConfig } from "../checkpoint/mod.ts";
import { rolloutUniform, type Tensor, tensor } from "../core/mod.ts";
import type { Edits } from "../probe/mod.ts";
import type { Session } from "../runtime/mod.ts";
import { type PlannedChanges, SEQUENCE_OPTIONS, type SequenceOptions } from "./additions.ts";
import { positionsText } from "./check_positions.ts";
import { checkTokenIds, type PaddedBatch, padRight } from "./padded_batch.ts";
import { ROLLOUT_NAMES } from "./rollout_graph.ts";

/** One completion to be sampled. `seed`, `prompt` and `sample` key its random numbers, whatever batch it runs in. */
export interface RolloutRequest {
  /** Token ids of the prompt. */
  readonly tokens: readonly number[];
  /** Number of the prompt. `@default` the request's place in the call */
  readonly prompt?: number | undefined;
  /** Number of the sample among those of its prompt. `@default 0` */
  readonly sample?: number | undefined;
  /** Factor on all that steers it. `@default` 1 */
  readonly strength?: number | undefined;
}

/** A sampled completion. */
export interface Rollout {
  /** Number of the prompt. */
  readonly prompt: number;
  /** Number of the sample among those of its prompt. */
  readonly sample: number;
  /** Token ids of the prompt. */
  readonly promptTokens: readonly number[];
  /** Generated ids, the stop token included where there is one. */
  readonly tokens: readonly number[];
  /** Log-probability of each generated id at the sampling temperature (at temperature 1 when greedy). */
  readonly logProbs: readonly number[];
  /** Whether it ended with a stop token; false means that the length limit cut it off. */
  readonly finished: boolean;
}

/** How completions are sampled. */
export interface SamplingOptions extends SequenceOptions {
  /** Most tokens that one completion may have. */
  readonly maxNewTokens: number;
  /** From 1e-6 up; 0 takes the most likely token. `@default 1` */
  readonly temperature?: number | undefined;
  /** Draw among so many of the likeliest tokens, and those as likely as the last. `@default` all */
  readonly topK?: number | undefined;
  /**
   * Draw among as few of the likeliest tokens as have this probability together, in (0, 1]. Log-probabilities stay those
   * of all tokens. `@default 1`
   */
  readonly topP?: number | undefined;
  /** Seed of the uniforms. `@default 0` */
  readonly seed?: number | undefined;
  /** Rows that decode together. `@default 64` */
  readonly batchSize?: number | undefined;
  /**
   * Once no more than this share of a batch is unfinished, its rows leave the loop and go on in a later, fuller
   * batch by reading again what they have. `@default 0.25`
   */
  readonly stragglerShare?: number | undefined;
  /** Called after every batch with the number of finished completions. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What of them says how tokens are drawn; the rest is fed by an engine. */
export type DrawingOptions = Omit<SamplingOptions, keyof SequenceOptions>;

/** Names of the options of {@link SamplingOptions}. */
export const SAMPLING_OPTIONS = [
  ...SEQUENCE_OPTIONS,
  "maxNewTokens",
  "temperature",
  "topK",
  "topP",
  "seed",
  "batchSize",
  "stragglerShare",
  "onProgress",
] as const satisfies readonly (keyof SamplingOptions)[];

/** Below it logits over temperature leave float32: every completion would be the greedy one, or none. */
const COLDEST = 1e-6;

/** A completion on its way. */
export interface Unfinished {
  readonly request: RolloutRequest & { readonly prompt: number; readonly sample: number };
  readonly index: number;
  readonly tokens: number[];
  readonly logProbs: number[];
}

/** What sampling needs of a model. */
export interface RolloutEngine {
  /** A session of a {@link rolloutGraph} whose route is that of the options. */
  readonly session: Session;
  /** The model's shape. */
  readonly config: ModelConfig;
  /** The tokens that end a completion, those of the graph. */
  readonly stopTokens: readonly number[];
  /** Edits of the session's graph. */
  readonly edits: Pick<Edits, "steerFactors" | "patches" | "lastBlock" | "ablation">;
  /** What the options feed it for some of the requests, beside what draws are made of. */
  readonly feeds: PlannedChanges["feeds"];
}

/**
 * Samples completions, in the order of the requests. Batches that thin out hand their last rows on, so short
 * completions do not wait for long ones, and no KV cache ever leaves a graph.
 */
export async function sampleRollouts(
  engine: RolloutEngine,
  requests: readonly RolloutRequest[],
  options: DrawingOptions,
): Promise<readonly Rollout[]> {
  const { maxNewTokens, batchSize = 64, stragglerShare = 0.25 } = options;
  const results: Rollout[] = new Array(requests.length);
  let done = 0;
  const finish = ({ index, request, tokens, logProbs }: Unfinished, finished: boolean) => {
    const { tokens: promptTokens, prompt, sample } = request;
    results[index] = { prompt, sample, promptTokens, tokens, logProbs, finished };
    done++;
  };
  let pool = numbered(requests);
  while (pool.length > 0) {
    const stragglers: Unfinished[] = [];
    for (let start = 0; start < pool.length; start += batchSize) {
      const rows = pool.slice(start, start + batchSize);
      // The last rows of all have nobody to wait for: they run to their end.
      const more = pool.length > batchSize || stragglers.length > 0;
      const enoughAlive = more ? Math.floor(rows.length * stragglerShare) : 0;
      await advance(engine, rows, { ...options, enoughAlive });
      for (const row of rows) {
        const stopped = engine.stopTokens.includes(row.tokens.at(-1) as number);
        if (stopped || row.tokens.length >= maxNewTokens) finish(row, stopped);
        else stragglers.push(row);
      }
      options.onProgress?.(done, requests.length);
    }
    pool = stragglers;
  }
  return results;
}

/**
 * Checks how completions are to be sampled, before anything is.
 *
 * @throws {RangeError} for options out of range, or prompts that leave no room.
 */
export function checkSampling(
  requests: readonly RolloutRequest[],
  options: SamplingOptions & Pick<RolloutEngine, "config">,
): void {
  const { maxNewTokens, temperature = 1, batchSize = 64, stragglerShare = 0.25, topK = 1, topP = 1 } =
    options;
  const isCount = (value: number) => Number.isInteger(value) && value >= 1;
  const isWarm = temperature === 0 || (temperature >= COLDEST && temperature < Infinity);
  const rules = [
    ["maxNewTokens must be at least 1", maxNewTokens, isCount(maxNewTokens)],
    [`temperature must be ${COLDEST} or more, or 0 for greedy`, temperature, isWarm],
    ["batchSize must be at least 1", batchSize, isCount(batchSize)],
    ["stragglerShare must lie in [0, 1]", stragglerShare, stragglerShare >= 0 && stragglerShare <= 1],
    ["topK must be at least 1", topK, isCount(topK)],
    ["topP must lie in (0, 1]", topP, topP > 0 && topP <= 1],
  ] as const;
  for (const [must, current, holds] of rules) {
    if (!holds) throw new RangeError(`Cannot sample as ${must}: current value is ${current}`);
  }
  requests.forEach(({ tokens }, index) => checkTokenIds(tokens, index));
  const { config } = options, longest = Math.max(0, ...requests.map((request) => request.tokens.length));
  if (longest + maxNewTokens > config.maxPositions) {
    throw new RangeError(
      `Cannot sample as prompt and completion must fit the model's ${positionsText(config)}: ` +
        `longest prompt ${longest} + maxNewTokens ${maxNewTokens}`,
    );
  }
}

/** Requests with the numbers that key their draws. */
export function numbered(requests: readonly RolloutRequest[]): Unfinished[] {
  return requests.map((request, index) => ({
    request: { ...request, prompt: request.prompt ?? index, sample: request.sample ?? 0 },
    index,
    tokens: [],
    logProbs: [],
  }));
}

/**
 * Among which tokens draws are, null for all: how many are sorted (a power of two, so that few graphs serve all), how
 * many of these may be drawn, and what they add up to (above 1 for no such end).
 */
export function likelyShare(
  { topK, topP = 1 }: Pick<SamplingOptions, "topK" | "topP">,
  { vocab }: Pick<ModelConfig, "vocab">,
): { readonly sorted: number; readonly candidates: number; readonly topP: number } | null {
  if (topK === undefined && topP === 1) return null;
  const candidates = Math.min(vocab, topK ?? vocab);
  if (topP < 1) return { sorted: vocab, candidates, topP };
  return { sorted: Math.min(vocab, 2 ** Math.ceil(Math.log2(candidates))), candidates, topP: 2 };
}

/** What a graph is fed for the next `steps` tokens of rows: texts, what is added to them, and what draws are made of. */
export function rolloutFeeds(
  engine: RolloutEngine,
  rows: readonly Unfinished[],
  options: DrawingOptions & {
    /** Rows whose texts are read, those texts, and which of them each row continues. */
    readonly readers: readonly Unfinished[];
    readonly texts: PaddedBatch;
    readonly owners: readonly number[];
    readonly enoughAlive: number;
    readonly steps: number;
    /** Positions that the texts may reach. */
    readonly positions: number;
  },
): Readonly<Record<string, Tensor>> {
  const { readers, texts: { tokens, lengths, seq }, owners, enoughAlive, steps, positions } = options;
  const { temperature = 1, seed = 0 } = options, { config, edits } = engine, greedy = temperature === 0;
  const uniforms = rows.flatMap(({ request: { prompt, sample }, tokens: { length } }) =>
    Array.from({ length: steps }, (_, t) => rolloutUniform({ seed, prompt, sample, position: length + t }))
  );
  const likely = likelyShare(options, config), byPrompt = edits.steerFactors === true || isPatched(edits);
  return {
    [ROLLOUT_NAMES.prompts]: tokens,
    [ROLLOUT_NAMES.lengths]: tensor("int32", [lengths.length], lengths),
    [ROLLOUT_NAMES.owners]: tensor("int64", [rows.length], owners),
    [ROLLOUT_NAMES.enoughAlive]: tensor("int64", [], [enoughAlive]),
    [ROLLOUT_NAMES.uniforms]: tensor("float32", [rows.length, steps], uniforms),
    [ROLLOUT_NAMES.steps]: tensor("int64", [], [steps]),
    [ROLLOUT_NAMES.temperature]: tensor("float32", [], [greedy ? 1 : temperature]),
    [ROLLOUT_NAMES.greedy]: tensor("bool", [], [greedy ? 1 : 0]),
    ...(likely === null ? {} : {
      [ROLLOUT_NAMES.candidates]: tensor("int64", [1], [likely.candidates]),
      [ROLLOUT_NAMES.topP]: tensor("float32", [], [likely.topP]),
    }),
    ...(byPrompt ? { [ROLLOUT_NAMES.origins]: tensor("int64", [readers.length], [...readers.keys()]) } : {}),
    ...engine.feeds({ rows: readers.map(({ index }) => index), seq, positions }),
  };
}

const isPatched = ({ patches = [] }: RolloutEngine["edits"]) => patches.length > 0;

/** Runs one batch: appends to each row what the loop generated before it ended. */
async function advance(
  engine: RolloutEngine,
  rows: readonly Unfinished[],
  options: DrawingOptions & { readonly enoughAlive: number },
): Promise<void> {
  const { maxNewTokens } = options, { edits } = engine;
  const readers: Unfinished[] = [], readTexts: (readonly number[])[] = [], places = new Map<string, number>();
  const owners = rows.map((unfinished) => {
    const { request: { strength = 1, tokens }, index } = unfinished, text = [...tokens, ...unfinished.tokens];
    // Rows that are steered or patched in other ways do not share what is read of a prompt.
    const way = isPatched(edits) ? [index] : edits.steerFactors === true ? [strength, tokens.length] : [];
    const key = [text, ...way].join(), known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, readers.push(unfinished) - 1);
    readTexts.push(text);
    return readers.length - 1;
  });
  const read = padRight(readTexts, engine.config);
  const left = maxNewTokens - Math.min(...rows.map((row) => row.tokens.length));
  // A row that is further than others may not run past the last position; the others go on in a later batch.
  const room = engine.config.maxPositions - read.seq + 1; // the last token drawn is not read
  const steps = Math.min(left, room), positions = read.seq + steps;
  const out = await engine.session.run(
    rolloutFeeds(engine, rows, { ...options, readers, texts: read, owners, steps, positions }),
  );
  const generated = out[ROLLOUT_NAMES.tokens]?.data as BigInt64Array; // [generated, batch]
  const logProbs = out[ROLLOUT_NAMES.logProbs]?.data as Float32Array;
  rows.forEach((row, r) => {
    for (let at = r; at < generated.length && row.tokens.length < maxNewTokens; at += rows.length) {
      const token = Number(generated[at]);
      if (token < 0) break;
      row.tokens.push(token);
      row.logProbs.push(logProbs[at] as number);
    }
  });
}
