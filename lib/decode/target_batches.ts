import { type Tensor, tensor } from "../core/mod.ts";
import { SEQUENCE_NAMES } from "../probe/mod.ts";
import { padRight } from "./padded_batch.ts";

/** Targets of a log-probability run: token t of a row is predicted at its position t − 1. */
export interface WeightedRow {
  /** Token ids, context and targets. */
  readonly tokens: readonly number[];
  /** First token that is a target; those before it are context, and the prompt where `steerAt` asks. */
  readonly from: number;
  /** Weight of each target's −log p in the loss. */
  readonly weight: number;
  /** Factor on all that steers it. `@default` 1 */
  readonly strength?: number;
}

/** Rows that run together, and their targets. */
export interface TargetBatch {
  /** What the model reads of them, right-padded: int64 [batch, seq]. A row's last token is a target only. */
  readonly tokens: Tensor<"int64">;
  /** Which rows they are of all. */
  readonly rows: readonly number[];
  /** Targets, row after row: where each is predicted, row · seq + position, and which token it is. */
  readonly targets: readonly {
    readonly place: number;
    readonly token: number;
    readonly row: number;
    /** Of its −log p in the loss of its row. `@default 1` */
    readonly weight?: number;
  }[];
}

/** The first token has nothing before it to be predicted from; the last one is a target only, so no run sees it. */
function checkTarget(
  { tokens, from, weight }: WeightedRow,
  at: { readonly index: number; readonly vocab: number },
): void {
  const { index, vocab } = at;
  if (!Number.isFinite(weight)) {
    throw new RangeError(
      `Cannot score row ${index} as its weight must be finite: current value is ${weight}`,
    );
  }
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
 * Runs rows in batches of like lengths and puts the targets' log-probabilities back in the rows' order. `run` gives
 * the log-probabilities of a batch's targets in their order.
 *
 * @example
 * ```ts
 * import { overTargets } from "./mod.ts";
 * const rows = [{ tokens: [5, 6, 7], from: 1, weight: 1 }, { tokens: [5, 9], from: 1, weight: 1 }];
 * const run = ({ targets }: TargetBatch) => Promise.resolve(targets.map(({ token }) => -token));
 * const logProbs = await overTargets(rows, { vocab: 10, rowsAtOnce: () => 2 }, run);
 * if (JSON.stringify(logProbs) !== "[[-6,-7],[-9]]") throw new Error("one number per target, in the rows' order");
 * ```
 *
 * @throws {RangeError} for a row without a token before its targets, or ids outside the vocabulary.
 */
export async function overTargets(
  rows: readonly WeightedRow[],
  options: {
    readonly vocab: number;
    /** How many rows of so many positions run together, one at least. */
    readonly rowsAtOnce: (seq: number) => number;
  },
  run: (batch: TargetBatch) => Promise<ArrayLike<number>>,
): Promise<readonly (readonly number[])[]> {
  const { vocab, rowsAtOnce } = options;
  rows.forEach((row, index) => checkTarget(row, { index, vocab }));
  const order = rows.map((_, index) => index)
    .sort((a, b) => (rows[a]?.tokens.length as number) - (rows[b]?.tokens.length as number) || a - b);
  const results: number[][] = rows.map(() => []);
  const positions = (place: number) => (rows[order[place] as number]?.tokens.length as number) - 1;
  for (let start = 0, end = 0; start < order.length; start = end) {
    // The last row of a batch is its longest: it says how many there may be.
    end = start + 1;
    while (end < order.length && end - start < rowsAtOnce(positions(end))) end++;
    const batch = order.slice(start, end);
    const { tokens, seq } = padRight(
      batch.map((index) => rows[index]?.tokens.slice(0, -1) ?? []),
      { vocab },
    );
    const targets = batch.flatMap((index, r) => {
      const row = rows[index] as WeightedRow;
      return row.tokens.slice(row.from).map((token, t) => ({
        place: r * seq + row.from - 1 + t,
        token,
        row: index,
      }));
    });
    const logProbs = await run({ tokens, rows: batch, targets });
    targets.forEach(({ row }, i) => results[row]?.push(logProbs[i] as number));
  }
  return results;
}

/**
 * A batch's targets as feeds of a sequence graph, [chunks, chunk]: as many chunks as it takes for none to be longer
 * than `chunk`, all of one length. What fills the last one up is predicted at place 0 and weighs nothing; a target
 * weighs 1 where it does not say.
 *
 * @example
 * ```ts
 * import { tensor } from "../core/mod.ts";
 * import { chunkedTargets } from "./mod.ts";
 * const targets = [7, 8, 9].map((token, place) => ({ place, token, row: 0 }));
 * const feeds = chunkedTargets({ tokens: tensor("int64", [1, 3], [5, 7, 8]), rows: [0], targets }, { chunk: 2 });
 * if (feeds.targets.dims.join() !== "2,2" || feeds.target_weights.data.join() !== "1,1,1,0") throw new Error("two of two");
 * ```
 */
export function chunkedTargets(
  batch: TargetBatch,
  options: { readonly chunk: number },
): Readonly<Record<"target_places" | "targets" | "target_weights", Tensor>> {
  const { targets } = batch;
  const chunks = Math.max(1, Math.ceil(targets.length / options.chunk));
  const chunk = Math.max(1, Math.ceil(targets.length / chunks));
  const filled = (of: (target: TargetBatch["targets"][number]) => number) =>
    Array.from({ length: chunks * chunk }, (_, i) => targets[i] === undefined ? 0 : of(targets[i]));
  const dims = [chunks, chunk];
  return {
    [SEQUENCE_NAMES.targetPlaces]: tensor("int64", dims, filled(({ place }) => place)),
    [SEQUENCE_NAMES.targets]: tensor("int64", dims, filled(({ token }) => token)),
    [SEQUENCE_NAMES.targetWeights]: tensor("float32", dims, filled(({ weight = 1 }) => weight)),
  };
}
