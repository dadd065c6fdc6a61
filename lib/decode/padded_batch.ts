import { type Tensor, tensor } from "../core/mod.ts";
import { isIndex } from "../onnx/mod.ts";

/** Token sequences laid out as one right-padded matrix. */
export interface PaddedBatch {
  /** int64 [batch, seq]; padding is token 0, right of all real tokens. */
  readonly tokens: Tensor<"int64">;
  /** Real tokens of each row. */
  readonly lengths: readonly number[];
  /** Length of the longest row. */
  readonly seq: number;
}

/** Throws a TypeError for a row that is no list: a text, most likely. */
export function checkTokenIds(row: readonly number[], index: number): void {
  if (Array.isArray(row) || ArrayBuffer.isView(row)) return;
  throw new TypeError(
    `Cannot lay out row ${index} as it must be a list of token ids: current value is ${
      JSON.stringify(row)
    } (a text is encoded by the model's tokenizer, or completed by complete())`,
  );
}

/**
 * Right-padded rows. There is no left padding anywhere: position t of a row is its token t.
 *
 * @throws {RangeError} for an empty batch, an empty row, or an id outside the vocabulary (a graph would count a
 * negative one from the end).
 */
export function padRight(
  rows: readonly (readonly number[])[],
  options: { readonly vocab: number },
): PaddedBatch {
  rows.forEach(checkTokenIds);
  const lengths = rows.map((row) => row.length);
  const shortest = Math.min(...lengths);
  if (rows.length === 0 || shortest === 0) {
    throw new RangeError(
      `Cannot lay out a batch as it needs rows of at least one token: got ${rows.length} rows`,
    );
  }
  for (const [r, row] of rows.entries()) {
    const wrong = row.find((id) => !isIndex(id, options.vocab));
    if (wrong !== undefined) {
      throw new RangeError(
        `Cannot lay out row ${r} as token ids must be whole numbers in [0, ${options.vocab}): current value is ${wrong}`,
      );
    }
  }
  const seq = Math.max(...lengths);
  const data = new BigInt64Array(rows.length * seq);
  rows.forEach((row, r) => row.forEach((id, t) => void (data[r * seq + t] = BigInt(id))));
  return { tokens: tensor("int64", [rows.length, seq], data), lengths, seq };
}
