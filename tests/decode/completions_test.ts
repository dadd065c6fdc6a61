import { assert, assertEquals, assertRejects } from "@std/assert";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { type CompletionOptions, LanguageModel, type StreamedToken } from "../../lib/decode/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { randomVectors } from "./_tiny_model.ts";

/** Runs a body with a small random model that has a tokenizer and ends one text in ten or so. */
function withTextModel(body: (model: LanguageModel) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const config = tinyConfig({ vocab: 423, eosTokenIds: [422, 7, 100, 200, 300, 350], maxPositions: 160 });
    await writeRandomCheckpoint(folder, { config, dtype: "float32", seed: 4 });
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(`./fixtures/golden/tokenizers/qwen/${name}`, `${folder}/${name}`);
    }
    const model = await LanguageModel.open(folder, { threads: 1 });
    try {
      await body(model);
    } finally {
      await model.release();
    }
  });
}

async function streamed(
  model: LanguageModel,
  prompt: string,
  options: CompletionOptions,
): Promise<StreamedToken[]> {
  const pieces: StreamedToken[] = [];
  const { strength: _, ...rest } = options;
  for await (const piece of model.stream(prompt, rest)) pieces.push(piece);
  return pieces;
}

Deno.test("stream() gives the tokens and log-probabilities of generate(), bit for bit, and the text of complete()", () =>
  withTextModel(async (model) => {
    const tokenizer = await model.tokenizer(), steer = randomVectors(model.config, [0, 1]);
    // Long enough that what is recent is settled twice.
    for (
      const options of [{ seed: 1 }, { seed: 2, topK: 5 }, { temperature: 0 }, {
        seed: 3,
        steer,
        steerAt: { generated: 1 },
      }]
    ) {
      const settings = { maxNewTokens: 80, ...options };
      const [whole] = await model.generate([{ tokens: tokenizer.encode("What is 2 + 3?") }], settings);
      const [complete] = await model.complete(["What is 2 + 3?"], settings);
      const pieces = await streamed(model, "What is 2 + 3?", settings);
      assertEquals(pieces.map(({ token }) => token), whole?.tokens);
      assertEquals(pieces.map(({ logProb }) => logProb), whole?.logProbs);
      assertEquals(complete?.tokens, whole?.tokens);
      assertEquals(pieces.map(({ text }) => text).join(""), complete?.text);
      assertEquals(pieces.at(-1)?.finishReason, complete?.finishReason);
      assertEquals(pieces.slice(0, -1).every(({ finishReason }) => finishReason === null), true);
    }
  }));

Deno.test("complete() ends texts where a stop text begins, and draws nothing else before it", () =>
  withTextModel(async (model) => {
    const prompts = ["What is 2 + 3?", "Let n be 4.", [{ role: "user", content: "Why?" }], [
      5,
      6,
      7,
    ]] as const;
    const plain = await model.complete(prompts, { maxNewTokens: 60, seed: 1 });
    assert(new Set(plain.map(({ finishReason }) => finishReason)).size === 2, "some stop, some are cut");
    const text = plain[0]?.text as string, stop = text.slice(9, 12);
    const stopped = await model.complete(prompts, { maxNewTokens: 60, seed: 1, stop: [stop], batchSize: 3 });
    for (const [place, { text, tokens, finishReason }] of stopped.entries()) {
      const whole = plain[place]?.text as string, end = whole.indexOf(stop);
      assertEquals(text, end < 0 ? whole : whole.slice(0, end));
      assertEquals(tokens, plain[place]?.tokens.slice(0, tokens.length));
      assertEquals(finishReason, end < 0 ? plain[place]?.finishReason : "stop");
    }
    // Two stop texts that the same token completes: the text ends where the first begins.
    const both = [stop.slice(1), stop],
      [first] = await model.complete(prompts, { maxNewTokens: 60, seed: 1, stop: both });
    assertEquals(first?.text, text.slice(0, Math.min(...both.map((end) => text.indexOf(end)))));
    const [nothing] = await model.complete(prompts, { maxNewTokens: 60, seed: 1, stop: [text.slice(0, 3)] });
    assertEquals([nothing?.text, nothing?.finishReason], ["", "stop"]);
    const pieces = await streamed(model, prompts[0], { maxNewTokens: 60, seed: 1, stop: [stop] });
    assertEquals(pieces.map(({ text }) => text).join(""), stopped[0]?.text);
    assertEquals(pieces.map(({ token }) => token), stopped[0]?.tokens);
  }));

Deno.test("whoever stops listening stops the drawing, and other calls come between two tokens", () =>
  withTextModel(async (model) => {
    const heard: number[] = [];
    for await (const { token } of model.stream([5, 6, 7], { maxNewTokens: 60, temperature: 0 })) {
      heard.push(token);
      const { logits } = await model.run([[5, 6, 7, ...heard]], { logits: "last" });
      assertEquals(logits?.dims, [1, 423]);
      if (heard.length === 3) break;
    }
    const [whole] = await model.generate([{ tokens: [5, 6, 7] }], { maxNewTokens: 3, temperature: 0 });
    assertEquals(heard, whole?.tokens);
  }));

Deno.test("a sweep over strengths is one batch of prompts", () =>
  withTextModel(async (model) => {
    const steer = randomVectors(model.config, [1]),
      prompts = ["So", "So", "So"],
      options = { maxNewTokens: 9, temperature: 0, steer };
    const swept = await model.complete(prompts, { ...options, strength: [0, 1, 4] });
    for (const [place, strength] of [0, 1, 4].entries()) {
      const alone = await model.complete(["So"], { ...options, strength: [strength] });
      assertEquals(swept[place]?.tokens, alone[0]?.tokens);
    }
    await assertRejects(
      () => model.complete(prompts, { ...options, strength: [1] }),
      RangeError,
      "each of 3 prompts",
    );
    await assertRejects(() => model.complete([""], options), Error, "prompt 0 has no tokens");
    await assertRejects(
      () => model.complete(["So"], { ...options, stop: [""] }),
      RangeError,
      "must have a letter",
    );
  }));
