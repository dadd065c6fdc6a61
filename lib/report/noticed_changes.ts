import { alignedLines } from "./aligned_lines.ts";
import type { MetricCheck } from "./metrics.ts";

/** Changes of a value that a table of checks is asked about, as shares of the value. */
export const NOTICED_SHARES: readonly number[] = [0.01, 0.05, 0.2];

/** How sharp checks are. */
export interface NoticedChanges {
  /** Checks of a value other than 0, which a share of can be taken. */
  readonly checks: number;
  /** Of these, how many would fail if their expected value were off by each of `NOTICED_SHARES`. */
  readonly noticed: readonly number[];
  /** Of these, how many would pass a 0. */
  readonly acceptZero: number;
}

/**
 * How many checks would notice that their value changed by 1, 5 or 20 percent: those whose tolerance is narrower.
 *
 * @example
 * ```ts
 * import { noticedChanges } from "./mod.ts";
 * const check = { metric: "a", value: 50, expected: 50, tolerance: 1, verdict: "pass", source: "" } as const;
 * const { checks, noticed } = noticedChanges([check, { ...check, expected: 0 }]); // 1 is 2 % of 50
 * if (checks !== 1 || noticed.join() !== "0,1,1") throw new Error("5 % and 20 % are noticed");
 * ```
 */
export function noticedChanges(checks: readonly MetricCheck[]): NoticedChanges {
  const sized = checks.flatMap(({ expected, tolerance }) =>
    expected === null || expected === 0 || tolerance === null ? [] : [tolerance / Math.abs(expected)]
  );
  return {
    checks: sized.length,
    noticed: NOTICED_SHARES.map((share) => sized.filter((tolerance) => tolerance < share).length),
    acceptZero: sized.filter((tolerance) => tolerance >= 1).length,
  };
}

/**
 * The same for several items as lines for a terminal, with a sum.
 *
 * @example
 * ```ts
 * import { formatNoticedChanges } from "./mod.ts";
 * const check = { metric: "a", value: 50, expected: 50, tolerance: 1, verdict: "pass", source: "" } as const;
 * const lines = formatNoticedChanges([{ id: "fig1", checks: [check] }, { id: "fig2", checks: [check] }]).split("\n");
 * if (lines.at(-1) !== "all           2    0    2     2         0") throw new Error(lines.at(-1));
 * ```
 */
export function formatNoticedChanges(
  items: readonly { readonly id: string; readonly checks: readonly MetricCheck[] }[],
): string {
  const row = (id: string, checks: readonly MetricCheck[]) => {
    const { checks: count, noticed, acceptZero } = noticedChanges(checks);
    return [id, ...[count, ...noticed, acceptZero].map(String)];
  };
  const head = ["noticed", "checks", ...NOTICED_SHARES.map((share) => `${100 * share} %`), "accept 0"];
  return alignedLines([
    head,
    ...items.map(({ id, checks }) => row(id, checks)),
    row("all", items.flatMap(({ checks }) => checks)),
  ]).join("\n");
}
