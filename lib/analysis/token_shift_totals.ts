/** One token in a ranking by mean Δp. */
export interface TokenMeanShift {
  /** Its id. */
  readonly token: number;
  /** Mean Δp over all rows, in [−1, 1]. */
  readonly meanShift: number;
  /** Rows in which it is the token that rises (or falls) most. */
  readonly leads: number;
}

/**
 * Adds up Δp of every vocabulary token over the rows of many texts, so that mean shifts come without keeping any
 * distribution. Memory: three numbers per token.
 *
 * The mean over all rows has no selection in it, unlike the boxes of Figure 3 and 6, whose rows are those where the
 * token rises most; the sum of all tokens' means is 0. Source: ours, beside the published boxes (class: code).
 *
 * @example
 * ```ts
 * import { TokenShiftTotals } from "./mod.ts";
 * const totals = new TokenShiftTotals(3);
 * totals.add(Float64Array.of(0.4, -0.4, 0), { maxToken: 0, minToken: 1 });
 * totals.add(Float64Array.of(0.2, 0, -0.2), { maxToken: 0, minToken: 2 });
 * const [top] = totals.top();
 * if (top?.token !== 0 || Math.abs(top.meanShift - 0.3) > 1e-15 || top.leads !== 2) throw new Error("token 0 leads");
 * ```
 */
export class TokenShiftTotals {
  readonly #sums: Float64Array;
  readonly #rising: Int32Array;
  readonly #falling: Int32Array;
  #rows = 0;

  /** Totals of nothing yet, for `vocab` tokens. Throws a `RangeError` unless that is a positive integer. */
  constructor(vocab: number) {
    if (!Number.isInteger(vocab) || vocab < 1) {
      throw new RangeError(
        `Cannot add up shifts as vocab must be a positive integer: current value is ${vocab}`,
      );
    }
    this.#sums = new Float64Array(vocab);
    this.#rising = new Int32Array(vocab);
    this.#falling = new Int32Array(vocab);
  }

  /** Rows added so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds the Δp of one row, with the tokens that rise and fall most in it. Throws a `RangeError` for another size. */
  add(shifts: Float64Array, row: { readonly maxToken: number; readonly minToken: number }): void {
    const vocab = this.#sums.length;
    if (shifts.length !== vocab || !(row.maxToken in this.#sums) || !(row.minToken in this.#sums)) {
      throw new RangeError(
        `Cannot add a row as it must have ${vocab} tokens: got ${shifts.length}, led by ${row.maxToken} and ${row.minToken}`,
      );
    }
    for (let token = 0; token < vocab; token++) {
      this.#sums[token] = (this.#sums[token] as number) + (shifts[token] as number);
    }
    this.#rising[row.maxToken] = (this.#rising[row.maxToken] as number) + 1;
    this.#falling[row.minToken] = (this.#falling[row.minToken] as number) + 1;
    this.#rows++;
  }

  /** Mean Δp of every token, [vocab]. Throws a `RangeError` when no row was added. */
  means(): Float64Array {
    if (this.#rows === 0) {
      throw new RangeError("Cannot average shifts as there must be at least one row: current count is 0");
    }
    return this.#sums.map((sum) => sum / this.#rows);
  }

  /**
   * Tokens by mean Δp, the strongest first; equal ones by id. As in the published rankings, tokens that lead fewer
   * than `minimumCount` rows are left out, unless that leaves none. Throws a `RangeError` when no row was added.
   *
   * `@default {side: "rising", first: 5, minimumCount: 2}`
   */
  top(
    options: {
      readonly side?: "rising" | "falling";
      readonly first?: number;
      readonly minimumCount?: number;
    } = {},
  ): readonly TokenMeanShift[] {
    const { side = "rising", first = 5, minimumCount = 2 } = options;
    const sign = side === "rising" ? 1 : -1, counts = side === "rising" ? this.#rising : this.#falling;
    const all = Array.from(this.means(), (meanShift, token): TokenMeanShift => ({
      token,
      meanShift,
      leads: counts[token] as number,
    }));
    const frequent = all.filter(({ leads }) => leads >= minimumCount);
    return (frequent.length === 0 ? all : frequent)
      .sort((a, b) => sign * (b.meanShift - a.meanShift) || a.token - b.token).slice(0, first);
  }
}
