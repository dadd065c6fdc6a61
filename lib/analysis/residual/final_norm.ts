import { requireVector } from "./_vectors.ts";

/** The RMSNorm between the last block and the unembedding. */
export interface FinalNorm {
  /** Gain, [embed]. */
  readonly gain: ArrayLike<number>;
  /** What is added to the mean square before the root. */
  readonly epsilon: number;
}

function requireNorm(finalNorm: FinalNorm): number {
  const embed = finalNorm.gain.length;
  requireVector(finalNorm.gain, { what: "the gain of the final norm", embed });
  if (embed === 0 || !(finalNorm.epsilon >= 0 && finalNorm.epsilon < Infinity)) {
    throw new RangeError(
      `Cannot apply the final norm as it needs a gain and an epsilon from 0: current values are ${embed} gains, ` +
        `epsilon ${finalNorm.epsilon}`,
    );
  }
  return embed;
}

/** 1 / sqrt(mean(x²) + ε); 0 for a zero row without ε, so that the norm of nothing is nothing. */
function inverseRms(row: ArrayLike<number>, epsilon: number): number {
  let square = 0;
  for (let index = 0; index < row.length; index++) square += (row[index] as number) ** 2;
  const meanSquare = square / row.length + epsilon;
  return meanSquare === 0 ? 0 : 1 / Math.sqrt(meanSquare);
}

/**
 * A vector [embed] sent through the final norm as if it were the whole residual: g ⊙ v / sqrt(mean(v²) + ε). Its
 * product with the unembedding is the usual logit lens; the raw lens reads v itself.
 *
 * Source: our reading; the published lens takes no norm and no gain (class: code).
 *
 * @throws RangeError for a vector of another length than the gain, or values that are not finite.
 */
export function throughFinalNorm(vector: ArrayLike<number>, finalNorm: FinalNorm): Float64Array {
  const embed = requireNorm(finalNorm);
  requireVector(vector, { what: "a vector through the final norm", embed });
  const scale = inverseRms(vector, finalNorm.epsilon);
  return Float64Array.from(vector, (value, index) => (finalNorm.gain[index] as number) * value * scale);
}
