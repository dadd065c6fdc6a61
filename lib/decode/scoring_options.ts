import type { Adapters } from "./adapter.ts";
import type { SequenceOptions } from "./additions.ts";
import type { SteeringVectors } from "./steering_vectors.ts";

/** How rows are scored. */
export interface ScoringOptions extends SequenceOptions {
  /** Most positions of rows that run together, padding included; a longer row runs alone. `@default` by memory */
  readonly maxTokens?: number | undefined;
}

/** How adjoints are taken. */
export interface AdjointOptions extends ScoringOptions {
  /**
   * Whether rows with the same context, which is all before `from`, are read as branches of it, so that it is computed
   * once for all of them; there may be no patches. Faster where contexts are long; equal to rounding. `@default false`
   */
  readonly sharedContexts?: boolean | undefined;
}

/** Adjoints of what was added, by layer, and the log-probabilities that they were taken of. */
export interface SteeringAdjoints {
  /** Adjoint of each steering vector, [embed]. */
  readonly adjoints: SteeringVectors;
  /** Adjoints of each adapter's two directions. */
  readonly adapterAdjoints: Adapters;
  /** log p of every target of every row, at temperature 1. */
  readonly logProbs: readonly (readonly number[])[];
}
