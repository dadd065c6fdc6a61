import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Graph, graphMemory } from "../onnx/mod.ts";
import { type Recompute, SEQUENCE_NAMES } from "../probe/mod.ts";
import type { Device } from "../runtime/mod.ts";
import type { MemoryBudget } from "./memory_budget.ts";
import { chunkedTargets, type TargetBatch } from "./target_batches.ts";

/** Logits that a chunk of targets may have on a CPU: 32 MiB of float32, of which two or three are held at once. */
const CPU_LOGITS = 2 ** 23;
/** Fewer targets would read the unembedding more often than they use it; more win nothing. */
const LEAST = 64, MOST = 1024;

/** Targets whose logits are computed at once. A fixed number for a model and device, so that it decides no result. */
export function targetChunk(vocab: number, device: Device): number {
  if (device !== "cpu") return MOST;
  return Math.max(LEAST, Math.min(MOST, Math.floor(CPU_LOGITS / vocab)));
}

/** What rows take in a graph over whole sequences that scores targets, and how many of them run together. */
export class RowMemory {
  readonly #graph: Graph;
  readonly #chunk: number;
  readonly #batchBytes: number;
  readonly #room: number;
  readonly #known = new Map<string, number>();

  constructor(
    plan: { readonly graph: Graph; readonly weightBytes: number },
    options: { readonly budget: MemoryBudget; readonly chunk: number },
  ) {
    const { budget, chunk } = options;
    this.#graph = plan.graph;
    this.#chunk = chunk;
    this.#batchBytes = budget.batchBytes;
    this.#room = budget.bytes - plan.weightBytes;
  }

  /** Bytes of the values of `rows` rows of `seq` positions each, every position a target. */
  bytes(rows: number, seq: number): number {
    const key = `${rows} ${seq}`, before = this.#known.get(key);
    if (before !== undefined) return before;
    const targets = rows * seq, chunks = Math.ceil(targets / this.#chunk);
    const lengths = { batch: rows, seq, chunks, chunk: Math.ceil(targets / chunks), once: 1 };
    const { values } = graphMemory(this.#graph, { lengths });
    this.#known.set(key, values);
    return values;
  }

  /** Rows of `seq` positions that run together: as many as a batch's bytes and the budget hold, at least one. */
  rowsAtOnce(seq: number): number {
    const one = this.bytes(1, seq), more = this.bytes(2, seq) - one; // every further row takes as much as the second
    const room = Math.min(this.#batchBytes, this.#room);
    return Math.max(1, Math.floor((room - one) / more) + 1);
  }

  /**
   * What adjoints of rows of up to `seq` positions should compute a second time: nothing while one row stays near a
   * batch's bytes and within the budget, which is faster by a forward pass, else the blocks.
   */
  recompute(seq: number): Recompute {
    return this.#isNearOneBatch(seq) ? "nothing" : "blocks";
  }

  /** Most positions, up to `most`, of a row whose bytes stay near a batch's and within the budget; one at least. */
  longestRow(most: number): number {
    let fits = 1;
    for (let above = most + 1; above - fits > 1;) {
      const middle = Math.floor((fits + above) / 2);
      if (this.#isNearOneBatch(middle)) fits = middle;
      else above = middle;
    }
    return fits;
  }

  #isNearOneBatch(seq: number): boolean {
    return this.bytes(1, seq) <= Math.min(this.#room, 2 * this.#batchBytes);
  }
}

/** A batch's tokens and targets as feeds; weights only where a graph takes adjoints. */
export function targetFeeds(
  batch: TargetBatch,
  options: { readonly chunk: number; readonly weighted: boolean },
) {
  const { [SEQUENCE_NAMES.targetWeights]: weights, ...targets } = chunkedTargets(batch, options);
  return {
    [SEQUENCE_NAMES.tokens]: batch.tokens,
    ...batch.branched,
    ...targets,
    ...(options.weighted ? { [SEQUENCE_NAMES.targetWeights]: weights } : {}),
  };
}

/** Sums [layers, batch, width] outputs over rows by their weights, in float64. */
export class RowSums {
  readonly #layers: readonly number[];
  readonly #sums: readonly Float64Array[];

  constructor(layers: readonly number[], width: number) {
    this.#layers = layers;
    this.#sums = layers.map(() => new Float64Array(width));
  }

  /** Adds one batch; an output that the graph does not have is that of no layer. */
  add(part: { readonly data: ArrayLike<number | bigint> } | undefined, weights: readonly number[]): void {
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

/** Bytes per row of a batch of rollouts: its KV cache while it grows, and the widest values of prompt and draw. */
export function rolloutRowBytes(
  config: ModelConfig,
  size: { readonly prompt: number; readonly newTokens: number; readonly elementBytes: number },
): number {
  const { layers, kvHeads, heads, headDim, embed, neurons, vocab } = config;
  const { prompt, newTokens, elementBytes } = size;
  const cache = 2 * layers * kvHeads * headDim * (prompt + newTokens);
  const block = prompt * (8 * embed + 3 * neurons + 3 * heads * headDim + 2 * heads * prompt);
  // A growing cache is held twice, and a draw has logits, their log-softmax, its exponential and their sums.
  return elementBytes * (2 * cache + block) + 4 * 4 * vocab;
}
