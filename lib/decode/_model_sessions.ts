import type { Checkpoint } from "../checkpoint/mod.ts";
import { DTYPE_BYTES, elementCount } from "../core/mod.ts";
import type { ComputeDType } from "../model/mod.ts";
import { type Graph, graphMemory } from "../onnx/mod.ts";
import { type Device, Session } from "../runtime/mod.ts";
import type { MemoryBudget } from "./memory_budget.ts";

/** A session that is about to be made, or has been. */
export interface SessionNews {
  /** What it computes: `rollout`, `sequence`. */
  readonly graph: string;
  /** Bytes of the model's weights in the type that it computes in. */
  readonly weightBytes: number;
  /** Whether it has been made, or has failed. */
  readonly done: boolean;
}

/** What sessions of a model are made with. */
export interface SessionsOptions {
  readonly device: Device;
  readonly threads: number;
  readonly dtype: Exclude<ComputeDType, "float64">;
  readonly budget: MemoryBudget;
  readonly onSession: ((news: SessionNews) => void | Promise<void>) | undefined;
}

/** A graph of a model, its name, and how it holds its weights. */
export interface SessionPlan {
  /** Names the graph among those of the model. */
  readonly key: string;
  readonly graph: Graph;
  /** Whether products have matrices laid out for them. */
  readonly packWeights: boolean;
  /** Bytes of weights in a session of it. */
  readonly weightBytes: number;
}

/** Sessions that stay open at once: more are never needed in turn, and each keeps the memory of its largest run. */
const MOST_OPEN = 6;

interface Open {
  readonly session: Promise<Session>;
  readonly weightBytes: number;
  /** Bytes of the values of its largest run: what its allocator keeps. */
  valueBytes: number;
}

/** The sessions of one model: made when they are needed, closed when the memory is needed for another. */
export class ModelSessions {
  readonly #checkpoint: Checkpoint;
  readonly #options: SessionsOptions;
  readonly #open = new Map<string, Open>();

  constructor(checkpoint: Checkpoint, options: SessionsOptions) {
    this.#checkpoint = checkpoint;
    this.#options = options;
  }

  /** Values of a checkpoint in the type that is computed in, in bytes. */
  get weightBytes(): number {
    const entries = [...this.#checkpoint.weights.values()];
    return entries.reduce((sum, { dims }) => sum + elementCount(dims), 0) * DTYPE_BYTES[this.#options.dtype];
  }

  /**
   * A plan for a graph over whole sequences. One that runs the model in two directions, or twice, has each weight in
   * two products: packed for both it would be held twice, and for the many rows that it multiplies packing wins nothing.
   */
  sequencePlan(
    key: string,
    graph: Graph,
    options: { readonly twice: boolean; readonly lengths?: Readonly<Record<string, number>> },
  ): SessionPlan {
    const packWeights = !options.twice;
    const { lengths = { batch: 1, seq: 1, chunks: 1, chunk: 1, once: 1 } } = options;
    const { constants: weightBytes } = graphMemory(graph, { lengths, packed: packWeights });
    return { key, graph, packWeights, weightBytes };
  }

  /**
   * A session with room for values of `valueBytes`, which `what` has; it stays open until others need its room.
   *
   * @throws {InputError} when weights and values together do not fit the budget.
   */
  async session(
    plan: SessionPlan,
    options: { readonly valueBytes: number; readonly what: string },
  ): Promise<Session> {
    const { budget, device, threads } = this.#options, { key, graph, packWeights, weightBytes } = plan;
    budget.check({ weightBytes, valueBytes: options.valueBytes }, options.what);
    const known = this.#open.get(key);
    const valueBytes = Math.max(options.valueBytes, known?.valueBytes ?? 0);
    this.#open.delete(key); // put it last: the longest unused goes first
    await this.#makeRoom(weightBytes + valueBytes);
    if (known !== undefined) {
      known.valueBytes = valueBytes;
      this.#open.set(key, known);
      return await known.session;
    }
    const session = this.#told(graph, () =>
      Session.create(graph, {
        device,
        threads,
        packWeights,
        weightsFolder: this.#checkpoint.weightsFolder,
      }));
    this.#open.set(key, { session, weightBytes, valueBytes });
    session.catch(() => this.#open.delete(key));
    return await session;
  }

  /** Closes every session. */
  async release(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { session } of open) await (await session).release();
  }

  async #makeRoom(bytes: number): Promise<void> {
    const held = () =>
      [...this.#open.values()].reduce((sum, one) => sum + one.weightBytes + one.valueBytes, bytes);
    while (this.#open.size > 0 && (this.#open.size >= MOST_OPEN || held() > this.#options.budget.bytes)) {
      const [oldest, { session }] = this.#open.entries().next().value as [string, Open];
      this.#open.delete(oldest);
      await (await session).release();
    }
  }

  /** Makes a session between the two news of it. */
  async #told(graph: Graph, make: () => Promise<Session>): Promise<Session> {
    const { onSession } = this.#options, news = { graph: graph.name, weightBytes: this.weightBytes };
    await onSession?.({ ...news, done: false });
    try {
      return await make();
    } finally {
      await onSession?.({ ...news, done: true });
    }
  }
}
