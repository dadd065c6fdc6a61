import { mean } from "../core/mod.ts";
import { FAMILIES } from "../problems/mod.ts";
import type { RecordedRun, ToleranceFloor } from "../report/mod.ts";
import { exactFloors } from "./_exact_floors.ts";
import type { StudySize } from "./laboratory.ts";

/**
 * Metrics that no expected value is recorded for: places in a ranking, which other tokens may take in another run, and
 * counts and ratios that follow from the others.
 */
export const UNCHECKED_METRICS: readonly string[] = [
  "shift.top_*",
  "features.top_*",
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
const CLAIM_REASON = "a claim close to its criterion may fall on either side";
const REASON = "near-ties of tokens may fall the other way on another processor";

function meanOf(runs: readonly RecordedRun[], metric: string): number {
  return mean(runs.map(({ values }) => values.find(({ name }) => name === metric)?.value ?? NaN));
}

/**
 * The smallest tolerances of recorded values. Two answers may fork by rounding alone: that is 2 · 100 / problems points
 * of an accuracy, and 2 / texts of a share of texts or of a mean Δp. A recovered share R = 100 (p − b) / (s − b) moves
 * by at most 2 · 100 · e / (s − b) for 0 ≤ R ≤ 100 when each of its three accuracies moves by e points; shares of
 * the gap between Skip-Attn and the penultimate vector, or of its gain over that of the last layer, likewise.
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
    { metrics: "*", unit: "%", least: points, reason: answers },
    { metrics: "*", unit: "points", least: 2 * points, reason: `${answers}, on either side of a difference` },
    { metrics: "*", unit: "probability", least: FORKED_ANSWERS / size.traced, reason: texts },
    { metrics: "*", unit: "share", least: FORKED_ANSWERS / size.traced, reason: texts },
    { metrics: "*", unit: "claims", least: 1, reason: CLAIM_REASON },
  ];
}
