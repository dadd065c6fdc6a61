import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import { sha256, type Tensor } from "../core/mod.ts";
import type { ComputeDType } from "../model/mod.ts";
import { formatGraph, type Graph, graphMemory } from "../onnx/mod.ts";
import { type Edits, sequenceGraph, type SequenceOutputs } from "../probe/mod.ts";
import { ModelSessions, type SessionPlan } from "./_model_sessions.ts";
import { editsKey } from "./additions.ts";
import { MemoryBudget } from "./memory_budget.ts";
import type { OpenOptions } from "./open_options.ts";
import type { GraphRun, OwnGraph } from "./own_graph.ts";
import { packsRollouts, rolloutGraph } from "./rollout_graph.ts";
import { RowMemory, targetChunk } from "./scored_rows.ts";

/** What a graph over whole sequences is made of. */
export interface SequenceParts {
  readonly edits: Edits;
  readonly outputs: SequenceOutputs;
  readonly recompute?: "nothing" | "blocks" | undefined;
  readonly branched?: boolean | undefined;
}

/** What a graph that draws tokens is made of; see {@link rolloutGraph}. */
export interface RolloutParts {
  readonly edits: Omit<Edits, "taps">;
  readonly likeliest?: number | undefined;
  readonly steps?: boolean | undefined;
}

/** Graphs that are kept for their next session or run: a sweep over layers of an adjoint has one for each. */
const MOST_PLANS = 8;

const sequenceKey = ({ edits, ...rest }: SequenceParts) =>
  JSON.stringify({ sequence: editsKey(edits), ...rest });
const rolloutKey = ({ edits, ...rest }: RolloutParts) =>
  JSON.stringify({ rollout: editsKey(edits), ...rest });

/** The graphs of one model: made when they are first needed, with what their sessions hold. */
export class ModelGraphs {
  readonly checkpoint: Checkpoint;
  readonly options: OpenOptions;
  readonly budget: MemoryBudget;
  readonly sessions: ModelSessions;
  readonly #plans = new Map<string, SessionPlan>();
  readonly #memories = new WeakMap<SessionPlan, RowMemory>();
  readonly #hashes = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(checkpoint: Checkpoint, options: OpenOptions) {
    this.checkpoint = checkpoint;
    this.options = options;
    const { device = "cpu", threads = 2, memory, onSession } = options;
    this.budget = new MemoryBudget({ memory, device });
    const made = { device, threads, dtype: this.dtype, budget: this.budget, onSession };
    this.sessions = new ModelSessions(checkpoint, made);
  }

  get config(): ModelConfig {
    return this.checkpoint.config;
  }

  get dtype(): Exclude<ComputeDType, "float64"> {
    return this.options.dtype ?? (this.options.device === "cuda" ? "bfloat16" : "float32");
  }

  /** Targets whose logits are computed at once. */
  get targetChunk(): number {
    return targetChunk(this.config.vocab, this.options.device ?? "cpu");
  }

  /** One call after another: a session must not be pushed out between being made and being run. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined); // whoever asked hears of the fault; the next in line does not
    return result;
  }

  /** A graph that draws tokens. */
  rolloutGraph(parts: RolloutParts): Graph {
    const { config, checkpoint, dtype: compute } = this, { eosTokenIds: stopTokens } = config;
    return rolloutGraph({ config, checkpoint, ...parts, stopTokens, compute, packed: this.#packsRollouts });
  }

  /** SHA-256 of its text. */
  rolloutHash(parts: RolloutParts): string {
    return this.graphHash({ key: rolloutKey(parts), build: () => this.rolloutGraph(parts) });
  }

  /** What its session is made of. */
  rolloutPlan(parts: RolloutParts): SessionPlan {
    const key = rolloutKey(parts), { weightBytes } = this.sessions, packed = this.#packsRollouts;
    return this.#plan(key, () => ({
      key,
      graph: this.rolloutGraph(parts),
      packWeights: packed || parts.steps !== true,
      weightBytes: packed && parts.steps !== true ? 2 * weightBytes : weightBytes,
    }));
  }

  /** SHA-256 of the text of a graph over whole sequences. */
  sequenceHash(parts: SequenceParts): string {
    return this.graphHash({ key: sequenceKey(parts), build: () => this.#sequenceGraph(parts) });
  }

  /** What the session of such a graph is made of. */
  sequencePlan(parts: SequenceParts): SessionPlan {
    const key = sequenceKey(parts), { steeringAdjoint, siteAdjoints } = parts.outputs;
    const twice = steeringAdjoint === true || siteAdjoints === true;
    return this.#plan(key, () => this.sessions.sequencePlan(key, this.#sequenceGraph(parts), { twice }));
  }

  /** Runs a graph of its own kind. */
  async runGraph(
    { key, build }: OwnGraph,
    { feeds, lengths }: GraphRun,
  ): Promise<Readonly<Record<string, Tensor>>> {
    const plan = this.#plan(key, () => this.sessions.sequencePlan(key, build(), { twice: true, lengths }));
    const valueBytes = graphMemory(plan.graph, { lengths, packed: false }).values;
    return await (await this.sessions.session(plan, { valueBytes, what: plan.graph.name })).run(feeds);
  }

  /** A plan that is kept for its next use. */
  #plan(key: string, make: () => SessionPlan): SessionPlan {
    const plan = this.#plans.get(key) ?? make();
    this.#plans.delete(key); // put it last: the longest unused goes first
    this.#plans.set(key, plan);
    if (this.#plans.size > MOST_PLANS) this.#plans.delete(this.#plans.keys().next().value as string);
    return plan;
  }

  /** What rows take in a graph over whole sequences. */
  rowMemory(plan: SessionPlan): RowMemory {
    const memory = this.#memories.get(plan) ??
      new RowMemory(plan, { budget: this.budget, chunk: this.targetChunk });
    this.#memories.set(plan, memory);
    return memory;
  }

  /** SHA-256 of a graph's text: one of many layers takes a while to write down, so it is done once. */
  graphHash({ key, build }: OwnGraph): string {
    const hash = this.#hashes.get(key) ?? sha256(formatGraph(build()));
    this.#hashes.set(key, hash);
    return hash;
  }

  /** Two copies of the weights are for models that leave most of the memory free. */
  get #packsRollouts(): boolean {
    return packsRollouts(this.checkpoint) && 3 * this.sessions.weightBytes <= this.budget.bytes;
  }

  #sequenceGraph(parts: SequenceParts): Graph {
    return sequenceGraph({ ...parts, config: this.config, weights: this.checkpoint, compute: this.dtype });
  }
}
