import { type ChatTokenizer, type Checkpoint, type ModelConfig, openCheckpoint } from "../checkpoint/mod.ts";
import { DTYPE_BYTES, sha256, type Tensor } from "../core/mod.ts";
import type { ComputeDType, SiteName } from "../model/mod.ts";
import { formatGraph, type Graph, GraphBuilder, graphMemory } from "../onnx/mod.ts";
import {
  ablationShape,
  EDIT_NAMES,
  type Edits,
  routeKey,
  routeOf,
  SEQUENCE_NAMES,
  sequenceGraph,
  type SequenceOutputs,
} from "../probe/mod.ts";
import { checkPlacement, Session } from "../runtime/mod.ts";
import { ModelSessions, type SessionPlan } from "./_model_sessions.ts";
import {
  additionEdits,
  additionFeeds,
  type Additions,
  allLayers,
  hasAdapters,
  namedLayers,
} from "./additions.ts";
import { checkPositions } from "./check_positions.ts";
import { MemoryBudget } from "./memory_budget.ts";
import { checkOpening, type OpenOptions } from "./open_options.ts";
import { padRight } from "./padded_batch.ts";
import { type Rollout, type RolloutRequest, sampleRollouts, type SamplingOptions } from "./rollout.ts";
import { packsRollouts, rolloutGraph } from "./rollout_graph.ts";
import { rolloutRowBytes, RowMemory, RowSums, targetChunk, targetFeeds } from "./scored_rows.ts";
import {
  objectiveBatch,
  type ObjectiveRow,
  type SiteAdjointOptions,
  type SiteAdjoints,
} from "./site_adjoints.ts";
import { plannedRun, type RunOptions, type RunResult } from "./sequence_run.ts";
import type { AdjointOptions, ScoringOptions, SteeringAdjoints } from "./scoring_options.ts";
import { overTargets, type WeightedRow } from "./target_batches.ts";

/** Graphs that are kept for their next session or run: a sweep over layers of an adjoint has one for each. */
const MOST_PLANS = 8;

/** Names the rollout graph of a route, with or without adapters. */
function rolloutKey(additions: Additions): string {
  const shape = ablationShape(additions.ablation);
  const ablation = shape === null ? {} : { ablation: shape };
  return JSON.stringify({ rollout: routeKey(additions), adapters: hasAdapters(additions), ...ablation });
}

/** What a graph over whole sequences is made of. */
interface SequenceParts {
  readonly edits: Edits;
  readonly outputs: SequenceOutputs;
  readonly recompute?: "nothing" | "blocks";
  readonly branched?: boolean;
}

/** Names such a graph; which heads a patch of the last block names is fed to it. */
function sequenceKey({ edits, ...rest }: SequenceParts): string {
  return JSON.stringify({ edits: { ...edits, lastBlock: null }, route: routeKey(edits), ...rest });
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
  readonly #budget: MemoryBudget;
  readonly #sessions: ModelSessions;
  readonly #plans = new Map<string, SessionPlan>();
  readonly #memories = new WeakMap<SessionPlan, RowMemory>();
  readonly #hashes = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(checkpoint: Checkpoint, options: OpenOptions) {
    this.checkpoint = checkpoint;
    this.#options = options;
    const { device = "cpu", threads = 2, memory, onSession } = options;
    this.#budget = new MemoryBudget({ memory, device });
    this.#sessions = new ModelSessions(checkpoint, {
      device,
      threads,
      dtype: this.dtype,
      budget: this.#budget,
      onSession,
    });
  }

  /**
   * Opens a Hugging Face folder, or a model in the hub cache by its id `owner/name@revision`.
   *
   * @throws {InputError} for anything wrong with it.
   * @throws {RangeError} for options that no model can be opened with.
   */
  static async open(folder: string, options: OpenOptions = {}): Promise<LanguageModel> {
    checkOpening(options);
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

  /**
   * Runs whole sequences under declared edits. Shapes, names and values are checked before anything runs.
   *
   * @throws {InputError} when it takes more memory than is set aside.
   */
  run(rows: readonly (readonly number[])[], options: RunOptions = {}): Promise<RunResult> {
    return this.#inTurn(async () => {
      checkPositions(rows.map((row) => row.length), { config: this.config, action: "run" });
      const { taps = [], logits = true } = options;
      const { edits, feeds } = plannedRun(options, this.config);
      const { tokens, lengths, seq } = padRight(rows, this.config);
      const plan = this.#sequencePlan({ edits, outputs: { logits } });
      const valueBytes = this.#rowMemory(plan).bytes(rows.length, seq);
      const outputs = [
        ...taps.map((site) => EDIT_NAMES.tap(site)),
        ...(logits ? [SEQUENCE_NAMES.logits] : []),
      ];
      const what = `a run of ${rows.length} × ${seq} tokens`;
      const session = await this.#sessions.session(plan, { valueBytes, what });
      const out = await session.run({ [SEQUENCE_NAMES.tokens]: tokens, ...feeds }, outputs);
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
    return this.#hash(rolloutKey(options), () => this.#rolloutGraph(options));
  }

  /** SHA-256 of the text of the graph of {@link run} under these options; values are fed to it and no part of it. */
  sequenceGraphHash(options: RunOptions = {}): string {
    const parts = {
      edits: plannedRun(options, this.config).edits,
      outputs: { logits: options.logits ?? true },
    };
    return this.#hash(sequenceKey(parts), () => this.#sequenceGraph(parts));
  }

  /** Samples completions; see {@link sampleRollouts}. */
  generate(requests: readonly RolloutRequest[], options: SamplingOptions): Promise<readonly Rollout[]> {
    return this.#inTurn(async () => {
      const { config } = this, steeredLayers = allLayers(config);
      // Checks what is added: the session is made for any vectors.
      additionEdits(options, { config, layers: namedLayers(options) });
      const key = rolloutKey(options);
      const plan = this.#plan(key, () => this.#rolloutPlan(key, options));
      const { batchSize = 64, maxNewTokens } = options;
      const prompt = Math.max(1, ...requests.map(({ tokens }) => tokens.length));
      const rowBytes = rolloutRowBytes(config, {
        prompt,
        newTokens: maxNewTokens,
        elementBytes: DTYPE_BYTES[this.dtype],
      });
      const room = this.#budget.bytes - plan.weightBytes;
      const fitting = Math.max(1, Math.min(batchSize, requests.length, Math.floor(room / rowBytes)));
      const session = await this.#sessions.session(plan, {
        valueBytes: fitting * rowBytes,
        what: `a rollout of ${prompt} + ${maxNewTokens} tokens`,
      });
      return await sampleRollouts(
        {
          session,
          config,
          stopTokens: config.eosTokenIds,
          steeredLayers,
          adaptedLayers: hasAdapters(options) ? steeredLayers : [],
        },
        requests,
        { ...options, batchSize: Math.min(batchSize, fitting) },
      );
    });
  }

  /**
   * Adjoints of steering vectors and adapters for the loss Σ over rows and targets of −weight · log p, and those
   * log p. Rows may come in any number and order: the result does not depend on how they are split into batches.
   * Vectors may be at any place, or go through a patched last block.
   *
   * @throws {InputError} when a row takes more memory than is set aside.
   */
  steeringAdjoint(rows: readonly WeightedRow[], options: AdjointOptions): Promise<SteeringAdjoints> {
    return this.#inTurn(async () => {
      const { config } = this, layers = namedLayers(options);
      const edits = additionEdits(options, { config, layers }),
        feeds = additionFeeds(options, { config, layers });
      const { sharedContexts: branched = false } = options;
      const parts = { edits, outputs: { logProbs: true, steeringAdjoint: true }, branched };
      const seq = this.#checkRows(rows), plain = this.#sequencePlan(parts);
      const plan = this.#rowMemory(plain).recompute(seq) === "nothing"
        ? plain
        : this.#sequencePlan({ ...parts, recompute: "blocks" });
      const vectors = new RowSums(layers.steer, config.embed);
      const inputs = new RowSums(layers.adapters, config.neurons);
      const results = new RowSums(layers.adapters, config.embed);
      const logProbs = await this.#score(
        rows,
        { ...options, plan, seq, feeds, weighted: true, branched },
        (out, weights) => {
          vectors.add(out[SEQUENCE_NAMES.steeringAdjoint], weights);
          inputs.add(out[SEQUENCE_NAMES.adapterInputAdjoint], weights);
          results.add(out[SEQUENCE_NAMES.adapterOutputAdjoint], weights);
        },
      );
      const input = inputs.byLayer(), output = results.byLayer();
      return {
        adjoints: vectors.byLayer(),
        adapterAdjoints: new Map(layers.adapters.map((layer) => [layer, {
          input: input.get(layer) as Float32Array,
          output: output.get(layer) as Float32Array,
        }])),
        logProbs,
      };
    });
  }

  /**
   * Log-probabilities of every target of every row, at temperature 1.
   *
   * @throws {InputError} when a row takes more memory than is set aside.
   */
  logProbs(
    rows: readonly Omit<WeightedRow, "weight">[],
    options: ScoringOptions = {},
  ): Promise<readonly (readonly number[])[]> {
    return this.#inTurn(async () => {
      const weighted = rows.map((row) => ({ ...row, weight: 0 }));
      const seq = this.#checkRows(weighted);
      const { edits, feeds } = plannedRun(options, this.config);
      const plan = this.#sequencePlan({ edits, outputs: { logProbs: true } });
      return await this.#score(weighted, { ...options, plan, seq, feeds, weighted: false }, () => {});
    });
  }

  /**
   * Values of sites and the adjoints of an objective Σ w·log p with respect to them, at every position: one forward and
   * one backward pass for all sites, over rows that run together.
   *
   * @throws {InputError} when it takes more memory than is set aside.
   * @throws {RangeError} for rows, targets and sites that the model has not.
   */
  siteAdjoints(rows: readonly ObjectiveRow[], options: SiteAdjointOptions): Promise<SiteAdjoints> {
    return this.#inTurn(async () => {
      const { sites, ...additions } = options;
      checkPositions(rows.map(({ tokens }) => tokens.length), { config: this.config, action: "run" });
      const { edits, feeds } = plannedRun({ ...additions, taps: sites }, this.config);
      const plan = this.#sequencePlan({ edits, outputs: { logProbs: true, siteAdjoints: true } });
      const batch = objectiveBatch(rows, this.config), [count, seq] = batch.tokens.dims as [number, number];
      const session = await this.#sessions.session(plan, {
        valueBytes: this.#rowMemory(plan).bytes(count, seq),
        what: `adjoints of sites over ${count} × ${seq} tokens`,
      });
      const outputs = [
        SEQUENCE_NAMES.logProbs,
        ...sites.flatMap((site) => [EDIT_NAMES.tap(site), EDIT_NAMES.adjoint(site)]),
      ];
      const targets = targetFeeds(batch, { chunk: this.#targetChunk, weighted: true });
      const out = await session.run({ ...targets, ...feeds }, outputs);
      const bySite = (name: (site: SiteName) => string) =>
        new Map(sites.map((site) => [site, out[name(site)] as Tensor<"float32">]));
      const logProbs: number[][] = rows.map(() => []);
      batch.targets.forEach(({ row }, at) =>
        logProbs[row]?.push(Number(out[SEQUENCE_NAMES.logProbs]?.data[at]))
      );
      return { adjoints: bySite(EDIT_NAMES.adjoint), taps: bySite(EDIT_NAMES.tap), logProbs };
    });
  }

  /**
   * Runs a graph of the caller's that reads this model's weights from their files, in two products each: `key` names it
   * among the model's graphs, `lengths` are those of its symbols.
   *
   * @throws {InputError} when it takes more memory than is set aside.
   */
  runGraph(
    key: string,
    build: () => Graph,
    run: {
      readonly feeds: Readonly<Record<string, Tensor>>;
      readonly lengths: Readonly<Record<string, number>>;
    },
  ): Promise<Readonly<Record<string, Tensor>>> {
    return this.#inTurn(async () => {
      const { feeds, lengths } = run;
      const plan = this.#plan(key, () => this.#sessions.sequencePlan(key, build(), { twice: true, lengths }));
      const valueBytes = graphMemory(plan.graph, { lengths, packed: false }).values;
      return await (await this.#sessions.session(plan, { valueBytes, what: plan.graph.name })).run(feeds);
    });
  }

  /** Frees every session. The model may be used again; sessions come back when needed. */
  release(): Promise<void> {
    return this.#inTurn(() => this.#sessions.release());
  }

  /** One call after another: a session must not be pushed out between being made and being run. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined); // whoever asked hears of the fault; the next in line does not
    return result;
  }

  #hash(key: string, build: () => Graph): string {
    const hash = this.#hashes.get(key) ?? sha256(formatGraph(build()));
    this.#hashes.set(key, hash);
    return hash;
  }

  /**
   * One graph of a route serves the base model and every set of vectors: a layer without one has zeros added.
   * Adapters cost a product per layer and token, so they have a graph of their own, in which every layer may have one.
   */
  #rolloutGraph(additions: Additions): Graph {
    const { config, checkpoint, dtype } = this, every = allLayers(config);
    return rolloutGraph({
      config,
      checkpoint,
      edits: {
        steer: every,
        ...(hasAdapters(additions) ? { adapters: every } : {}),
        ablation: ablationShape(additions.ablation),
        ...routeOf(additions),
      },
      stopTokens: config.eosTokenIds,
      compute: dtype,
      packed: this.#packsRollouts,
    });
  }

  /** Two copies of the weights are for models that leave most of the memory free. */
  get #packsRollouts(): boolean {
    return packsRollouts(this.checkpoint) && 3 * this.#sessions.weightBytes <= this.#budget.bytes;
  }

  #rolloutPlan(key: string, additions: Additions): SessionPlan {
    const { weightBytes } = this.#sessions;
    return {
      key,
      graph: this.#rolloutGraph(additions),
      packWeights: true,
      weightBytes: this.#packsRollouts ? 2 * weightBytes : weightBytes,
    };
  }

  #sequenceGraph(parts: SequenceParts): Graph {
    return sequenceGraph({ ...parts, config: this.config, weights: this.checkpoint, compute: this.dtype });
  }

  #sequencePlan(parts: SequenceParts): SessionPlan {
    const key = sequenceKey(parts), { steeringAdjoint, siteAdjoints } = parts.outputs;
    const twice = steeringAdjoint === true || siteAdjoints === true;
    return this.#plan(key, () => this.#sessions.sequencePlan(key, this.#sequenceGraph(parts), { twice }));
  }

  #plan(key: string, make: () => SessionPlan): SessionPlan {
    const plan = this.#plans.get(key) ?? make();
    this.#plans.delete(key); // put it last: the longest unused goes first
    this.#plans.set(key, plan);
    if (this.#plans.size > MOST_PLANS) this.#plans.delete(this.#plans.keys().next().value as string);
    return plan;
  }

  #rowMemory(plan: SessionPlan): RowMemory {
    const memory = this.#memories.get(plan) ??
      new RowMemory(plan, { budget: this.#budget, chunk: this.#targetChunk });
    this.#memories.set(plan, memory);
    return memory;
  }

  get #targetChunk(): number {
    return targetChunk(this.config.vocab, this.#options.device ?? "cpu");
  }

  /** Positions of the longest row, all of which must fit the model. */
  #checkRows(rows: readonly WeightedRow[]): number {
    const positions = rows.map(({ tokens }) => tokens.length - 1); // the last token of a row is a target only
    checkPositions(positions, { config: this.config, action: "score" });
    return Math.max(1, ...positions);
  }

  /** Runs rows through a graph that scores targets, in batches of as many as fit. */
  #score(
    rows: readonly WeightedRow[],
    options: {
      readonly plan: SessionPlan;
      /** Positions of the longest row. */
      readonly seq: number;
      readonly feeds: Readonly<Record<string, Tensor>>;
      readonly weighted: boolean;
      readonly maxTokens?: number;
      readonly branched?: boolean;
    },
    take: (out: Readonly<Record<string, Tensor>>, weights: readonly number[]) => void,
  ): Promise<readonly (readonly number[])[]> {
    const { plan, feeds, weighted, maxTokens, branched = false } = options,
      { vocab, maxPositions } = this.config;
    const memory = this.#rowMemory(plan);
    if (maxTokens !== undefined && !(maxTokens >= 1)) {
      throw new RangeError(
        `Cannot split rows as maxTokens must be at least 1: current value is ${maxTokens}`,
      );
    }
    const { weightBytes } = plan;
    this.#budget.check(
      { weightBytes, valueBytes: memory.bytes(1, options.seq) },
      `a row of ${options.seq} tokens`,
    );
    const rowsAtOnce = maxTokens === undefined
      ? (seq: number) => memory.rowsAtOnce(seq)
      : (seq: number) => Math.floor(maxTokens / seq);
    const together = branched
      ? Math.max(options.seq, Math.min(maxTokens ?? Infinity, memory.longestRow(maxPositions)))
      : null;
    return overTargets(rows, { vocab, rowsAtOnce, together }, async (batch) => {
      const [size, seq] = batch.tokens.dims as [number, number];
      const session = await this.#sessions.session(plan, {
        valueBytes: memory.bytes(size, seq),
        what: `a batch of ${size} × ${seq} tokens`,
      });
      const out = await session.run({
        ...targetFeeds(batch, { chunk: this.#targetChunk, weighted }),
        ...feeds,
      });
      take(out, batch.weights);
      return out[SEQUENCE_NAMES.logProbs]?.data as Float32Array;
    });
  }
}
