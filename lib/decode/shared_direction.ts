import type { SteeringVectors } from "./steering_vectors.ts";

/** Vectors of all layers along one direction, the rank-1 matrix S = A·B: s_l = A_l B. */
export interface SharedDirection {
  /** A: a factor per layer. */
  readonly scales: ReadonlyMap<number, number>;
  /** B, [embed]. */
  readonly direction: Float32Array;
}

/**
 * The vectors that a shared direction stands for.
 * Source: S = A·B of rank 1, `steering_rank` in the code of the paper (class: code).
 *
 * @example
 * ```ts
 * import { sharedVectors } from "@small-vectors/steering";
 * const vectors = sharedVectors({ scales: new Map([[0, 2], [3, -1]]), direction: Float32Array.of(1, 5) });
 * if (vectors.get(0)?.join() !== "2,10" || vectors.get(3)?.join() !== "-1,-5") throw new Error("factor times direction");
 * ```
 */
export function sharedVectors(shared: SharedDirection): SteeringVectors {
  const { scales, direction } = shared;
  return new Map([...scales].map(([layer, scale]) => [layer, direction.map((value) => scale * value)]));
}
