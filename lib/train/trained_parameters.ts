import type {
  Adapters,
  Rollout,
  RolloutRequest,
  SamplingOptions,
  SharedDirection,
  SteeringVectors,
  WeightedRow,
} from "../decode/mod.ts";
import type { Parameters } from "./adamw.ts";

/** What a run made of its parameters; what it did not train is empty. */
export interface TrainedResult {
  /** Vectors by layer: those trained, or the products of a shared direction. */
  readonly vectors: SteeringVectors;
  /** Adapters by layer. */
  readonly adapters: Adapters;
  /** The direction that the vectors share, and a factor per layer; null where each layer has its own. */
  readonly shared: SharedDirection | null;
  /** Every weight of the model by tensor name. */
  readonly weights: Parameters;
}

/**
 * Everything that a trainer needs of what it trains: values by name, how they take part in sampling, and their
 * adjoints. The trainer itself knows nothing of vectors, adapters or weights.
 */
export interface ParameterSet {
  /** Values by name, updated in place by the optimizer. */
  readonly parameters: Parameters;
  /** What the values are at this moment. */
  readonly result: TrainedResult;
  /** Peak learning rate of a parameter. */
  rate(name: string): number;
  /** Samples completions with the values as they are. */
  sample(requests: readonly RolloutRequest[], options: SamplingOptions): Promise<readonly Rollout[]>;
  /** Adjoints by parameter name for the loss Σ −weight · log p, and those log p. */
  adjoints(
    rows: readonly WeightedRow[],
  ): Promise<{ readonly adjoints: Parameters; readonly logProbs: readonly (readonly number[])[] }>;
  /**
   * L2 norm of the change that the values make to the model's parameters: of all vectors, which are biases; of b·aᵀ
   * of all adapters, which adds to down_proj; of W minus W at the start.
   */
  norm(): number;
  /** Frees what sampling and scoring hold, but for the model. */
  release(): Promise<void>;
}
