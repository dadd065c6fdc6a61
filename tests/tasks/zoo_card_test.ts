import { dirname } from "node:path";
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import type { RunArtifact } from "../../lib/experiment/mod.ts";
import type { SteeringConfig } from "../../lib/train/mod.ts";
import {
  corpusSection,
  logSection,
  readRunRows,
  replaceSections,
  runsSection,
} from "../../tasks/study/card_sections.ts";
import { parseFlags } from "../../tasks/command/parse_flags.ts";
import { readPretrainConfig } from "../../tasks/tokenizer.ts";
import { zoo } from "../../tasks/zoo.ts";
import { zooCard } from "../../tasks/zoo_card.ts";
import { faultLine, inFolder, runOn, writeTinyPretrainConfig } from "./_tiny_zoo.ts";

const CARD = [
  "# Zoo, whose tables stand between `<!-- corpus one -->` and `<!-- /corpus one -->`",
  "<!-- vectors one -->",
  "old",
  "<!-- /vectors one -->",
  "",
  "<!-- corpus one -->",
  "<!-- /corpus one -->",
  "<!-- log one -->",
  "<!-- /log one -->",
  "end",
  "",
].join("\n");

const PRETRAIN_LOG = [
  '{"step":0,"crossEntropyNats":10,"adjointNorm":3,"learningRate":0,"tokens":70}',
  '{"step":1,"crossEntropyNats":4,"adjointNorm":1,"learningRate":0.1,"tokens":80}',
];

const SETTINGS = {
  steps: 3,
  prompts: 4,
  samples: 5,
  maxNewTokens: 8,
  warmupShare: 0,
  maxNorm: 2,
  families: ["linear"] as const,
};

/** A run of a model of two layers, and its log of rewards. */
async function writeRun(
  folder: string,
  run: {
    readonly config: Pick<SteeringConfig, "layers" | "parameters" | "seed" | "learningRates">;
    readonly rewards: readonly number[];
    readonly log: string;
  },
): Promise<RunArtifact> {
  const config = { ...SETTINGS, ...run.config };
  const log = run.rewards.map((reward, step) =>
    `${JSON.stringify({ step, reward, vectorNorm: step + 0.5 })}\n`
  );
  await Deno.mkdir(dirname(`${folder}/${run.log}`), { recursive: true });
  await Deno.writeTextFile(`${folder}/${run.log}`, log.join(""));
  return {
    kind: "run",
    name: "not looked at",
    needs: [],
    path: "",
    model: "",
    config,
    out: folder,
    layerCount: 2,
  };
}

Deno.test("replaceSections() changes what stands between the marks and nothing else", () => {
  const sections = { "vectors one": ["v"], "corpus one": ["c", "d"], "log one": ["l"] };
  const once = replaceSections(CARD, sections, { where: "card" });
  assertEquals(once.split("\n"), [
    "# Zoo, whose tables stand between `<!-- corpus one -->` and `<!-- /corpus one -->`",
    ...["<!-- vectors one -->", "", "v", "", "<!-- /vectors one -->", ""],
    ...["<!-- corpus one -->", "", "c", "d", "", "<!-- /corpus one -->"],
    ...["<!-- log one -->", "", "l", "", "<!-- /log one -->", "end", ""],
  ]);
  assertEquals(replaceSections(once, sections, { where: "card" }), once);
  for (
    const broken of [
      CARD.replace("<!-- /log one -->", ""),
      CARD.replace("<!-- log one -->", ""),
      CARD.replace("<!-- /log one -->\n", "x<!-- /log one -->\n"),
    ]
  ) {
    assertThrows(
      () => replaceSections(broken, sections, { where: "card" }),
      InputError,
      'the card has no place for "log one": card (add the lines <!-- log one --> and <!-- /log one -->)',
    );
  }
});

Deno.test("logSection() averages the end of a log", () => {
  const lines = logSection(`${PRETRAIN_LOG.join("\n")}\n`, { where: "log" });
  const cell = (start: string) => lines.find((line) => line.startsWith(`| ${start}`))?.split("|")[2]?.trim();
  assertEquals(
    ["steps", "tokens read", "cross-entropy, step 0", "cross-entropy, mean of the last 2", "adjoint norm"]
      .map(cell),
    ["2", "150", "10.000", "7.000", "2.000"],
  );
  const refuses = (text: string, message: string) =>
    assertThrows(() => logSection(text, { where: "log" }), InputError, message);
  refuses("", "the log is empty: log");
  refuses(PRETRAIN_LOG[1] as string, "line 1 of the log is not that of step 0: log");
  refuses(`${PRETRAIN_LOG[0]}\n{"step":1,"cro`, "line 2 of the log is not that of step 1: log");
});

Deno.test("corpusSection() counts the config's own text", async () => {
  await inFolder(async (folder) => {
    const only = { careful: 0, sloppy: 0, terse: 0, foreign: 0, rambling: 1 };
    const path = await writeTinyPretrainConfig(`${folder}/c.json`, (config) => {
      Object.assign((config as unknown as { corpus: object }).corpus, { writers: only });
    });
    const { corpus } = await readPretrainConfig(path);
    const lines = corpusSection(corpus, { documents: 50 });
    const row = (start: string) =>
      lines.find((line) => line.startsWith(`| ${start} `))?.split("|").map((cell) => cell.trim());
    assertEquals(row("rambling")?.slice(2, 4), ["100.0", "0.0"]); // ramblers never box
    assertEquals(row("careful")?.slice(2, 5), ["0.0", "-", "-"]);
    assertEquals(row("documents counted")?.[2], "50");
  });
});

Deno.test("readRunRows() reads the logs of all kinds of runs, and runsSection() averages their last steps", async () => {
  await inFolder(async (folder) => {
    const all = { layers: [0, 1], seed: 0, learningRates: [0.01, 0.05] };
    const runs = await Promise.all([
      { config: all, rewards: [-1, 0, 1], log: "all.seed-0.log.jsonl" },
      {
        config: { layers: [1], seed: 7, learningRates: [0.05], parameters: "adapter" as const },
        rewards: [0, 0.5, 0.6],
        log: "adapter-1.seed-7.log.jsonl",
      },
      {
        config: { layers: [], seed: 0, learningRates: [0.001], parameters: "full" as const },
        rewards: [0, 0, 0],
        log: "full.seed-0/log.jsonl",
      },
    ].map((run) => writeRun(folder, run)));
    const rows = await readRunRows(runs, { last: 2 });
    const cells = runsSection(rows, { last: 2 }).slice(2)
      .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
    // Rewards 0 and 1 are 50 % and 100 %: mean 75, standard error 50 / √2 / √2 = 25.
    assertEquals(cells[0], ["all", "0", "0.01 to 0.05", "3", "20", "2.50", "75.0", "25.0"]);
    // 75 % and 80 %: mean 77.5, standard error 5 / 2.
    assertEquals(cells[1], ["adapter-1", "7", "0.05", "3", "20", "2.50", "77.5", "2.5"]);
    assertEquals(cells[2]?.slice(0, 3), ["full", "0", "0.001"]);
    const [lone] = runsSection(rows.map((row) => ({ ...row, lastPercents: [70] })), { last: 1 }).slice(2);
    assertEquals(lone?.split("|").map((cell) => cell.trim()).slice(-3), ["70.0", "-", ""]);
  });
});

Deno.test("readRunRows() refuses a log that is not the run's", async () => {
  await inFolder(async (folder) => {
    const refuses = async (rewards: readonly number[], message: string) => {
      const config = { layers: [1], seed: 0, learningRates: [0.05] };
      const run = await writeRun(folder, { config, rewards, log: "layer-1.seed-0.log.jsonl" });
      await assertRejects(() => readRunRows([run], { last: 2 }), InputError, message);
    };
    await refuses([0, 0], "the log has 2 steps, the run 3");
    await refuses([0, 3, 0], "line 2 of the log is not that of step 1");
  });
});

Deno.test("zoo-card rewrites a card, and says whether one is up to date", async () => {
  await inFolder(async (folder) => {
    const card = `${folder}/README.md`, profile = `${folder}/zoo.json`;
    await writeTinyPretrainConfig(`${folder}/one.json`, ({ model }) => void (model["num_hidden_layers"] = 2));
    const write = (change: object) =>
      Deno.writeTextFile(
        profile,
        JSON.stringify({
          ...{
            name: "tiny",
            title: "tiny",
            problems: ["linear"],
            template: "embedded",
            grader: "box-number",
          },
          settings: { ...SETTINGS, prompts: 2, samples: 2, maxNewTokens: 2 },
          models: [{
            ...{ name: "one", role: "a", title: "One", opener: "To", config: "one.json" },
            runs: [{ run: "layer-1", learningRates: [0.05], seeds: [0], ...change }],
          }],
          autoencoders: [],
        }),
      );
    await write({});
    const args = ["--card", card, "--profile", profile, "--documents", "40"];
    const build = (...more: string[]) => runOn(zoo, ["--profile", profile, "--threads", "1", ...more]);
    await Deno.writeTextFile(card, CARD);
    // What is not there has no table: a card without marks is up to date.
    assertEquals((await runOn(zooCard, [...args, "--check"])).code, 0);
    assertEquals((await build()).code, 0);
    await Deno.writeTextFile(card, CARD.replaceAll(/<!-- vectors one -->|<!-- \/vectors one -->/g, ""));
    assertStringIncludes(
      faultLine(await runOn(zooCard, [...args, "--check"])),
      'the card has no place for "vectors one"',
    );
    await Deno.writeTextFile(card, CARD);
    const stale = await runOn(zooCard, [...args, "--check"]);
    assertEquals([stale.code, stale.output], [1, `${card}: out of date, deno task zoo-card rewrites it\n`]);
    assertEquals(await Deno.readTextFile(card), CARD);
    assertEquals((await runOn(zooCard, args)).output, `${card}: rewritten\n`);
    const text = await Deno.readTextFile(card);
    assertStringIncludes(text, "| layer-1 |    0 |          0.05 |");
    assertEquals((await runOn(zooCard, [...args, "--check"])).code, 0);
    assertEquals((await runOn(zooCard, args)).output, `${card}: up to date\n`);

    await write({ learningRates: [0.07] });
    const path = `${folder}/vectors/one/layer-1.seed-0.safetensors`;
    assertEquals(
      faultLine(await runOn(zooCard, args)),
      `error: one/layer-1.seed-0 was made from other inputs than the profile's: ${path} ` +
        "(deno task zoo --force makes it again)",
    );
    assertEquals(await Deno.readTextFile(card), text);
    assertEquals((await build("--force")).code, 0);
    assertEquals((await runOn(zooCard, [...args, "--check"])).code, 1);
    await Deno.remove(path.replace(".safetensors", ".log.jsonl"));
    assertStringIncludes(faultLine(await runOn(zooCard, args)), "layer-1.seed-0.log.jsonl");
  });
});

Deno.test("zoo-card has a task in deno.json, and accepts the examples of its help", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertStringIncludes(tasks[zooCard.name].command, " tasks/zoo_card.ts");
  for (const [example] of zooCard.examples) {
    const [deno, task, name, ...args] = example.split(" ");
    assertEquals([deno, task, name], ["deno", "task", "zoo-card"]);
    assertEquals(parseFlags(args, zooCard.flags).positionals, []);
  }
});
