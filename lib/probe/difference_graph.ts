import type { Checkpoint, ModelConfig } from "../checkpoint/mod.ts";
import { type ComputeDType, fileWeights } from "../model/mod.ts";
import { type Graph, GraphBuilder, type Value } from "../onnx/mod.ts";
import { baseStreams, changedStreams, type ComparedEdits, firstChanged } from "./_compared_passes.ts";
import { applyEdits, checkEdits } from "./edits.ts";

/** Names of a difference graph's own inputs and outputs. */
export const DIFFERENCE_NAMES = {
  /** Right-padded texts, int64 [texts, seq]. */
  tokens: "tokens",
  /** First position of each span of a text, int64 [texts, spans]. */
  starts: "starts",
  /** The position behind each span, int64 [texts, spans]. */
  ends: "ends",
  /** Sums over texts, float64 [layers, spans, {@link DIFFERENCE_SUMS}, embed]. */
  sums: "sums",
  /** Σ S/|S| over the texts' first spans, float64 [layers, embed]. */
  directions: "directions",
  /** Numbers summed over texts, float64 [layers, spans, {@link DIFFERENCE_COUNTS}]. */
  counts: "counts",
  /** Σ D behind the last block over each text's first span, float64 [texts, embed]. */
  last: "last",
  /** The same of differences behind the final norm. */
  normed: "normed",
} as const;

/**
 * With D_t the difference at position t of a text, S = Σ D_t and U = Σ D_t/|D_t| over a span, r its rows: S, U and U/r,
 * each summed over texts.
 */
export const DIFFERENCE_SUMS = ["sum", "units", "textUnits"] as const;

/**
 * U·S/|S| and that divided by r; r itself; texts with r > 0 and with S ≠ 0; all rows, and those where D is zero. Each
 * summed over texts.
 */
export const DIFFERENCE_COUNTS = [
  "ownByToken",
  "ownByText",
  "rows",
  "texts",
  "directedTexts",
  "fedRows",
  "zeroRows",
] as const;

/**
 * What edits change in the residual stream behind every block from the first that they reach, summed over spans of
 * texts: the model runs over one text after the other, without and with the edits, and hands out sums alone, however
 * long the texts are. Up to the first changed block the two passes are one. Spans end before the padding.
 *
 * Sums are float64 over differences in float32. A row without any difference has no direction: it counts in `rows` of
 * the spans that `countsZeros` names, and in no others.
 *
 * @throws {RangeError} for edits that the model cannot have, or that change nothing.
 */
export function differenceGraph(
  options: {
    readonly config: ModelConfig;
    readonly weights: Checkpoint;
    readonly edits: ComparedEdits;
    /** Of each span, whether rows without a difference count. */
    readonly countsZeros: readonly boolean[];
    /** Type of matrices and residual stream. `@default "float32"` */
    readonly compute?: ComputeDType;
  },
): Graph {
  const { config, countsZeros, compute = "float32" } = options, { layers, embed } = config;
  const edits = checkEdits(options.edits, config), first = firstChanged(edits), spans = countsZeros.length;
  const g = new GraphBuilder("differences");
  const tokens = g.input(DIFFERENCE_NAMES.tokens, "int64", ["texts", "seq"]);
  const starts = g.input(DIFFERENCE_NAMES.starts, "int64", ["texts", spans]);
  const ends = g.input(DIFFERENCE_NAMES.ends, "int64", ["texts", spans]);
  const weights = fileWeights(g, { checkpoint: options.weights, compute });
  const applied = applyEdits(g, edits, { config, compute });
  const gain = weights.get("model.norm.weight", "float64");
  const keeps = g.constant("float64", [spans, 1], countsZeros.map(Number));
  const places = g.range("seq");
  const zeros = (dims: readonly number[]) => g.expand(g.constant("float64", dims.map(() => 1), [0]), dims);
  const [sums, directions, counts, last, normed] = g.loop({
    name: "texts",
    maxSteps: g.length("texts"),
    steps: "texts",
    carried: [
      { name: "sums", start: zeros([layers - first, spans, DIFFERENCE_SUMS.length, embed]) },
      { name: "directions", start: zeros([layers - first, embed]) },
      { name: "counts", start: zeros([layers - first, spans, DIFFERENCE_COUNTS.length]) },
    ],
    body: (body, { step, carried: [sums, directions, counts] }) => {
      const of = (values: Value) => body.gather(values, step, { axis: 0 });
      const text = body.unsqueeze(of(tokens), [0]); // [1, seq]
      const spanned = body.cast(
        body.apply("And", [
          body.apply("GreaterOrEqual", [places, body.unsqueeze(of(starts), [1])]),
          body.apply("Less", [places, body.unsqueeze(of(ends), [1])]),
        ]),
        "float64",
      ); // [spans, seq]
      const model = { config, weights, compute, seq: "seq" };
      const base = baseStreams(body, text, model);
      const changed = changedStreams(body, base, { model, first, applied });
      const wide = (stream: Value) => body.reshape(body.cast(stream, "float64"), ["seq", embed]);
      const found = changed.slice(1).map((stream, index) => {
        const difference = body.sub(
          body.cast(stream, "float32"),
          body.cast(base[first + 1 + index] as Value, "float32"),
        );
        return spanSums(body, wide(difference), { spanned, keeps });
      });
      const stack = (values: readonly Value[]) =>
        body.concat(values.map((value) => body.unsqueeze(value, [0])), { axis: 0 });
      const norm = (stream: Value) => {
        const x = wide(stream);
        const meanSquare = body.reduce("mean", body.mul(x, x), { axes: [1], keepdims: true });
        const rms = body.apply("Sqrt", [body.add(meanSquare, body.scalar("float64", config.rmsNormEps))]);
        return body.div(body.mul(x, gain), rms);
      };
      const normDifference = body.sub(norm(changed.at(-1) as Value), norm(base.at(-1) as Value));
      const firstSpan = (values: Value) =>
        body.reshape(body.slice(values, { axis: 0, start: 0, end: 1 }), [embed]);
      const rounded = body.cast(body.cast(normDifference, "float32"), "float64");
      return {
        goOn: body.scalar("bool", 1),
        carried: [
          body.add(sums as Value, stack(found.map((layer) => layer.sums))),
          body.add(directions as Value, stack(found.map((layer) => firstSpan(layer.directions)))),
          body.add(counts as Value, stack(found.map((layer) => layer.counts))),
        ],
        collected: [
          firstSpan((found.at(-1) as SpanSums).sum),
          firstSpan(body.matMul(spanned, rounded)),
        ],
      };
    },
  }) as [Value, Value, Value, Value, Value];
  g.output(DIFFERENCE_NAMES.sums, sums);
  g.output(DIFFERENCE_NAMES.directions, directions);
  g.output(DIFFERENCE_NAMES.counts, counts);
  g.output(DIFFERENCE_NAMES.last, last);
  g.output(DIFFERENCE_NAMES.normed, normed);
  return g.build();
}

interface SpanSums {
  /** S and S/|S|, [spans, embed] each */
  readonly sum: Value;
  readonly directions: Value;
  /** [spans, sums, embed] */
  readonly sums: Value;
  /** [spans, counts] */
  readonly counts: Value;
}

/** What one text adds to the sums of a layer: of rows [seq, embed] under weights [spans, seq]. */
function spanSums(
  g: GraphBuilder,
  rows: Value,
  options: { readonly spanned: Value; readonly keeps: Value },
): SpanSums {
  const { spanned, keeps } = options, one = g.scalar("float64", 1), zero = g.scalar("float64", 0);
  const along = { axes: [1], keepdims: true };
  const lengthOf = (values: Value) => g.apply("Sqrt", [g.reduce("sum", g.mul(values, values), along)]);
  const isZero = (values: Value) => g.cast(g.apply("Equal", [values, zero]), "float64");
  /** a / b, and 0 where b and with it a is zero. */
  const over = (a: Value, b: Value) => g.div(a, g.add(b, isZero(b)));
  const lengths = lengthOf(rows), still = isZero(lengths); // [seq, 1]
  const sum = g.matMul(spanned, rows), units = g.matMul(spanned, over(rows, lengths)); // [spans, embed]
  const fed = g.reduce("sum", spanned, along), unmoved = g.matMul(spanned, still); // [spans, 1]
  const counted = g.sub(fed, g.mul(unmoved, g.sub(one, keeps)));
  const length = lengthOf(sum), directions = over(sum, length);
  const own = g.reduce("sum", g.mul(units, directions), along);
  const sums = [sum, units, over(units, counted)].map((values) => g.unsqueeze(values, [1]));
  const counts = [
    own,
    over(own, counted),
    counted,
    g.sub(one, isZero(counted)),
    g.sub(one, isZero(length)),
    fed,
    unmoved,
  ];
  return {
    sum,
    directions,
    sums: g.concat(sums, { axis: 1 }),
    counts: g.concat(counts, { axis: 1 }),
  };
}
