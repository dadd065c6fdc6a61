import { tensor } from "../core/mod.ts";
import { isIndex } from "../onnx/mod.ts";
import {
  TOKEN_SHIFT_NAMES,
  TOKEN_SHIFT_TOKENS,
  TOKEN_SHIFT_VALUES,
  tokenShiftGraph,
  type WholeRoute,
} from "../probe/mod.ts";
import { additionEdits, additionFeeds, type Additions, editsKey, namedLayers } from "./additions.ts";
import { checkPositions } from "./check_positions.ts";
import type { LanguageModel } from "./language_model.ts";
import type { OwnGraph } from "./own_graph.ts";
import { padRight } from "./padded_batch.ts";

/** What changes in each next-token distribution; every array has one entry per row. */
export interface ProbabilityShift {
  /** Number of rows (positions). */
  readonly rows: number;
  /** Largest Δp = p_steered − p_base over the vocabulary. */
  readonly maxShift: Float64Array;
  /** The token of `maxShift`: the paper's dst. */
  readonly maxToken: Int32Array;
  /** Smallest Δp over the vocabulary. */
  readonly minShift: Float64Array;
  /** The token of `minShift`. */
  readonly minToken: Int32Array;
  /** Most likely token of the base distribution: the paper's would_be. */
  readonly baseToken: Int32Array;
  /** Most likely token of the steered distribution: the paper's max_steered. */
  readonly steeredToken: Int32Array;
  /** KL(base ‖ steered) = Σ p_base (ln p_base − ln p_steered), in nats, never below 0. */
  readonly klNats: Float64Array;
  /** Δp of each token that is followed, in their order. */
  readonly followed: readonly Float64Array[];
}

/** One pair of distributions along a text. */
export interface ComparedDistributions {
  /** Row by row; `base` in its names stands for where a pair of routes starts from. */
  readonly shift: ProbabilityShift;
  /** Weighted sums of Δp over rows, [vocab] each. */
  readonly totals: readonly Float64Array[];
}

/** What is compared. */
export interface ComparedModels {
  /** What changes the model. */
  readonly additions: Additions;
  /**
   * Pairs of routes of the vector of the layer before the last, in place of the additions' own.
   * `@default` one pair: the unchanged model, and the changed one
   */
  readonly pairs?: readonly (readonly [from: WholeRoute, to: WholeRoute])[] | undefined;
  /** How many weighted sums are taken. `@default 0` */
  readonly totals?: number | undefined;
}

/** Bytes that distributions of one chunk of rows may take: a dozen arrays of float64. */
const CHUNK_BYTES = 2 ** 28;

/**
 * The graph that {@link tokenShifts} runs under these options.
 *
 * @throws {RangeError} for additions that the model cannot have.
 */
export function tokenShiftsGraph(model: LanguageModel, { additions, ...rest }: ComparedModels): OwnGraph {
  const { config, dtype: compute, checkpoint: weights } = model;
  const edits = additionEdits(additions, { config, layers: namedLayers(additions) });
  return {
    key: JSON.stringify({ shifts: editsKey(edits), ...rest }),
    build: () => tokenShiftGraph({ config, weights, edits, compute, ...rest }),
  };
}

/**
 * What additions change in the next-token distributions of one text at `rows` positions from `from` on, at
 * temperature 1. Softmax, logarithms and differences are float64, in the graph; ties go to the lower token id.
 *
 * Source: Δp after Figure 3, KL and its direction (from the baseline) after Figure 6 (class: code; the published Δp is
 * taken in bfloat16 and KL stored in it).
 *
 * @throws {RangeError} for additions that the model cannot have, ids and positions that it has not, and for
 * distributions that are not finite.
 * @throws {InputError} when it takes more memory than is set aside.
 */
export async function tokenShifts(
  model: LanguageModel,
  text: { readonly tokens: readonly number[]; readonly from: number; readonly rows: number },
  options: Omit<ComparedModels, "totals"> & {
    /** Tokens whose Δp is kept at every row. `@default []` */
    readonly follow?: readonly number[];
    /** Weights of the rows in each sum, [rows] each. `@default []` */
    readonly totals?: readonly (readonly number[])[];
  },
): Promise<readonly ComparedDistributions[]> {
  const { additions, pairs, follow = [], totals = [] } = options, { from, rows } = text, { config } = model;
  const { vocab } = config, count = pairs?.length ?? 1;
  checkPositions([text.tokens.length], { config, action: "compare" });
  if (!(isIndex(from, text.tokens.length) && isIndex(rows - 1, text.tokens.length - from))) {
    throw new RangeError(
      `Cannot compare rows as they must lie in [0, ${text.tokens.length}): current value is ${rows} from ${from}`,
    );
  }
  const outside = follow.find((token) => !isIndex(token, vocab));
  if (outside !== undefined) {
    throw new RangeError(
      `Cannot follow a token as it must lie in [0, ${vocab}): current value is ${outside}`,
    );
  }
  const chunk = Math.min(rows, Math.max(16, Math.min(256, Math.floor(CHUNK_BYTES / (8 * 12 * vocab)))));
  const chunks = Math.ceil(rows / chunk), padded = Array.from({ length: chunks * chunk }, (_, row) => row);
  const { tokens, seq } = padRight([text.tokens], config);
  const graph = tokenShiftsGraph(model, { additions, pairs, totals: totals.length });
  const weights = totals.flatMap((sum) => padded.map((row) => sum[row] ?? 0));
  const out = await model.runGraph(graph, {
    feeds: {
      [TOKEN_SHIFT_NAMES.tokens]: tokens,
      // What fills the last chunk up is read at the last row and counts nowhere.
      [TOKEN_SHIFT_NAMES.places]: tensor(
        "int64",
        [chunks, chunk],
        padded.map((row) => from + Math.min(row, rows - 1)),
      ),
      [TOKEN_SHIFT_NAMES.weights]: tensor("float64", [totals.length, chunks, chunk], weights),
      [TOKEN_SHIFT_NAMES.follow]: tensor("int64", [follow.length], follow),
      ...additionFeeds(additions, { config, layers: namedLayers(additions) }),
    },
    lengths: { seq, chunks, chunk, followed: follow.length },
  });
  /** Columns of what the graph gives by row and pair, `width` numbers each. */
  const columns = (name: string, width: number) => {
    const data = out[name]?.data as Float64Array | BigInt64Array;
    return (pair: number, column: number) =>
      Float64Array.from({ length: rows }, (_, row) => Number(data[(row * count + pair) * width + column]));
  };
  const valueColumns = columns(TOKEN_SHIFT_NAMES.values, TOKEN_SHIFT_VALUES.length);
  const tokenColumns = columns(TOKEN_SHIFT_NAMES.tokensFound, TOKEN_SHIFT_TOKENS.length);
  const followed = columns(TOKEN_SHIFT_NAMES.followed, follow.length);
  return Array.from({ length: count }, (_, pair) => {
    const values = (name: typeof TOKEN_SHIFT_VALUES[number]) =>
      valueColumns(pair, TOKEN_SHIFT_VALUES.indexOf(name));
    const found = (name: typeof TOKEN_SHIFT_TOKENS[number]) =>
      Int32Array.from(tokenColumns(pair, TOKEN_SHIFT_TOKENS.indexOf(name)));
    const kl = values("klNats"), infinite = kl.findIndex((value) => !Number.isFinite(value));
    if (infinite >= 0) {
      throw new RangeError(
        `Cannot compare row ${infinite} as its distributions must be finite: current KL is ${kl[infinite]}`,
      );
    }
    return {
      shift: {
        rows,
        maxShift: values("maxShift"),
        maxToken: found("maxToken"),
        minShift: values("minShift"),
        minToken: found("minToken"),
        baseToken: found("baseToken"),
        steeredToken: found("steeredToken"),
        klNats: kl.map((value) => Math.max(0, value)), // of two equal distributions only rounding is left, of either sign
        followed: follow.map((_, index) => followed(pair, index)),
      },
      totals: totals.map((_, sum) => {
        const start = (sum * count + pair) * vocab;
        return (out[TOKEN_SHIFT_NAMES.totals]?.data as Float64Array).slice(start, start + vocab);
      }),
    };
  });
}
