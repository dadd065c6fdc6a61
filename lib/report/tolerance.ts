import { z } from "zod";
import { InputError } from "../core/mod.ts";
import { readJson } from "./_read_json.ts";
import type { MetricValue } from "./metric_value.ts";
import type { MetricCheck } from "./metrics.ts";

/** What one metric should be. */
export interface Expectation {
  /** Name of the metric. */
  readonly metric: string;
  /** Expected value in the metric's unit; null when "not applicable" is expected. */
  readonly expected: number | null;
  /** Largest absolute difference that passes, in the metric's unit. */
  readonly tolerance: number;
  /** Why the tolerance is what it is, say "spread over 5 seeds". */
  readonly reason: string;
}

/** Expected values of one table or figure: the content of `expected/full/<id>.json`. */
export interface ExpectationFile {
  /** Version of this format. */
  readonly schemaVersion: 1;
  /** Id of the table or figure. */
  readonly id: string;
  /** How the values were made: command, seeds, machine. */
  readonly madeBy: string;
  /** One entry per checked metric. */
  readonly checks: readonly Expectation[];
}

const EXPECTATIONS: z.ZodType<ExpectationFile> = z.strictObject({
  schemaVersion: z.literal(1),
  id: z.string().min(1),
  madeBy: z.string().min(1),
  checks: z.array(z.strictObject({
    metric: z.string().min(1),
    expected: z.number().nullable(),
    tolerance: z.number().min(0),
    reason: z.string().min(1),
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
 * const checks = [{ metric: "accuracy.base", expected: 40, tolerance: 2, reason: "spread over 5 seeds" }];
 * await Deno.writeTextFile(path, JSON.stringify({ schemaVersion: 1, id: "fig1", madeBy: "by hand", checks }));
 * const { checks: [check] } = await readExpectations(path, { id: "fig1" });
 * await Deno.remove(path);
 * if (check?.tolerance !== 2) throw new Error("the tolerance must come back");
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
 * Sets measured values beside expected ones. A value passes when it lies within the tolerance, ends included; a
 * value that is null or not finite fails unless null is expected. Values without expectation are listed as
 * not checked. `values` holds every metric of the item, null for those without a number.
 *
 * @throws InputError when an expectation names a metric that the item does not have.
 *
 * @example
 * ```ts
 * import { compareMetrics } from "./mod.ts";
 * const expected = [{ metric: "a", expected: 40, tolerance: 2, reason: "spread over seeds" }];
 * const [check] = compareMetrics([{ name: "a", value: 42, unit: "%" }], expected, { source: "expected/full/fig1.json" });
 * if (check?.verdict !== "pass") throw new Error("42 lies within 40 ± 2");
 * ```
 */
export function compareMetrics(
  values: readonly MetricValue[],
  expectations: readonly Expectation[],
  options: { readonly source: string },
): readonly MetricCheck[] {
  const { source } = options;
  const names = new Set(values.map(({ name }) => name));
  const unknown = expectations.find(({ metric }) => !names.has(metric));
  if (unknown !== undefined) {
    throw new InputError(`expected value for the unknown metric "${unknown.metric}"`, {
      where: source,
      repair: `use one of ${[...names].join(", ")}`,
    });
  }
  const byMetric = new Map(expectations.map((expectation) => [expectation.metric, expectation]));
  return values.map(({ name, value: measured }): MetricCheck => {
    const value = measured !== null && Number.isFinite(measured) ? measured : null;
    const expectation = byMetric.get(name);
    if (expectation === undefined) {
      return { metric: name, value, expected: null, tolerance: null, verdict: "not-checked", source: "" };
    }
    const { expected, tolerance } = expectation;
    const passes = expected === null
      ? measured === null
      // Both are decimal texts in files: a difference of exactly the tolerance must not fail by a rounding of 1e-15.
      : value !== null && Math.abs(value - expected) <= tolerance + 1e-12 * Math.abs(expected);
    return { metric: name, value, expected, tolerance, verdict: passes ? "pass" : "fail", source };
  });
}

function cell(value: number | null): string {
  return value === null ? "–" : String(Number(value.toPrecision(5)));
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
  const head = ["metric", "value", "expected", "tolerance", "verdict"];
  const rows = checks.map((check) => [
    check.metric,
    cell(check.value),
    cell(check.expected),
    cell(check.tolerance),
    check.verdict,
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length))
  );
  const line = (row: readonly string[]) =>
    row.map((item, column) => {
      const width = widths[column] as number;
      return column === 0 || column === 4 ? item.padEnd(width) : item.padStart(width);
    }).join("  ").trimEnd();
  return [head, ...rows].map(line).join("\n");
}
