import { mean, standardDeviation } from "../core/mod.ts";
import { FAMILIES } from "../problems/mod.ts";
import type { RecordedRun, ToleranceFloor } from "../report/mod.ts";
import { exactFloors } from "./_exact_floors.ts";
import type { StudySize } from "./study_size.ts";

/**
 * Metrics that no expected value is recorded for: what the tokens, features and texts are that take a place, which
 * others may take in another run, and counts and ratios that follow from other values.
 */
export const UNCHECKED_METRICS: readonly string[] = [
  "shift.top_*",
  "features.top_*",
  "features.before_result.top_*",
  "example_*",
  "*.texts",
  "*.truncated_texts",
  "*.rows_as_published",
  "normalised.*",
  "pairs.*",
  "positive.claim_*",
  "control.claim_*",
  "seeds.*",
];

/** Answers that may come out otherwise on another processor, whose sums round in another order. */
const FORKED_ANSWERS = 2;
/** Units of real numbers; one that is the same at every evaluation seed does not depend on answers. */
const REAL_UNITS: readonly string[] = ["cosine", "correlation", "dimensions", "length", "logits", "ratio"];
/** Units of numbers that have no bound of their own, most of them means over texts. */
const SCALED_UNITS: readonly string[] = [
  "% of tokens",
  "activation",
  "logits",
  "nats",
  "ratio",
  "share of attention",
  "standardised moment",
  "weight",
  "z",
];
/** Units of counts that forked answers, or near-ties in a ranking, move by one each. */
const COUNT_UNITS: readonly string[] = ["answers", "features", "layers", "rank", "texts"];
/** What float32 sums keep of a number that no answer has a part in, as a share of it. */
const SINGLE_PRECISION = 1e-4;
const CLAIM_REASON = "a claim close to its criterion may fall on either side";
const REASON = "near-ties of tokens may fall the other way on another processor";

/** Floors of single metrics: of numbers that no answer has a part in, and of those measured in units of their own size. */
function floorsBySize(runs: readonly RecordedRun[], size: StudySize): readonly ToleranceFloor[] {
  const found = new Map<string, { readonly unit: string; readonly values: number[] }>();
  for (const { name, unit, value } of runs.flatMap(({ values }) => values)) {
    if (value === null) continue;
    const { values } = found.get(name) ?? { values: [] };
    found.set(name, { unit, values: [...values, value] });
  }
  return [...found].flatMap(([metrics, { unit, values }]): readonly ToleranceFloor[] => {
    const typical = mean(values.map(Math.abs));
    if (REAL_UNITS.includes(unit) && values.length > 1 && new Set(values).size === 1) {
      const least = SINGLE_PRECISION * Math.max(typical, 1);
      return [{ metrics, unit, least, reason: "the same at every evaluation seed; float32 sums round" }];
    }
    if (!SCALED_UNITS.includes(unit)) return [];
    // Means over n texts scatter by σ/√n between seeds, and two texts lie √2 σ apart; one run tells the size alone.
    const apart = values.length > 1
      ? Math.SQRT2 * standardDeviation(values, { ddof: 1 }) * Math.sqrt(size.read)
      : typical;
    const least = Math.max(FORKED_ANSWERS / size.read * apart, SINGLE_PRECISION * typical);
    const reason =
      `${FORKED_ANSWERS} of ${size.read} texts, each as far off as two texts lie apart: ${REASON}`;
    return [{ metrics, unit, least, reason }];
  });
}

/** The floor of shares of listed tokens: two that nearly tie may swap with two that are not listed. */
function listFloors(runs: readonly RecordedRun[]): readonly ToleranceFloor[] {
  const listed = meanOf(runs, "listed_tokens");
  if (!(listed > 0)) return [];
  const reason = `${FORKED_ANSWERS} of ${listed} listed tokens: near-ties with tokens that are not listed`;
  return [{ metrics: "*", unit: "share", least: FORKED_ANSWERS / listed, reason }];
}

function meanOf(runs: readonly RecordedRun[], metric: string): number {
  return mean(runs.map(({ values }) => values.find(({ name }) => name === metric)?.value ?? NaN));
}

/**
 * The smallest tolerances of recorded values. Two answers may fork by rounding alone: that is 2 · 100 / problems points
 * of an accuracy, and 2 / texts of a share of texts or of a mean Δp. A recovered share R = 100 (p − b) / (s − b) moves
 * by at most 2 · 100 · e / (s − b) for 0 ≤ R ≤ 100 when each of its three accuracies moves by e points; shares of
 * the gap between Skip-Attn and the penultimate vector, or of its gain over that of the last layer, likewise. Means of
 * cosines move by 1 / texts with each text, means of other real numbers by 1 / texts of what two texts lie apart, which
 * the scatter between seeds tells; shares of listed tokens by two tokens, counts by two. What is the same at every
 * evaluation seed has float32's rounding alone.
 *
 * @example
 * ```ts
 * import { STUDY_SIZES, toleranceFloors } from "./mod.ts";
 * const floors = toleranceFloors([], STUDY_SIZES.full); // 6 · 32 problems
 * const shift = floors.find(({ unit }) => unit === "probability");
 * if (shift?.least !== 2 / 192) throw new Error("two of 192 texts");
 * ```
 */
export function toleranceFloors(runs: readonly RecordedRun[], size: StudySize): readonly ToleranceFloor[] {
  const problems = FAMILIES.length * size.problems, points = 100 * FORKED_ANSWERS / problems;
  const names = new Set(runs.flatMap(({ values }) => values.map(({ name }) => name)));
  // Shares end in the decoding; what lies before it names the part.
  const recovered = [...names].flatMap((name) => {
    const [kind, decoding] = [name.split(".")[0], name.split(".").at(-1)];
    const ends = kind === "recovered_share"
      ? ["last_layer", "base"]
      : kind === "gap_share"
      ? ["penultimate", "skip_attn"]
      : kind === "kept_share"
      ? ["penultimate", "last_layer"]
      : null;
    if (ends === null) return [];
    const [to, from] = ends.map((end) => meanOf(runs, `accuracy.${end}.${decoding}`)) as [number, number];
    const gain = Math.abs(to - from);
    if (!(gain > 0)) return [];
    const reason = `${FORKED_ANSWERS} of ${problems} answers of each condition over a gain of ${
      Number(gain.toPrecision(3))
    } points: ${REASON}`;
    return [{ metrics: name, unit: "%", least: 2 * 100 * points / gain, reason }];
  });
  const answers = `${FORKED_ANSWERS} of ${problems} answers: ${REASON}`;
  const texts = `${FORKED_ANSWERS} of ${size.traced} texts: ${REASON}`;
  return [
    ...recovered,
    ...exactFloors(runs),
    ...floorsBySize(runs, size),
    ...listFloors(runs),
    ...COUNT_UNITS.map((unit) => ({
      metrics: "*",
      unit,
      least: FORKED_ANSWERS,
      reason: `${FORKED_ANSWERS} of what is counted: ${REASON}`,
    })),
    { metrics: "*", unit: "%", least: points, reason: answers },
    { metrics: "*", unit: "points", least: 2 * points, reason: `${answers}, on either side of a difference` },
    { metrics: "*", unit: "probability", least: FORKED_ANSWERS / size.traced, reason: texts },
    { metrics: "*", unit: "share", least: FORKED_ANSWERS / size.traced, reason: texts },
    // What a cosine or a correlation is read on may be fewer texts; one of them moves the mean by 1 / texts.
    ...["cosine", "correlation"].map((unit) => ({
      metrics: "*",
      unit,
      least: FORKED_ANSWERS / size.read,
      reason: `${FORKED_ANSWERS} of ${size.read} texts: ${REASON}`,
    })),
    { metrics: "*", unit: "claims", least: 1, reason: CLAIM_REASON },
  ];
}

/**
 * What kind of measurement a metric is: accuracies of one item are one kind, since they are means over the same
 * problems and about as many answers; otherwise metrics whose names differ in numbers alone.
 *
 * @example
 * ```ts
 * import { metricKind } from "./mod.ts";
 * if (metricKind("accuracy.layer_3", "%") !== metricKind("accuracy.base.sampling", "%")) throw new Error("one kind");
 * if (metricKind("kl.position_0", "nats") !== metricKind("kl.position_12", "nats")) throw new Error("one kind");
 * if (metricKind("kl.first", "nats") === metricKind("kl.later", "nats")) throw new Error("two kinds");
 * ```
 */
export function metricKind(metric: string, unit: string): string {
  if (unit === "%" && metric.startsWith("accuracy.")) return "accuracy %";
  return `${metric.replaceAll(/\d+/g, "#")} ${unit}`;
}
