import type { Tensor } from "../../core/mod.ts";
import type { LanguageModel, SteeringVectors } from "../../decode/mod.ts";
import { siteName } from "../../model/mod.ts";
import { dot, norm } from "./_vectors.ts";

/** Two texts that differ in what a direction is sought for. */
export interface ContrastPair {
  /** Token ids of the text that has it. */
  readonly positive: readonly number[];
  /** Token ids of the text that lacks it. */
  readonly negative: readonly number[];
  /** First token that is read under `at: "mean"`, such as the first of the answers. `@default 0` */
  readonly from?: number;
}

/** Where contrasts are read. */
export interface ContrastOptions {
  /** Layers, at `resid_post`. `@default` all */
  readonly layers?: readonly number[];
  /** At the last token of each text, or as the mean of its tokens. `@default "last"` */
  readonly at?: "last" | "mean";
}

/** Texts that run together. */
const BATCH = 16;

/** Differences of the streams of each pair, by layer: [pair][embed]. */
async function pairDifferences(
  model: LanguageModel,
  pairs: readonly ContrastPair[],
  { layers = model.sitesOf("resid_post").map((_, layer) => layer), at = "last" }: ContrastOptions,
): Promise<ReadonlyMap<number, readonly Float64Array[]>> {
  const { embed } = model.config;
  if (pairs.length === 0) {
    throw new RangeError("Cannot contrast texts as there must be a pair: current count is 0");
  }
  const wrong = pairs.findIndex(({ positive, negative, from = 0 }) =>
    !(Number.isInteger(from) && from >= 0 && from < positive.length && from < negative.length)
  );
  if (wrong >= 0) {
    throw new RangeError(
      `Cannot contrast pair ${wrong} as both texts must have tokens from ${pairs[wrong]?.from ?? 0} on`,
    );
  }
  const found = new Map(layers.map((layer) => [layer, pairs.map(() => new Float64Array(embed))]));
  const taps = layers.map((layer) => siteName({ layer, kind: "resid_post" }));
  const texts = pairs.flatMap(({ positive, negative, from = 0 }, pair) => [
    { tokens: positive, from, pair, sign: 1 },
    { tokens: negative, from, pair, sign: -1 },
  ]);
  for (let start = 0; start < texts.length; start += BATCH) {
    const batch = texts.slice(start, start + BATCH),
      seq = Math.max(...batch.map(({ tokens }) => tokens.length));
    const run = await model.run(batch.map(({ tokens }) => tokens), { taps, logits: false });
    layers.forEach((layer, place) => {
      const { data } = run.taps.get(taps[place] as typeof taps[number]) as Tensor<"float32">;
      batch.forEach(({ tokens: { length }, from, pair, sign }, row) => {
        const first = at === "last" ? length - 1 : from, sum = found.get(layer)?.[pair] as Float64Array;
        for (let t = first; t < length; t++) {
          for (let i = 0; i < embed; i++) {
            const value = data[(row * seq + t) * embed + i] as number;
            sum[i] = (sum[i] as number) + sign * value / (length - first);
          }
        }
      });
    });
  }
  return found;
}

function meanOf(rows: readonly Float64Array[]): Float64Array {
  return rows.reduce(
    (sum, row) => sum.map((value, i) => value + (row[i] as number) / rows.length),
    new Float64Array(rows[0]?.length ?? 0),
  );
}

/**
 * Contrast vectors: by layer the mean over pairs of the stream of the positive text minus that of the negative one. Made
 * to be steered with, as long as it comes out.
 *
 * Source: mean differences of activations, Rimsky et al. 2023 (arXiv 2312.06681), Marks and Tegmark 2023 (arXiv 2310.06824).
 *
 * @example
 * ```ts
 * import { differenceOfMeans, LanguageModel } from "@small-vectors/steering";
 * const model = await LanguageModel.open("./fixtures/embedded/base-a");
 * const pairs = [{ positive: [5, 6, 7], negative: [5, 6, 8] }, { positive: [9, 7], negative: [9, 8] }];
 * const steer = await differenceOfMeans(model, pairs, { layers: [3] });
 * if (steer.get(3)?.length !== model.config.embed) throw new Error("a vector for the layer");
 * await model.release();
 * ```
 *
 * @throws {RangeError} without pairs, and for texts that end before what is read of them.
 */
export async function differenceOfMeans(
  model: LanguageModel,
  pairs: readonly ContrastPair[],
  options: ContrastOptions = {},
): Promise<SteeringVectors> {
  const differences = await pairDifferences(model, pairs, options);
  return new Map([...differences].map(([layer, rows]) => [layer, Float32Array.from(meanOf(rows))]));
}

/** A direction that pairs differ along. */
export interface PrincipalDirection {
  /** Of length 1, on the side of the mean difference. */
  readonly direction: Float32Array;
  /** Share of the differences' squares that lies along it. */
  readonly explained: number;
}

/** Steps of the power iteration, and the change below which it has settled. */
const MOST_STEPS = 1000, SETTLED = 1e-12;

/** The first right singular vector of rows: v ← Dᵀ D v / |Dᵀ D v|, from their mean and their longest together. */
function principal(rows: readonly Float64Array[]): PrincipalDirection {
  const mean = meanOf(rows), longest = rows.reduce((most, row) => norm(row) > norm(most) ? row : most);
  const total = rows.reduce((sum, row) => sum + dot(row, row), 0);
  let v = mean.map((value, i) => value + (longest[i] as number) / 2);
  if (total === 0 || norm(v) === 0) v = Float64Array.from(longest);
  if (total === 0) return { direction: Float32Array.from(v), explained: 0 };
  let along = 0;
  for (let step = 0, change = Infinity; step < MOST_STEPS && change > SETTLED; step++) {
    const length = norm(v), unit = v.map((value) => value / length);
    const next = new Float64Array(unit.length);
    along = 0;
    for (const row of rows) {
      const share = dot(row, unit);
      along += share * share;
      row.forEach((value, i) => next[i] = (next[i] as number) + share * value);
    }
    const size = norm(next);
    change = Math.sqrt(next.reduce((sum, value, i) => sum + (value / size - (unit[i] as number)) ** 2, 0));
    v = next;
  }
  const scale = (dot(v, mean) < 0 ? -1 : 1) / norm(v);
  return { direction: Float32Array.from(v, (value) => value * scale), explained: along / total };
}

/**
 * The direction along which pairs differ most, by layer: the first principal component of their differences, which are
 * not centred, since what all pairs share is what is sought.
 *
 * Source: Zou et al. 2023, "Representation engineering" (arXiv 2310.01405), there of differences with random signs.
 *
 * @example
 * ```ts
 * import { LanguageModel, principalDirections } from "@small-vectors/steering";
 * const model = await LanguageModel.open("./fixtures/embedded/base-a");
 * const pairs = [{ positive: [5, 6, 7], negative: [5, 6, 8] }, { positive: [9, 7], negative: [9, 8] }];
 * const found = (await principalDirections(model, pairs, { layers: [3] })).get(3);
 * if (!(found !== undefined && found.explained >= 0.5 && found.explained <= 1)) throw new Error("half at least, of two");
 * await model.release();
 * ```
 *
 * @throws {RangeError} as {@link differenceOfMeans}.
 */
export async function principalDirections(
  model: LanguageModel,
  pairs: readonly ContrastPair[],
  options: ContrastOptions = {},
): Promise<ReadonlyMap<number, PrincipalDirection>> {
  const differences = await pairDifferences(model, pairs, options);
  return new Map([...differences].map(([layer, rows]) => [layer, principal(rows)]));
}
