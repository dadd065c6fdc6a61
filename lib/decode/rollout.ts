import type { ModelConfig } from "../checkpoint/mod.ts";
import { rolloutUniform, tensor } from "../core/mod.ts";
import {
  ablationFeeds,
  checkAblation,
  EDIT_NAMES,
  type FeatureAblation,
  routeFeeds,
  type SteeringRoute,
} from "../probe/mod.ts";
import type { Session } from "../runtime/mod.ts";
import { positionsText } from "./check_positions.ts";
import { padRight } from "./padded_batch.ts";
import { ROLLOUT_NAMES } from "./rollout_graph.ts";
import { adapterFeeds, type Adapters, checkAdapters } from "./adapter.ts";
import { checkSteering, steeringMatrix, type SteeringVectors } from "./steering.ts";

/** One completion to be sampled. `prompt` and `sample` key its random numbers, whatever batch it runs in. */
export interface RolloutRequest {
  /** Token ids of the prompt. */
  readonly tokens: readonly number[];
  /** Number of the prompt. */
  readonly prompt: number;
  /** Number of the sample among those of its prompt. */
  readonly sample: number;
  /** How many tokens of the completion `tokens` ends with: drawing goes on as it would have after them. `@default 0` */
  readonly drawn?: number;
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
export interface SamplingOptions extends SteeringRoute {
  /** Most tokens that one completion may have. */
  readonly maxNewTokens: number;
  /** From 1e-6 up; 0 takes the most likely token. `@default 1` */
  readonly temperature?: number;
  /** Seed of the uniforms. `@default 0` */
  readonly seed?: number;
  /** Vectors added while reading the prompt and generating. `@default none` */
  readonly steer?: SteeringVectors;
  /** Rank-1 adapters on down_proj, at work like the vectors. `@default none` */
  readonly adapters?: Adapters;
  /** Features taken out of what they change, at every position. The graph must have its shape. `@default none` */
  readonly ablation?: FeatureAblation;
  /** Rows that decode together. `@default 64` */
  readonly batchSize?: number;
  /**
   * Once no more than this share of a batch is unfinished, its rows leave the loop and go on in a later, fuller
   * batch by reading again what they have. `@default 0.25`
   */
  readonly stragglerShare?: number;
  /** Called after every batch with the number of finished completions. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Below it logits over temperature leave float32: every completion would be the greedy one, or none. */
const COLDEST = 1e-6;

interface Unfinished {
  readonly request: RolloutRequest;
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
  /** Layers that the session's graph can steer. */
  readonly steeredLayers: readonly number[];
  /** Layers that the session's graph can adapt. `@default []` */
  readonly adaptedLayers?: readonly number[];
}

/**
 * Samples completions, in the order of the requests. Batches that thin out hand their last rows on, so short
 * completions do not wait for long ones, and no KV cache ever leaves a graph.
 *
 * @example
 * ```ts
 * import { openCheckpoint, tinyConfig, writeRandomCheckpoint } from "../checkpoint/mod.ts";
 * import { Session } from "../runtime/mod.ts";
 * import { rolloutGraph, sampleRollouts } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "float32", seed: 0 });
 * const checkpoint = await openCheckpoint(folder), { config } = checkpoint;
 * const stopTokens = config.eosTokenIds, steeredLayers = [0, 1];
 * const graph = rolloutGraph({ config, checkpoint, stopTokens, edits: { steer: steeredLayers } });
 * const session = await Session.create(graph, { weightsFolder: checkpoint.weightsFolder });
 * const engine = { session, config, stopTokens, steeredLayers };
 * const [rollout] = await sampleRollouts(engine, [{ tokens: [5, 6], prompt: 0, sample: 0 }], { maxNewTokens: 4 });
 * if (rollout?.tokens.length !== rollout?.logProbs.length) throw new Error("one log-probability per token");
 * await session.release();
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @throws {RangeError} for options out of range, prompts that leave no room, or vectors that do not fit.
 */
export async function sampleRollouts(
  engine: RolloutEngine,
  requests: readonly RolloutRequest[],
  options: SamplingOptions,
): Promise<readonly Rollout[]> {
  const { maxNewTokens, batchSize = 64, stragglerShare = 0.25 } = options;
  if (!(Number.isInteger(maxNewTokens) && maxNewTokens >= 1)) {
    throw new RangeError(
      `Cannot sample as maxNewTokens must be at least 1: current value is ${maxNewTokens}`,
    );
  }
  const { temperature = 1 } = options;
  if (!(temperature === 0 || (Number.isFinite(temperature) && temperature >= COLDEST))) {
    throw new RangeError(
      `Cannot sample as temperature must be ${COLDEST} or more, or 0 for greedy: current value is ${temperature}`,
    );
  }
  if (!(Number.isInteger(batchSize) && batchSize >= 1)) {
    throw new RangeError(`Cannot sample as batchSize must be at least 1: current value is ${batchSize}`);
  }
  if (!(stragglerShare >= 0 && stragglerShare <= 1)) {
    throw new RangeError(
      `Cannot sample as stragglerShare must lie in [0, 1]: current value is ${stragglerShare}`,
    );
  }
  const longest = Math.max(0, ...requests.map((request) => request.tokens.length));
  if (longest + maxNewTokens > engine.config.maxPositions) {
    throw new RangeError(
      `Cannot sample as prompt and completion must fit the model's ${positionsText(engine.config)}: ` +
        `longest prompt ${longest} + maxNewTokens ${maxNewTokens}`,
    );
  }
  checkSteering(options.steer ?? new Map(), engine.config);
  checkAdapters(options.adapters ?? new Map(), engine.config);
  checkAblation(options.ablation, {
    config: engine.config,
    additions: (options.steer?.size ?? 0) + (options.adapters?.size ?? 0),
  });
  const results: Rollout[] = new Array(requests.length);
  let done = 0;
  const finish = (row: Unfinished, finished: boolean) => {
    const { tokens: promptTokens, prompt, sample } = row.request;
    results[row.index] = {
      prompt,
      sample,
      promptTokens,
      tokens: row.tokens,
      logProbs: row.logProbs,
      finished,
    };
    done++;
  };
  let pool: Unfinished[] = requests.map((request, index) => ({ request, index, tokens: [], logProbs: [] }));
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

/** Runs one batch: appends to each row what the loop generated before it ended. */
async function advance(
  engine: RolloutEngine,
  rows: readonly Unfinished[],
  options: SamplingOptions & { readonly enoughAlive: number },
): Promise<void> {
  const { maxNewTokens, temperature = 1, seed = 0 } = options;
  const texts = rows.map((row) => [...row.request.tokens, ...row.tokens]);
  const places = new Map<string, number>();
  const owners = texts.map((text) => {
    const key = text.join(), place = places.get(key) ?? places.size;
    places.set(key, place);
    return place;
  });
  const read = texts.filter((_, row) => owners.indexOf(owners[row] as number) === row);
  const { tokens: prompts, lengths } = padRight(read, engine.config);
  const left = maxNewTokens - Math.min(...rows.map((row) => row.tokens.length));
  // A row that is further than others may not run past the last position; the others go on in a later batch.
  const room = engine.config.maxPositions - Math.max(...lengths) + 1; // the last token drawn is not read
  const steps = Math.min(left, room);
  const uniforms = new Float32Array(rows.length * steps);
  rows.forEach((row, r) => {
    const { prompt, sample, drawn = 0 } = row.request, from = drawn + row.tokens.length;
    for (let t = 0; t < steps; t++) {
      uniforms[r * steps + t] = rolloutUniform({ seed, prompt, sample, position: from + t });
    }
  });
  const greedy = temperature === 0;
  const { config, steeredLayers, adaptedLayers = [] } = engine;
  const out = await engine.session.run({
    [ROLLOUT_NAMES.prompts]: prompts,
    [ROLLOUT_NAMES.lengths]: tensor("int32", [lengths.length], lengths),
    [ROLLOUT_NAMES.owners]: tensor("int64", [rows.length], owners),
    [ROLLOUT_NAMES.uniforms]: tensor("float32", [rows.length, steps], uniforms),
    [ROLLOUT_NAMES.steps]: tensor("int64", [], [steps]),
    [ROLLOUT_NAMES.temperature]: tensor("float32", [], [greedy ? 1 : temperature]),
    [ROLLOUT_NAMES.greedy]: tensor("bool", [], [greedy ? 1 : 0]),
    [ROLLOUT_NAMES.enoughAlive]: tensor("int64", [], [options.enoughAlive]),
    [EDIT_NAMES.steering]: steeringMatrix(options.steer ?? new Map(), {
      layers: steeredLayers,
      embed: config.embed,
    }),
    ...routeFeeds(options, config),
    ...adapterFeeds(options.adapters ?? new Map(), { layers: adaptedLayers, config }),
    ...ablationFeeds(options.ablation),
  });
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
