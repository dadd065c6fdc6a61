import { type Tensor, tensor } from "../core/mod.ts";
import { SEQUENCE_NAMES } from "../probe/mod.ts";
import type { Feeds } from "../runtime/mod.ts";
import { padRight } from "./padded_batch.ts";

/** Targets of a log-probability run: token t of a row is predicted at its position t − 1. */
export interface WeightedRow {
  /** Token ids, context and targets. */
  readonly tokens: readonly number[];
  /** First token that is a target; those before it are context. */
  readonly from: number;
  /** Weight of each target's −log p in the loss. */
  readonly weight: number;
}

/** The first token has nothing before it to be predicted from; the last one is a target only, so no run sees it. */
function checkTarget(
  tokens: readonly number[],
  at: { readonly index: number; readonly from: number; readonly vocab: number },
): void {
  const { index, from, vocab } = at;
  if (!(Number.isInteger(from) && from >= 1 && from <= tokens.length && tokens.length >= 2)) {
    throw new RangeError(
      `Cannot score row ${index} as its targets must start in [1, ${tokens.length}] of at least two tokens: ` +
        `current value is ${from} of ${tokens.length}`,
    );
  }
  const last = tokens.at(-1) as number;
  if (!(Number.isInteger(last) && last >= 0 && last < vocab)) {
    throw new RangeError(
      `Cannot score row ${index} as token ids must be whole numbers in [0, ${vocab}): current value is ${last}`,
    );
  }
}

/**
 * Runs rows in batches of like lengths and puts the targets' log-probabilities back in the rows' order. `run` gets
 * `tokens`, `targets` and `target_weights`, each [batch, seq], and gives `log_probs` [batch, seq] among its outputs.
 *
 * `@default {microBatch: 32}`
 *
 * @example
 * ```ts
 * import { tensor } from "../core/mod.ts";
 * import { overTargets } from "./mod.ts";
 * const rows = [{ tokens: [5, 6, 7], from: 1, weight: 1 }, { tokens: [5, 9], from: 1, weight: 1 }];
 * const logProbs = await overTargets(rows, { vocab: 10 }, ({ targets }) => {
 *   const data = Float32Array.from({ length: targets.data.length }, (_, i) => -Number(targets.data[i]));
 *   return Promise.resolve({ log_probs: tensor("float32", targets.dims, data) });
 * });
 * if (JSON.stringify(logProbs) !== "[[-6,-7],[-9]]") throw new Error("one number per target, in the rows' order");
 * ```
 *
 * @throws {RangeError} for a row without a token before its targets, or ids outside the vocabulary.
 */
export async function overTargets(
  rows: readonly WeightedRow[],
  options: { readonly vocab: number; readonly microBatch?: number },
  run: (
    feeds: Feeds & { readonly targets: Tensor; readonly target_weights: Tensor },
  ) => Promise<Record<string, Tensor>>,
): Promise<readonly (readonly number[])[]> {
  const { vocab, microBatch = 32 } = options;
  if (!(Number.isInteger(microBatch) && microBatch >= 1)) {
    throw new RangeError(
      `Cannot split rows as microBatch must be at least 1: current value is ${microBatch}`,
    );
  }
  rows.forEach(({ tokens, from }, index) => checkTarget(tokens, { index, from, vocab }));
  const order = rows.map((_, index) => index)
    .sort((a, b) => (rows[a]?.tokens.length as number) - (rows[b]?.tokens.length as number) || a - b);
  const results: number[][] = rows.map(() => []);
  for (let start = 0; start < order.length; start += microBatch) {
    const batch = order.slice(start, start + microBatch);
    const { tokens, seq } = padRight(
      batch.map((index) => rows[index]?.tokens.slice(0, -1) ?? []),
      { vocab },
    );
    const targets = new BigInt64Array(batch.length * seq), weights = new Float32Array(batch.length * seq);
    batch.forEach((index, r) => {
      const row = rows[index] as WeightedRow;
      for (let t = row.from; t < row.tokens.length; t++) {
        targets[r * seq + t - 1] = BigInt(row.tokens[t] as number);
        weights[r * seq + t - 1] = row.weight;
      }
    });
    const out = await run({
      [SEQUENCE_NAMES.tokens]: tokens,
      targets: tensor("int64", [batch.length, seq], targets),
      target_weights: tensor("float32", [batch.length, seq], weights),
    });
    const logProbs = out[SEQUENCE_NAMES.logProbs]?.data as Float32Array;
    batch.forEach((index, r) => {
      const row = rows[index] as WeightedRow;
      for (let t = row.from; t < row.tokens.length; t++) {
        results[index]?.push(logProbs[r * seq + t - 1] as number);
      }
    });
  }
  return results;
}
