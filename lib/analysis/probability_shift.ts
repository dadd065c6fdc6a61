import type { Tensor } from "../core/mod.ts";
import type { TokenShiftTotals } from "./token_shift_totals.ts";

/** What a steered model changes in each next-token distribution; every array has one entry per row. */
export interface ProbabilityShift {
  /** Number of rows (positions). */
  readonly rows: number;
  /** Largest Δp = p_steered − p_base over the vocabulary. */
  readonly maxShift: Float64Array;
  /** The token of `maxShift`: the paper's dst. */
  readonly maxToken: Int32Array;
  /** Smallest Δp over the vocabulary. */
  readonly minShift: Float64Array;
  /** The token of `minShift`. */
  readonly minToken: Int32Array;
  /** Most likely token of the base distribution: the paper's would_be. */
  readonly baseToken: Int32Array;
  /** Most likely token of the steered distribution: the paper's max_steered. */
  readonly steeredToken: Int32Array;
  /** KL(base ‖ steered) = Σ p_base (ln p_base − ln p_steered), in nats, never below 0. */
  readonly klNats: Float64Array;
  /** Δp of each token of `follow`, in its order. */
  readonly followed: readonly Float64Array[];
}

/** How a probability shift is read. */
export interface ProbabilityShiftOptions {
  /** What the two tensors hold. @default {"logits"} */
  readonly kind?: "logits" | "probabilities";
  /** Softmax temperature, for logits. @default {1} */
  readonly temperature?: number;
  /** Tokens whose Δp is kept at every row. @default {[]} */
  readonly follow?: readonly number[];
  /** Where the Δp of every token is added up, over all texts that are given the same totals. */
  readonly totals?: TokenShiftTotals;
  /** How many rows, from the first, go into the totals: one less leaves out a stop token's row. @default {all} */
  readonly totalRows?: number;
}

/** Softmax into `target`; returns the logarithm of the sum, which log-probabilities are taken from. */
function softmaxInto(target: Float64Array, logits: Float32Array, temperature: number): number {
  let peak = -Infinity;
  for (const logit of logits) if (logit > peak) peak = logit;
  let sum = 0;
  for (let token = 0; token < logits.length; token++) {
    const weight = Math.exp(((logits[token] as number) - peak) / temperature);
    target[token] = weight;
    sum += weight;
  }
  for (let token = 0; token < target.length; token++) target[token] = (target[token] as number) / sum;
  return peak / temperature + Math.log(sum);
}

/**
 * Compares two models' next-token distributions row by row; both are [rows, vocab] logits (or probabilities) of
 * one text. Softmax, logarithms and differences are in float64; ties go to the lower token id. KL is taken from
 * log-probabilities, not from the logarithm of rounded probabilities.
 *
 * Source: Δp after the paper's Figure 3, KL and its direction (from the baseline) after Figure 6 (class: code; the
 * published Δp is taken in bfloat16 and KL stored in it).
 *
 * @throws RangeError for shapes that differ, a bad temperature, a followed token outside the vocabulary, a row whose
 * probabilities are not finite, or a token that the base model allows and the steered one excludes.
 *
 * @example
 * ```ts
 * import { probabilityShift } from "./mod.ts";
 * import { tensor } from "../core/mod.ts";
 * const base = tensor("float32", [1, 2], [0, 0]), steered = tensor("float32", [1, 2], [0, Math.log(3)]);
 * const { maxToken, maxShift } = probabilityShift({ base, steered });
 * if (maxToken[0] !== 1 || Math.abs(maxShift[0]! - 0.25) > 1e-7) throw new Error("0.5 must rise to 0.75");
 * ```
 */
export function probabilityShift(
  models: { readonly base: Tensor<"float32">; readonly steered: Tensor<"float32"> },
  options: ProbabilityShiftOptions = {},
): ProbabilityShift {
  const { kind = "logits", temperature = 1, follow = [], totals } = options;
  const { base, steered } = models;
  const [rows, vocab] = base.dims;
  if (base.dims.length !== 2 || rows === undefined || vocab === undefined || vocab < 1) {
    throw new RangeError(
      `Cannot compare rows as they must be [rows, vocab]: current shape is [${base.dims}]`,
    );
  }
  if (base.dims.join() !== steered.dims.join()) {
    throw new RangeError(
      `Cannot compare rows as both must have one shape: base is [${base.dims}], steered is [${steered.dims}]`,
    );
  }
  if (!(temperature > 0 && temperature < Infinity) || (kind === "probabilities" && temperature !== 1)) {
    const rule = kind === "logits" ? "positive and finite" : "1 for probabilities";
    throw new RangeError(
      `Cannot compare rows as temperature must be ${rule}: current value is ${temperature}`,
    );
  }
  for (const token of follow) {
    if (!Number.isInteger(token) || token < 0 || token >= vocab) {
      throw new RangeError(
        `Cannot follow a token as it must lie in [0, ${vocab}): current value is ${token}`,
      );
    }
  }
  const totalRows = options.totalRows ?? rows;
  if (!Number.isInteger(totalRows) || totalRows < 0 || totalRows > rows) {
    throw new RangeError(
      `Cannot add up rows as totalRows must lie in [0, ${rows}]: current value is ${totalRows}`,
    );
  }
  const result = {
    rows,
    maxShift: new Float64Array(rows),
    maxToken: new Int32Array(rows),
    minShift: new Float64Array(rows),
    minToken: new Int32Array(rows),
    baseToken: new Int32Array(rows),
    steeredToken: new Int32Array(rows),
    klNats: new Float64Array(rows),
    followed: follow.map(() => new Float64Array(rows)),
  };
  const before = new Float64Array(vocab), after = new Float64Array(vocab), change = new Float64Array(vocab);
  for (let row = 0; row < rows; row++) {
    const baseRow = base.data.subarray(row * vocab, (row + 1) * vocab);
    const steeredRow = steered.data.subarray(row * vocab, (row + 1) * vocab);
    // ln p_base − ln p_steered = (a − b) / temperature − logSums for logits a and b.
    let logSums = 0;
    if (kind === "logits") {
      logSums = softmaxInto(before, baseRow, temperature) - softmaxInto(after, steeredRow, temperature);
    } else {
      before.set(baseRow);
      after.set(steeredRow);
    }
    let kl = 0;
    let baseToken = 0,
      steeredToken = 0,
      maxToken = 0,
      minToken = 0,
      maxShift = -Infinity,
      minShift = Infinity;
    for (let token = 0; token < vocab; token++) {
      const p = before[token] as number, q = after[token] as number, shift = q - p;
      if (!Number.isFinite(shift)) {
        throw new RangeError(
          `Cannot compare row ${row} as its probabilities must be finite: token ${token} is ${shift}`,
        );
      }
      change[token] = shift;
      if (p > 0) {
        const logRatio = kind === "logits"
          ? ((baseRow[token] as number) - (steeredRow[token] as number)) / temperature - logSums
          : Math.log(p / q);
        if (logRatio === Infinity) {
          throw new RangeError(
            `Cannot compare row ${row} as KL needs every token of base to be possible when steered: token ${token} is not`,
          );
        }
        kl += p * logRatio;
      }
      if (p > (before[baseToken] as number)) baseToken = token;
      if (q > (after[steeredToken] as number)) steeredToken = token;
      if (shift > maxShift) [maxShift, maxToken] = [shift, token];
      if (shift < minShift) [minShift, minToken] = [shift, token];
    }
    result.maxShift[row] = maxShift;
    result.maxToken[row] = maxToken;
    result.minShift[row] = minShift;
    result.minToken[row] = minToken;
    result.baseToken[row] = baseToken;
    result.steeredToken[row] = steeredToken;
    // Of two equal distributions only rounding is left, of either sign.
    result.klNats[row] = Math.max(0, kl);
    if (totals !== undefined && row < totalRows) totals.add(change, { maxToken, minToken });
    follow.forEach((token, index) => {
      (result.followed[index] as Float64Array)[row] = (after[token] as number) - (before[token] as number);
    });
  }
  return result;
}
