import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import {
  ChatTokenizer,
  openCheckpoint,
  readSafetensorsHeader,
  readTensor,
} from "../../lib/checkpoint/mod.ts";
import { canonicalJson, sha256 } from "../../lib/core/mod.ts";
import { parsePretrainConfig } from "../../lib/train/mod.ts";
import { pretrain } from "../../tasks/pretrain.ts";
import { tokenizer } from "../../tasks/tokenizer.ts";
import {
  faultLine,
  inFolder,
  namesBelow,
  runOn,
  type TinyPretrainConfig,
  writeTinyPretrainConfig,
} from "./_tiny_zoo.ts";

const MODEL = ["config.json", "log.jsonl", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
const QUICK = ["--threads", "1"];

/** Hash of every file of a folder. */
function hashesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    namesBelow(folder).map((name) => [name, sha256(Deno.readFileSync(`${folder}/${name}`))]),
  );
}

Deno.test("pretrain writes a model with its tokenizer and log, and removes the state", async () => {
  await inFolder(async (folder) => {
    const path = await writeTinyPretrainConfig(`${folder}/c.json`), out = `${folder}/a`;
    const { code, output, error } = await runOn(pretrain, ["--config", path, "--out", out, ...QUICK]);
    const config = parsePretrainConfig(JSON.parse(await Deno.readTextFile(path)), { where: path });
    const run = sha256(canonicalJson(config));
    assertEquals([code, output], [0, `${out}: tiny, 4 steps, run ${run.slice(0, 12)}\n`]);
    assertMatch(
      error,
      /pretraining tiny: .* 2\/4 steps .* s left .* tokens\/s {2}cross-entropy \d\.\d{4} nats/,
    );
    assertEquals(namesBelow(out), MODEL);
    // The begin of a turn, which the chat template alone names, ends an answer too.
    const ends = [...config.model.eosTokenIds, 288];
    assertEquals((await openCheckpoint(out)).config, { ...config.model, eosTokenIds: ends });
    const { metadata, tensors } = await readSafetensorsHeader(`${out}/model.safetensors`);
    assertEquals([metadata.get("run"), metadata.get("steps"), metadata.get("seed")], [run, "4", "0"]);
    assertEquals(tensors.get("model.embed_tokens.weight")?.dtype, "bfloat16");
    const log = (await Deno.readTextFile(`${out}/log.jsonl`)).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    assertEquals(log.map((line) => line.step), [0, 1, 2, 3]);
    // An untrained model is near ln 290 = 5.67 nats.
    assertEquals(log[0].crossEntropyNats > 5 && log[0].crossEntropyNats < 8, true);
  });
});

Deno.test("pretrain stops at Ctrl-C, says how to go on, and ends with the bytes of an unbroken run", async () => {
  await inFolder(async (folder) => {
    const args = ["--config", await writeTinyPretrainConfig(`${folder}/c.json`), ...QUICK, "--out"];
    assertEquals((await runOn(pretrain, [...args, `${folder}/unbroken`])).code, 0);
    const broken = `${folder}/broken`;
    const stopped = await runOn(pretrain, [...args, broken], { interruptAt: " 2/4 steps" });
    assertEquals([stopped.code, stopped.output], [130, ""]);
    assertStringIncludes(stopped.error, "\ninterrupted: add --resume to the same command to go on\n");
    assertEquals(namesBelow(broken), [
      "log.jsonl",
      "state.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const plain = faultLine(await runOn(pretrain, [...args, broken]));
    assertEquals(
      plain,
      `error: there is an unfinished run of 2 steps: ${broken} ` +
        "(pass --resume to go on, --force to start over, or another --out)",
    );
    const other = await runOn(pretrain, [...args, broken, "--resume", "--steps", "3"]);
    assertStringIncludes(faultLine(other), "the unfinished run in this folder has other settings");
    const resumed = await runOn(pretrain, [...args, broken, "--resume"]);
    assertEquals(resumed.code, 0);
    assertEquals(resumed.error.includes(" 2/4 steps"), false);
    assertEquals(hashesOf(broken), hashesOf(`${folder}/unbroken`));
  });
});

Deno.test("pretrain resumes what a kill leaves behind to the bytes of an unbroken run", async () => {
  await inFolder(async (folder) => {
    const args = [
      "--config",
      await writeTinyPretrainConfig(`${folder}/c.json`),
      ...QUICK,
      "--save-every",
      "3",
    ];
    const unbroken = `${folder}/unbroken`, killed = `${folder}/killed`;
    // The state of step 3 is saved, step 4 is made: a kill at this moment leaves just what is copied here.
    const act = () => {
      Deno.mkdirSync(killed);
      for (const name of namesBelow(unbroken)) Deno.copyFileSync(`${unbroken}/${name}`, `${killed}/${name}`);
    };
    const whenShown = { text: " 4/4 steps", act };
    assertEquals((await runOn(pretrain, [...args, "--out", unbroken], { whenShown })).code, 0);
    assertEquals(namesBelow(killed).includes("state.safetensors"), true);
    const resumed = await runOn(pretrain, [...args, "--out", killed, "--resume"]);
    assertEquals(resumed.code, 0);
    assertEquals(resumed.error.includes(" 3/4 steps"), false);
    assertEquals(hashesOf(killed), hashesOf(unbroken));
  });
});

Deno.test("pretrain finishes when Ctrl-C comes after the last step", async () => {
  await inFolder(async (folder) => {
    const path = await writeTinyPretrainConfig(`${folder}/c.json`);
    const args = ["--config", path, "--out", `${folder}/a`, ...QUICK];
    assertEquals((await runOn(pretrain, args, { interruptAt: " 4/4 steps" })).code, 0);
    assertEquals(namesBelow(`${folder}/a`), MODEL);
  });
});

Deno.test("pretrain replaces a finished model only when forced, and then its tokenizer too", async () => {
  await inFolder(async (folder) => {
    const first = await writeTinyPretrainConfig(
      `${folder}/first.json`,
      ({ training }) => void (training["steps"] = 1),
    );
    const second = await writeTinyPretrainConfig(`${folder}/second.json`, (config) => {
      config.training["steps"] = 1;
      config.training["seed"] = 7;
    });
    const out = ["--out", `${folder}/a`, ...QUICK];
    assertEquals((await runOn(pretrain, ["--config", first, ...out])).code, 0);
    const before = hashesOf(`${folder}/a`);
    assertEquals(
      faultLine(await runOn(pretrain, ["--config", second, ...out])),
      `error: there is a finished result: ${folder}/a/config.json (pass --force to replace it, or another --out)`,
    );
    assertEquals((await runOn(pretrain, ["--config", second, ...out, "--resume"])).code, 2);
    assertEquals(hashesOf(`${folder}/a`), before);
    assertEquals((await runOn(pretrain, ["--config", second, ...out, "--force"])).code, 0);
    assertEquals((await runOn(pretrain, ["--config", second, "--out", `${folder}/b`, ...QUICK])).code, 0);
    assertEquals(hashesOf(`${folder}/a`), hashesOf(`${folder}/b`));
    assertNotEquals(hashesOf(`${folder}/a`)["tokenizer.json"], before["tokenizer.json"]);
  });
});

Deno.test("pretrain --force starts over from an unfinished run", async () => {
  await inFolder(async (folder) => {
    const args = ["--config", await writeTinyPretrainConfig(`${folder}/c.json`), ...QUICK, "--out"];
    await runOn(pretrain, [...args, `${folder}/a`], { interruptAt: " 1/4 steps" });
    const again = await runOn(pretrain, [...args, `${folder}/a`, "--force"]);
    assertEquals(again.code, 0);
    assertStringIncludes(again.error, " 1/4 steps");
    assertEquals(namesBelow(`${folder}/a`), MODEL);
  });
});

Deno.test("pretrain uses the tokenizer that is in the folder, if it fits", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/c.json`, out = `${folder}/a`;
    await writeTinyPretrainConfig(path, (config) => void (config.tokenizer["documents"] = 10));
    assertEquals((await runOn(tokenizer, ["--config", path, "--out", out])).code, 0);
    const own = hashesOf(out);
    await writeTinyPretrainConfig(path);
    assertEquals((await runOn(pretrain, ["--config", path, "--out", out, "--steps", "1", ...QUICK])).code, 0);
    assertEquals(hashesOf(out)["tokenizer.json"], own["tokenizer.json"]);

    const narrow = `${folder}/narrow.json`;
    await writeTinyPretrainConfig(narrow, ({ model }) => void (model["vocab_size"] = 400));
    await Deno.remove(`${out}/config.json`);
    const line = faultLine(await runOn(pretrain, ["--config", narrow, "--out", out, ...QUICK]));
    assertEquals(
      line,
      `error: the tokenizer has 290 tokens, the model 400: ${narrow} (set "vocab_size" in "model" to 290)`,
    );
  });
});

Deno.test("pretrain refuses bad input with one line and writes nothing", async () => {
  await inFolder(async (folder) => {
    const config = await writeTinyPretrainConfig(`${folder}/c.json`), out = `${folder}/out`;
    const line = async (...args: string[]) => faultLine(await runOn(pretrain, args));
    assertEquals(
      await line("--config", config, "--out", out, "--steps", "5"),
      'error: --steps 5 is more than the config\'s 4 (put a larger "steps" into the config to train longer)',
    );
    assertStringIncludes(
      await line("--config", config, "--out", out, "--steps=-3"),
      "error: cannot use --steps -3: must be at least 1",
    );
    assertStringIncludes(await line("--config", config, "--out", out, "--steps", "-3"), "error: ");
    assertStringIncludes(
      await line("--config", config, "--out", out, "--threads", "0.5"),
      "must be a whole number",
    );
    assertStringIncludes(
      await line("--config", config, "--out", `${config}/a`),
      "a file stands where a folder",
    );
    assertEquals(
      await line("--config", config, "--out", out, "--resume"),
      `error: there is no unfinished run to resume: ${out} (leave --resume out to start one)`,
    );
    assertStringIncludes(
      await line("--config", config, "--out", out, "--resume", "--force"),
      "give one of them",
    );
    const bad = await writeTinyPretrainConfig(
      `${folder}/bad.json`,
      ({ training }) => void (training["speed"] = 1),
    );
    assertStringIncludes(await line("--config", bad, "--out", out), 'Unrecognized key: "speed"');
    assertEquals(namesBelow(folder), ["bad.json", "c.json"]);
  });
});

/** A tiny model, and the config of a run that goes on from it; `change` may alter that config. */
async function tinyTune(
  folder: string,
  change: (config: TinyPretrainConfig & Record<string, unknown>) => void = () => {},
): Promise<string> {
  const base = await writeTinyPretrainConfig(`${folder}/base.json`);
  if (!namesBelow(folder).includes("a/")) {
    assertEquals((await runOn(pretrain, ["--config", base, "--out", `${folder}/a`, ...QUICK])).code, 0);
  }
  return await writeTinyPretrainConfig(`${folder}/tuned.json`, (config) => {
    delete config.training["initial"];
    const { vocabSize: _, documents: __, ...rest } = config.tokenizer;
    Object.assign(config, { name: "tuned", from: "a", tokenizer: { ...rest, format: "dialogue" } });
    config.training["seed"] = 5;
    change(config as TinyPretrainConfig & Record<string, unknown>);
  });
}

Deno.test("pretrain from another model takes its weights and tokens, and writes its own template", async () => {
  await inFolder(async (folder) => {
    const path = await tinyTune(folder, ({ training }) => void (training["learningRate"] = 1e-12));
    const { code, error } = await runOn(pretrain, ["--config", path, "--out", `${folder}/b`, ...QUICK]);
    assertEquals([code, error.includes("training the tokenizer")], [0, false]);
    const from = hashesOf(`${folder}/a`), made = hashesOf(`${folder}/b`);
    assertEquals(made["tokenizer.json"], from["tokenizer.json"]);
    assertNotEquals(made["tokenizer_config.json"], from["tokenizer_config.json"]);
    // A rate too small for bfloat16 to show gives back the weights that it started from.
    const [a, b] = await Promise.all([openCheckpoint(`${folder}/a`), openCheckpoint(`${folder}/b`)]);
    for (const [name, entry] of a.weights) {
      assertEquals(await readTensor(b.weights.get(name) ?? entry), await readTensor(entry), name);
    }
    const { metadata } = await readSafetensorsHeader(`${folder}/b/model.safetensors`);
    assertEquals(metadata.get("from"), await a.hash());
    const turn = { role: "user", content: "1 + 1" } as const;
    assertEquals((await ChatTokenizer.open(`${folder}/b`)).encodeChat([turn]).length > 0, true);
  });
});

Deno.test("pretrain from another model resumes to the bytes of an unbroken run", async () => {
  await inFolder(async (folder) => {
    const args = ["--config", await tinyTune(folder), ...QUICK, "--out"];
    assertEquals((await runOn(pretrain, [...args, `${folder}/unbroken`])).code, 0);
    const stopped = await runOn(pretrain, [...args, `${folder}/broken`], { interruptAt: " 2/4 steps" });
    assertEquals(stopped.code, 130);
    const resumed = await runOn(pretrain, [...args, `${folder}/broken`, "--resume"]);
    assertEquals([resumed.code, resumed.error.includes(" 2/4 steps")], [0, false]);
    assertEquals(hashesOf(`${folder}/broken`), hashesOf(`${folder}/unbroken`));
    assertNotEquals(
      hashesOf(`${folder}/unbroken`)["model.safetensors"],
      hashesOf(`${folder}/a`)["model.safetensors"],
    );
  });
});

Deno.test("pretrain from another model refuses what does not go together with one line", async () => {
  await inFolder(async (folder) => {
    const line = async (path: string, out = `${folder}/b`) =>
      faultLine(await runOn(pretrain, ["--config", path, "--out", out, ...QUICK]));
    assertEquals(
      await line(await tinyTune(folder, ({ model }) => void (model["intermediate_size"] = 32))),
      `error: the config's model has neurons 32, that of "from" 24: ${folder}/tuned.json ` +
        `(write "model" as ${folder}/a/config.json has it)`,
    );
    assertStringIncludes(
      await line(await tinyTune(folder, (config) => void (config["from"] = "none"))),
      `${folder}/none`,
    );
    assertStringIncludes(
      await line(await tinyTune(folder, ({ tokenizer }) => void (tokenizer["format"] = "llama3"))),
      "the tokenizer has no token <|eot_id|>",
    );
    const path = await tinyTune(folder), before = hashesOf(`${folder}/a`);
    await Deno.remove(`${folder}/a/log.jsonl`);
    assertEquals(
      faultLine(await runOn(pretrain, ["--config", path, "--out", `${folder}/a`, ...QUICK, "--force"])),
      `error: "from" is the folder that the new model goes to: ${path} (choose another --out)`,
    );
    assertEquals(hashesOf(`${folder}/a`)["model.safetensors"], before["model.safetensors"]);
    assertEquals((await runOn(tokenizer, ["--config", path, "--out", `${folder}/t`])).code, 2);
    assertEquals(namesBelow(folder).filter((name) => /^[bt]\//.test(name)), []);

    await Deno.mkdir(`${folder}/b`);
    await Deno.writeTextFile(`${folder}/b/tokenizer.json`, "{}");
    assertEquals(
      await line(path),
      `error: there is another tokenizer than that of "from": ${folder}/b/tokenizer.json ` +
        "(pass --force to replace it, or another --out)",
    );
  });
});
