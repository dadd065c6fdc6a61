import { tensor } from "../core/mod.ts";
import { DIFFERENCE_COUNTS, DIFFERENCE_NAMES, DIFFERENCE_SUMS, differenceGraph } from "../probe/mod.ts";
import { additionEdits, additionFeeds, type Additions, editsKey, namedLayers } from "./additions.ts";
import { checkPositions } from "./check_positions.ts";
import type { LanguageModel } from "./language_model.ts";
import type { OwnGraph } from "./own_graph.ts";
import { padRight } from "./padded_batch.ts";

/** A text, and the positions of it that count in each span. */
export interface ComparedText {
  /** What the model reads. */
  readonly tokens: readonly number[];
  /** First position and the one behind the last, span by span. */
  readonly spans: readonly (readonly [from: number, to: number])[];
}

/**
 * Residual differences D_t of one layer, summed over a span of each text; see {@link DIFFERENCE_SUMS}. `textDirections`
 * is Σ S/|S|, null but for the first span.
 */
export type SummedDifferences =
  & { readonly textDirections: Float64Array | null }
  & Readonly<Record<typeof DIFFERENCE_SUMS[number], Float64Array>>
  & Readonly<Record<typeof DIFFERENCE_COUNTS[number], number>>;

/** What additions change in the residual stream along texts. */
export interface StreamDifferences {
  /** By layer, then span. */
  readonly layers: ReadonlyMap<number, readonly SummedDifferences[]>;
  /** Σ D behind the last block over the first span of each text, [embed] each. */
  readonly last: readonly Float64Array[];
  /** The same behind the final norm. */
  readonly normed: readonly Float64Array[];
}

/** What is compared: nothing that changes from token to token. */
export interface ComparedStreams {
  /** What changes the model in the second pass. */
  readonly additions: Omit<Additions, "steerAt">;
  /** Of each span, whether a row without any difference counts as one. */
  readonly countsZeros: readonly boolean[];
}

/**
 * The graph that {@link streamDifferences} runs under these options.
 *
 * @throws {RangeError} for additions that the model cannot have.
 */
export function streamDifferenceGraph(
  model: LanguageModel,
  { additions, countsZeros }: ComparedStreams,
): OwnGraph {
  const { config, dtype: compute, checkpoint: weights } = model;
  const edits = additionEdits(additions, { config, layers: namedLayers(additions) });
  return {
    key: JSON.stringify({ differences: editsKey(edits), countsZeros }),
    build: () => differenceGraph({ config, weights, edits, countsZeros, compute }),
  };
}

/**
 * What additions change in the residual stream behind every block from the first that they reach, summed over spans of
 * texts in the graph: nothing of the length of a text is handed out.
 *
 * @throws {RangeError} for additions that the model cannot have, ids and positions that it has not, or no additions.
 * @throws {InputError} when it takes more memory than is set aside.
 */
export async function streamDifferences(
  model: LanguageModel,
  texts: readonly ComparedText[],
  options: ComparedStreams,
): Promise<StreamDifferences> {
  const { additions, countsZeros } = options,
    { config } = model,
    { embed } = config,
    spans = countsZeros.length;
  checkPositions(texts.map(({ tokens }) => tokens.length), { config, action: "compare" });
  const { tokens, seq } = padRight(texts.map((text) => text.tokens), config);
  const bounds = (end: 0 | 1) =>
    tensor("int64", [texts.length, spans], texts.flatMap((text) => text.spans.map((span) => span[end])));
  const out = await model.runGraph(streamDifferenceGraph(model, options), {
    feeds: {
      [DIFFERENCE_NAMES.tokens]: tokens,
      [DIFFERENCE_NAMES.starts]: bounds(0),
      [DIFFERENCE_NAMES.ends]: bounds(1),
      ...additionFeeds(additions, { config, layers: namedLayers(additions) }),
    },
    lengths: { texts: texts.length, seq },
  });
  const values = (name: string) => out[name]?.data as Float64Array;
  const rowsOf = (name: string) => (at: number) => values(name).slice(at * embed, (at + 1) * embed);
  const sums = rowsOf(DIFFERENCE_NAMES.sums), directions = rowsOf(DIFFERENCE_NAMES.directions);
  const counts = values(DIFFERENCE_NAMES.counts);
  const read = counts.length / spans / DIFFERENCE_COUNTS.length; // layers, up to the last
  const bySpan = (row: number): SummedDifferences => ({
    ...named(DIFFERENCE_SUMS, (at) => sums(row * DIFFERENCE_SUMS.length + at)),
    textDirections: row % spans === 0 ? directions(row / spans) : null,
    ...named(DIFFERENCE_COUNTS, (at) => counts[row * DIFFERENCE_COUNTS.length + at] as number),
  });
  return {
    layers: new Map(
      Array.from({ length: read }, (_, index) => [
        config.layers - read + index,
        countsZeros.map((_, span) => bySpan(index * spans + span)),
      ]),
    ),
    last: texts.map((_, text) => rowsOf(DIFFERENCE_NAMES.last)(text)),
    normed: texts.map((_, text) => rowsOf(DIFFERENCE_NAMES.normed)(text)),
  };
}

/** A value for each name, by its place among them. */
function named<K extends string, T>(names: readonly K[], of: (at: number) => T): Record<K, T> {
  return Object.fromEntries(names.map((name, at) => [name, of(at)])) as Record<K, T>;
}
