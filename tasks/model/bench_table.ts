import { alignedLines } from "../../lib/report/mod.ts";
import { z } from "zod";

/** File of a benchmark's scratch folder in which it tells what its iterations do. */
export const CASES_FILE = "cases.json";

const amount = z.number().nonnegative();

/** One stretch of work that has to end before the next begins: least arithmetic, least traffic with memory. */
const PHASE = z.strictObject({ flops: amount, bytes: amount });

const CASE = z.strictObject({
  name: z.string().min(1),
  unit: z.enum(["GFLOP/s", "GB/s", "tokens/s", "µs/token", "ms"]),
  tokens: amount,
  phases: z.array(PHASE).min(1),
  over: z.string().optional(),
  goal: z.string().optional(),
});

const PEAK = z.strictObject({ peakBytes: amount, seconds: amount });

const MEMORY = PEAK.extend({ name: z.string().min(1), neededBytes: amount.nullable() });

const SHARES = z.strictObject({
  name: z.string().min(1),
  shares: z.array(z.strictObject({ kind: z.string(), share: z.number().min(0).max(1) })),
});

/** Least work of a benchmark, in floating-point operations and bytes. */
export type Phase = z.infer<typeof PHASE>;

/** What one iteration of a benchmark does, told by the file that measures it. */
export type BenchCase = z.infer<typeof CASE>;

/** Peak memory of one program and the time of its work, once it has done it before. */
export type Peak = z.infer<typeof PEAK>;

/** That of a program of ours, and the bytes that it could not have done without; null for the empty program. */
export type MemoryPeak = z.infer<typeof MEMORY>;

/** One line of the table of memory: a program of ours, and PyTorch's for the same work where it was asked for. */
export interface MemoryRow extends MemoryPeak {
  readonly peer: Peak | null;
}

/** Shares of the time of one kind of work, by kind of node, the largest first. */
export type NodeShares = z.infer<typeof SHARES>;

/** Seconds per iteration, as `deno bench` measured them. */
export interface Timing {
  readonly averageSeconds: number;
  readonly leastSeconds: number;
}

/** What the machine can do at most, measured in the same run. */
export interface Rates {
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** One line of the table. `floor` is in the row's unit; null where there is none. */
interface BenchRow {
  readonly quantity: string;
  readonly unit: string;
  readonly measured: number;
  readonly best: number;
  readonly floor: number | null;
  readonly share: number | null;
}

/** Reads the cases that a benchmark file has told of. */
export function parseCases(text: string): readonly BenchCase[] {
  return z.array(CASE).parse(JSON.parse(text));
}

/** Reads the answer of the profiling program. */
export function parseShares(text: string): NodeShares {
  return SHARES.parse(JSON.parse(text));
}

/** Kinds of node that take at least so much of the time are named. */
const NAMED_SHARE = 0.01;

/** Where the time goes, as one line of text: kinds of node with their share, and what the others take together. */
export function sharesLine({ name, shares }: NodeShares): string {
  const named = shares.filter(({ share }) => share >= NAMED_SHARE);
  const rest = 1 - named.reduce((sum, { share }) => sum + share, 0);
  const text = (kind: string, share: number) => `${kind} ${(share * 100).toFixed(0)} %`;
  return `${name}: ${
    [...named.map(({ kind, share }) => text(kind, share)), text("others", rest)].join(", ")
  }`;
}

/** Reads the answer of PyTorch's memory program. */
export function parsePeak(text: string): Peak {
  return PEAK.parse(JSON.parse(text));
}

/** Reads the answer of the memory program. */
export function parseMemory(text: string): MemoryPeak {
  return MEMORY.parse(JSON.parse(text));
}

const REPORT = z.object({
  cpu: z.string(),
  benches: z.array(z.object({
    name: z.string(),
    results: z.array(z.union([
      z.object({ ok: z.object({ avg: z.number().positive(), min: z.number().positive() }) }),
      z.object({ failed: z.object({ exceptionMessage: z.string() }) }),
    ])).min(1),
  })),
});

/**
 * Reads what `deno bench --json` printed: processor, and seconds by name. A benchmark that failed is an error that
 * carries its message. Text before the report is what a file wrote while it was loaded, and is left out.
 */
export function parseReport(
  text: string,
): { readonly cpu: string; readonly timings: ReadonlyMap<string, Timing> } {
  const start = text.search(/^\{$/m);
  if (start < 0) throw new Error(`deno bench gave no report: ${text.slice(0, 200)}`);
  const report = REPORT.parse(JSON.parse(text.slice(start)));
  const timings = new Map<string, Timing>();
  for (const { name, results } of report.benches) {
    for (const result of results) {
      if ("failed" in result) {
        throw new Error(`benchmark "${name}" failed: ${result.failed.exceptionMessage}`);
      }
      timings.set(name, { averageSeconds: result.ok.avg / 1e9, leastSeconds: result.ok.min / 1e9 });
    }
  }
  return { cpu: report.cpu, timings };
}

/** Least seconds for phases at the machine's rates: each phase is bound by arithmetic or by memory. */
export function floorSeconds(phases: readonly Phase[], rates: Rates): number {
  return phases.reduce(
    (sum, { flops, bytes }) => sum + Math.max(flops / rates.flopsPerSecond, bytes / rates.bytesPerSecond),
    0,
  );
}

function timingOf(name: string, timings: ReadonlyMap<string, Timing>): Timing {
  const timing = timings.get(name);
  if (timing === undefined) throw new RangeError(`Cannot report "${name}" as no benchmark has that name`);
  return timing;
}

/** The highest rates that the cases in GFLOP/s and GB/s came to, in their best iteration. */
export function measuredRates(cases: readonly BenchCase[], timings: ReadonlyMap<string, Timing>): Rates {
  const highest = (unit: "GFLOP/s" | "GB/s", kind: keyof Phase) => {
    const rates = cases.filter((one) => one.unit === unit).map((one) =>
      total(one.phases, kind) / timingOf(one.name, timings).leastSeconds
    );
    if (rates.length === 0) throw new RangeError(`Cannot give floors as no benchmark is in ${unit}`);
    return Math.max(...rates);
  };
  return { flopsPerSecond: highest("GFLOP/s", "flops"), bytesPerSecond: highest("GB/s", "bytes") };
}

function total(phases: readonly Phase[], kind: keyof Phase): number {
  return phases.reduce((sum, phase) => sum + phase[kind], 0);
}

/** A case's value in its unit, when one iteration takes so many seconds. */
function inUnit(one: BenchCase, seconds: number): number {
  switch (one.unit) {
    case "GFLOP/s":
      return total(one.phases, "flops") / seconds / 1e9;
    case "GB/s":
      return total(one.phases, "bytes") / seconds / 1e9;
    case "tokens/s":
      return one.tokens / seconds;
    case "µs/token":
      return seconds * 1e6 / one.tokens;
    case "ms":
      return seconds * 1e3;
  }
}

/** Rows of the timed cases; a case with `over` gets a second row, its time over that of the case it names. */
export function timeRows(
  cases: readonly BenchCase[],
  options: { readonly timings: ReadonlyMap<string, Timing>; readonly rates: Rates },
): readonly BenchRow[] {
  const { timings, rates } = options;
  return cases.flatMap((one) => {
    const timing = timingOf(one.name, timings);
    const isRate = one.unit === "GFLOP/s" || one.unit === "GB/s";
    const least = floorSeconds(one.phases, rates);
    const row: BenchRow = {
      quantity: one.name,
      unit: one.unit,
      measured: inUnit(one, timing.averageSeconds),
      best: inUnit(one, timing.leastSeconds),
      floor: isRate ? null : inUnit(one, least),
      share: isRate ? null : least / timing.averageSeconds,
    };
    const base = cases.find((other) => other.name === one.over);
    if (base === undefined) return [row];
    const below = timingOf(base.name, timings);
    const ratio: BenchRow = {
      quantity: `  over "${base.name}"${one.goal === undefined ? "" : ` (goal ${one.goal})`}`,
      unit: "×",
      measured: timing.averageSeconds / below.averageSeconds,
      best: timing.leastSeconds / below.leastSeconds,
      floor: least / floorSeconds(base.phases, rates), // of two floors: a guide, and no bound
      share: null,
    };
    return [row, ratio];
  });
}

/** Three digits at least, no exponent: "0.125", "12.5", "48210". */
function numberText(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** The table as lines of text. */
export function tableLines(rows: readonly BenchRow[]): readonly string[] {
  const cells = rows.map(({ quantity, unit, measured, best, floor, share }) => [
    quantity,
    numberText(measured),
    numberText(best),
    floor === null ? "" : numberText(floor),
    unit,
    share === null ? "" : `${numberText(share * 100)} %`,
  ]);
  return alignedLines([["quantity", "measured", "best", "floor", "unit", "share"], ...cells], [0, 4]);
}

/** The table of memory as lines of text: peaks of whole processes. */
export function memoryLines(rows: readonly MemoryRow[]): readonly string[] {
  const mib = (bytes: number) => numberText(bytes / 2 ** 20);
  const withPeers = rows.some(({ peer }) => peer !== null);
  const cells = rows.map(({ name, peakBytes, neededBytes, seconds, peer }) => [
    name,
    mib(peakBytes),
    neededBytes === null ? "" : mib(neededBytes),
    numberText(seconds),
    ...(withPeers ? peer === null ? ["", ""] : [mib(peer.peakBytes), numberText(peer.seconds)] : []),
  ]);
  const head = ["peak memory", "MiB", "floor", "seconds", ...(withPeers ? ["PyTorch MiB", "seconds"] : [])];
  return alignedLines([head, ...cells]);
}
