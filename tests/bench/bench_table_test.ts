import { assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type BenchCase,
  floorSeconds,
  measuredRates,
  memoryLines,
  parseCases,
  parseMemory,
  parseReport,
  parseShares,
  sharesLine,
  tableLines,
  timeRows,
  type Timing,
} from "../../tasks/model/bench_table.ts";

const RATES = { flopsPerSecond: 100e9, bytesPerSecond: 10e9 };

const timings = (seconds: Readonly<Record<string, number>>): ReadonlyMap<string, Timing> =>
  new Map(
    Object.entries(seconds).map((
      [name, value],
    ) => [name, { averageSeconds: 2 * value, leastSeconds: value }]),
  );

const result = (body: string): string => `{\n  "version": 1,\n  "cpu": "a cpu",\n  "benches": [${body}]\n}\n`;

Deno.test("parseReport() reads nanoseconds as seconds, whatever a file printed before", () => {
  const body = `{"name": "x", "group": null, "results": [{"ok": {"n": 4, "avg": 5e7, "min": 2.5e7}}]}`;
  const { cpu, timings } = parseReport(`hello {\n${result(body)}`);
  assertEquals(cpu, "a cpu");
  assertEquals(timings.get("x"), { averageSeconds: 0.05, leastSeconds: 0.025 });
});

Deno.test("parseReport() throws what a failed benchmark threw", () => {
  const body = `{"name": "x", "results": [{"failed": {"exceptionMessage": "Uncaught Error: boom"}}]}`;
  const error = assertThrows(() => parseReport(result(body)), Error);
  assertStringIncludes(error.message, `benchmark "x" failed: Uncaught Error: boom`);
  assertThrows(() => parseReport("nothing of the kind"), Error, "no report");
});

Deno.test("parseCases() and parseMemory() refuse what the table cannot show", () => {
  const one = { name: "x", unit: "ms", tokens: 0, phases: [{ flops: 1, bytes: 2 }] };
  assertEquals(parseCases(JSON.stringify([one])), [one as BenchCase]);
  assertThrows(() => parseCases(JSON.stringify([{ ...one, unit: "hours" }])));
  assertThrows(() => parseCases(JSON.stringify([{ ...one, phases: [] }])));
  assertThrows(() =>
    parseMemory(JSON.stringify({ name: "x", peakBytes: -1, neededBytes: null, seconds: 1 }))
  );
});

Deno.test("floorSeconds() takes the slower of arithmetic and memory in each phase", () => {
  assertEquals(floorSeconds([{ flops: 200e9, bytes: 5e9 }, { flops: 1e9, bytes: 10e9 }], RATES), 2 + 1);
});

Deno.test("measuredRates() takes the best iteration of the best case", () => {
  const cases: BenchCase[] = [
    { name: "small", unit: "GFLOP/s", tokens: 0, phases: [{ flops: 10e9, bytes: 0 }] },
    { name: "large", unit: "GFLOP/s", tokens: 0, phases: [{ flops: 80e9, bytes: 0 }] },
    { name: "copy", unit: "GB/s", tokens: 0, phases: [{ flops: 0, bytes: 3e9 }] },
  ];
  const measured = measuredRates(cases, timings({ small: 0.5, large: 2, copy: 0.25 }));
  assertEquals(measured, { flopsPerSecond: 40e9, bytesPerSecond: 12e9 });
  assertThrows(() => measuredRates(cases.slice(0, 2), timings({ small: 1, large: 1 })), RangeError, "GB/s");
});

Deno.test("timeRows() gives value, floor and share in the case's unit, and a ratio under a case with `over`", () => {
  const phases = [{ flops: 50e9, bytes: 0 }]; // half a second at the least
  const cases: BenchCase[] = [
    { name: "rate", unit: "tokens/s", tokens: 100, phases },
    { name: "cost", unit: "µs/token", tokens: 100, phases, over: "rate", goal: "≤ 2.5" },
    { name: "time", unit: "ms", tokens: 0, phases },
  ];
  const rows = timeRows(cases, { timings: timings({ rate: 1, cost: 2, time: 1 }), rates: RATES });
  const [rate, cost, ratio, time] = rows;
  assertEquals(rate, {
    quantity: "rate",
    unit: "tokens/s",
    measured: 50,
    best: 100,
    floor: 200,
    share: 0.25,
  });
  assertAlmostEquals(cost?.measured ?? 0, 40_000, 1e-6);
  assertAlmostEquals(cost?.floor ?? 0, 5000, 1e-6);
  assertAlmostEquals(cost?.share ?? 0, 0.125, 1e-12);
  assertEquals([ratio?.measured, ratio?.best, ratio?.floor, ratio?.share], [2, 2, 1, null]);
  assertStringIncludes(ratio?.quantity ?? "", "≤ 2.5");
  assertEquals([time?.measured, time?.floor, time?.share], [2000, 500, 0.25]);
});

Deno.test("timeRows() throws for a case that was not measured", () => {
  const one: BenchCase = { name: "x", unit: "ms", tokens: 0, phases: [{ flops: 1, bytes: 0 }] };
  assertThrows(() => timeRows([one], { timings: new Map(), rates: RATES }), RangeError, `"x"`);
});

Deno.test("memoryLines() gives whole processes, and PyTorch's beside them where they were measured", () => {
  const own = { name: "work", peakBytes: 300 * 2 ** 20, neededBytes: 150 * 2 ** 20, seconds: 1.234 };
  const empty = { name: "an empty program", peakBytes: 2 ** 27, neededBytes: null, seconds: 0, peer: null };
  assertEquals(memoryLines([empty, { ...own, peer: null }]), [
    "peak memory       MiB  floor  seconds",
    "an empty program  128               0",
    "work              300    150     1.23",
  ]);
  assertEquals(memoryLines([empty, { ...own, peer: { peakBytes: 2 ** 30, seconds: 20 } }]), [
    "peak memory       MiB  floor  seconds  PyTorch MiB  seconds",
    "an empty program  128               0",
    "work              300    150     1.23         1024       20",
  ]);
});

Deno.test("tableLines() lines numbers up on the right and leaves no blanks at the end", () => {
  const lines = tableLines([
    { quantity: "a", unit: "ms", measured: 1234.5, best: 0.12345, floor: null, share: null },
    { quantity: "longer", unit: "tokens/s", measured: 12.34, best: 1, floor: 99.96, share: 0.5 },
  ]);
  assertEquals(lines, [
    "quantity  measured   best  floor  unit      share",
    "a             1235  0.123         ms",
    "longer        12.3      1    100  tokens/s   50 %",
  ]);
});

Deno.test("sharesLine() names kinds of node from one per cent on, and sums the others", () => {
  const shares = [["MatMul", 0.7], ["Add", 0.285], ["Exp", 0.009], ["Neg", 0.006]] as const;
  const text = JSON.stringify({ name: "work", shares: shares.map(([kind, share]) => ({ kind, share })) });
  assertEquals(sharesLine(parseShares(text)), "work: MatMul 70 %, Add 28 %, others 2 %");
  assertThrows(() => parseShares('{"name": "work", "shares": [{"kind": "Add", "share": 2}]}'));
});
