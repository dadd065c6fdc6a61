import { assertEquals, assertStringIncludes } from "@std/assert";
import { configJson, openCheckpoint, readTensor } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { synthetic } from "../../tasks/synthetic.ts";
import { faultLine, inFolder, runOn } from "./_tiny_zoo.ts";

Deno.test("synthetic writes a model like a config.json, the same for the same seed, and keeps what is there", async () => {
  await inFolder(async (folder) => {
    const like = `${folder}/config.json`, config = tinyConfig({ vocab: 97 });
    await Deno.writeTextFile(like, JSON.stringify(configJson(config, { dtype: "float32" })));
    const write = (out: string, ...more: string[]) =>
      runOn(synthetic, ["--like", like, "--out", `${folder}/${out}`, "--seed", "4", ...more]);
    const { code, output } = await write("a");
    const parameters = [...(await openCheckpoint(`${folder}/a`)).weights.values()]
      .reduce((sum, { length }) => sum + length, 0);
    assertEquals([code, output], [
      0,
      `${folder}/a: ${parameters} bytes of bfloat16 weights, 2 layers × 32, seed 4\n`,
    ]);
    await write("b");
    const bytes = (name: string) => Deno.readFile(`${folder}/${name}/model.safetensors`);
    assertEquals(await bytes("a"), await bytes("b"));
    assertEquals(
      faultLine(await write("a")),
      `error: there is another model: ${folder}/a (pass --force to replace it, or another --out)`,
    );
    assertEquals((await write("a", "--force", "--dtype", "float32")).code, 0);
    const entry = (await openCheckpoint(`${folder}/a`)).weights.get("model.embed_tokens.weight")!;
    assertEquals([entry.dtype, entry.dims], ["float32", [97, 32]]);
    assertEquals((await readTensor(entry)).every(Number.isFinite), true);
  });
});

Deno.test("synthetic names the shapes it knows", async () => {
  const ended = await runOn(synthetic, ["--like", "gpt-5", "--out", "nowhere"]);
  assertEquals(ended.code, 2);
  assertStringIncludes(
    ended.error,
    "choose one of qwen2.5-1.5b, qwen2.5-math-7b, qwen2.5-14b, smollm2-135m, llama-3.1-8b-instruct, or pass",
  );
});
