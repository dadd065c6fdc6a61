/**
 * Leave-one-out advantages of one prompt's samples: each reward minus the mean of the others.
 *
 *     A_i = r_i − (Σ_j r_j − r_i)/(n−1) = n/(n−1) · (r_i − mean r)
 *
 * No division by a standard deviation; a group of equal rewards gives zeros, not −0.
 * Source: rewards of the kind `rloo` in the code of the paper (class: code). With rewards 1 and 0, n = 8 and three
 * right: +0.7143 and −0.4286.
 *
 * @example
 * ```ts
 * import { leaveOneOutAdvantages } from "@small-vectors/steering";
 * const [right, , , wrong] = leaveOneOutAdvantages([1, 1, 1, 0, 0, 0, 0, 0]) as [number, number, number, number];
 * if (right.toFixed(4) !== "0.7143" || wrong.toFixed(4) !== "-0.4286") throw new Error("worked numbers");
 * ```
 *
 * @throws {RangeError} for fewer than two samples: nothing is left out of one.
 */
export function leaveOneOutAdvantages(rewards: readonly number[]): readonly number[] {
  const count = rewards.length;
  if (count < 2) {
    throw new RangeError(`Cannot leave one out as a group needs two samples: current count is ${count}`);
  }
  const sum = rewards.reduce((total, reward) => total + reward, 0);
  return rewards.map((reward) => reward - (sum - reward) / (count - 1) + 0);
}

/** One graded completion of a group. */
export interface GradedRollout {
  /** +1 right, −1 wrong. */
  readonly reward: number;
  /** Generated tokens, the stop token included. */
  readonly length: number;
}

/** Per-token loss weights of a whole step's rollouts. */
export interface StepWeights {
  /** Weight of −log p of every token of a rollout, by group and sample: A_i / T. */
  readonly weights: readonly (readonly number[])[];
  /** T: generated tokens of all groups of the step, those without advantage included. */
  readonly totalTokens: number;
  /** Groups whose samples all have the same reward. */
  readonly zeroVarianceGroups: number;
}

/**
 * The RLOO loss of one step is −Σ_i A_i Σ_t log p_t / T with one T for the whole step: every token weighs the same,
 * and the result does not depend on how rollouts are split into micro-batches.
 * Source: the loss of the trainer in the code of the paper (class: code).
 *
 * @example
 * ```ts
 * import { stepWeights } from "@small-vectors/steering";
 * const group = [{ reward: 1, length: 3 }, { reward: -1, length: 1 }];
 * const { weights, totalTokens } = stepWeights([group]);
 * if (totalTokens !== 4 || weights[0]?.[0] !== 0.5) throw new Error("A = 2, T = 4");
 * ```
 */
export function stepWeights(groups: readonly (readonly GradedRollout[])[]): StepWeights {
  const totalTokens = groups.flat().reduce((sum, rollout) => sum + rollout.length, 0);
  const advantages = groups.map((group) => leaveOneOutAdvantages(group.map((rollout) => rollout.reward)));
  return {
    weights: advantages.map((group) => group.map((advantage) => advantage / totalTokens)),
    totalTokens,
    zeroVarianceGroups: advantages.filter((group) => group.every((advantage) => advantage === 0)).length,
  };
}
