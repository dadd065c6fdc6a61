import type { EvaluateOptions, Evaluation } from "../analysis/mod.ts";
import { InputError } from "../core/mod.ts";
import type { LanguageModel } from "../decode/mod.ts";
import type { Completion, GraderName } from "../problems/mod.ts";
import type { Device } from "../runtime/mod.ts";

/** One evaluation that a worker is asked for. */
export interface EvaluationTask {
  /** The model's folder; a worker keeps the last one open. */
  readonly modelFolder: string;
  /** Where the model computes, and in what type; see {@link OpenOptions}. */
  readonly device: Device;
  /** Type of its matrices, residual stream and KV cache. */
  readonly dtype: LanguageModel["dtype"];
  /** The day that the model's chat template shows. `@default` none */
  readonly date?: string | undefined;
  /** Who judges the answers. `@default "box-number"` */
  readonly grader?: GraderName;
  /** What {@link evaluate} is called with. */
  readonly options: Omit<EvaluateOptions, "onProgress" | "onCompletion" | "grade">;
}

/** Who hears of an evaluation while it is made. */
export interface EvaluationListeners {
  /**
   * Counts answers; it hears of none when a worker takes the task, which may be long after it was asked for. One that
   * throws stops all evaluations of the pool.
   */
  readonly onProgress?: (done: number) => void;
  /** Hears of every completion, one at a time, before the outcomes are given; see {@link EvaluateOptions}. */
  readonly onCompletion?: EvaluateOptions["onCompletion"];
}

/** What a worker is told. */
export interface EvaluationRequest {
  /** The evaluation. */
  readonly task: EvaluationTask;
  /** Whether completions are wanted. */
  readonly withCompletions: boolean;
}

/** What a worker says. */
export type EvaluationReply =
  | { readonly kind: "progress"; readonly done: number }
  | { readonly kind: "completion"; readonly completion: Completion }
  | { readonly kind: "outcomes"; readonly outcomes: Evaluation["outcomes"] }
  | { readonly kind: "fault"; readonly message: string; readonly input: boolean };

interface Waiting {
  readonly request: EvaluationRequest;
  readonly listeners: EvaluationListeners;
  /** Settles once all completions so far were heard. */
  heard: Promise<void>;
  readonly resolve: (outcomes: Evaluation["outcomes"]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Evaluations side by side, each in a worker of its own with one thread. A run of a graph blocks its thread, and a
 * small model gains nothing from more threads inside an operation, so this is how a machine's cores are used. What
 * an evaluation gives does not depend on which worker did it, nor on how many there are.
 */
export class EvaluationPool {
  readonly #size: number;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Waiting>();
  readonly #queue: Waiting[] = [];

  /** A pool of at most `workers`; they start when they are first needed. */
  constructor(options: { readonly workers: number }) {
    if (!(Number.isInteger(options.workers) && options.workers >= 1)) {
      throw new RangeError(
        `Cannot make a pool as workers must be at least 1: current value is ${options.workers}`,
      );
    }
    this.#size = options.workers;
  }

  /** Outcomes as {@link evaluate} gives them: [evaluation seed][problem][sample]. */
  evaluate(task: EvaluationTask, listeners: EvaluationListeners = {}): Promise<Evaluation["outcomes"]> {
    const request = { task, withCompletions: listeners.onCompletion !== undefined };
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, listeners, heard: Promise.resolve(), resolve, reject });
      this.#next();
    });
  }

  /** Ends every worker; what was still asked for is rejected with `reason`. */
  close(reason: unknown = new Error("the pool was closed")): void {
    for (const [worker, waiting] of this.#busy) {
      worker.terminate();
      waiting.reject(reason);
    }
    for (const worker of this.#idle) worker.terminate();
    for (const waiting of this.#queue) waiting.reject(reason);
    this.#busy.clear();
    this.#idle.length = 0;
    this.#queue.length = 0;
  }

  #next(): void {
    if (this.#queue.length === 0) return;
    const worker = this.#idle.pop() ?? (this.#busy.size < this.#size ? this.#start() : null);
    if (worker === null) return;
    const waiting = this.#queue.shift() as Waiting;
    this.#busy.set(worker, waiting);
    worker.postMessage(waiting.request);
    // Later than the asking: a listener that throws ends all that was asked for together.
    queueMicrotask(() => this.#tell(waiting, 0));
  }

  #start(): Worker {
    const worker = new Worker(new URL("./_evaluation_worker.ts", import.meta.url).href, { type: "module" });
    worker.onmessage = ({ data: reply }: MessageEvent<EvaluationReply>) => {
      const waiting = this.#busy.get(worker);
      if (waiting === undefined) return;
      if (reply.kind === "progress") return this.#tell(waiting, reply.done);
      if (reply.kind === "completion") {
        waiting.heard = waiting.heard.then(() => waiting.listeners.onCompletion?.(reply.completion));
        waiting.heard.catch(waiting.reject);
        return;
      }
      this.#busy.delete(worker);
      this.#idle.push(worker);
      if (reply.kind === "outcomes") {
        waiting.heard.then(() => waiting.resolve(reply.outcomes), waiting.reject);
      } else waiting.reject(reply.input ? new InputError(reply.message) : new Error(reply.message));
      this.#next();
    };
    worker.onerror = (event) => {
      event.preventDefault(); // the fault goes to whoever asked
      this.close(new Error(`an evaluation worker failed: ${event.message}`));
    };
    return worker;
  }

  /** A listener that throws stops everything: that is how an interrupted run ends. */
  #tell(waiting: Waiting, done: number): void {
    try {
      waiting.listeners.onProgress?.(done);
    } catch (error) {
      this.close(error);
    }
  }
}
