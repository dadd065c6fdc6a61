import { type ModelConfig, weightShapes } from "../checkpoint/mod.ts";
import { elementCount } from "../core/mod.ts";
import type { TrainedKind } from "./steering_config.ts";

/** What training costs beside the model itself; exact counts. */
export interface TrainingCost {
  /** Trained numbers. */
  readonly parameters: number;
  /** Bytes of the optimizer's two moments, in float32. */
  readonly optimizerBytes: number;
  /** Bytes that go to whoever samples after each step: the trained numbers in bfloat16. */
  readonly syncBytes: number;
  /**
   * Floating-point operations of one scored token: one forward and one backward pass, a multiplication and an addition
   * counted as two. Attention scores are left out: they grow with the length of the text.
   */
  readonly flopsPerToken: number;
}

/** What is trained, of which model. */
export interface TrainingCostOptions {
  /** What is trained, in every layer. */
  readonly trained: Exclude<TrainedKind, "rank1">;
}

/** Bytes of AdamW's two moments of one parameter. */
const MOMENT_BYTES = 2 * Float32Array.BYTES_PER_ELEMENT;
const BFLOAT16_BYTES = 2;

/**
 * What it costs to train a vector per layer, a rank-1 adapter per layer's down_proj, or every weight.
 *
 * With M the weights of all matrices that a token is multiplied by, M₀ those of block 0, and two operations each:
 *
 *     full      2 M forward, 2 M back to each layer's input, 2 M for the weights themselves
 *     vectors   2 M forward, 2 (M − M₀) back to the output of block 0; the vectors' own adjoints are sums
 *     adapter   as vectors, and 6 (neurons + embed) per layer: two products forward, two back, two for a and b
 */
export function trainingCost(config: ModelConfig, options: TrainingCostOptions): TrainingCost {
  const { layers, embed, neurons, vocab } = config;
  const shapes = [...weightShapes(config)];
  const count = (named: (name: string) => boolean): number =>
    shapes.reduce((sum, [name, dims]) => sum + (named(name) ? elementCount(dims) : 0), 0);
  // The unembedding multiplies every token, tied or not; the embedding only looks one row up.
  const block = count((name) => name.startsWith("model.layers.0.") && name.endsWith("proj.weight"));
  const matrices = layers * block + vocab * embed;
  const steered = 2 * matrices + 2 * (matrices - block);
  const costs = {
    full: { parameters: count(() => true), flopsPerToken: 6 * matrices },
    vectors: { parameters: layers * embed, flopsPerToken: steered },
    adapter: {
      parameters: layers * (neurons + embed),
      flopsPerToken: steered + 6 * layers * (neurons + embed),
    },
  };
  const { parameters, flopsPerToken } = costs[options.trained];
  return {
    parameters,
    optimizerBytes: MOMENT_BYTES * parameters,
    syncBytes: BFLOAT16_BYTES * parameters,
    flopsPerToken,
  };
}
