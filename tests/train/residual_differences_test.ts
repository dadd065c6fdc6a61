import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError, RandomStream } from "../../lib/core/mod.ts";
import { LanguageModel, promptTokens } from "../../lib/decode/mod.ts";
import { FAMILIES, trainProblem } from "../../lib/problems/mod.ts";
import {
  diffSaeProblems,
  diffSaeTexts,
  parseDiffSaeRecipe,
  residualDifferences,
} from "../../lib/train/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

async function withModel(body: (model: LanguageModel) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const config = tinyConfig({ vocab: 423, eosTokenIds: [422], maxPositions: 256 });
    await writeRandomCheckpoint(folder, { config, dtype: "float32", seed: 0 });
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(
        new URL(`../../fixtures/golden/tokenizers/qwen/${name}`, import.meta.url),
        `${folder}/${name}`,
      );
    }
    const model = await LanguageModel.open(folder, { threads: 1 });
    await body(model).finally(() => model.release());
  });
}

Deno.test("residualDifferences() is the difference of two runs, text by text, whatever their batches", () =>
  withModel(async (model) => {
    const random = new RandomStream(1, "texts"), { embed } = model.config;
    // More texts than a batch holds, of different lengths: shorter ones are padded in the graph.
    const texts = Array.from(
      { length: 35 },
      (_, text) => Array.from({ length: 1 + text % 4 }, () => random.integer({ below: 400 })),
    );
    const steer = new Map([[0, Float32Array.from({ length: embed }, () => random.normal())]]);
    const seen: number[] = [];
    const found = await residualDifferences(model, texts, {
      layer: 1,
      steer,
      onProgress: (done) => seen.push(done),
    });
    assertEquals(seen, [32, 35]);
    assertEquals(found.map(({ length }) => length), texts.map(({ length }) => length * embed));
    const site = "blocks.1.resid_post";
    for (const text of [0, 3, 34]) {
      const rows = [texts[text] as number[]];
      const [base, steered] = [
        (await model.run(rows, { taps: [site] })).taps.get(site)?.data as Float32Array,
        (await model.run(rows, { taps: [site], steer })).taps.get(site)?.data as Float32Array,
      ];
      found[text]?.forEach((value, at) =>
        assertAlmostEquals(value, (steered?.[at] as number) - (base?.[at] as number), 1e-5)
      );
    }
  }));

Deno.test("residualDifferences() are zero below the layer that is changed, and the vector itself there", () =>
  withModel(async (model) => {
    const steer = new Map([[1, new Float32Array(model.config.embed).fill(0.3)]]), texts = [[5, 6, 7], [8]];
    const below = await residualDifferences(model, texts, { layer: 0, steer });
    assert(below.every((row) => row.length > 0 && row.every((value) => value === 0)));
    const at = await residualDifferences(model, texts, { layer: 1, steer });
    // Residuals are near 1 in float32.
    for (const row of at) row.forEach((value) => assertAlmostEquals(value, 0.3, 1e-5));
  }));

Deno.test("diffSaeProblems() takes training problems, the families in turn", () => {
  const problems = diffSaeProblems({ seed: 5, texts: 8 });
  assertEquals(problems.map(({ family }) => family), [...FAMILIES, "linear", "words"]);
  assertEquals(problems[7], trainProblem("words", { seed: 5, index: 1 }));
});

Deno.test("diffSaeTexts() are prompts with what the steered model writes, the last token left out", () =>
  withModel(async (model) => {
    const random = new RandomStream(2, "vector");
    const steer = new Map([[0, Float32Array.from({ length: model.config.embed }, () => random.normal())]]);
    const config = {
      ...{ layer: 1, texts: 3, maxNewTokens: 5, features: 4, active: 1, seed: 2, steps: 1, batch: 1 },
      ...{ learningRate: 1, warmupShare: 0, deadAfterSteps: 1 },
    };
    const texts = await diffSaeTexts(model, config, { steer });
    const tokenizer = await model.tokenizer();
    const requests = diffSaeProblems(config).map(({ question }, prompt) => ({
      tokens: promptTokens(tokenizer, question),
      prompt,
      sample: 0,
    }));
    const rollouts = await model.generate(requests, { maxNewTokens: 5, seed: 2, steer });
    assertEquals(
      texts,
      rollouts.map(({ promptTokens: asked, tokens }) => [...asked, ...tokens.slice(0, -1)]),
    );
    const plain = await diffSaeTexts(model, config);
    assert(JSON.stringify(plain) !== JSON.stringify(texts), "the vectors are at work");
  }));

Deno.test("parseDiffSaeRecipe() names what is wrong, of the rows and of the training", () => {
  const recipe = {
    ...{ layer: 1, texts: 3, maxNewTokens: 5, features: 4, active: 1, seed: 2, steps: 1, batch: 1 },
    ...{ learningRate: 1, warmupShare: 0, deadAfterSteps: 1 },
  };
  const parse = (change: object) => () => parseDiffSaeRecipe({ ...recipe, ...change }, { where: "sae.json" });
  assertEquals(parse({})(), recipe);
  assertThrows(parse({ layer: -1 }), InputError, "bad DiffSAE recipe at layer");
  assertThrows(parse({ texts: undefined }), InputError, "bad DiffSAE recipe at texts");
  assertThrows(parse({ active: 5 }), InputError, "no more features can be active");
  assertThrows(parse({ rate: 1 }), InputError, '"rate"');
});
