import type { MetricCheck } from "./metrics.ts";
import type { MetricValue } from "./metric_value.ts";
import type { PaperItem, PaperValue } from "./paper.ts";

/** Units of what is chosen in training rather than measured: a sound choice may differ from the published one. */
const CHOSEN: readonly string[] = ["per step", "steps"];

/** Whole numbers below this are counts and written whole; larger ones are rounded as decimals are. */
const WRITTEN_WHOLE = 1e6;

/** Standard deviations on either side that hold 95 % of a normal distribution. */
const TWO_SIDED = 1.96;

/** One unit of the last digit that a number of the paper is written with; 0 for a count. */
function lastDigit(value: number): number {
  if (Number.isInteger(value) && Math.abs(value) < WRITTEN_WHOLE) return 0;
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  return 10 ** (Number(exponent) - (digits.replace("-", "").length - (digits.includes(".") ? 2 : 1)));
}

/** Half the width of our 95 % interval on the side of the paper's number; null where there is none. */
function ourHalf({ value, uncertainty }: MetricValue, paper: number): number | null {
  if (value === null || uncertainty === undefined) return null;
  if (uncertainty.kind === "std") return TWO_SIDED * uncertainty.std;
  return Math.max(0, paper < value ? value - uncertainty.low : uncertainty.high - value);
}

function checkOf(ours: MetricValue | undefined, paper: PaperValue, source: string): MetricCheck {
  const { name: metric, value: expected } = paper, value = ours?.value ?? null;
  const unchecked: MetricCheck = { metric, value, expected, tolerance: null, verdict: "not-checked", source };
  if (expected === null || CHOSEN.includes(paper.unit) || value === null || ours === undefined) {
    return unchecked;
  }
  const half = ourHalf(ours, expected) ?? 0, theirs = TWO_SIDED * (paper.std ?? 0);
  const tolerance = Math.hypot(half, theirs) + lastDigit(expected);
  return { ...unchecked, tolerance, verdict: Math.abs(value - expected) <= tolerance ? "pass" : "fail" };
}

/**
 * Every attested number of the paper as a check on ours, for a study of the paper's own models: the two may differ by
 * the paper's ± and our interval combined (both as 95 %, at right angles), and by one unit of the last digit that the
 * paper writes. Not checked is what the paper does not say, what training chooses (rates and checkpoints), and what is
 * not applicable here.
 *
 * @example
 * ```ts
 * import { paperChecks, readPaperItem } from "./mod.ts";
 * const item = await readPaperItem("./fixtures/paper/fig1.json", { item: "fig1" });
 * const uncertainty = { kind: "interval", level: 0.95, low: 13, high: 19 } as const;
 * const values = [{ name: "accuracy.base.sampling", value: 16, unit: "%", uncertainty }];
 * const check = paperChecks(values, item, { source: "fixtures/paper/fig1.json" })
 *   .find(({ metric }) => metric === "accuracy.base.sampling");
 * // |16 − 14.3| against the root of 3² + (1.96 · 1.7)², and 0.1.
 * if (check?.verdict !== "pass" || Math.abs((check.tolerance ?? 0) - 4.585) > 0.01) throw new Error("within both errors");
 * ```
 */
export function paperChecks(
  values: readonly MetricValue[],
  paper: PaperItem,
  options: { readonly source: string },
): readonly MetricCheck[] {
  const ours = new Map(values.map((value) => [value.name, value]));
  return paper.values.filter(({ value }) => value !== null).map((known) =>
    checkOf(ours.get(known.name), known, options.source)
  );
}
