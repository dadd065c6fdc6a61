import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ResidualNorms, Steerability } from "../../lib/train/mod.ts";
import { markdownTable } from "../../tasks/command/markdown_table.ts";
import { parseFlags } from "../../tasks/command/parse_flags.ts";
import {
  steerability,
  steerabilityLines,
  type SteerabilityRow,
  steerabilityRow,
} from "../../tasks/steerability.ts";
import { faultLine, inFolder, namesBelow, runOn, writeBoxModel } from "./_tiny_zoo.ts";

const NORMS: ResidualNorms = { layer: 3, promptMedian: 8, answerMean: 10, largest: 12 };
const RESULT: Steerability = {
  layer: 3,
  vector: Float32Array.of(1, 0),
  steps: 7,
  before: 0.2,
  after: 0.9,
  norm: 1.9,
  normShare: 0.19,
  restKl: 0.01,
};

Deno.test("markdownTable() lines columns up, numbers to the right", () => {
  assertEquals(markdownTable([["a", "number"], ["Найдём", "-1.5"], ["b", "10"]]), [
    "| a      | number |",
    "| ------ | -----: |",
    "| Найдём |   -1.5 |",
    "| b      |     10 |",
  ]);
  assertEquals(markdownTable([["a", "b"], ["1", "x"], ["2", "3"]])[1], "| --: | --- |");
});

Deno.test("steerabilityRow() wants a high chance and a small vector", () => {
  const met = (change: Partial<Steerability>) => steerabilityRow(NORMS, { ...RESULT, ...change }).goalMet;
  assertEquals(met({}), true);
  assertEquals(met({ after: 0.899 }), false);
  assertEquals(met({ normShare: 0.2 }), false);
  assertEquals("vector" in steerabilityRow(NORMS, RESULT), false);
});

Deno.test("steerabilityLines() sums up where the goal is met", () => {
  const row = (layer: number, after: number): SteerabilityRow =>
    steerabilityRow({ ...NORMS, layer }, { ...RESULT, layer, after });
  const last = (...rows: SteerabilityRow[]) => steerabilityLines(rows, "To").at(-1);
  assertEquals(
    last(row(0, 0.5)),
    'goal: P("To") >= 0.9 with a norm below 0.2 of the residual\'s: met in no layer',
  );
  assertStringIncludes(last(row(0, 0.5), row(1, 0.95)) as string, "met in layer 1");
  assertStringIncludes(last(row(0, 0.91), row(1, 0.95)) as string, "met in layers 0, 1");
});

Deno.test("steerability trains a vector per layer and writes what it measured", async () => {
  await inFolder(async (folder) => {
    // From "{" the digits 1 to 4 are as likely; the opener is always "\".
    const model = await writeBoxModel(`${folder}/m`, { digits: { 1: 4, 2: 4 } }), out = `${folder}/a/s.json`;
    const args = [
      "--model",
      model,
      "--opener",
      "5",
      "--prompts",
      "6",
      "--steps",
      "40",
      "--learning-rate",
      "0.5",
    ];
    const { code, output, error } = await runOn(steerability, [...args, "--out", out]);
    assertEquals(code, 0, error);
    const report = JSON.parse(await Deno.readTextFile(out));
    assertEquals(report.layers.map((row: SteerabilityRow) => row.layer), [0, 1]);
    for (const row of report.layers as SteerabilityRow[]) {
      // Blocks add nothing and the last prompt token's embedding has norm 1; a coordinate that no token uses moves "5".
      assertEquals(row.answerMean, 1);
      assert(row.before < 0.01 && row.after >= 0.9, `${row.before} became ${row.after}`);
      assertEquals(row.goalMet, row.normShare < 0.2);
      assert(row.restKl > 0.1, "a vector that writes 5 at once must change the rest of the answer");
    }
    // Layers are the same here, so the numbers must be.
    const [first, second] = report.layers;
    assertEquals({ ...first, layer: 1 }, second);
    assertEquals(report.settings, {
      opener: "5",
      suite: "embedded",
      prompts: 6,
      steps: 40,
      learningRate: 0.5,
      seed: 0,
    });
    assertMatch(report.inputs.model, /^[0-9a-f]{64}$/);
    const lines = output.trimEnd().split("\n");
    assertEquals(lines.length, 5);
    assertMatch(lines[0] as string, /^\| layer \|.* P\("5"\) \|/);
    assertStringIncludes(error, "80/80 steps");
    const again = await runOn(steerability, [...args, "--out", `${folder}/b.json`]);
    assertEquals([again.code, await Deno.readTextFile(`${folder}/b.json`)], [
      0,
      await Deno.readTextFile(out),
    ]);
  });
});

Deno.test("steerability ends at Ctrl-C, and leaves no file", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), out = `${folder}/s.json`;
    const ended = await runOn(
      steerability,
      ["--model", model, "--opener", "5", "--prompts", "6", "--out", out],
      { interruptAt: "layer 0" },
    );
    assertEquals(ended.code, 130);
    assertStringIncludes(ended.error, "interrupted: run the command again");
    assertEquals(namesBelow(folder).filter((name) => name.endsWith(".json") && !name.startsWith("m/")), []);
  });
});

Deno.test("steerability refuses an opener of several tokens and a place it cannot write to", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`);
    const line = async (...args: string[]) =>
      faultLine(await runOn(steerability, ["--model", model, ...args]));
    assertMatch(
      await line("--opener", "Zebra"),
      /^error: --opener must be one token: "Zebra" is \d+ \(give a word that the tokenizer knows as a whole\)$/,
    );
    assertStringIncludes(await line("--opener", ""), "--opener needs a value");
    assertStringIncludes(await line("--out", folder), "a folder stands where a file is needed");
    assertStringIncludes(await line("--steps", "0"), "must be at least 1");
  });
});

Deno.test("steerability has a task in deno.json, and accepts the examples of its help", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertStringIncludes(tasks[steerability.name].command, " tasks/steerability.ts");
  for (const [example] of steerability.examples) {
    const [deno, task, name, ...args] = example.split(" ");
    assertEquals([deno, task, name], ["deno", "task", "steerability"]);
    assertEquals(parseFlags(args, steerability.flags).positionals, []);
  }
});
