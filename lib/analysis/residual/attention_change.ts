/** How far one head's attention weights moved, over everything added. */
export interface HeadAttentionChange {
  /** Index of the query head. */
  readonly head: number;
  /** Largest |Δ weight|, in [0, 1]. */
  readonly max: number;
  /** Mean |Δ weight| over the weights a query may have: its own position and those before. */
  readonly mean: number;
  /** Mean over queries of ½ Σ |Δ weight|: the share of attention that went elsewhere, in [0, 1]. */
  readonly moved: number;
  /** Queries that were compared. */
  readonly queries: number;
}

/** Attention weights of one batch under two conditions. */
export interface AttentionPair {
  /** Shape [batch, heads, seq, kv_seq]; kv_seq may exceed seq, whose queries are then the last ones. */
  readonly dims: readonly number[];
  /** Without the vector. */
  readonly base: ArrayLike<number>;
  /** With it. */
  readonly steered: ArrayLike<number>;
  /** Real positions of each row, the rest being padding on the right. @default {kv_seq for every row} */
  readonly lengths?: readonly number[];
}

/**
 * Adds up, head by head, how far attention weights move between two conditions. The mean over weights shrinks as
 * texts get longer, since most weights are near 0 anyway; the moved share does not, and is what the claim that
 * attention stays intact is best read from.
 *
 * Source: "leaves attention patterns largely intact", Figure 5 (class: caption); the measures are ours.
 */
export class AttentionChange {
  readonly #max: Float64Array;
  readonly #sums: Float64Array;
  #weights = 0;
  #queries = 0;

  /** Nothing compared yet, for a layer of `heads` query heads. Throws a `RangeError` unless that is a positive integer. */
  constructor(heads: number) {
    if (!Number.isInteger(heads) || heads < 1) {
      throw new RangeError(
        `Cannot compare attention as heads must be a positive integer: current value is ${heads}`,
      );
    }
    this.#max = new Float64Array(heads);
    this.#sums = new Float64Array(heads);
  }

  /** Adds one batch. Throws a `RangeError` for shapes that do not fit and weights that are not finite. */
  add(pair: AttentionPair): void {
    const { dims, base, steered } = pair;
    const [batch, heads, seq, keys] = dims;
    const count = dims.reduce((product, size) => product * size, 1);
    if (
      batch === undefined || heads !== this.#max.length || seq === undefined || keys === undefined ||
      dims.length !== 4 ||
      keys < seq || base.length !== count || steered.length !== count
    ) {
      throw new RangeError(
        `Cannot compare attention as both must be [batch, ${this.#max.length}, seq, kv_seq ≥ seq]: ` +
          `got [${dims}] with ${base.length} and ${steered.length} weights`,
      );
    }
    const lengths = pair.lengths ?? new Array<number>(batch).fill(keys);
    if (
      lengths.length !== batch ||
      lengths.some((length) => !Number.isInteger(length) || length < 0 || length > keys)
    ) {
      throw new RangeError(
        `Cannot compare attention as ${batch} lengths must lie in [0, ${keys}]: got [${lengths}]`,
      );
    }
    lengths.forEach((length, row) => {
      for (let query = 0; query < seq; query++) {
        const position = keys - seq + query;
        if (position >= length) break;
        for (let head = 0; head < heads; head++) {
          const from = ((row * heads + head) * seq + query) * keys;
          for (let key = 0; key <= position; key++) {
            const change = Math.abs((steered[from + key] as number) - (base[from + key] as number));
            if (!Number.isFinite(change)) {
              throw new RangeError(
                `Cannot compare attention as weights must be finite: row ${row}, head ${head}, query ${query}, key ${key}`,
              );
            }
            this.#sums[head] = (this.#sums[head] as number) + change;
            if (change > (this.#max[head] as number)) this.#max[head] = change;
          }
        }
        this.#weights += position + 1;
        this.#queries++;
      }
    });
  }

  /** One row per head. Throws a `RangeError` when nothing was compared. */
  heads(): readonly HeadAttentionChange[] {
    if (this.#queries === 0) {
      throw new RangeError(
        "Cannot average attention as at least one query must be compared: current count is 0",
      );
    }
    return Array.from(this.#max, (max, head) => {
      const sum = this.#sums[head] as number;
      return { head, max, mean: sum / this.#weights, moved: sum / 2 / this.#queries, queries: this.#queries };
    });
  }
}
