import type { Tensor } from "../../core/mod.ts";
import { addScaled, clampCosine, norm, requireVector } from "../residual/_vectors.ts";

/** How a direction lies to each row of the unembedding; both arrays have one entry per token. */
export interface LensReading {
  /** cos(row, direction) in [−1, 1]; NaN where the row is zero (padding) and there is no angle. */
  readonly cosine: Float64Array;
  /** row · direction: what the direction adds to the token's logit, when it is read without the final norm. */
  readonly dot: Float64Array;
}

/** One token of a lens table. */
export interface LensToken {
  /** Token id. */
  readonly token: number;
  /** Cosine of its row with the direction; null where the row is zero, which a ranking by dot may list. */
  readonly cosine: number | null;
  /** Product of its row with the direction. */
  readonly dot: number;
}

/** Which tokens a lens table lists. */
export interface LensTokensOptions {
  /** The highest or the lowest readings. @default {"top"} */
  readonly side?: "top" | "bottom";
  /** How many. @default {50} */
  readonly count?: number;
  /** The reading that ranks. @default {"cosine"} */
  readonly rankBy?: "cosine" | "dot";
  /** Tokens that may be listed; the published tables list rows without a token too. @default {all} */
  readonly eligible?: (token: number) => boolean;
}

/**
 * Reads directions of the residual stream through the unembedding [vocab, embed]: the logit lens. What is read
 * decides which lens it is: a steering vector s_l itself (raw, as published), the vector sent through the final norm
 * ({@link throughFinalNorm}), the mean shift that s_l causes at the last layer (propagated, as published), or the
 * mean shift behind the final norm. Sums are in float64.
 *
 * Source: tables 3 and 4 and figures 15 to 17 (formulas class: code, bfloat16 or float32 there, no norm, no gain;
 * the numbers of the tables are inferred).
 *
 * @throws RangeError for an unembedding that is no matrix or has values that are not finite.
 */
export class TokenLens {
  /** Rows of the unembedding. */
  readonly vocab: number;
  /** Width of the residual stream. */
  readonly embed: number;
  readonly #rows: Float32Array;
  readonly #norms: Float64Array;

  /** A lens on an unembedding [vocab, embed], which is kept and not copied. */
  constructor(unembedding: Tensor<"float32">) {
    const [vocab = 0, embed = 0, ...more] = unembedding.dims;
    if (vocab < 1 || embed < 1 || more.length > 0) {
      throw new RangeError(
        `Cannot read tokens as the unembedding must be [vocab, embed]: current shape is [${unembedding.dims}]`,
      );
    }
    this.vocab = vocab;
    this.embed = embed;
    this.#rows = unembedding.data;
    this.#norms = new Float64Array(vocab);
    for (let token = 0; token < vocab; token++) {
      const length = norm(this.#rows.subarray(token * embed, (token + 1) * embed));
      if (!Number.isFinite(length)) {
        throw new RangeError(`Cannot read tokens as the unembedding must be finite: row ${token} is not`);
      }
      this.#norms[token] = length;
    }
  }

  /** Both readings of a direction [embed]. Throws a RangeError when it is zero, not finite or of another length. */
  read(direction: ArrayLike<number>): LensReading {
    const { vocab, embed } = this, rows = this.#rows;
    requireVector(direction, { what: "a direction", embed });
    const vector = Float64Array.from(direction), length = norm(vector);
    if (length === 0) throw new RangeError("Cannot read a direction as it must not be zero: its norm is 0");
    const cosine = new Float64Array(vocab), dot = new Float64Array(vocab);
    for (let token = 0, place = 0; token < vocab; token++) {
      let sum = 0;
      for (let index = 0; index < embed; index++, place++) {
        sum += (rows[place] as number) * (vector[index] as number);
      }
      dot[token] = sum;
      // A zero row has no angle: NaN, not a cosine of 0.
      const size = this.#norms[token] as number;
      cosine[token] = size === 0 ? NaN : clampCosine(sum / (size * length));
    }
    return { cosine, dot };
  }

  /** Whether a token's row is not zero and so has an angle to a direction; false beyond the vocabulary. */
  hasAngle(token: number): boolean {
    return (this.#norms[token] ?? 0) > 0;
  }

  /**
   * Mean of the rows of some tokens, each brought to length 1, [embed]: its product with a direction of length 1 is the
   * mean cosine of these tokens, without reading the others. Rows that are zero are left out.
   *
   * @throws RangeError for an id beyond the vocabulary, and when no row is left.
   */
  meanUnitRow(tokens: readonly number[]): Float64Array {
    const sum = new Float64Array(this.embed);
    let count = 0;
    for (const token of tokens) {
      const length = this.#norms[token];
      if (length === undefined) {
        throw new RangeError(
          `Cannot average rows as a token must be < ${this.vocab}: current value is ${token}`,
        );
      }
      if (length === 0) continue;
      addScaled(sum, this.#rows.subarray(token * this.embed, (token + 1) * this.embed), 1 / length);
      count++;
    }
    if (count === 0) {
      throw new RangeError("Cannot average rows as one must not be zero: current count is 0");
    }
    return sum.map((value) => value / count);
  }
}

/**
 * Several readings of one vocabulary as one, token by token: the mean over training seeds.
 *
 * @throws RangeError for no reading, or readings of different vocabularies.
 */
export function meanReading(readings: readonly LensReading[]): LensReading {
  const vocab = readings[0]?.cosine.length ?? 0;
  if (vocab === 0 || readings.some(({ cosine }) => cosine.length !== vocab)) {
    const counts = readings.map(({ cosine }) => cosine.length).join(", ");
    throw new RangeError(`Cannot average readings as all must have the same tokens: current are [${counts}]`);
  }
  const means = (kind: "cosine" | "dot") => {
    const sum = new Float64Array(vocab);
    for (const reading of readings) addScaled(sum, reading[kind], 1);
    return sum.map((value) => value / readings.length);
  };
  return { cosine: means("cosine"), dot: means("dot") };
}

/**
 * The tokens at one end of a reading, strongest first; equal readings go by token id. Tokens without an angle are
 * left out of a ranking by cosine.
 *
 * Source: tables 3 (top) and 4 (bottom), 50 tokens ranked by cosine (class: code; the table numbers are inferred).
 *
 * @throws RangeError for a count below 1.
 */
export function lensTokens(reading: LensReading, options: LensTokensOptions = {}): readonly LensToken[] {
  const { side = "top", count = 50, rankBy = "cosine", eligible = () => true } = options;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`Cannot list tokens as count must be a positive integer: current value is ${count}`);
  }
  const sign = side === "top" ? 1 : -1, values = reading[rankBy];
  // Kept sorted, strongest first; nearly every token fails the first comparison, so this is one pass.
  const best: number[] = [];
  const strength = (token: number) => sign * (values[token] as number);
  for (let token = 0; token < values.length; token++) {
    const value = strength(token);
    if (Number.isNaN(value)) continue;
    if (best.length === count && value <= strength(best[count - 1] as number)) continue;
    if (!eligible(token)) continue;
    let place = best.length;
    while (place > 0 && value > strength(best[place - 1] as number)) place--;
    best.splice(place, 0, token);
    if (best.length > count) best.pop();
  }
  return best.map((token) => {
    const cosine = reading.cosine[token] as number;
    return { token, cosine: Number.isNaN(cosine) ? null : cosine, dot: reading.dot[token] as number };
  });
}
