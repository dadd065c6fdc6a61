import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { canonicalJson, InputError } from "../../lib/core/mod.ts";
import { saveVectors } from "../../lib/decode/mod.ts";
import {
  corpusSection,
  logSection,
  readVectorRows,
  replaceSections,
  vectorsSection,
} from "../../tasks/_card_sections.ts";
import { parseFlags } from "../../tasks/_parse_flags.ts";
import { readPretrainConfig } from "../../tasks/tokenizer.ts";
import { zooCard } from "../../tasks/zoo_card.ts";
import { faultLine, inFolder, runOn, writeBoxModel, writeTinyPretrainConfig } from "./_tiny_zoo.ts";

const CARD = [
  "# Zoo, whose tables stand between `<!-- corpus -->` and `<!-- /corpus -->`",
  "<!-- vectors -->",
  "old",
  "<!-- /vectors -->",
  "",
  "<!-- corpus -->",
  "<!-- /corpus -->",
  "<!-- log -->",
  "<!-- /log -->",
  "end",
  "",
].join("\n");

const PRETRAIN_LOG = [
  '{"step":0,"crossEntropyNats":10,"adjointNorm":3,"learningRate":0,"tokens":70}',
  '{"step":1,"crossEntropyNats":4,"adjointNorm":1,"learningRate":0.1,"tokens":80}',
];

/** Writes `RUN.seed-N.safetensors` with vectors of ones, and its log of rewards. */
async function writeRun(
  folder: string,
  run: {
    readonly name: string;
    readonly seed: number;
    readonly layers: readonly number[];
    readonly rates: readonly number[];
    readonly rewards: readonly number[];
    readonly model: string;
  },
): Promise<string> {
  const stem = `${folder}/${run.name}.seed-${run.seed}`;
  const config = {
    layers: run.layers,
    seed: run.seed,
    steps: 3,
    prompts: 4,
    samples: 5,
    maxNewTokens: 8,
    learningRates: run.rates,
    warmupShare: 0,
    maxNorm: 2,
    families: ["linear"],
  };
  await saveVectors(`${stem}.safetensors`, {
    vectors: new Map(run.layers.map((layer) => [layer, new Float32Array(32).fill(1)])),
    metadata: { model: run.model, config: canonicalJson(config) },
  });
  const log = run.rewards.map((reward, step) => `${JSON.stringify({ step, reward, lengthTokens: 9 })}\n`);
  await Deno.writeTextFile(`${stem}.log.jsonl`, log.join(""));
  return stem;
}

Deno.test("replaceSections() changes what stands between the marks and nothing else", () => {
  const sections = { vectors: ["v"], corpus: ["c", "d"], log: ["l"] };
  const once = replaceSections(CARD, sections, { where: "card" });
  assertEquals(once.split("\n"), [
    "# Zoo, whose tables stand between `<!-- corpus -->` and `<!-- /corpus -->`",
    ...["<!-- vectors -->", "", "v", "", "<!-- /vectors -->", ""],
    ...["<!-- corpus -->", "", "c", "d", "", "<!-- /corpus -->"],
    ...["<!-- log -->", "", "l", "", "<!-- /log -->", "end", ""],
  ]);
  assertEquals(replaceSections(once, sections, { where: "card" }), once);
  for (
    const broken of [
      CARD.replace("<!-- /log -->", ""),
      CARD.replace("<!-- log -->", ""),
      CARD.replace("<!-- /log -->\n", "x<!-- /log -->\n"),
    ]
  ) {
    assertThrows(
      () => replaceSections(broken, sections, { where: "card" }),
      InputError,
      'the card has no place for "log": card (add the lines <!-- log --> and <!-- /log -->)',
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

Deno.test("readVectorRows() reads runs in order, and vectorsSection() averages their last steps", async () => {
  await inFolder(async (folder) => {
    const { config } = await openCheckpoint(await writeBoxModel(`${folder}/m`));
    const vectors = `${folder}/v`, model = "abc";
    await Deno.mkdir(vectors);
    const run = { seed: 0, layers: [1], rates: [0.05], rewards: [-1, 0, 1], model };
    await writeRun(vectors, { ...run, name: "layer-1", seed: 1, rewards: [0, 0.5, 0.6] });
    await writeRun(vectors, { ...run, name: "layer-1" });
    await writeRun(vectors, { ...run, name: "layer-0", layers: [0] });
    await writeRun(vectors, { ...run, name: "all", layers: [0, 1], rates: [0.01, 0.05] });
    const rows = await readVectorRows(vectors, { config, model, last: 2 });
    assertEquals(rows.map(({ run, seed }) => `${run} ${seed}`), [
      "all 0",
      "layer-0 0",
      "layer-1 0",
      "layer-1 1",
    ]);
    const cells = vectorsSection(rows, { last: 2 }).slice(2)
      .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
    // 64 ones have norm 8. Rewards 0 and 1 are 50 % and 100 %: mean 75, standard error 50 / √2 / √2 = 25.
    assertEquals(cells[0], ["all", "0", "0.01 to 0.05", "3", "20", "8.00", "75.0", "25.0"]);
    assertEquals(cells[1]?.slice(2, 6), ["0.05", "3", "20", "5.66"]);
    // 75 % and 80 %: mean 77.5, standard error 5 / 2.
    assertEquals(cells[3]?.slice(6), ["77.5", "2.5"]);
    const [lone] = vectorsSection(rows.map((row) => ({ ...row, lastPercents: [70] })), { last: 1 }).slice(2);
    assertEquals(lone?.split("|").map((cell) => cell.trim()).slice(-3), ["70.0", "-", ""]);
  });
});

Deno.test("readVectorRows() refuses vectors that it cannot tell the origin of", async () => {
  await inFolder(async (folder) => {
    const { config } = await openCheckpoint(await writeBoxModel(`${folder}/m`));
    const options = { config, model: "abc", last: 2 };
    const run = { name: "layer-1", seed: 0, layers: [1], rates: [0.05], rewards: [0, 0, 0], model: "abc" };
    const refuses = async (change: Partial<typeof run>, message: string, spoil?: (stem: string) => void) => {
      const vectors = await Deno.makeTempDir({ dir: folder });
      const stem = await writeRun(vectors, { ...run, ...change });
      spoil?.(stem);
      await assertRejects(() => readVectorRows(vectors, options), InputError, message);
    };
    await refuses({ model: "other" }, "these vectors were trained on another model");
    await refuses({ rewards: [0, 0] }, "the log has 2 steps, the vectors 3");
    await refuses({ rewards: [0, 3, 0] }, "line 2 of the log is not that of step 1");
    await refuses(
      {},
      "the name of the vectors does not say their run",
      (stem) => Deno.renameSync(`${stem}.safetensors`, stem.replace(".seed-0", ".safetensors")),
    );
    await assertRejects(
      () => readVectorRows(`${folder}/m/..`, options),
      InputError,
      "no vectors in this folder",
    );
  });
});

Deno.test("zoo-card rewrites a card, and says whether one is up to date", async () => {
  await inFolder(async (folder) => {
    const model = await writeBoxModel(`${folder}/m`), card = `${folder}/README.md`, vectors = `${folder}/v`;
    const config = await writeTinyPretrainConfig(`${folder}/c.json`);
    const hash = await (await openCheckpoint(model)).hash();
    await Deno.mkdir(vectors);
    await Deno.writeTextFile(`${model}/log.jsonl`, PRETRAIN_LOG.join("\n"));
    await Deno.writeTextFile(card, CARD);
    const run = { name: "layer-1", layers: [1], rates: [0.05], rewards: [0, 0, 0.5], model: hash };
    const stem = await writeRun(vectors, { ...run, seed: 0 });
    const args = [
      "--card",
      card,
      "--config",
      config,
      "--model",
      model,
      "--vectors",
      vectors,
      "--documents",
      "40",
    ];

    const stale = await runOn(zooCard, [...args, "--check"]);
    assertEquals([stale.code, stale.output], [1, `${card}: out of date, deno task zoo-card rewrites it\n`]);
    assertEquals(await Deno.readTextFile(card), CARD);
    assertEquals((await runOn(zooCard, args)).output, `${card}: rewritten\n`);
    const text = await Deno.readTextFile(card);
    assertStringIncludes(text, "| layer-1 |    0 |          0.05 |");
    assertEquals((await runOn(zooCard, [...args, "--check"])).code, 0);
    assertEquals((await runOn(zooCard, args)).output, `${card}: up to date\n`);
    await writeRun(vectors, { ...run, seed: 1 });
    assertEquals((await runOn(zooCard, [...args, "--check"])).code, 1);

    await Deno.remove(`${stem}.log.jsonl`);
    assertEquals(
      faultLine(await runOn(zooCard, args)),
      `error: no such file or folder: ${stem}.log.jsonl (check the path)`,
    );
    assertEquals(await Deno.readTextFile(card), text);
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
