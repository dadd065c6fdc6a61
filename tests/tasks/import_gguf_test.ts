import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { importGguf } from "../../tasks/import_gguf.ts";
import { faultLine, inFolder, runOn } from "./_tiny_zoo.ts";

const GGUF = new URL("../../fixtures/golden/gguf/", import.meta.url).pathname;

Deno.test("import-gguf writes a folder that loads, and says what it holds and what to do next", () =>
  inFolder(async (folder) => {
    const out = `${folder}/model`;
    const ended = await runOn(importGguf, [`${GGUF}llama.gguf`, "--out", out]);
    assertEquals(ended.code, 0);
    const [model, weights, tokenizer, next] = ended.output.split("\n");
    assertMatch(model ?? "", /^.*\/model: llama, 2 layers × 32, \d+ parameters in bfloat16 \(0 MiB\)$/);
    assertMatch(weights ?? "", /^weights: 28 tensors, 1 BF16, 1 F16, 14 F32, 2 Q4_0, /);
    assertEquals(
      tokenizer,
      'tokenizer: 425 tokens, texts are cut as "llama-bpe", a text ends with token 421 or 424',
    );
    assertEquals(next, `next: deno task evaluate --model ${out}`);
    assertEquals((await openCheckpoint(out)).weights.get("model.norm.weight")?.dtype, "bfloat16");
    assertStringIncludes(ended.error, "importing:  0/0 MiB");

    const again = await runOn(importGguf, [`${GGUF}qwen2.gguf`, "--out", out]);
    assertEquals(
      faultLine(again),
      `error: there is another model: ${out} (pass --force to replace it, or another --out)`,
    );
    const forced = await runOn(importGguf, [
      `${GGUF}qwen2.gguf`,
      "--out",
      out,
      "--force",
      "--dtype",
      "float32",
    ]);
    assertEquals(forced.code, 0);
    const { config, weights: read } = await openCheckpoint(out);
    assertEquals([config.architecture, read.get("model.norm.weight")?.dtype], ["qwen2", "float32"]);
  }));

Deno.test("import-gguf refuses what is no model in one line, and takes another way of cutting texts", () =>
  inFolder(async (folder) => {
    const out = `${folder}/model`;
    await Deno.writeTextFile(`${folder}/a.gguf`, "GGUF, but nothing else");
    const wrong = await runOn(importGguf, [`${folder}/a.gguf`, "--out", out]);
    assertMatch(faultLine(wrong), /^error: the GGUF file has the version \d+, where little-endian files/);
    const missing = await runOn(importGguf, [`${folder}/none.gguf`, "--out", out]);
    assertStringIncludes(faultLine(missing), `does not exist: ${folder}/none.gguf`);
    assertEquals(
      (await runOn(importGguf, ["--out", out])).error,
      "error: FILE is missing (The .gguf file of a whole model)\n",
    );
    const pre = await runOn(importGguf, [`${GGUF}llama.gguf`, "--out", out, "--pre", "llama"]);
    assertStringIncludes(faultLine(pre), 'how the tokenizer cuts texts is not known: "llama"');
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.gguf"]);
    const other = await runOn(importGguf, [`${GGUF}llama.gguf`, "--out", out, "--pre", "gpt-2"]);
    assertStringIncludes(other.output, 'texts are cut as "gpt-2"');
  }));
