import { type Tensor, tensor } from "../core/mod.ts";

/** Token sequences laid out as one right-padded matrix. */
export interface PaddedBatch {
  /** int64 [batch, seq]; padding is token 0, right of all real tokens. */
  readonly tokens: Tensor<"int64">;
  readonly lengths: readonly number[];
  readonly seq: number;
}

/**
 * Right-padded rows. There is no left padding anywhere: position t of a row is its token t.
 *
 * @throws {RangeError} for an empty batch or an empty row.
 */
export function padRight(rows: readonly (readonly number[])[]): PaddedBatch {
  const lengths = rows.map((row) => row.length);
  const shortest = Math.min(...lengths);
  if (!(shortest > 0)) {
    throw new RangeError(
      `Cannot lay out a batch as it needs rows of at least one token: got ${rows.length} rows`,
    );
  }
  const seq = Math.max(...lengths);
  const data = new BigInt64Array(rows.length * seq);
  rows.forEach((row, r) => row.forEach((id, t) => void (data[r * seq + t] = BigInt(id))));
  return { tokens: tensor("int64", [rows.length, seq], data), lengths, seq };
}
