import { assert, assertEquals } from "@std/assert";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const TOKENIZER = new URL("../../fixtures/golden/tokenizers/qwen/", import.meta.url);

Deno.test("generate() ends an answer at any token that some file names, and before an invented turn", async () => {
  await withFolder(async (folder) => {
    // config.json names a token that the tokenizer does not: 5. The tokenizer and the template name <|im_end|>.
    const config = tinyConfig({ vocab: 423, eosTokenIds: [5], headDim: 8, maxPositions: 512 });
    await writeRandomCheckpoint(folder, { config, dtype: "float32", seed: 0 });
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(new URL(name, TOKENIZER), `${folder}/${name}`);
    }
    const model = await LanguageModel.open(folder), tokenizer = await model.tokenizer();
    const [end, start] = ["<|im_end|>", "<|im_start|>"].map((text) => tokenizer.tokenId(text) as number);
    const stops = [5, end!, start!];
    assertEquals(model.config.eosTokenIds, stops);
    const tokens = tokenizer.encodeChat([{ role: "user", content: "What is 2 + 3?" }]);
    const requests = Array.from({ length: 48 }, (_, sample) => ({ tokens, prompt: 0, sample }));
    const rollouts = await model.generate(requests, { maxNewTokens: 300, temperature: 2, seed: 1 });
    const lasts = rollouts.filter(({ finished }) => finished).map((rollout) => rollout.tokens.at(-1)!);
    for (const { tokens: generated } of rollouts) {
      const inner = generated.slice(0, -1).find((token) => stops.includes(token));
      assertEquals(inner, undefined, `goes on behind ${inner}`);
    }
    // Each of them ended some answer, so each of them is one that could have been passed over.
    for (const stop of stops) assert(lasts.includes(stop), `no answer ended at ${stop}`);
    await model.release();
  });
});
