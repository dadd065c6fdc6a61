import { alignedLines } from "./aligned_lines.ts";
import { z } from "zod";
import { InputError } from "../core/mod.ts";
import { readJson } from "./_read_json.ts";
import type { MetricValue } from "./metric_value.ts";
import type { ClaimResult, MetricCheck } from "./metrics.ts";

/** What a value should be, how far it may lie from it, and why. */
export interface ExpectedValue {
  /** Expected value in the metric's unit; null when "not applicable" is expected. */
  readonly expected: number | null;
  /** Largest absolute difference that passes, in the metric's unit. */
  readonly tolerance: number;
  /** Why the tolerance is what it is. */
  readonly reason: string;
}

/** What one metric should be: at the recorded first seed, and at any other. */
export interface Expectation extends ExpectedValue {
  /** Name of the metric. */
  readonly metric: string;
  /** Ends of the value's interval at the recorded seed; each may move by twice the tolerance. `@default` it has none */
  readonly interval?: readonly [low: number, high: number];
  /** What it should be from other first seeds: an interval over seeds. Null where such a run is not compared. */
  readonly others: ExpectedValue | null;
}

/** Expected values of one table or figure: the content of `expected/full/<id>.json`. */
export interface ExpectationFile {
  /** Version of this format. */
  readonly schemaVersion: 2;
  /** Id of the table or figure. */
  readonly id: string;
  /** The first evaluation seed that the values themselves are of. */
  readonly seed: number;
  /** How the values were made: command, seeds, machine. */
  readonly madeBy: string;
  /** One entry per metric. */
  readonly checks: readonly Expectation[];
}

const EXPECTED_VALUE = {
  expected: z.number().nullable(),
  tolerance: z.number().min(0),
  reason: z.string().min(1),
};
const EXPECTATIONS: z.ZodType<ExpectationFile> = z.strictObject({
  schemaVersion: z.literal(2, "must be 2: record again"),
  id: z.string().min(1),
  seed: z.int().min(0),
  madeBy: z.string().min(1),
  checks: z.array(z.strictObject({
    metric: z.string().min(1),
    ...EXPECTED_VALUE,
    interval: z.exactOptional(z.tuple([z.number(), z.number()])),
    others: z.strictObject(EXPECTED_VALUE).nullable(),
  })).refine(
    (checks) => new Set(checks.map(({ metric }) => metric)).size === checks.length,
    "metrics must be unique",
  ),
});

/**
 * Reads `expected/full/<id>.json`.
 *
 * @throws InputError when the file is missing, does not have the format or is of another id.
 *
 * @example
 * ```ts
 * import { readExpectations } from "./mod.ts";
 * const path = await Deno.makeTempFile({ suffix: ".json" });
 * const checks = [{ metric: "accuracy.base", expected: 40, tolerance: 0.2, reason: "a forked answer", others: null }];
 * await Deno.writeTextFile(path, JSON.stringify({ schemaVersion: 2, id: "fig1", seed: 0, madeBy: "by hand", checks }));
 * const { checks: [check] } = await readExpectations(path, { id: "fig1" });
 * await Deno.remove(path);
 * if (check?.tolerance !== 0.2) throw new Error("the tolerance must come back");
 * ```
 */
export async function readExpectations(
  path: string,
  options: { readonly id: string },
): Promise<ExpectationFile> {
  const repair = "record expected values again";
  const file = await readJson(path, { schema: EXPECTATIONS, what: "file of expected values", repair });
  if (file.id !== options.id) {
    throw new InputError(`expected values are of "${file.id}", not of "${options.id}"`, {
      where: path,
      repair,
    });
  }
  return file;
}

/**
 * Everything of an item that is compared: its values, and of each claim the verdict (1 holds, 0 does not, null is open)
 * and the effect that decides it.
 *
 * @example
 * ```ts
 * import { comparedValues } from "./mod.ts";
 * const claim = { claim: "c", statement: "…", holds: true, effect: { name: "gain", value: 7, unit: "points" } };
 * const found = comparedValues({ values: [], claims: [{ ...claim, interval: null, note: "" }] });
 * if (found.map(({ name, value }) => `${name} ${value}`).join() !== "claim.c 1,claim.c.effect 7") throw new Error("two");
 * ```
 */
export function comparedValues(
  found: { readonly values: readonly MetricValue[]; readonly claims: readonly ClaimResult[] },
): readonly MetricValue[] {
  const ofClaims = found.claims.flatMap(({ claim, holds, effect, interval }): MetricValue[] => [
    { name: `claim.${claim}`, value: holds === null ? null : Number(holds), unit: "verdict" },
    {
      name: `claim.${claim}.effect`,
      value: effect.value,
      unit: effect.unit,
      ...(interval === null ? {} : { uncertainty: { kind: "interval", ...interval } }),
    },
  ]);
  return [...found.values, ...ofClaims];
}

/** Both are decimal texts in files: a difference of exactly the tolerance must not fail by a rounding of 1e-15. */
function within(value: number, { expected, tolerance }: { expected: number; tolerance: number }): boolean {
  return Math.abs(value - expected) <= tolerance + 1e-12 * Math.abs(expected);
}

/** The interval of a value beside the one that is expected; null where there is nothing to compare. */
function comparedInterval({ uncertainty }: MetricValue, expectation: Expectation): MetricCheck["interval"] {
  const { interval: expected, tolerance } = expectation;
  if (expected === undefined) return undefined;
  const found = uncertainty?.kind === "interval" ? [uncertainty.low, uncertainty.high] as const : null;
  const passes = found !== null &&
    found.every((end, at) => within(end, { expected: expected[at] as number, tolerance: 2 * tolerance }));
  return { found, expected, passes };
}

/**
 * Sets measured values beside expected ones: those of the recorded seed, with their intervals, or those of other first
 * seeds. A value passes when it lies within the tolerance, ends included; a value that is null or not finite fails unless
 * null is expected. Values without expectation are listed as not checked. `values` holds every metric of the item, null
 * for those without a number.
 *
 * @throws InputError when an expectation names a metric that the item does not have.
 *
 * @example
 * ```ts
 * import { compareMetrics } from "./mod.ts";
 * const others = { expected: 41, tolerance: 4, reason: "the spread over seeds" };
 * const expected = [{ metric: "a", expected: 40, tolerance: 0.1, reason: "a forked answer", others }];
 * const verdict = (at: "recorded" | "other") =>
 *   compareMetrics([{ name: "a", value: 42, unit: "%" }], expected, { source: "expected/full/fig1.json", at })[0]?.verdict;
 * if (verdict("recorded") !== "fail" || verdict("other") !== "pass") throw new Error("42 is another seed's value");
 * ```
 */
export function compareMetrics(
  values: readonly MetricValue[],
  expectations: readonly Expectation[],
  options: {
    /** Where the expectations come from. */
    readonly source: string;
    /** Whether the values are of the first seed that was recorded. */
    readonly at: "recorded" | "other";
  },
): readonly MetricCheck[] {
  const { source, at } = options;
  const names = new Set(values.map(({ name }) => name));
  const unknown = expectations.find(({ metric }) => !names.has(metric));
  if (unknown !== undefined) {
    throw new InputError(`expected value for the unknown metric "${unknown.metric}"`, {
      where: source,
      repair: `use one of ${[...names].join(", ")}`,
    });
  }
  const byMetric = new Map(expectations.map((expectation) => [expectation.metric, expectation]));
  return values.map((measured): MetricCheck => {
    const { name } = measured;
    const value = measured.value !== null && Number.isFinite(measured.value) ? measured.value : null;
    const expectation = byMetric.get(name);
    const compared = at === "recorded" ? expectation : expectation?.others;
    if (expectation === undefined || compared === undefined || compared === null) {
      return { metric: name, value, expected: null, tolerance: null, verdict: "not-checked", source: "" };
    }
    const { expected, tolerance } = compared;
    const interval = at === "recorded" ? comparedInterval(measured, expectation) : undefined;
    const passes = expected === null
      ? measured.value === null
      : value !== null && within(value, { expected, tolerance }) && interval?.passes !== false;
    return {
      metric: name,
      value,
      expected,
      tolerance,
      verdict: passes ? "pass" : "fail",
      source,
      ...(interval === undefined ? {} : { interval }),
    };
  });
}

function cell(value: number | null): string {
  return value === null ? "–" : String(Number(value.toPrecision(5)));
}

/** The verdict in words; where the interval alone is not the expected one, it is shown with what it should be. */
function verdictCell({ verdict, interval, value, expected, tolerance }: MetricCheck): string {
  if (interval?.passes !== false || value === null || expected === null || tolerance === null) return verdict;
  if (!within(value, { expected, tolerance })) return verdict;
  const text = (ends: readonly [number, number] | null) =>
    ends === null ? "none" : `[${cell(ends[0])}, ${cell(ends[1])}]`;
  return `${verdict} (interval ${text(interval.found)}, expected ${text(interval.expected)})`;
}

/**
 * The comparison as lines for a terminal: metric, value, expected, tolerance, verdict, in aligned columns.
 *
 * @example
 * ```ts
 * import { formatCheckTable } from "./mod.ts";
 * const check = { metric: "a", value: 42, expected: 40, tolerance: 2, verdict: "pass", source: "" } as const;
 * const [head, row] = formatCheckTable([check]).split("\n");
 * if (head !== "metric  value  expected  tolerance  verdict") throw new Error(head);
 * if (row !== "a          42        40          2  pass") throw new Error(row);
 * ```
 */
export function formatCheckTable(checks: readonly MetricCheck[]): string {
  const rows = checks.map((check) => [
    check.metric,
    cell(check.value),
    cell(check.expected),
    cell(check.tolerance),
    verdictCell(check),
  ]);
  return alignedLines([["metric", "value", "expected", "tolerance", "verdict"], ...rows], [0, 4]).join("\n");
}
