import { assertEquals, assertStringIncludes } from "@std/assert";
import { ChatTokenizer } from "../../lib/checkpoint/mod.ts";
import { tokenizer } from "../../tasks/tokenizer.ts";
import { faultLine, inFolder, namesBelow, runOn, TINY_VOCAB, writeTinyPretrainConfig } from "./_tiny_zoo.ts";

const FILES = ["tokenizer.json", "tokenizer_config.json"];

Deno.test("tokenizer writes the two files of a tokenizer that fits its model", async () => {
  await inFolder(async (folder) => {
    const config = await writeTinyPretrainConfig(`${folder}/c.json`), out = `${folder}/a/b`;
    const { code, output } = await runOn(tokenizer, ["--config", config, "--out", out]);
    assertEquals([code, output], [0, `${out}: ${TINY_VOCAB} tokens\n`]);
    assertEquals(namesBelow(out), FILES);
    const opened = await ChatTokenizer.open(out, { vocab: TINY_VOCAB });
    assertEquals(opened.tokenId("<|im_end|>"), TINY_VOCAB - 1);
    const text = "Найдём $3 + 4 = 7$: \\boxed{7}";
    assertEquals(opened.decode(opened.encode(text)), text);
  });
});

Deno.test("tokenizer says which number to put where model and tokenizer do not fit, and writes nothing", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/c.json`;
    const refused = async (change: Parameters<typeof writeTinyPretrainConfig>[1]) => {
      await writeTinyPretrainConfig(path, change);
      const ended = await runOn(tokenizer, ["--config", path, "--out", `${folder}/out`]);
      assertEquals(namesBelow(folder), ["c.json"]);
      return faultLine({
        ...ended,
        error: ended.error.replace("training the tokenizer on 30 documents\n", ""),
      });
    };
    assertEquals(
      await refused(({ model }) => void (model["vocab_size"] = 300)),
      `error: the tokenizer has 290 tokens, the model 300: ${path} (set "vocab_size" in "model" to 290)`,
    );
    assertEquals(
      await refused(({ model }) => void (model["eos_token_id"] = 3)),
      `error: the model does not stop at <|im_end|>: ${path} (set "eos_token_id" in "model" to 289)`,
    );
    assertEquals(
      await refused((config) => void (config.tokenizer["vocabSize"] = 258)),
      `error: "vocabSize" in "tokenizer" must lie in [259, 65535], found 258: ${path}`,
    );
  });
});

Deno.test("tokenizer keeps another tokenizer unless forced, and does not mind its own", async () => {
  await inFolder(async (folder) => {
    const args = ["--config", await writeTinyPretrainConfig(`${folder}/c.json`), "--out", `${folder}/out`];
    assertEquals((await runOn(tokenizer, args)).code, 0);
    assertEquals((await runOn(tokenizer, args)).code, 0);
    const path = `${folder}/out/tokenizer.json`, own = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, "{}");
    const ended = await runOn(tokenizer, args);
    assertEquals(ended.code, 2);
    assertStringIncludes(
      ended.error,
      `error: there is another tokenizer: ${path} (pass --force to replace it`,
    );
    assertEquals(await Deno.readTextFile(path), "{}");
    assertEquals((await runOn(tokenizer, [...args, "--force"])).code, 0);
    assertEquals(await Deno.readTextFile(path), own);
  });
});

Deno.test("tokenizer refuses a config or a place that is no good before it trains", async () => {
  await inFolder(async (folder) => {
    const config = await writeTinyPretrainConfig(`${folder}/c.json`);
    await Deno.writeTextFile(`${folder}/broken.json`, '{"name": ');
    await Deno.writeTextFile(`${folder}/other.json`, '{"name": "a", "colour": 3}');
    const line = async (...args: string[]) => faultLine(await runOn(tokenizer, args));
    const out = `${folder}/out`;
    assertEquals(
      await line("--config", `${folder}/none.json`, "--out", out),
      `error: no such file or folder: ${folder}/none.json (check the path)`,
    );
    assertStringIncludes(
      await line("--config", `${folder}/broken.json`, "--out", out),
      "error: the config is not valid JSON",
    );
    assertStringIncludes(
      await line("--config", `${folder}/other.json`, "--out", out),
      `${folder}/other.json`,
    );
    assertEquals(
      await line("--config", config, "--out", `${config}/below`),
      `error: a file stands where a folder is needed: ${config} (choose another --out)`,
    );
    assertStringIncludes(await line("--config", config), "--out is missing");
    assertEquals(namesBelow(folder), ["broken.json", "c.json", "other.json"]);
  });
});
