import { type ChatTokenizer, type Checkpoint, type ModelConfig, openCheckpoint } from "../checkpoint/mod.ts";
import { type Tensor, tensor, zeros } from "../core/mod.ts";
import { type ComputeDType, type SiteKind, type SiteName, siteName } from "../model/mod.ts";
import { GraphBuilder } from "../onnx/mod.ts";
import { EDIT_NAMES, SEQUENCE_NAMES } from "../probe/mod.ts";
import { checkPlacement, Session } from "../runtime/mod.ts";
import { ModelGraphs } from "./_model_graphs.ts";
import { rolloutEngine, rolloutParts } from "./_rollout_engine.ts";
import { scoreRows } from "./_score_rows.ts";
import { type Additions, namedLayers } from "./additions.ts";
import { allLayers } from "./by_layer.ts";
import { checkPositions } from "./check_positions.ts";
import {
  completeTexts,
  type CompletionOptions,
  type CompletionPrompt,
  type StreamedToken,
  streamText,
  type TextCompletion,
} from "./completions.ts";
import {
  attributeLogits,
  type LogitAttribution,
  type LogitAttributionOptions,
  unembedStreams,
} from "./logit_attribution.ts";
import { checkOpening, type OpenOptions } from "./open_options.ts";
import type { GraphRun, OwnGraph } from "./own_graph.ts";
import { padRight } from "./padded_batch.ts";
import { type Rollout, type RolloutRequest, sampleRollouts, type SamplingOptions } from "./rollout.ts";
import { RowSums, targetFeeds } from "./scored_rows.ts";
import type { AdjointOptions, ScoringOptions, SteeringAdjoints } from "./scoring_options.ts";
import { plannedRun, type RunOptions, type RunResult, steeredRows } from "./planned_run.ts";
import {
  objectiveBatch,
  type ObjectiveRow,
  type SiteAdjointOptions,
  type SiteAdjoints,
} from "./site_adjoints.ts";
import type { WeightedRow } from "./target_batches.ts";

/**
 * A frozen decoder that can be read, changed and steered: runs with taps and patches, rollouts, log-probabilities
 * and steering adjoints, each by a graph of its own that is made when it is first needed.
 *
 * @example
 * ```ts
 * import { LanguageModel } from "@small-vectors/steering";
 * const model = await LanguageModel.open("./fixtures/embedded/base-a");
 * const { logits, taps } = await model.run([[1, 2, 3]], { taps: ["blocks.0.resid_post"] });
 * if (logits?.dims[1] !== 3 || taps.size !== 1) throw new Error("one row of three positions");
 * await model.release();
 * ```
 */
export class LanguageModel {
  /** The folder that it was opened from, checked. */
  readonly checkpoint: Checkpoint;
  readonly #graphs: ModelGraphs;

  private constructor(checkpoint: Checkpoint, options: OpenOptions) {
    this.checkpoint = checkpoint;
    this.#graphs = new ModelGraphs(checkpoint, options);
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
    return this.#graphs.options;
  }

  /** Type of its matrices, residual stream and KV cache. */
  get dtype(): Exclude<ComputeDType, "float64"> {
    return this.#graphs.dtype;
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
    const graphs = this.#graphs, { config } = this;
    return graphs.inTurn(async () => {
      checkPositions(rows.map((row) => row.length), { config, action: "run" });
      const { taps = [], logits = true } = options;
      const { tokens, lengths, seq } = padRight(rows, config);
      const { edits, feeds } = plannedRun(options, { config, rows: steeredRows(rows, options), seq });
      const plan = graphs.sequencePlan({ edits, outputs: { logits } });
      const valueBytes = graphs.rowMemory(plan).bytes(rows.length, seq);
      const outputs = [
        ...taps.map((site) => EDIT_NAMES.tap(site)),
        ...(logits === false ? [] : [SEQUENCE_NAMES.logits]),
      ];
      const what = `a run of ${rows.length} × ${seq} tokens`;
      const session = await graphs.sessions.session(plan, { valueBytes, what });
      const out = await session.run({
        [SEQUENCE_NAMES.tokens]: tokens,
        ...(logits === "last" ? { [SEQUENCE_NAMES.last]: lastPlaces(lengths) } : {}),
        ...feeds({ rows: rows.map((_, row) => row), seq }),
      }, outputs);
      return {
        logits: logits === false ? null : out[SEQUENCE_NAMES.logits] as Tensor<"float32">,
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
    const { device = "cpu" } = this.options;
    const g = new GraphBuilder("device");
    g.output("y", g.apply("Neg", [g.input("x", "float32", [1])]));
    await (await Session.create(g.build(), { device })).release();
    checkPlacement(this.#graphs.rolloutGraph(rolloutParts({}, this)), { device });
  }

  /**
   * SHA-256 of the text of the rollout graph, that with adapters where `adapters` are given: names the computation,
   * weights by file range included. Which heads a patch of the last block names, and which features are ablated, is
   * fed to the graph, so it is no part of it.
   */
  graphHash(options: Omit<Additions, "steer"> = {}): string {
    return this.#graphs.rolloutHash(rolloutParts(options, this));
  }

  /** SHA-256 of the text of the graph of {@link run} under these options; values are fed to it and no part of it. */
  sequenceGraphHash(options: RunOptions = {}): string {
    const { edits } = plannedRun(options, { config: this.config, rows: null });
    return this.#graphs.sequenceHash({ edits, outputs: { logits: options.logits ?? true } });
  }

  /** Samples completions; see {@link sampleRollouts}. */
  generate(requests: readonly RolloutRequest[], options: SamplingOptions): Promise<readonly Rollout[]> {
    return this.#graphs.inTurn(async () => {
      const { engine, rowsAtOnce } = await rolloutEngine(this.#graphs, requests, options);
      return await sampleRollouts(engine, requests, { ...options, batchSize: rowsAtOnce });
    });
  }

  /**
   * Completes texts and conversations: what was written, its log-probabilities and why it ended. Prompt i draws as
   * request i of {@link generate} does.
   *
   * @throws {InputError} for a conversation where the model has no chat template.
   */
  async complete(
    prompts: readonly CompletionPrompt[],
    options: CompletionOptions,
  ): Promise<readonly TextCompletion[]> {
    return await completeTexts({ graphs: this.#graphs, tokenizer: await this.tokenizer() }, prompts, options);
  }

  /**
   * Completes one prompt, token by token as they are drawn: the tokens of {@link complete}. Whoever stops listening stops
   * the drawing; other calls of the model may come between two tokens.
   */
  async *stream(
    prompt: CompletionPrompt,
    options: Omit<CompletionOptions, "strength"> & { readonly strength?: number },
  ): AsyncGenerator<StreamedToken> {
    yield* streamText({ graphs: this.#graphs, tokenizer: await this.tokenizer() }, prompt, options);
  }

  /**
   * Adjoints of steering vectors and adapters for the loss Σ over rows and targets of −weight · log p, and those
   * log p. Rows may come in any number and order: the result does not depend on how they are split into batches.
   * Vectors may be at any place, or go through a patched last block.
   *
   * @throws {InputError} when a row takes more memory than is set aside.
   */
  steeringAdjoint(rows: readonly WeightedRow[], options: AdjointOptions): Promise<SteeringAdjoints> {
    const graphs = this.#graphs, { config } = this;
    return graphs.inTurn(async () => {
      const layers = namedLayers(options);
      const vectors = new RowSums(layers.steer, config.embed);
      const inputs = new RowSums(layers.adapters, config.neurons);
      const results = new RowSums(layers.adapters, config.embed);
      const outputs = { logProbs: true, steeringAdjoint: true };
      const logProbs = await scoreRows(graphs, rows, { ...options, layers, outputs }, (out, { weights }) => {
        vectors.add(out[SEQUENCE_NAMES.steeringAdjoint], weights);
        inputs.add(out[SEQUENCE_NAMES.adapterInputAdjoint], weights);
        results.add(out[SEQUENCE_NAMES.adapterOutputAdjoint], weights);
      });
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
   * The same adjoints of a vector of every position, [rows, seq, embed] by steered layer: which tokens want to be steered.
   * Their sum over rows and positions is that of {@link steeringAdjoint}. Rows run one after the other where they must.
   *
   * @throws {InputError} when a row takes more memory than is set aside.
   */
  steeringAdjointByPosition(
    rows: readonly WeightedRow[],
    options: ScoringOptions,
  ): Promise<ReadonlyMap<number, Tensor<"float32">>> {
    const { embed } = this.config, seq = Math.max(...rows.map(({ tokens }) => tokens.length)) - 1;
    return this.#graphs.inTurn(async () => {
      const layers = namedLayers(options),
        outputs = { logProbs: true, steeringAdjoint: true, perPosition: true };
      const made = new Map(layers.steer.map((layer) => [layer, zeros("float32", [rows.length, seq, embed])]));
      await scoreRows(this.#graphs, rows, { ...options, layers, outputs }, (out, batch) => {
        const { data, dims } = out[SEQUENCE_NAMES.steeringAdjoint] as Tensor<"float32">;
        const size = (dims[2] as number) * embed; // [layers, batch, seq, embed]
        layers.steer.forEach((layer, place) =>
          batch.rows.forEach((row, at) => {
            const first = (place * batch.rows.length + at) * size, weight = batch.weights[at] as number;
            made.get(layer)?.data.set(
              data.subarray(first, first + size).map((x) => weight * x),
              row * seq * embed,
            );
          })
        );
      });
      return made;
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
    return this.#graphs.inTurn(() => {
      const weighted = rows.map((row) => ({ ...row, weight: 0 })), outputs = { logProbs: true };
      return scoreRows(this.#graphs, weighted, { ...options, outputs }, () => {});
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
    const graphs = this.#graphs, { config } = this;
    return graphs.inTurn(async () => {
      const { sites, ...others } = options;
      checkPositions(rows.map(({ tokens }) => tokens.length), { config, action: "run" });
      const batch = objectiveBatch(rows, config), [count, seq] = batch.tokens.dims as [number, number];
      const steered = rows.map(({ tokens, promptLength = tokens.length, strength }) => ({
        promptLength,
        strength,
      }));
      const { edits, feeds } = plannedRun({ ...others, taps: sites }, { config, rows: steered, seq });
      const plan = graphs.sequencePlan({ edits, outputs: { logProbs: true, siteAdjoints: true } });
      const session = await graphs.sessions.session(plan, {
        valueBytes: graphs.rowMemory(plan).bytes(count, seq),
        what: `adjoints of sites over ${count} × ${seq} tokens`,
      });
      const outputs = [
        SEQUENCE_NAMES.logProbs,
        ...sites.flatMap((site) => [EDIT_NAMES.tap(site), EDIT_NAMES.adjoint(site)]),
      ];
      const targets = targetFeeds(batch, { chunk: graphs.targetChunk, weighted: true });
      const out = await session.run({ ...targets, ...feeds({ rows: batch.rows, seq }) }, outputs);
      const bySite = (name: (site: SiteName) => string) =>
        new Map(sites.map((site) => [site, out[name(site)] as Tensor<"float32">]));
      const logProbs: number[][] = rows.map(() => []);
      batch.targets.forEach(({ row }, at) =>
        logProbs[row]?.push(Number(out[SEQUENCE_NAMES.logProbs]?.data[at]))
      );
      return { adjoints: bySite(EDIT_NAMES.adjoint), taps: bySite(EDIT_NAMES.tap), logProbs };
    });
  }

  /** The sites of a kind, one for each layer. */
  sitesOf(kind: SiteKind): readonly SiteName[] {
    return allLayers(this.config).map((layer) => siteName({ layer, kind }));
  }

  /**
   * Logits [.., vocab] of residual streams [.., embed]: what the final norm and the unembedding make of them.
   *
   * @throws {RangeError} for streams of another width.
   */
  unembed(streams: Tensor<"float32">): Promise<Tensor<"float32">> {
    return unembedStreams(this.#graphs, streams);
  }

  /**
   * Direct logit attribution: what the embedding, each head, each MLP and each vector give to the difference of two
   * logits. The sum of all is that difference.
   *
   * @throws {RangeError} for tokens and positions that are not there, and under a patched last block.
   */
  logitAttribution(tokens: readonly number[], options: LogitAttributionOptions): Promise<LogitAttribution> {
    const run = (rows: readonly (readonly number[])[], options: RunOptions) => this.run(rows, options);
    return attributeLogits(this.#graphs, tokens, { ...options, run });
  }

  /**
   * Runs a graph of the caller's.
   *
   * @internal
   * @throws {InputError} when it takes more memory than is set aside.
   */
  runGraph(graph: OwnGraph, run: GraphRun): Promise<Readonly<Record<string, Tensor>>> {
    return this.#graphs.inTurn(() => this.#graphs.runGraph(graph, run));
  }

  /**
   * SHA-256 of the text of a graph of the caller's.
   *
   * @internal
   */
  ownGraphHash(graph: OwnGraph): string {
    return this.#graphs.graphHash(graph);
  }

  /** Frees every session. The model may be used again; sessions come back when needed. */
  release(): Promise<void> {
    return this.#graphs.inTurn(() => this.#graphs.sessions.release());
  }
}

/** Where each row's last token is, int64 [batch]. */
function lastPlaces(lengths: readonly number[]): Tensor<"int64"> {
  return tensor("int64", [lengths.length], lengths.map((length) => length - 1));
}
