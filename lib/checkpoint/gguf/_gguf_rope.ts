import type { RopeScaling } from "../rope_scaling.ts";

/** What every Llama 3 that was published uses, beside its factor. */
const PUBLISHED = { lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 } as const;

/** Factors are stored in float32 and made from float32 frequencies. */
const TOLERANCE = 1e-5;

/** Turns per position of each rotary pair: 1 / wavelength. */
function turns(pairs: number, theta: number): readonly number[] {
  return Array.from({ length: pairs }, (_, pair) => theta ** (-pair / pairs) / (2 * Math.PI));
}

/** What Llama 3 divides each angle by: 1 for fast ones, the factor for slow ones, between them a smooth passage. */
export function ropeFactors(
  scaling: RopeScaling,
  options: { readonly headDim: number; readonly theta: number },
): readonly number[] {
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions } = scaling;
  return turns(options.headDim / 2, options.theta).map((perPosition) => {
    const share = (originalMaxPositions * perPosition - low) / (high - low);
    const fast = Math.min(1, Math.max(0, share));
    return 1 / ((1 - fast) / factor + fast);
  });
}

/**
 * The scaling whose factors a file's `rope_freqs.weight` holds, or null where no scaling of Llama 3's kind has them.
 * A file holds the factors alone. The published parameters are tried first; others follow from two pairs that lie in
 * the smooth passage, up to a common multiple of the two limits and the positions, which changes nothing: the lower
 * limit is set to 1.
 */
export function ropeScalingOf(
  factors: ArrayLike<number>,
  options: {
    readonly theta: number;
    /** Positions of the first training, where the file states them. */
    readonly originalMaxPositions?: number | undefined;
  },
): RopeScaling | null {
  const { theta } = options, given = Array.from(factors), pairs = given.length;
  const factor = Number(Math.max(...given).toPrecision(6));
  const candidates: RopeScaling[] = [{ factor, ...PUBLISHED }];
  if (options.originalMaxPositions !== undefined) {
    candidates.push({ factor, ...PUBLISHED, originalMaxPositions: options.originalMaxPositions });
  }
  const perPosition = turns(pairs, theta);
  const shares = given.map((one) => (1 / one - 1 / factor) / (1 - 1 / factor));
  const between = [...shares.keys()].filter((pair) =>
    (shares[pair] as number) > TOLERANCE && (shares[pair] as number) < 1 - TOLERANCE
  );
  const [first, last] = [between[0], between.at(-1)];
  if (first !== undefined && last !== undefined && first !== last) {
    // share = slope · turns − offset, with slope = positions / (high − low) and offset = low / (high − low)
    const slope = ((shares[first] as number) - (shares[last] as number)) /
      ((perPosition[first] as number) - (perPosition[last] as number));
    const offset = slope * (perPosition[first] as number) - (shares[first] as number);
    candidates.push({
      factor,
      lowFreqFactor: 1,
      highFreqFactor: Number((1 + 1 / offset).toPrecision(5)),
      originalMaxPositions: Math.round(slope / offset),
    });
  }
  return candidates.find((scaling) =>
    factor >= 1 && scaling.highFreqFactor > 1 && scaling.originalMaxPositions >= 1 &&
    ropeFactors(scaling, { headDim: 2 * pairs, theta }).every((one, pair) =>
      Math.abs(one / (given[pair] as number) - 1) < TOLERANCE
    )
  ) ?? null;
}
