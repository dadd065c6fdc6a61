import { assertEquals } from "@std/assert";
import { durationText, Progress, rateText } from "../../../tasks/command/progress.ts";
import { fakeTerminal } from "../_fake_terminal.ts";

Deno.test("Progress shows label, done of total, rate and time left", () => {
  const terminal = fakeTerminal([]);
  const progress = new Progress(terminal, { label: "training", total: 60 });
  terminal.setClock(20_000);
  progress.update(10, "reward 0.31");
  assertEquals(terminal.written.error, "training:  10/60 steps  0.5/s  1 min 40 s left  reward 0.31\n");
});

Deno.test("Progress gives a log a line every ten seconds at most, and one at the end", () => {
  const terminal = fakeTerminal([]);
  const progress = new Progress(terminal, { label: "a", total: 4, unit: "rollouts" });
  for (const [ms, done] of [[9_999, 1], [10_000, 2], [15_000, 3], [20_000, 4]] as const) {
    terminal.setClock(ms);
    progress.update(done);
  }
  progress.finish();
  const lines = terminal.written.error.trimEnd().split("\n");
  assertEquals(lines, [
    "a:  2/4 rollouts  0.2/s  10 s left",
    "a:  4/4 rollouts  0.2/s  20 s",
  ]);
});

Deno.test("Progress says nothing of short work in a log but its end", () => {
  const terminal = fakeTerminal([]);
  const progress = new Progress(terminal, { label: "a", total: 2 });
  terminal.setClock(500);
  progress.advance();
  progress.advance();
  assertEquals(terminal.written.error, "");
  progress.finish();
  assertEquals(terminal.written.error, "a:  2/2 steps  4/s  500 ms\n");
});

Deno.test("Progress draws over one line of a screen, at most ten times a second", () => {
  const terminal = fakeTerminal([], { interactive: true, columns: 200 });
  const progress = new Progress(terminal, { label: "a", total: 4 });
  terminal.setClock(1_000);
  progress.update(1);
  terminal.setClock(1_099);
  progress.update(2);
  terminal.setClock(1_100);
  progress.update(3);
  progress.finish();
  assertEquals(terminal.written.error.split("\r\x1b[2K").slice(1), [
    "a:  [#####...............]  1/4 steps  1/s  3 s left",
    "a:  [###############.....]  3/4 steps  2.73/s  367 ms left",
    "a:  [###############.....]  3/4 steps  2.73/s  367 ms left\n",
  ]);
});

Deno.test("Progress never writes a line as wide as the screen", () => {
  const terminal = fakeTerminal([], { interactive: true, columns: 30 });
  new Progress(terminal, { label: "a very long label of work", total: 4 }).update(1);
  assertEquals(terminal.written.error, `\r\x1b[2K${"a very long label of work:  [#####".slice(0, 29)}`);
});

Deno.test("Progress leaves steps of an earlier run out of the rate", () => {
  const terminal = fakeTerminal([]);
  const progress = new Progress(terminal, { label: "a", total: 100, from: 50 });
  assertEquals(progress.line(), "a:  50/100 steps");
  terminal.setClock(10_000);
  progress.advance(10);
  assertEquals(terminal.written.error, "a:  60/100 steps  1/s  40 s left\n");
});

Deno.test("Progress counts without a total", () => {
  const terminal = fakeTerminal([]);
  const progress = new Progress(terminal, { label: "a", total: null, unit: "files" });
  terminal.setClock(10_000);
  progress.update(5);
  assertEquals(terminal.written.error, "a:  5 files  0.5/s  10 s\n");
});

Deno.test("Progress shows nothing when quiet", () => {
  const terminal = fakeTerminal([]);
  const progress = new Progress(terminal, { label: "a", total: 4, quiet: true });
  terminal.setClock(60_000);
  progress.update(4);
  progress.finish();
  assertEquals(terminal.written.error, "");
});

Deno.test("durationText() and rateText() suit people", () => {
  const times = [0, 999, 59_400, 59_600, 3_599_000, 3_600_000, 7_320_000, Infinity];
  assertEquals(times.map(durationText), [
    ..."0 ms|999 ms|59 s|1 min 00 s|59 min 59 s|1 h 00 min|2 h 02 min|unknown".split("|"),
  ]);
  assertEquals([0.12345, 1, 12.345, 99.96, 1234.5].map(rateText), ["0.123", "1", "12.3", "100", "1235"]);
});
