/** Counts of values between edges. */
export interface Histogram {
  /** Edges, ascending; bin b is [edge b, edge b + 1), the last bin includes its upper edge. */
  readonly edges: readonly number[];
  /** Values in each bin. */
  readonly counts: readonly number[];
  /** Values below the first edge. */
  readonly below: number;
  /** Values above the last edge. */
  readonly above: number;
}

/**
 * Counts values between edges that the caller gives, so that the histograms of several layers can be laid over each
 * other.
 *
 * @throws {RangeError} for fewer than two edges, or edges that are not finite and ascending.
 */
export function histogram(values: ArrayLike<number>, edges: readonly number[]): Histogram {
  const ascend = edges.every((edge, e) =>
    Number.isFinite(edge) && (e === 0 || edge > (edges[e - 1] as number))
  );
  if (edges.length < 2 || !ascend) {
    throw new RangeError(
      `Cannot count values as edges must ascend, at least two: current edges are [${edges}]`,
    );
  }
  const last = edges.length - 1, counts = new Array<number>(last).fill(0);
  let below = 0, above = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < (edges[0] as number)) below++;
    else if (value > (edges[last] as number)) above++;
    else {
      let bin = 0, end = last;
      while (end - bin > 1) {
        const middle = (bin + end) >> 1;
        if (value >= (edges[middle] as number)) bin = middle;
        else end = middle;
      }
      counts[bin] = (counts[bin] as number) + 1;
    }
  }
  return { edges: [...edges], counts, below, above };
}
