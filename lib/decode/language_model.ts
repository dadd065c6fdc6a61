import { ChatTokenizer, type Checkpoint, type ModelConfig, openCheckpoint } from "../checkpoint/mod.ts";
import { sha256, type Tensor, tensor } from "../core/mod.ts";
import { cachedKernelOf, type ComputeDType, type SiteName } from "../model/mod.ts";
import { formatGraph, type Graph, GraphBuilder } from "../onnx/mod.ts";
import { EDIT_NAMES, type Edits, SEQUENCE_NAMES, sequenceGraph, type SequenceOutputs } from "../probe/mod.ts";
import { checkPlacement, type Device, type Feeds, Session } from "../runtime/mod.ts";
import { padRight } from "./padded_batch.ts";
import { type Rollout, type RolloutRequest, sampleRollouts, type SamplingOptions } from "./rollout.ts";
import { rolloutGraph } from "./rollout_graph.ts";
import { checkSteering, steeringMatrix, type SteeringVectors } from "./steering.ts";

/** How a model is opened. */
export interface OpenOptions {
  /** `@default "cpu"` */
  readonly device?: Device;
  /** Threads inside one operation. `@default 2` */
  readonly threads?: number;
  /**
   * Type of matrices, residual stream and KV cache; norms, softmax, logits and all that follows are float32 even
   * in a 16-bit one. `@default` float32 on the CPU, bfloat16 on CUDA
   */
  readonly dtype?: Exclude<ComputeDType, "float64">;
}

/** A replaced site value. */
export interface Patch {
  /** The new value, in the site's shape for this batch. */
  readonly value: Tensor<"float32">;
  /** Where it holds, bool [batch, seq]. `@default` everywhere */
  readonly mask?: Tensor<"bool">;
}

/** What one run reads and changes. */
export interface RunOptions {
  /** Sites to copy out. `@default []` */
  readonly taps?: readonly SiteName[];
  /** Vectors to add at `resid_post`. `@default none` */
  readonly steer?: SteeringVectors;
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

/** Targets of a log-probability run: token t of a row is predicted at its position t − 1. */
export interface WeightedRow {
  /** Token ids, context and targets. */
  readonly tokens: readonly number[];
  /** First token that is a target; those before it are context. */
  readonly from: number;
  /** Weight of each target's −log p in the loss. */
  readonly weight: number;
}

/** The first token has nothing before it to be predicted from; the last one is a target only, so no run sees it. */
function checkTarget(
  tokens: readonly number[],
  at: { readonly index: number; readonly from: number; readonly vocab: number },
): void {
  const { index, from, vocab } = at;
  if (!(Number.isInteger(from) && from >= 1 && from <= tokens.length && tokens.length >= 2)) {
    throw new RangeError(
      `Cannot score row ${index} as its targets must start in [1, ${tokens.length}] of at least two tokens: ` +
        `current value is ${from} of ${tokens.length}`,
    );
  }
  const last = tokens.at(-1) as number;
  if (!(Number.isInteger(last) && last >= 0 && last < vocab)) {
    throw new RangeError(
      `Cannot score row ${index} as token ids must be whole numbers in [0, ${vocab}): current value is ${last}`,
    );
  }
}

/** Sessions that stay open at once; each holds its own copy of the weights. */
const SESSION_LIMIT = 6;

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
  #tokenizer: Promise<ChatTokenizer> | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #graphHash: string | null = null;

  private constructor(checkpoint: Checkpoint, options: OpenOptions) {
    this.checkpoint = checkpoint;
    this.#options = options;
  }

  /** Opens a Hugging Face folder. Throws an InputError for anything wrong with it. */
  static async open(folder: string, options: OpenOptions = {}): Promise<LanguageModel> {
    return new LanguageModel(await openCheckpoint(folder), options);
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
    this.#tokenizer ??= ChatTokenizer.open(this.checkpoint.folder, { vocab: this.config.vocab });
    return this.#tokenizer;
  }

  /** Runs whole sequences under declared edits. Shapes and names are checked before anything runs. */
  run(rows: readonly (readonly number[])[], options: RunOptions = {}): Promise<RunResult> {
    return this.#inTurn(async () => {
      const { taps = [], steer = new Map(), patches = new Map<SiteName, Patch>(), logits = true } = options;
      checkSteering(steer, this.config);
      const edits: Edits = {
        taps,
        patches: [...patches.keys()],
        steer: [...steer.keys()].sort((a, b) => a - b),
        steerFactors: options.steerFactors !== undefined,
      };
      const session = await this.#sequenceSession(edits, { logits });
      const { tokens, lengths, seq } = padRight(rows, this.config);
      const everywhere = () => tensor("bool", [rows.length, seq], new Uint8Array(rows.length * seq).fill(1));
      const feeds: Record<string, Tensor> = {
        [SEQUENCE_NAMES.tokens]: tokens,
        ...this.#steerFeed(steer, edits.steer ?? []),
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
    checkPlacement(this.#rolloutGraph(), { device });
  }

  /** SHA-256 of the rollout graph's text: names the computation, weights by file range included. */
  graphHash(): string {
    this.#graphHash ??= sha256(formatGraph(this.#rolloutGraph()));
    return this.#graphHash;
  }

  /** Samples completions; see {@link sampleRollouts}. */
  generate(requests: readonly RolloutRequest[], options: SamplingOptions): Promise<readonly Rollout[]> {
    return this.#inTurn(async () => {
      const steeredLayers = this.#allLayers(), stopTokens = this.config.eosTokenIds;
      const session = await this.#session("rollout", () => this.#rolloutGraph());
      return await sampleRollouts(
        { session, config: this.config, stopTokens, steeredLayers },
        requests,
        options,
      );
    });
  }

  /**
   * Adjoints of steering vectors for the loss Σ over rows and targets of −weight · log p, and those log p.
   * Rows may come in any number and order: the result does not depend on how they are split into batches.
   */
  steeringAdjoint(
    rows: readonly WeightedRow[],
    options: { readonly steer: SteeringVectors; readonly microBatch?: number },
  ): Promise<{ readonly adjoints: SteeringVectors; readonly logProbs: readonly (readonly number[])[] }> {
    return this.#inTurn(async () => {
      const layers = [...options.steer.keys()].sort((a, b) => a - b);
      checkSteering(options.steer, this.config);
      const session = await this.#sequenceSession({ steer: layers }, {
        logProbs: true,
        steeringAdjoint: true,
      });
      const sums = new Map(layers.map((layer) => [layer, new Float64Array(this.config.embed)]));
      const logProbs = await this.#overTargets(rows, options.microBatch ?? 32, async (feeds) => {
        const out = await session.run({ ...feeds, ...this.#steerFeed(options.steer, layers) });
        const part = out[SEQUENCE_NAMES.steeringAdjoint]?.data as Float32Array;
        layers.forEach((layer, row) => {
          const sum = sums.get(layer) as Float64Array;
          for (let i = 0; i < sum.length; i++) {
            sum[i] = (sum[i] as number) + (part[row * sum.length + i] as number);
          }
        });
        return out;
      });
      return {
        adjoints: new Map([...sums].map(([layer, sum]) => [layer, Float32Array.from(sum)])),
        logProbs,
      };
    });
  }

  /** Log-probabilities of every target of every row, at temperature 1. */
  logProbs(
    rows: readonly Omit<WeightedRow, "weight">[],
    options: { readonly steer?: SteeringVectors; readonly microBatch?: number } = {},
  ): Promise<readonly (readonly number[])[]> {
    return this.#inTurn(async () => {
      const steer = options.steer ?? new Map();
      checkSteering(steer, this.config);
      const layers = [...steer.keys()].sort((a, b) => a - b);
      const session = await this.#sequenceSession({ steer: layers }, { logProbs: true });
      const weighted = rows.map((row) => ({ ...row, weight: 0 }));
      return await this.#overTargets(
        weighted,
        options.microBatch ?? 32,
        ({ target_weights: _, ...feeds }) => session.run({ ...feeds, ...this.#steerFeed(steer, layers) }),
      );
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

  /** One graph serves the base model and every set of vectors: a layer without one has zeros added. */
  #rolloutGraph(): Graph {
    const { config, checkpoint, dtype } = this;
    return rolloutGraph({
      config,
      checkpoint,
      edits: { steer: this.#allLayers() },
      stopTokens: config.eosTokenIds,
      compute: dtype,
      // On CUDA the fused kernel has 16-bit forms only.
      kernel: this.#options.device === "cuda" && dtype === "float32"
        ? "concatenated"
        : cachedKernelOf(config),
    });
  }

  /** Runs rows in batches of like lengths and puts the targets' log-probabilities back in the rows' order. */
  async #overTargets(
    rows: readonly WeightedRow[],
    microBatch: number,
    run: (feeds: Feeds & { readonly target_weights: Tensor }) => Promise<Record<string, Tensor>>,
  ): Promise<readonly (readonly number[])[]> {
    if (!(Number.isInteger(microBatch) && microBatch >= 1)) {
      throw new RangeError(
        `Cannot split rows as microBatch must be at least 1: current value is ${microBatch}`,
      );
    }
    rows.forEach(({ tokens, from }, index) => checkTarget(tokens, { index, from, vocab: this.config.vocab }));
    const order = rows.map((_, index) => index)
      .sort((a, b) => (rows[a]?.tokens.length as number) - (rows[b]?.tokens.length as number) || a - b);
    const results: number[][] = rows.map(() => []);
    for (let start = 0; start < order.length; start += microBatch) {
      const batch = order.slice(start, start + microBatch);
      const { tokens, seq } = padRight(
        batch.map((index) => rows[index]?.tokens.slice(0, -1) ?? []),
        this.config,
      );
      const targets = new BigInt64Array(batch.length * seq), weights = new Float32Array(batch.length * seq);
      batch.forEach((index, r) => {
        const row = rows[index] as WeightedRow;
        for (let t = row.from; t < row.tokens.length; t++) {
          targets[r * seq + t - 1] = BigInt(row.tokens[t] as number);
          weights[r * seq + t - 1] = row.weight;
        }
      });
      const out = await run({
        [SEQUENCE_NAMES.tokens]: tokens,
        [SEQUENCE_NAMES.targets]: tensor("int64", [batch.length, seq], targets),
        target_weights: tensor("float32", [batch.length, seq], weights),
      });
      const logProbs = out[SEQUENCE_NAMES.logProbs]?.data as Float32Array;
      batch.forEach((index, r) => {
        const row = rows[index] as WeightedRow;
        for (let t = row.from; t < row.tokens.length; t++) {
          results[index]?.push(logProbs[r * seq + t - 1] as number);
        }
      });
    }
    return results;
  }

  #steerFeed(steer: SteeringVectors, layers: readonly number[]): Record<string, Tensor> {
    if (layers.length === 0) return {};
    return { [EDIT_NAMES.steering]: steeringMatrix(steer, { layers, embed: this.config.embed }) };
  }

  #sequenceSession(edits: Edits, outputs: SequenceOutputs): Promise<Session> {
    return this.#session(
      JSON.stringify({ edits, outputs }),
      () =>
        sequenceGraph({ config: this.config, weights: this.checkpoint, edits, outputs, compute: this.dtype }),
    );
  }

  async #session(key: string, build: () => Parameters<typeof Session.create>[0]): Promise<Session> {
    const known = this.#sessions.get(key);
    if (known !== undefined) {
      this.#sessions.delete(key); // put it last: the longest unused goes first
      this.#sessions.set(key, known);
      return await known;
    }
    if (this.#sessions.size >= SESSION_LIMIT) {
      const [oldest, session] = this.#sessions.entries().next().value as [string, Promise<Session>];
      this.#sessions.delete(oldest);
      await (await session).release();
    }
    const { device = "cpu", threads = 2 } = this.#options;
    const made = Session.create(build(), { device, threads, weightsFolder: this.checkpoint.weightsFolder });
    this.#sessions.set(key, made);
    made.catch(() => this.#sessions.delete(key));
    return await made;
  }
}
