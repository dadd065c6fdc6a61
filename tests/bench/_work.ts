/**
 * Least work of the model's computations, counted from its shape: the floors that benchmarks are held against.
 *
 * Rules: two operations per multiply-add; a weight matrix costs 2 · parameters per token and pass; attention counts
 * only the keys that a query may see; norms, softmax, rotation and sampling count as nothing. Weights are read as
 * float32 once per pass, and a KV cache once per new token; everything else is taken to stay near the cores. So a
 * floor is low on purpose: nothing that computes the same numbers can be faster than the machine's rates allow.
 *
 * @module
 */
import type { ModelConfig } from "../../lib/checkpoint/mod.ts";
import type { Phase } from "../../tasks/model/bench_table.ts";

const FLOAT_BYTES = 4;

/** Values in the matrices of one block: q, k, v, o, gate, up, down. */
export function blockParameters(config: ModelConfig): number {
  const { embed, heads, kvHeads, headDim, neurons } = config;
  return embed * headDim * (2 * heads + 2 * kvHeads) + 3 * embed * neurons;
}

/** Values in the matrices that every token is multiplied with; embedding rows are only looked up. */
export function matrixParameters(config: ModelConfig): number {
  return config.layers * blockParameters(config) + config.embed * config.vocab;
}

/** Operations of attention in one block for positions `past` … `past + count − 1` of one row: scores and mixture. */
function attentionFlops(
  config: ModelConfig,
  span: { readonly past: number; readonly count: number },
): number {
  const keys = span.count * span.past + span.count * (span.count + 1) / 2; // position t sees t + 1 keys
  return 2 * 2 * config.heads * config.headDim * keys;
}

/** A batch of whole rows. */
export interface Rows {
  readonly rows: number;
  readonly seq: number;
}

/** One forward pass with logits at every position. */
export function forwardWork(config: ModelConfig, { rows, seq }: Rows): Phase {
  const attention = config.layers * rows * attentionFlops(config, { past: 0, count: seq });
  return {
    flops: 2 * matrixParameters(config) * rows * seq + attention,
    bytes: FLOAT_BYTES * matrixParameters(config),
  };
}

/**
 * Adjoints of activations from the loss down to `resid_post` of layer `lowest`: what steering needs. A matrix costs
 * as much as in the forward pass; both products of attention have two activations each, so they cost twice.
 */
export function activationAdjointWork(
  config: ModelConfig,
  options: Rows & { readonly lowest: number },
): Phase {
  const { rows, seq, lowest } = options;
  const blocks = config.layers - 1 - lowest;
  const matrices = blocks * blockParameters(config) + config.embed * config.vocab;
  const attention = 2 * blocks * rows * attentionFlops(config, { past: 0, count: seq });
  return { flops: 2 * matrices * rows * seq + attention, bytes: FLOAT_BYTES * matrices };
}

/**
 * One pretraining step: forward, adjoints of activations through every block, adjoints of weights (each matrix as
 * much as in the forward pass), and AdamW, which reads weight, adjoint and two moments and writes all but the adjoint.
 */
export function pretrainingWork(config: ModelConfig, rows: Rows): readonly Phase[] {
  const forward = forwardWork(config, rows);
  const activations = activationAdjointWork(config, { ...rows, lowest: -1 });
  const weightFlops = 2 * matrixParameters(config) * rows.rows * rows.seq;
  const stored = matrixParameters(config) + config.vocab * config.embed;
  return [
    forward,
    {
      flops: activations.flops + weightFlops,
      bytes: activations.bytes + FLOAT_BYTES * stored, // every weight's adjoint is written once
    },
    { flops: 0, bytes: 7 * FLOAT_BYTES * stored },
  ];
}

/** A batch of rollouts: equal prompts, and so many new tokens in every row. */
export interface RolloutSize {
  readonly rows: number;
  readonly prompt: number;
  readonly newTokens: number;
}

/**
 * One batch of rollouts. The prompt is read with logits at its last position alone, which gives the first new token;
 * every further token is a step of its own that reads all weights and all of the KV cache.
 */
export function rolloutWork(config: ModelConfig, size: RolloutSize): readonly Phase[] {
  const { rows, prompt, newTokens } = size;
  const { layers, kvHeads, headDim, embed, vocab } = config;
  const unread = 2 * embed * vocab * rows * (prompt - 1);
  const prefill = forwardWork(config, { rows, seq: prompt });
  const cacheRow = FLOAT_BYTES * layers * 2 * kvHeads * headDim; // bytes per row and position
  const steps = newTokens - 1;
  const cachePositions = steps * prompt + steps * (steps + 1) / 2; // read over all steps, the new one included
  return [
    { flops: prefill.flops - unread, bytes: prefill.bytes + rows * prompt * cacheRow },
    {
      flops: 2 * matrixParameters(config) * rows * steps +
        layers * rows * attentionFlops(config, { past: prompt, count: steps }),
      bytes: steps * prefill.bytes + rows * cachePositions * cacheRow,
    },
  ];
}

/** Bytes that have to be held at once: weights as float32, and what the work cannot do without beside them. */
export const neededBytes = {
  /** Weights and the KV cache at its longest. */
  rollout(config: ModelConfig, { rows, prompt, newTokens }: RolloutSize): number {
    const cache = config.layers * 2 * config.kvHeads * config.headDim * rows * (prompt + newTokens - 1);
    return FLOAT_BYTES * (matrixParameters(config) + config.vocab * config.embed + cache);
  },
  /** Weights and the residual stream between blocks, from which all else could be computed again. */
  steering(config: ModelConfig, { rows, seq }: Rows): number {
    const residuals = (config.layers + 1) * rows * seq * config.embed;
    return FLOAT_BYTES * (matrixParameters(config) + config.vocab * config.embed + residuals);
  },
  /** Weights, adjoints and two moments, and the residual stream of one micro-batch. */
  pretraining(config: ModelConfig, { rows, seq }: Rows): number {
    const residuals = (config.layers + 1) * rows * seq * config.embed;
    return FLOAT_BYTES * (4 * (matrixParameters(config) + config.vocab * config.embed) + residuals);
  },
};
