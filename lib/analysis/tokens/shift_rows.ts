import type { ProbabilityShift } from "../../decode/mod.ts";

/** One answer position of one text: what was read there, and what steering changed in the prediction. */
export interface ShiftRow {
  /** Index of the text in the list that was pooled. */
  readonly sample: number;
  /** Answer position: 0 is the prediction of the first generated token. */
  readonly position: number;
  /** The token being read (src). */
  readonly source: number;
  /** Most likely token of the base model (would_be). */
  readonly baseToken: number;
  /** Most likely token of the steered model (max_steered). */
  readonly steeredToken: number;
  /** The token whose probability rises most (dst). */
  readonly maxToken: number;
  /** Its Δp. */
  readonly maxShift: number;
  /** The token whose probability falls most. */
  readonly minToken: number;
  /** Its Δp. */
  readonly minShift: number;
  /** KL(base ‖ steered) in nats. */
  readonly klNats: number;
  /** Δp of each followed token. */
  readonly followed: readonly number[];
}

/** One generated text with the shift of its answer rows. */
export interface ShiftSample {
  /** Prompt and completion, the stop token included when there is one. */
  readonly tokens: readonly number[];
  /** Number of prompt tokens. */
  readonly promptLength: number;
  /** Rows for positions promptLength − 1 … the last token. */
  readonly shift: ProbabilityShift;
}

/** Which texts and rows are pooled. */
export interface PoolShiftOptions {
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[];
  /** What to do with a text that does not end in a stop token. @default {"skip"} */
  readonly truncated?: "skip" | "keep";
  /**
   * Keep the row that is read on the stop token, as the published figures do: it predicts text after the end and
   * says nothing about the answer. @default {false}
   */
  readonly asPublished?: boolean;
}

/** The pooled rows and how many texts they come from. */
export interface PooledShifts {
  /** All kept rows, text by text, in order of position. */
  readonly rows: readonly ShiftRow[];
  /** Texts that were kept. */
  readonly kept: number;
  /** Texts left out because they did not end in a stop token. */
  readonly truncated: number;
}

/**
 * Lays the rows of all texts side by side, each position one datum.
 *
 * Source: pooling, truncated texts and the stop-token row follow the published analysis (class: code).
 *
 * @throws RangeError when a shift does not have one row per answer token plus one.
 */
export function poolShifts(samples: readonly ShiftSample[], options: PoolShiftOptions): PooledShifts {
  const { stopTokens, truncated: policy = "skip", asPublished = false } = options;
  const rows: ShiftRow[] = [];
  let kept = 0, truncated = 0;
  samples.forEach(({ tokens, promptLength, shift }, sample) => {
    const expected = tokens.length - promptLength + 1;
    if (promptLength < 1 || promptLength > tokens.length || shift.rows !== expected) {
      throw new RangeError(
        `Cannot pool text ${sample} as it must have ${expected} rows (${tokens.length} tokens, ${promptLength} of ` +
          `them prompt): current count is ${shift.rows}`,
      );
    }
    const ended = stopTokens.includes(tokens[tokens.length - 1] as number) && tokens.length > promptLength;
    if (!ended && policy === "skip") {
      truncated++;
      return;
    }
    kept++;
    const count = ended && !asPublished ? shift.rows - 1 : shift.rows;
    for (let row = 0; row < count; row++) {
      rows.push({
        sample,
        position: row,
        source: tokens[promptLength - 1 + row] as number,
        baseToken: shift.baseToken[row] as number,
        steeredToken: shift.steeredToken[row] as number,
        maxToken: shift.maxToken[row] as number,
        maxShift: shift.maxShift[row] as number,
        minToken: shift.minToken[row] as number,
        minShift: shift.minShift[row] as number,
        klNats: shift.klNats[row] as number,
        followed: shift.followed.map((series) => series[row] as number),
      });
    }
  });
  return { rows, kept, truncated };
}

/** Δp of a followed token, split at the first answer position. */
export interface FollowedSeries {
  /** At position 0, one per text. */
  readonly first: readonly number[];
  /** At all other positions. */
  readonly other: readonly number[];
}

/** Δp of the first followed token at every pooled row; a RangeError when none was followed. */
export function followedSeries(rows: readonly ShiftRow[]): FollowedSeries {
  const first: number[] = [], other: number[] = [];
  for (const { position, followed: [value] } of rows) {
    if (value === undefined) throw new RangeError("Cannot read a followed token as none was followed");
    (position === 0 ? first : other).push(value);
  }
  return { first, other };
}

/** Shares of rows, in [0, 1]; null when there are no rows. */
export interface ShiftShares {
  /** The most boosted token is the one the base model would pick anyway (frac_reinforce_top). */
  readonly reinforced: number | null;
  /** The most boosted token is the one the steered model now prefers (frac_change_top). */
  readonly preferred: number | null;
}

/**
 * How often steering boosts what the base model would say, and how often what it boosts comes out on top. Tokens
 * are compared as `text` shows them, as published.
 */
export function shiftShares(
  rows: readonly ShiftRow[],
  options: { readonly text: (token: number) => string },
): ShiftShares {
  if (rows.length === 0) return { reinforced: null, preferred: null };
  const { text } = options;
  const share = (other: (row: ShiftRow) => number) =>
    rows.filter((row) => text(row.maxToken) === text(other(row))).length / rows.length;
  return { reinforced: share((row) => row.baseToken), preferred: share((row) => row.steeredToken) };
}
