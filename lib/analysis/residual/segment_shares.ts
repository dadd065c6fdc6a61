/** A part of a text: what the system message says, the question, the template's own tokens, the answer. */
export type TextSegment = "system" | "question" | "template" | "answer";

/** All segments, in the order of a text but for the template, which surrounds the first two. */
export const TEXT_SEGMENTS: readonly TextSegment[] = ["system", "question", "template", "answer"];

/** A run of positions in one segment; `to` is exclusive. */
export interface SegmentRange {
  /** The segment. */
  readonly segment: TextSegment;
  /** First position. */
  readonly from: number;
  /** Position after the last. */
  readonly to: number;
}

/** Magnitudes of one segment, over all texts added. */
export interface SegmentShare {
  /** The segment. */
  readonly segment: TextSegment;
  /** Positions in it. */
  readonly tokens: number;
  /** Its share of Σ |magnitude|; null when all magnitudes are 0. */
  readonly share: number | null;
  /** Mean |magnitude| per position; null without positions. */
  readonly meanAbsolute: number | null;
  /** `meanAbsolute` over the mean of all positions counted: above 1 where magnitude concentrates; null as those. */
  readonly concentration: number | null;
}

/** How shares are read. */
export interface SegmentShareOptions {
  /** Segments that are left out of sums and means, say the answer for a share within the prompt. @default {[]} */
  readonly without?: readonly TextSegment[];
}

/**
 * Adds up token-wise |magnitude| of one adapter by segment of the text. Shares grow with a segment's length, so the
 * claim that magnitude concentrates on instruction-salient segments is best read from `concentration`.
 *
 * Source: Figure 22, "magnitude concentrates on meaningful prompt segments" (class: caption; the figure's number is
 * inferred); the published figure draws segment borders as lines, the shares are ours.
 */
export class SegmentShares {
  readonly #sums = new Map<TextSegment, { tokens: number; sum: number }>(
    TEXT_SEGMENTS.map((segment) => [segment, { tokens: 0, sum: 0 }]),
  );

  /**
   * Adds one text. Ranges follow each other and cover every position. Throws a `RangeError` when they do not, and for
   * a magnitude that is not finite.
   */
  add(magnitudes: ArrayLike<number>, ranges: readonly SegmentRange[]): void {
    let next = 0;
    for (const { segment, from, to } of ranges) {
      if (from !== next || !Number.isInteger(to) || to < from || to > magnitudes.length) {
        throw new RangeError(
          `Cannot split magnitudes as ranges must follow each other up to ${magnitudes.length}: "${segment}" is [${from}, ${to})`,
        );
      }
      next = to;
    }
    if (next !== magnitudes.length) {
      throw new RangeError(
        `Cannot split magnitudes as ranges must cover all ${magnitudes.length} positions: they end at ${next}`,
      );
    }
    for (let position = 0; position < magnitudes.length; position++) {
      if (!Number.isFinite(magnitudes[position])) {
        throw new RangeError(
          `Cannot split magnitudes as they must be finite: position ${position} has ${magnitudes[position]}`,
        );
      }
    }
    for (const { segment, from, to } of ranges) {
      const entry = this.#sums.get(segment) as { tokens: number; sum: number };
      entry.tokens += to - from;
      for (let position = from; position < to; position++) {
        entry.sum += Math.abs(magnitudes[position] as number);
      }
    }
  }

  /** One row per counted segment, in the order of `TEXT_SEGMENTS`. */
  read(options: SegmentShareOptions = {}): readonly SegmentShare[] {
    const counted = [...this.#sums].filter(([segment]) => options.without?.includes(segment) !== true);
    const tokens = counted.reduce((sum, [, entry]) => sum + entry.tokens, 0);
    const total = counted.reduce((sum, [, entry]) => sum + entry.sum, 0);
    return counted.map(([segment, entry]) => {
      const meanAbsolute = entry.tokens === 0 ? null : entry.sum / entry.tokens;
      return {
        segment,
        tokens: entry.tokens,
        share: total === 0 ? null : entry.sum / total,
        meanAbsolute,
        concentration: total === 0 || meanAbsolute === null ? null : meanAbsolute / (total / tokens),
      };
    });
  }
}

/**
 * A row of the heat strip: each magnitude divided by the row's own maximum minus minimum, so that layers of unequal
 * scale share one colour scale; signs stay. Null when all are equal. Values that are not there must be cut off before:
 * the published rows are padded with NaN, which turns every row but the longest into NaN.
 *
 * Source: Figure 22 (class: inferred number, code formula).
 *
 * @throws RangeError for an empty row or a value that is not finite.
 */
export function stripRow(magnitudes: ArrayLike<number>): Float64Array | null {
  let low = Infinity, high = -Infinity;
  for (let position = 0; position < magnitudes.length; position++) {
    const value = magnitudes[position] as number;
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot scale a strip as it must be finite: position ${position} has ${value}`);
    }
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (magnitudes.length === 0) {
    throw new RangeError("Cannot scale a strip as it must have a position: current count is 0");
  }
  return high === low ? null : Float64Array.from(magnitudes, (value) => value / (high - low));
}
