import { type ChatTokenizer, type Checkpoint, type ModelConfig, openCheckpoint } from "../checkpoint/mod.ts";
import { DTYPE_BYTES, elementCount, sha256, type Tensor, tensor } from "../core/mod.ts";
import { type ComputeDType, type SiteName } from "../model/mod.ts";
import { formatGraph, type Graph, GraphBuilder } from "../onnx/mod.ts";
import {
  ablationFeeds,
  ablationShape,
  checkAblation,
  checkRoute,
  EDIT_NAMES,
  type Edits,
  type FeatureAblation,
  routeFeeds,
  routeKey,
  routeOf,
  SEQUENCE_NAMES,
  sequenceGraph,
  type SequenceOutputs,
  type SteeringRoute,
} from "../probe/mod.ts";
import { checkPlacement, type Device, Session } from "../runtime/mod.ts";
import { sessionLimit } from "./_session_limit.ts";
import { targetChunk } from "./_target_chunk.ts";
import { adapterFeeds, type Adapters, checkAdapters } from "./adapter.ts";
import { checkPositions } from "./check_positions.ts";
import { padRight } from "./padded_batch.ts";
import { type Rollout, type RolloutRequest, sampleRollouts, type SamplingOptions } from "./rollout.ts";
import { rolloutGraph } from "./rollout_graph.ts";
import { checkSteering, steeringMatrix, type SteeringVectors } from "./steering.ts";
import { chunkedTargets, overTargets, type TargetBatch, type WeightedRow } from "./target_batches.ts";

/** How a model is opened. */
export interface OpenOptions {
  /** `@default "cpu"` */
  readonly device?: Device;
  /** Threads inside one operation. `@default 2` */
  readonly threads?: number;
  /** Folder of the hub cache, for models by id. `@default` {@link hubCacheFolder} */
  readonly hubCache?: string;
  /** The day that a chat template may show, as `2024-07-26`. `@default` none: templates that ask for it are refused */
  readonly date?: string;
  /**
   * Type of matrices, residual stream and KV cache; norms, softmax, logits and all that follows are float32 even
   * in a 16-bit one. `@default` float32 on the CPU, bfloat16 on CUDA
   */
  readonly dtype?: Exclude<ComputeDType, "float64">;
  /** Told of every session, before it is made, which blocks the thread, and once it is. `@default` nobody */
  readonly onSession?: (news: SessionNews) => void | Promise<void>;
}

/** A session that is about to be made, or has been. */
export interface SessionNews {
  /** What it computes: `rollout`, `sequence`. */
  readonly graph: string;
  /** Bytes of the model's weights in the type that it computes in. */
  readonly weightBytes: number;
  /** Whether it has been made, or has failed. */
  readonly done: boolean;
}

/** A replaced site value. */
export interface Patch {
  /** The new value, in the site's shape for this batch. */
  readonly value: Tensor<"float32">;
  /** Where it holds, bool [batch, seq]. `@default` everywhere */
  readonly mask?: Tensor<"bool">;
}

/** What a model may have added, and on which way. */
export interface Additions extends SteeringRoute {
  /** Vectors to add, at `resid_post` unless `place` says otherwise. `@default none` */
  readonly steer?: SteeringVectors;
  /** Rank-1 adapters on down_proj. `@default none` */
  readonly adapters?: Adapters;
  /** Features taken out of what the vectors and adapters change. `@default none` */
  readonly ablation?: FeatureAblation;
}

/** What one run reads and changes. */
export interface RunOptions extends Additions {
  /** Sites to copy out. `@default []` */
  readonly taps?: readonly SiteName[];
  /** Factors on the vectors, float [batch, seq]. `@default` 1 everywhere */
  readonly steerFactors?: Tensor<"float32">;
  /** Sites to replace. `@default none` */
  readonly patches?: ReadonlyMap<SiteName, Patch>;
  /** Whether logits are computed. `@default true` */
  readonly logits?: boolean;
}

/** Result of a run. Rows right of a sequence's length are padding. */
export interface RunResult {
  /** float [batch, seq, vocab]; null when not asked for. */
  readonly logits: Tensor<"float32"> | null;
  /** Tapped values by site. */
  readonly taps: ReadonlyMap<SiteName, Tensor<"float32">>;
  /** Real tokens of each row. */
  readonly lengths: readonly number[];
}

/** Adjoints of what was added, by layer, and the log-probabilities that they were taken of. */
export interface SteeringAdjoints {
  /** Adjoint of each steering vector, [embed]. */
  readonly adjoints: SteeringVectors;
  /** Adjoints of each adapter's two directions. */
  readonly adapterAdjoints: Adapters;
  /** log p of every target of every row, at temperature 1. */
  readonly logProbs: readonly (readonly number[])[];
}

function hasAdapters({ adapters }: Additions): boolean {
  return adapters !== undefined && adapters.size > 0;
}

/** Names the rollout graph of a route, with or without adapters. */
function rolloutKey(additions: Additions): string {
  const shape = ablationShape(additions.ablation);
  const ablation = shape === null ? {} : { ablation: shape };
  return JSON.stringify({ rollout: routeKey(additions), adapters: hasAdapters(additions), ...ablation });
}

/** Names the graph over whole sequences of edits; which heads a patch of the last block names is fed to it. */
function sequenceKey(edits: Edits, outputs: SequenceOutputs): string {
  return JSON.stringify({ edits: { ...edits, lastBlock: null }, route: routeKey(edits), outputs });
}

/** Sums [layers, batch, width] outputs over rows by their weights, in float64. */
class RowSums {
  readonly #layers: readonly number[];
  readonly #sums: readonly Float64Array[];

  constructor(layers: readonly number[], width: number) {
    this.#layers = layers;
    this.#sums = layers.map(() => new Float64Array(width));
  }

  /** Adds one batch; an output that the graph does not have is that of no layer. */
  add(part: Tensor | undefined, weights: readonly number[]): void {
    this.#sums.forEach((sum, layer) =>
      weights.forEach((weight, row) => {
        const first = (layer * weights.length + row) * sum.length;
        for (let i = 0; i < sum.length; i++) {
          sum[i] = (sum[i] as number) + weight * (part?.data[first + i] as number);
        }
      })
    );
  }

  byLayer(): ReadonlyMap<number, Float32Array> {
    return new Map(this.#layers.map((layer, row) => [layer, Float32Array.from(this.#sums[row] ?? [])]));
  }
}

/**
 * A frozen decoder that can be read, changed and steered: runs with taps and patches, rollouts, log-probabilities
 * and steering adjoints, each by a graph of its own that is made when it is first needed.
 *
 * @example
 * ```ts
 * import { tinyConfig, writeRandomCheckpoint } from "../checkpoint/mod.ts";
 * import { LanguageModel } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * await writeRandomCheckpoint(folder, { config: tinyConfig({ headDim: 16 }), dtype: "bfloat16", seed: 0 });
 * const model = await LanguageModel.open(folder);
 * const { logits, taps } = await model.run([[1, 2, 3]], { taps: ["blocks.0.resid_post"] });
 * if (logits?.dims[1] !== 3 || taps.size !== 1) throw new Error("one row of three positions");
 * await model.release();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class LanguageModel {
  /** The folder that it was opened from, checked. */
  readonly checkpoint: Checkpoint;
  readonly #options: OpenOptions;
  readonly #sessions = new Map<string, Promise<Session>>();
  #turn: Promise<unknown> = Promise.resolve();
  readonly #graphHashes = new Map<string, string>();
  readonly #sessionLimit: number;

  private constructor(checkpoint: Checkpoint, options: OpenOptions) {
    this.checkpoint = checkpoint;
    this.#options = options;
    const parameters = [...checkpoint.weights.values()].reduce(
      (sum, { dims }) => sum + elementCount(dims),
      0,
    );
    this.#sessionLimit = sessionLimit(parameters);
  }

  /**
   * Opens a Hugging Face folder, or a model in the hub cache by its id `owner/name@revision`. Throws an InputError
   * for anything wrong with it.
   */
  static async open(folder: string, options: OpenOptions = {}): Promise<LanguageModel> {
    return new LanguageModel(await openCheckpoint(folder, options), options);
  }

  /** How it was opened. */
  get options(): OpenOptions {
    return this.#options;
  }

  /** Type of its matrices, residual stream and KV cache. */
  get dtype(): Exclude<ComputeDType, "float64"> {
    return this.#options.dtype ?? (this.#options.device === "cuda" ? "bfloat16" : "float32");
  }

  /** The model's shape. */
  get config(): ModelConfig {
    return this.checkpoint.config;
  }

  /** The model's tokenizer and chat template. */
  tokenizer(): Promise<ChatTokenizer> {
    return this.checkpoint.tokenizer();
  }

  /** Runs whole sequences under declared edits. Shapes and names are checked before anything runs. */
  run(rows: readonly (readonly number[])[], options: RunOptions = {}): Promise<RunResult> {
    return this.#inTurn(async () => {
      checkPositions(rows.map((row) => row.length), { config: this.config, action: "run" });
      const { taps = [], patches = new Map<SiteName, Patch>(), logits = true } = options;
      const session = await this.#sequenceSession(this.#runEdits(options), { logits });
      const { tokens, lengths, seq } = padRight(rows, this.config);
      const everywhere = () => tensor("bool", [rows.length, seq], new Uint8Array(rows.length * seq).fill(1));
      const feeds: Record<string, Tensor> = {
        [SEQUENCE_NAMES.tokens]: tokens,
        ...this.#editFeeds(options),
      };
      if (options.steerFactors !== undefined) feeds[EDIT_NAMES.steerFactors] = options.steerFactors;
      for (const [site, patch] of patches) {
        feeds[EDIT_NAMES.patch(site)] = patch.value;
        feeds[EDIT_NAMES.patchMask(site)] = patch.mask ?? everywhere();
      }
      const out = await session.run(feeds);
      return {
        logits: logits ? out[SEQUENCE_NAMES.logits] as Tensor<"float32"> : null,
        taps: new Map(taps.map((site) => [site, out[EDIT_NAMES.tap(site)] as Tensor<"float32">])),
        lengths,
      };
    });
  }

  /**
   * Checks that the model's device can be had and has kernels for its graphs in its dtype, before any work is done.
   *
   * @throws {InputError} that says what is missing, or names the node that would not run.
   */
  async checkDevice(): Promise<void> {
    const { device = "cpu" } = this.#options;
    const g = new GraphBuilder("device");
    g.output("y", g.apply("Neg", [g.input("x", "float32", [1])]));
    await (await Session.create(g.build(), { device })).release();
    checkPlacement(this.#rolloutGraph({}), { device });
  }

  /**
   * SHA-256 of the text of the rollout graph, that with adapters where `adapters` are given: names the computation,
   * weights by file range included. Which heads a patch of the last block names, and which features are ablated, is
   * fed to the graph, so it is no part of it.
   */
  graphHash(options: Omit<Additions, "steer"> = {}): string {
    const key = rolloutKey(options);
    const hash = this.#graphHashes.get(key) ?? sha256(formatGraph(this.#rolloutGraph(options)));
    this.#graphHashes.set(key, hash);
    return hash;
  }

  /** SHA-256 of the text of the graph of {@link run} under these options; values are fed to it and no part of it. */
  sequenceGraphHash(options: RunOptions = {}): string {
    const edits = this.#runEdits(options), outputs = { logits: options.logits ?? true };
    const key = sequenceKey(edits, outputs);
    const hash = this.#graphHashes.get(key) ?? sha256(formatGraph(this.#sequenceGraph(edits, outputs)));
    this.#graphHashes.set(key, hash);
    return hash;
  }

  /** Samples completions; see {@link sampleRollouts}. */
  generate(requests: readonly RolloutRequest[], options: SamplingOptions): Promise<readonly Rollout[]> {
    return this.#inTurn(async () => {
      const steeredLayers = this.#allLayers(), stopTokens = this.config.eosTokenIds;
      // The graph can steer every layer, so that the patch has its vector is for the vectors to say.
      checkRoute(options, { config: this.config, layers: [...options.steer?.keys() ?? []] });
      const session = await this.#session(rolloutKey(options), () => this.#rolloutGraph(options));
      const adaptedLayers = hasAdapters(options) ? this.#allLayers() : [];
      return await sampleRollouts(
        { session, config: this.config, stopTokens, steeredLayers, adaptedLayers },
        requests,
        options,
      );
    });
  }

  /**
   * Adjoints of steering vectors and adapters for the loss Σ over rows and targets of −weight · log p, and those
   * log p. Rows may come in any number and order: the result does not depend on how they are split into batches.
   * Vectors may be at any place, or go through a patched last block.
   */
  steeringAdjoint(
    rows: readonly WeightedRow[],
    options: Additions & { readonly microBatch?: number },
  ): Promise<SteeringAdjoints> {
    return this.#inTurn(async () => {
      const edits = this.#editsOf(options), feeds = this.#editFeeds(options);
      const { embed, neurons } = this.config;
      const session = await this.#sequenceSession(edits, { logProbs: true, steeringAdjoint: true });
      const vectors = new RowSums(edits.steer, embed);
      const inputs = new RowSums(edits.adapters, neurons), outputs = new RowSums(edits.adapters, embed);
      const logProbs = await this.#overTargets(rows, options.microBatch, async (batch) => {
        const out = await session.run({ ...this.#targetFeeds(batch), ...feeds });
        const weights = batch.rows.map((index) => rows[index]?.weight as number);
        vectors.add(out[SEQUENCE_NAMES.steeringAdjoint], weights);
        inputs.add(out[SEQUENCE_NAMES.adapterInputAdjoint], weights);
        outputs.add(out[SEQUENCE_NAMES.adapterOutputAdjoint], weights);
        return out[SEQUENCE_NAMES.logProbs]?.data as Float32Array;
      });
      const input = inputs.byLayer(), output = outputs.byLayer();
      return {
        adjoints: vectors.byLayer(),
        adapterAdjoints: new Map(edits.adapters.map((layer) => [layer, {
          input: input.get(layer) as Float32Array,
          output: output.get(layer) as Float32Array,
        }])),
        logProbs,
      };
    });
  }

  /** Log-probabilities of every target of every row, at temperature 1. */
  logProbs(
    rows: readonly Omit<WeightedRow, "weight">[],
    options: Additions & { readonly microBatch?: number } = {},
  ): Promise<readonly (readonly number[])[]> {
    return this.#inTurn(async () => {
      const edits = this.#editsOf(options), feeds = this.#editFeeds(options);
      const session = await this.#sequenceSession(edits, { logProbs: true });
      const weighted = rows.map((row) => ({ ...row, weight: 0 }));
      return await this.#overTargets(weighted, options.microBatch, async (batch) => {
        const { target_weights: _, ...targets } = this.#targetFeeds(batch);
        return (await session.run({ ...targets, ...feeds }))[SEQUENCE_NAMES.logProbs]?.data as Float32Array;
      });
    });
  }

  /** Frees every session. The model may be used again; sessions come back when needed. */
  release(): Promise<void> {
    return this.#inTurn(async () => {
      const open = [...this.#sessions.values()];
      this.#sessions.clear();
      for (const session of open) await (await session).release();
    });
  }

  /** One call after another: a session must not be pushed out between being made and being run. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined); // whoever asked hears of the fault; the next in line does not
    return result;
  }

  #allLayers(): readonly number[] {
    return Array.from({ length: this.config.layers }, (_, layer) => layer);
  }

  /**
   * One graph of a route serves the base model and every set of vectors: a layer without one has zeros added.
   * Adapters cost a product per layer and token, so they have a graph of their own, in which every layer may have one.
   */
  #rolloutGraph(additions: Additions): Graph {
    const { config, checkpoint, dtype } = this;
    return rolloutGraph({
      config,
      checkpoint,
      edits: {
        steer: this.#allLayers(),
        ...(hasAdapters(additions) ? { adapters: this.#allLayers() } : {}),
        ablation: ablationShape(additions.ablation),
        ...routeOf(additions),
      },
      stopTokens: config.eosTokenIds,
      compute: dtype,
    });
  }

  #overTargets(
    rows: readonly WeightedRow[],
    microBatch: number | undefined,
    run: Parameters<typeof overTargets>[2],
  ): Promise<readonly (readonly number[])[]> {
    const { vocab } = this.config;
    // The last token of a row is a target only: no position reads it.
    checkPositions(rows.map(({ tokens }) => tokens.length - 1), { config: this.config, action: "score" });
    return overTargets(rows, { vocab, ...(microBatch === undefined ? {} : { microBatch }) }, run);
  }

  #targetFeeds(batch: TargetBatch) {
    const chunk = targetChunk(this.config.vocab, this.#options.device ?? "cpu");
    return { [SEQUENCE_NAMES.tokens]: batch.tokens, ...chunkedTargets(batch, { chunk }) };
  }

  /** Layers that additions touch, in order, and the way of the vectors; checks that they fit the model. */
  #editsOf(additions: Additions) {
    const { steer = new Map(), adapters = new Map() } = additions;
    checkSteering(steer, this.config);
    checkAdapters(adapters, this.config);
    const sorted = (layers: Iterable<number>): readonly number[] => [...layers].sort((a, b) => a - b);
    checkAblation(additions.ablation, { config: this.config, additions: steer.size + adapters.size });
    return {
      steer: sorted(steer.keys()),
      adapters: sorted(adapters.keys()),
      ablation: ablationShape(additions.ablation),
      ...routeOf(additions),
    };
  }

  #editFeeds(additions: Additions): Record<string, Tensor> {
    const { steer: steered, adapters: adapted } = this.#editsOf(additions);
    const { steer = new Map(), adapters = new Map() } = additions;
    const vectors = steered.length === 0
      ? {}
      : { [EDIT_NAMES.steering]: steeringMatrix(steer, { layers: steered, embed: this.config.embed }) };
    return {
      ...vectors,
      ...adapterFeeds(adapters, { layers: adapted, config: this.config }),
      ...routeFeeds(additions, this.config),
      ...ablationFeeds(additions.ablation),
    };
  }

  #sequenceSession(edits: Edits, outputs: SequenceOutputs): Promise<Session> {
    return this.#session(sequenceKey(edits, outputs), () => this.#sequenceGraph(edits, outputs));
  }

  #sequenceGraph(edits: Edits, outputs: SequenceOutputs): Graph {
    return sequenceGraph({
      config: this.config,
      weights: this.checkpoint,
      edits,
      outputs,
      compute: this.dtype,
    });
  }

  /** What a run changes in the graph, checked against the model. */
  #runEdits(options: RunOptions): Edits {
    const { taps = [], patches = new Map<SiteName, Patch>(), steerFactors } = options;
    return {
      taps,
      patches: [...patches.keys()],
      ...this.#editsOf(options),
      steerFactors: steerFactors !== undefined,
    };
  }

  /** Makes a session between the two news of it. */
  async #told(graph: Graph, make: (graph: Graph) => Promise<Session>): Promise<Session> {
    const elements = [...this.checkpoint.weights.values()].reduce(
      (sum, { dims }) => sum + elementCount(dims),
      0,
    );
    const news = { graph: graph.name, weightBytes: elements * DTYPE_BYTES[this.dtype] };
    await this.#options.onSession?.({ ...news, done: false });
    try {
      return await make(graph);
    } finally {
      await this.#options.onSession?.({ ...news, done: true });
    }
  }

  async #session(key: string, build: () => Parameters<typeof Session.create>[0]): Promise<Session> {
    const known = this.#sessions.get(key);
    if (known !== undefined) {
      this.#sessions.delete(key); // put it last: the longest unused goes first
      this.#sessions.set(key, known);
      return await known;
    }
    if (this.#sessions.size >= this.#sessionLimit) {
      const [oldest, session] = this.#sessions.entries().next().value as [string, Promise<Session>];
      this.#sessions.delete(oldest);
      await (await session).release();
    }
    const { device = "cpu", threads = 2 } = this.#options;
    const made = this.#told(
      build(),
      (graph) => Session.create(graph, { device, threads, weightsFolder: this.checkpoint.weightsFolder }),
    );
    this.#sessions.set(key, made);
    made.catch(() => this.#sessions.delete(key));
    return await made;
  }
}
