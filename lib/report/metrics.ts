import { z } from "zod";
import { firstFault, parseJson } from "./_read_json.ts";
import { SOURCE_CLASS } from "./_source_class.ts";
import type { MetricValue, Uncertainty } from "./metric_value.ts";
import type { PaperComparison } from "./paper_comparison.ts";

/** Outcome of a comparison. */
export type CheckVerdict = "pass" | "fail" | "not-checked";

/** A value next to what it should be. */
export interface MetricCheck {
  /** Name of the value. */
  readonly metric: string;
  /** What was measured; null when missing or not a number. */
  readonly value: number | null;
  /** What was expected; null when nothing, or "not applicable", was. */
  readonly expected: number | null;
  /** Largest difference that passes; null when there is nothing to compare with. */
  readonly tolerance: number | null;
  /** Whether it holds. */
  readonly verdict: CheckVerdict;
  /** Where the expectation comes from. */
  readonly source: string;
  /** The value's interval beside the expected one, where one was recorded; a value passes with its interval alone. */
  readonly interval?: {
    readonly found: readonly [low: number, high: number] | null;
    readonly expected: readonly [low: number, high: number];
    readonly passes: boolean;
  } | undefined;
}

/** A statement of the paper, tested. */
export interface ClaimResult {
  /** Short name of the claim. */
  readonly claim: string;
  /** The statement in words. */
  readonly statement: string;
  /** Whether it holds here; null when it cannot be decided. */
  readonly holds: boolean | null;
  /** Why nothing measured here could decide it, however often; then `holds` is null. `@default` it could be decided */
  readonly unreadable?: string | undefined;
  /** The number that decides it. */
  readonly effect: { readonly name: string; readonly value: number | null; readonly unit: string };
  /** Interval of the effect; null where there is none. */
  readonly interval: { readonly level: number; readonly low: number; readonly high: number } | null;
  /** How the verdict follows from the effect, and its limits. */
  readonly note: string;
}

/** Everything measured for one table or figure: the content of `metrics.json`. Same inputs, same bytes. */
export interface Metrics {
  /** Version of this format. */
  readonly schemaVersion: 1;
  /** Id of the table or figure, say "fig1". */
  readonly id: string;
  /** Its title in words. */
  readonly title: string;
  /** Name of the profile: which models, asked what. */
  readonly profile: string;
  /** The measured numbers. */
  readonly values: readonly MetricValue[];
  /** The comparisons with expected numbers. */
  readonly checks: readonly MetricCheck[];
  /** The paper's statements, tested. */
  readonly claims: readonly ClaimResult[];
  /** The paper's numbers beside ours, where the item has such. */
  readonly paper?: PaperComparison;
  /** SHA-256 of everything the numbers were made from, by name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The seed of the run. */
  readonly seed: number;
  /** The device of the run. */
  readonly device: "cpu" | "cuda";
  /** Number format of the computation, say "float32". */
  readonly dtype: string;
  /** Versions of what computed the numbers, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

const text = z.string().min(1);
const level = z.number().gt(0).lt(1);
const UNCERTAINTY: z.ZodType<Uncertainty> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("interval"), level, low: z.number(), high: z.number() }),
  z.strictObject({ kind: z.literal("std"), over: text, std: z.number().min(0) }),
  z.strictObject({ kind: z.literal("range"), over: text, low: z.number(), high: z.number() }),
]);
const ENDS = z.tuple([z.number(), z.number()]);
// Keys stand in the order in which they are written.
const METRICS: z.ZodType<Metrics> = z.strictObject({
  schemaVersion: z.literal(1),
  id: text,
  title: text,
  profile: text,
  values: z.array(z.strictObject({
    name: text,
    value: z.number().nullable(),
    unit: z.string(),
    uncertainty: UNCERTAINTY.optional(),
    note: text.optional(),
  })).refine(
    (values) => new Set(values.map(({ name }) => name)).size === values.length,
    "names must be unique",
  ),
  checks: z.array(z.strictObject({
    metric: text,
    value: z.number().nullable(),
    expected: z.number().nullable(),
    tolerance: z.number().min(0).nullable(),
    verdict: z.enum(["pass", "fail", "not-checked"]),
    source: z.string(),
    interval: z.exactOptional(z.strictObject({
      found: ENDS.nullable(),
      expected: ENDS,
      passes: z.boolean(),
    })),
  })),
  claims: z.array(z.strictObject({
    claim: text,
    statement: text,
    holds: z.boolean().nullable(),
    unreadable: text.optional(),
    effect: z.strictObject({ name: text, value: z.number().nullable(), unit: z.string() }),
    interval: z.strictObject({ level, low: z.number(), high: z.number() }).nullable(),
    note: z.string(),
  })),
  paper: z.exactOptional(z.strictObject({
    model: text,
    numbers: z.array(z.strictObject({
      metric: text,
      unit: text,
      ours: z.number().nullable(),
      paper: z.number().nullable(),
      std: z.number().min(0).nullable(),
      source: SOURCE_CLASS.nullable(),
    })),
  })),
  inputs: z.record(z.string(), text),
  seed: z.number().int(),
  device: z.enum(["cpu", "cuda"]),
  dtype: text,
  versions: z.record(z.string(), text),
});

/** Significant digits kept in `metrics.json`: more than any measurement here carries. */
export const METRIC_DIGITS = 9;

function sortedRecord(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1));
}

/**
 * The bytes of `metrics.json`: keys in the order of the format (names of inputs and versions sorted), numbers rounded
 * to `METRIC_DIGITS` significant digits, a newline at the end.
 *
 * @throws TypeError when the metrics do not have the format, NaN and infinities included.
 *
 * @example
 * ```ts
 * import { parseMetrics, serializeMetrics } from "./mod.ts";
 * const text = serializeMetrics({
 *   schemaVersion: 1, id: "fig1", title: "Accuracy by layer", profile: "embedded",
 *   values: [{ name: "accuracy.base", value: 100 / 3, unit: "%" }],
 *   checks: [], claims: [], inputs: { model: "ab12" }, seed: 0, device: "cpu", dtype: "float32", versions: {},
 * });
 * if (parseMetrics(text, "metrics.json").values[0]?.value !== 33.3333333) throw new Error("nine digits expected");
 * ```
 */
export function serializeMetrics(metrics: Metrics): string {
  const result = METRICS.safeParse(metrics);
  if (!result.success) {
    throw new TypeError(
      `Cannot write metrics of "${metrics.id}" as a field is wrong: ${firstFault(result.error)}`,
    );
  }
  const ordered = {
    ...result.data,
    inputs: sortedRecord(result.data.inputs),
    versions: sortedRecord(result.data.versions),
  };
  const round = (_key: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(METRIC_DIGITS)) : value;
  return `${JSON.stringify(ordered, round, 2)}\n`;
}

/**
 * Reads the text of a `metrics.json`; `where` names the file in errors.
 *
 * @throws InputError when it is not JSON or does not have the format.
 *
 * @example
 * ```ts
 * import { parseMetrics } from "./mod.ts";
 * let message = "";
 * try { parseMetrics("{", "out/metrics.json"); } catch (error) { message = (error as Error).message; }
 * if (!message.includes("out/metrics.json")) throw new Error("the error must name the file");
 * ```
 */
export function parseMetrics(text: string, where: string): Metrics {
  return parseJson(text, {
    schema: METRICS,
    what: "metrics file",
    where,
    repair: "reproduce the item again",
  });
}
