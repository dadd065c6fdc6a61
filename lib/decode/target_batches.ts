import { type Tensor, tensor } from "../core/mod.ts";
import { isIndex } from "../onnx/mod.ts";
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
  readonly strength?: number | undefined;
}

/** Where a target is predicted, and which token it is. */
export interface Target {
  /** Its position in the rows laid end to end, row · seq + position. */
  readonly place: number;
  /** The token. */
  readonly token: number;
  /** Which row it is of all that are scored. */
  readonly row: number;
  /** Weight of its −log p in the loss of what it is laid out in. `@default 1` */
  readonly weight?: number;
}

/** Rows that run together, and their targets. */
export interface TargetBatch {
  /** What the model reads of them, right-padded: int64 [batch, seq]. A row's last token is a target only. */
  readonly tokens: Tensor<"int64">;
  /** Which scored row each row of `tokens` is, of several the first. */
  readonly rows: readonly number[];
  /** Factor of the loss of each row of `tokens` in the whole loss. */
  readonly weights: readonly number[];
  /** Targets, row after row. */
  readonly targets: readonly Target[];
  /** Positions and branches of the tokens, int64 [batch, seq] each. `@default` none branches */
  readonly branched?: Readonly<Record<"positions" | "branches", Tensor<"int64">>> | undefined;
}

/** What the model reads in one go: a text, or a context with several continuations of it. */
interface LaidRow {
  readonly tokens: readonly number[];
  readonly positions: readonly number[];
  readonly branches: readonly number[];
  readonly weight: number;
  readonly row: number;
  /** Targets by their place in this row. */
  readonly targets: readonly Target[];
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
  if (!isIndex(last, vocab)) {
    throw new RangeError(
      `Cannot score row ${index} as token ids must be whole numbers in [0, ${vocab}): current value is ${last}`,
    );
  }
}

/**
 * Rows as trees: those with one context are read as that context and one branch for each, as many as `longest` positions
 * hold, so that a context is computed once for all of them. A first target is predicted where the context ends.
 */
function laidTogether(rows: readonly WeightedRow[], longest: number): readonly LaidRow[] {
  const scale = Math.max(...rows.map(({ weight }) => Math.abs(weight))) || 1;
  const scored = [...rows.keys()].filter((index) =>
    (rows[index]?.from as number) < (rows[index]?.tokens.length as number)
  );
  const groups = Map.groupBy(scored, (index) => {
    const { tokens, from, strength = 1 } = rows[index] as WeightedRow;
    return [strength, ...tokens.slice(0, from)].join();
  });
  return [...groups.values()].flatMap((group) => {
    const { tokens, from } = rows[group[0] as number] as WeightedRow;
    const context = tokens.slice(0, from).map((token, position) => ({ token, position, branch: 0 }));
    const fresh = () => ({ read: [...context], targets: [] as Target[], branches: 0 });
    let tree = fresh();
    const trees = [tree];
    for (const index of group) {
      const row = rows[index] as WeightedRow, answer = row.tokens.slice(from);
      if (tree.branches > 0 && tree.read.length + answer.length - 1 > longest) trees.push(tree = fresh());
      const start = tree.read.length, branch = ++tree.branches;
      // The last token of an answer is a target only.
      answer.slice(0, -1).forEach((token, t) => tree.read.push({ token, position: from + t, branch }));
      answer.forEach((token, t) =>
        tree.targets.push({
          place: t === 0 ? from - 1 : start + t - 1,
          token,
          row: index,
          weight: row.weight / scale,
        })
      );
    }
    return trees.map(({ read, targets }) => ({
      tokens: read.map(({ token }) => token),
      positions: read.map(({ position }) => position),
      branches: read.map(({ branch }) => branch),
      weight: scale,
      row: group[0] as number,
      targets,
    }));
  });
}

/** Rows as they are, each with a loss of its own. */
function laidApart(rows: readonly WeightedRow[]): readonly LaidRow[] {
  return rows.map(({ tokens, from, weight }, row) => ({
    tokens: tokens.slice(0, -1),
    positions: [],
    branches: [],
    weight,
    row,
    targets: tokens.slice(from).map((token, t) => ({ place: from - 1 + t, token, row })),
  }));
}

/**
 * Runs rows in batches of like lengths and puts the targets' log-probabilities back in the rows' order. `run` gives
 * the log-probabilities of a batch's targets in their order.
 *
 * @throws {RangeError} for a row without a token before its targets, or ids outside the vocabulary.
 */
export async function overTargets(
  rows: readonly WeightedRow[],
  options: {
    readonly vocab: number;
    /** How many rows of so many positions run together, one at least. */
    readonly rowsAtOnce: (seq: number) => number;
    /**
     * Most positions of rows that are laid together as branches of the context that they share.
     * `@default` each row is read by itself
     */
    readonly together?: number | null;
  },
  run: (batch: TargetBatch) => Promise<ArrayLike<number>>,
): Promise<readonly (readonly number[])[]> {
  const { vocab, rowsAtOnce, together = null } = options;
  rows.forEach((row, index) => checkTarget(row, { index, vocab }));
  const laid = together === null ? laidApart(rows) : laidTogether(rows, together);
  const order = laid.toSorted((a, b) => a.tokens.length - b.tokens.length); // a stable sort
  const results: number[][] = rows.map(() => []);
  for (let start = 0, end = 0; start < order.length; start = end) {
    // The last row of a batch is its longest: it says how many there may be.
    end = start + 1;
    while (end < order.length && end - start < rowsAtOnce(order[end]?.tokens.length as number)) end++;
    const batch = order.slice(start, end);
    const padded = (of: (row: LaidRow) => readonly number[], below: number) =>
      padRight(batch.map(of), { vocab: below });
    const { tokens, seq } = padded((row) => row.tokens, vocab);
    const targets = batch.flatMap((row, r) =>
      row.targets.map((target) => ({ ...target, place: r * seq + target.place }))
    );
    const branched = together === null ? undefined : {
      positions: padded((row) => row.positions, Infinity).tokens,
      branches: padded((row) => row.branches, Infinity).tokens,
    };
    const logProbs = await run({
      tokens,
      rows: batch.map(({ row }) => row),
      weights: batch.map(({ weight }) => weight),
      targets,
      branched,
    });
    targets.forEach(({ row }, i) => results[row]?.push(logProbs[i] as number));
  }
  return results;
}

/**
 * A batch's targets as feeds of a sequence graph, [chunks, chunk]: as many chunks as it takes for none to be longer
 * than `chunk`, all of one length. What fills the last one up is predicted at place 0 and weighs nothing; a target
 * weighs 1 where it does not say.
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
