/** One feature's activations along one generation. */
export interface FeatureTrace {
  /** Token ids, [seq]. */
  readonly tokens: readonly number[];
  /** Activation of the feature at each token, [seq]; 0 where it does not fire. */
  readonly activations: ArrayLike<number>;
  /** Whether the generation was graded right. */
  readonly correct: boolean;
}

/** A stretch of a generation around the feature's strongest token. */
export interface FeatureExample {
  /** Index of the generation in the list given. */
  readonly generation: number;
  /** Whether it was graded right. */
  readonly correct: boolean;
  /** Position of the first token shown. */
  readonly from: number;
  /** The tokens shown. */
  readonly tokens: readonly number[];
  /** Their activations. */
  readonly activations: readonly number[];
  /** Their activations over the largest of all examples, in [0, 1]: how strongly a token is coloured. */
  readonly shades: readonly number[];
  /** The strongest activation shown. */
  readonly peak: number;
}

/** Which stretches are shown. */
export interface FeatureExampleOptions {
  /** How many of each kind. @default {3} */
  readonly perKind?: number;
  /** Tokens shown before and after the peak. @default {12} */
  readonly reach?: number;
}

/**
 * Picks texts to show for one feature: the generations in which it fires most strongly, as many right as wrong ones
 * where there are enough, each cut to a window around its strongest token. One window per generation, ties to the
 * earlier generation and token, nothing drawn by chance; generations in which the feature never fires are not shown.
 *
 * The strongest examples flatter a feature: they say what it is at its best, not what it usually is.
 *
 * Source: Figure 8, texts with activations (class: review).
 *
 * @throws RangeError when tokens and activations differ in length, an activation is negative or not finite, or an
 * option is out of range.
 */
export function featureExamples(
  traces: readonly FeatureTrace[],
  options: FeatureExampleOptions = {},
): readonly FeatureExample[] {
  const { perKind = 3, reach = 12 } = options;
  if (!Number.isInteger(perKind) || perKind < 1 || !Number.isInteger(reach) || reach < 0) {
    throw new RangeError(
      `Cannot pick examples as perKind must be ≥ 1 and reach ≥ 0, both whole: current values are ${perKind}, ${reach}`,
    );
  }
  const peaks = traces.map(({ tokens, activations }, generation) => {
    if (tokens.length !== activations.length) {
      throw new RangeError(
        `Cannot pick examples as each token must have an activation: generation ${generation} has ${tokens.length} and ${activations.length}`,
      );
    }
    let at = -1, peak = 0;
    for (let position = 0; position < activations.length; position++) {
      const value = activations[position] as number;
      if (!(value >= 0 && value < Infinity)) {
        throw new RangeError(
          `Cannot pick examples as activations must be finite and ≥ 0: generation ${generation}, token ${position} has ${value}`,
        );
      }
      if (value > peak) [peak, at] = [value, position];
    }
    return { generation, at, peak };
  }).filter(({ at }) => at >= 0).sort((a, b) => b.peak - a.peak || a.generation - b.generation);
  const of = (kind: boolean) =>
    peaks.filter(({ generation }) => traces[generation]?.correct === kind).slice(0, perKind);
  const chosen = [...of(true), ...of(false)].sort((a, b) => b.peak - a.peak || a.generation - b.generation);
  const strongest = chosen[0]?.peak ?? 1;
  return chosen.map(({ generation, at, peak }): FeatureExample => {
    const { tokens, activations, correct } = traces[generation] as FeatureTrace;
    const from = Math.max(0, at - reach), to = Math.min(tokens.length, at + reach + 1);
    const shown = Array.from({ length: to - from }, (_, place) => activations[from + place] as number);
    const shades = shown.map((value) => value / strongest);
    return { generation, correct, from, tokens: tokens.slice(from, to), activations: shown, shades, peak };
  });
}
