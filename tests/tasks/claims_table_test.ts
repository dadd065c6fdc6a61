import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Metrics, serializeMetrics } from "../../lib/report/mod.ts";
import { parseFlags } from "../../tasks/command/parse_flags.ts";
import { claimsTable } from "../../tasks/claims_table.ts";
import { faultLine, inFolder, runOn } from "./_tiny_zoo.ts";

const metrics = (holds: boolean): Metrics => ({
  schemaVersion: 1,
  id: "claims",
  title: "Claims",
  profile: "embedded",
  checks: [],
  inputs: {},
  seed: 0,
  device: "cpu",
  dtype: "float32",
  versions: {},
  claims: [{
    claim: "claim_9",
    statement: "Middle layers gain most.",
    holds,
    effect: { name: "fig1: middle minus ends", value: 4, unit: "points" },
    interval: { level: 0.95, low: 2, high: 6 },
    note: "Made up.",
  }],
  values: [
    {
      name: "verdict.claim_9.positive",
      value: Number(holds),
      unit: "verdict",
      note: holds ? "holds" : "does not hold",
    },
    { name: "verdict.claim_9.control", value: 0, unit: "verdict", note: "does not hold" },
    { name: "control.claim_9", value: 0, unit: "parts", note: "Parts that hold, of 1: none." },
    { name: "seeds.claim_9.fig1.training", value: 2, unit: "seeds" },
    { name: "seeds.claim_9.fig1.evaluation", value: 3, unit: "seeds" },
  ],
});
const runJson = (seconds: number, made: number) =>
  JSON.stringify({
    startedAt: "2026-01-01T00:00:00.000Z",
    seconds,
    command: "deno task reproduce fig1",
    measurements: { made, read: 1 },
    machine: { system: "linux", cpu: "one" },
  });

Deno.test("claims-table rewrites the table between its marks, and its check looks at all but the times", () =>
  inFolder(async (folder) => {
    const out = `${folder}/out`, document = `${folder}/README.md`;
    const write = async (holds: boolean, run: string) => {
      await Deno.mkdir(`${out}/embedded/claims`, { recursive: true });
      await Deno.mkdir(`${out}/embedded/fig1`, { recursive: true });
      await Deno.writeTextFile(`${out}/embedded/claims/metrics.json`, serializeMetrics(metrics(holds)));
      await Deno.writeTextFile(`${out}/embedded/fig1/run.json`, run);
    };
    const before = "# Title\n\n<!-- claims -->\n<!-- /claims -->\n\nThe end.\n";
    await Deno.writeTextFile(document, before);
    await write(true, runJson(65, 7));
    const args = ["--out-dir", out, "--document", document];
    const check = () => runOn(claimsTable, [...args, "--check"]);

    assertEquals((await check()).code, 1);
    assertEquals(await Deno.readTextFile(document), before);
    assertEquals((await runOn(claimsTable, args)).output, `${document}: rewritten\n`);
    const text = await Deno.readTextFile(document);
    assertStringIncludes(text, "| holds   | fig1: middle minus ends: 4 [2, 6] points | fig1  |");
    assertStringIncludes(text, "| 1 min 05 s |");
    assertEquals(text.endsWith("\n<!-- /claims -->\n\nThe end.\n"), true);
    assertEquals((await check()).code, 0);
    assertEquals((await runOn(claimsTable, args)).output, `${document}: up to date\n`);

    // Another time is no other result; another verdict is.
    await write(true, runJson(2, 0));
    assertEquals((await check()).code, 0);
    assertEquals((await runOn(claimsTable, args)).output, `${document}: rewritten\n`);
    assertStringIncludes(await Deno.readTextFile(document), "| 2 s (kept) |");
    await write(false, runJson(2, 0));
    assertEquals((await check()).output, `${document}: out of date, deno task claims-table rewrites it\n`);
  }));

Deno.test("claims-table names what is missing, and leaves the document alone", () =>
  inFolder(async (folder) => {
    const out = `${folder}/out`,
      document = `${folder}/README.md`,
      path = `${out}/embedded/claims/metrics.json`;
    const args = ["--out-dir", out, "--document", document];
    const fault = async () => faultLine(await runOn(claimsTable, args));
    assertEquals(await fault(), `error: no such file: ${document} (pass --document)`);
    await Deno.writeTextFile(document, "no marks\n");
    assertEquals(await fault(), `error: no such file: ${path} (deno task reproduce all)`);
    await Deno.mkdir(`${out}/embedded/claims`, { recursive: true });
    await Deno.writeTextFile(path, serializeMetrics(metrics(true)));
    const run = `${out}/embedded/fig1/run.json`;
    assertEquals(await fault(), `error: no such file: ${run} (deno task reproduce all)`);
    await Deno.mkdir(`${out}/embedded/fig1`);
    for (const text of ["{", '{"seconds": -1}']) {
      await Deno.writeTextFile(run, text);
      assertEquals(await fault(), `error: not the facts of a run: ${run} (reproduce the item again)`);
    }
    await Deno.writeTextFile(run, runJson(1, 1));
    assertStringIncludes(await fault(), 'error: the card has no place for "claims"');
    assertEquals(await Deno.readTextFile(document), "no marks\n");
  }));

Deno.test("claims-table has a task in deno.json, and accepts the examples of its help", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertStringIncludes(tasks[claimsTable.name].command, " tasks/claims_table.ts");
  for (const [example] of claimsTable.examples) {
    const [deno, task, name, ...args] = example.split(" ");
    assertEquals([deno, task, name], ["deno", "task", "claims-table"]);
    assertEquals(parseFlags(args, claimsTable.flags).positionals, []);
  }
});
