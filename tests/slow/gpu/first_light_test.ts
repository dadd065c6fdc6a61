import { assertEquals } from "@std/assert";
import { PUBLISHED_CONFIGS } from "../../../lib/checkpoint/mod.ts";
import { runCommand } from "../../../tasks/command/command.ts";
import { withFolder } from "../../checkpoint/_folder.ts";
import { fakeTerminal } from "../../tasks/_fake_terminal.ts";
import { lightMarkdown, type LightReport, runSteps, type Step, stepLine } from "../../gpu/_light_runner.ts";
import { bandwidthOf, modelBytes } from "../../gpu/_light_sizes.ts";
import { firstLight } from "../../gpu/first_light.ts";

/** Steps that take a second each of a clock that only they move. */
function clockwork(verdicts: readonly (boolean | Error)[], needed: readonly number[] = []) {
  const ran: number[] = [];
  let seconds = 0;
  const steps = verdicts.map((verdict, index): Step => ({
    name: `step ${index}`,
    ...(needed[index] === undefined ? {} : { seconds: needed[index] }),
    run: () => {
      ran.push(index);
      seconds++;
      if (verdict instanceof Error) throw verdict;
      return { right: verdict, found: String(verdict), values: { index } };
    },
  }));
  return { ran, steps, now: () => seconds };
}

Deno.test("runSteps() stops at the first wrong answer, and at the first that throws", async () => {
  for (const wrong of [false, new Error("a fault\nwith a second line")]) {
    const { ran, steps, now } = clockwork([true, wrong, true, true]);
    const seen: string[] = [];
    const reports = await runSteps(steps, { limitSeconds: 99, now, onStep: (step) => seen.push(step.name) });
    assertEquals(ran, [0, 1]);
    assertEquals(reports.map(({ verdict }) => verdict), ["right", "wrong", "not run", "not run"]);
    assertEquals(reports[1]?.found, wrong === false ? "false" : "a fault");
    assertEquals([seen.length, reports[0]?.values], [4, { index: 0 }]);
  }
});

Deno.test("runSteps() passes over what needs more time than is left, and goes on", async () => {
  const { ran, steps, now } = clockwork([true, true, true], [0, 9, 0]);
  const reports = await runSteps(steps, { limitSeconds: 5, now });
  assertEquals(ran, [0, 2]);
  assertEquals(reports.map(({ verdict, seconds, found }) => [verdict, seconds, found]), [
    ["right", 1, "true"],
    ["no time", 0, "needs 9 s, 4 s are left"],
    ["right", 1, "true"],
  ]);
});

Deno.test("a report is a line per step, and a table in Markdown", () => {
  const step = { name: "a | b", verdict: "right", seconds: 1.25, found: "2 | 3", values: {} } as const;
  assertEquals(stepLine(step), `right       1.3 s  ${"a | b".padEnd(46)}  2 | 3`);
  const report: LightReport = {
    kind: "first light",
    device: "cuda",
    dtype: "bfloat16",
    machine: { card: "X", Deno: "2" },
    steps: [step],
  };
  assertEquals(
    lightMarkdown(report),
    "cuda, bfloat16; card X, Deno 2.\n\n| what | verdict | time | found |\n| ---- | ------- | ---- | ----- |\n" +
      "| a \\| b | right | 1.3 s | 2 \\| 3 |\n",
  );
});

Deno.test("modelBytes() of Qwen2.5-Math-7B is what docs/gpu.md says", async () => {
  const { decoded, resident } = modelBytes(PUBLISHED_CONFIGS["qwen2.5-math-7b"]);
  const docs = await Deno.readTextFile(new URL("../../../docs/gpu.md", import.meta.url));
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  assertEquals([gigabytes(decoded), gigabytes(resident)], ["15.2 GB", "17.4 GB"]);
  for (const bytes of [decoded, resident]) {
    assertEquals([gigabytes(bytes), docs.includes(gigabytes(bytes))], [gigabytes(bytes), true]);
  }
});

Deno.test("bandwidthOf() knows cards by a part of their name, the longest first", () => {
  assertEquals(bandwidthOf("NVIDIA H100 80GB HBM3"), 3.35e12);
  assertEquals(bandwidthOf("NVIDIA H100 PCIe"), 2e12);
  assertEquals(bandwidthOf("NVIDIA A100-SXM4-40GB"), 1.555e12);
  assertEquals(bandwidthOf("NVIDIA A100-SXM4-80GB"), 2.039e12);
  assertEquals(bandwidthOf("another"), null);
});

Deno.test("first-light runs every step on the CPU, finds them right and writes its report", () =>
  withFolder(async (folder) => {
    const out = `${folder}/new/light.json`;
    const terminal = fakeTerminal(["--device", "cpu", "--out", out]);
    const code = await runCommand(firstLight, terminal);
    assertEquals([code, terminal.written.error], [0, ""], terminal.written.output);
    const { kind, device, steps } = JSON.parse(await Deno.readTextFile(out)) as LightReport;
    assertEquals([kind, device], ["first light", "cpu"]);
    assertEquals(steps.map(({ name, verdict }) => `${verdict}: ${name}`), [
      "right: a session runs",
      "right: a rollout remembers its prompt, float32",
      "right: conformance, float32",
      "right: parity with transformers, float32",
      "right: rollouts of 2 layers, float32",
      "right: gradient of 2 layers, float32",
      "right: rollouts of 4 layers, float32",
      "right: gradient of 4 layers, float32",
    ]);
    assertEquals(terminal.written.output.trimEnd().split("\n").length, steps.length + 1);
  }));
