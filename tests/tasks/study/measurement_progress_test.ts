import { assertEquals } from "@std/assert";
import { measurementProgress } from "../../../tasks/study/measurement_progress.ts";
import { fakeTerminal } from "../_fake_terminal.ts";

const step = (label: string, done: number) => ({ label, done, total: 4, unit: "answers" as const });

Deno.test("measurementProgress() gives measurements side by side a line each, when they are done", () => {
  const terminal = fakeTerminal([]), progress = measurementProgress(terminal, false);
  progress.report(step("a", 0));
  progress.report(step("b", 0));
  terminal.setClock(1_000);
  progress.report(step("b", 4));
  terminal.setClock(2_000);
  progress.report(step("a", 4));
  progress.finish();
  assertEquals(terminal.written.error, "b:  4/4 answers  4/s  1 s\na:  4/4 answers  2/s  2 s\n");
});

Deno.test("measurementProgress() draws on a screen what began first, and the others when they are done", () => {
  const terminal = fakeTerminal([], { interactive: true, columns: 200 });
  const progress = measurementProgress(terminal, false);
  progress.report(step("a", 0));
  progress.report(step("b", 0));
  terminal.setClock(1_000);
  progress.report(step("b", 2));
  progress.report(step("a", 1));
  progress.report(step("b", 4));
  const shown = terminal.written.error.split("\r\x1b[2K").map((line) => line.split(" ")[0]);
  assertEquals(shown.filter((label) => label !== ""), ["a:", "a:", "b:", "b:"]);
  assertEquals(terminal.written.error.endsWith("\n"), true);
});

Deno.test("measurementProgress() ends every bar of an interrupted run", () => {
  const terminal = fakeTerminal([]), progress = measurementProgress(terminal, false);
  progress.report(step("a", 0));
  progress.report(step("b", 0));
  terminal.setClock(1_000);
  progress.report(step("a", 1));
  progress.finish();
  assertEquals(terminal.written.error.trimEnd().split("\n").map((line) => line.slice(0, 6)), [
    "a:  1/",
    "b:  0/",
  ]);
});
