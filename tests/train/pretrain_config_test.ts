import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { FAMILIES } from "../../lib/problems/mod.ts";
import { parsePretrainConfig } from "../../lib/train/mod.ts";

type Plain = Record<string, unknown>;

const SHIPPED = "fixtures/embedded/base-a.pretrain.json";
const shippedText = await Deno.readTextFile(new URL(`../../${SHIPPED}`, import.meta.url));
const shipped = (): Plain => JSON.parse(shippedText);

/** A copy of the shipped config with one value replaced; a path of keys, and `undefined` takes the key away. */
function changed(path: string, value: unknown): Plain {
  const config = shipped();
  const keys = path.split("."), last = keys.pop() as string;
  const inner = keys.reduce((at, key) => at[key] as Plain, config);
  if (value === undefined) delete inner[last];
  else inner[last] = value;
  return config;
}

/** The one line that a bad config is refused with. */
function refusal(parse: () => unknown, where: string): string {
  const { message } = assertThrows(parse, InputError);
  assert(!message.includes("\n"), message);
  assertStringIncludes(message, where);
  return message;
}

Deno.test("parsePretrainConfig() reads the shipped config of base A", () => {
  const config = parsePretrainConfig(shipped(), { where: SHIPPED });
  assert(config.from === undefined);
  const { name, model, tokenizer, corpus, training } = config;
  assertEquals(name, "base-a");
  assertEquals([model.architecture, model.vocab, model.eosTokenIds], [
    "qwen2",
    tokenizer.vocabSize,
    [tokenizer.vocabSize - 1],
  ]);
  assert(model.layers >= 8 && model.headDim % 16 === 0 && model.kvHeads < model.heads);
  assertEquals(Object.keys(corpus.families).sort(), [...FAMILIES].sort());
  assertEquals(training.betas.length, 2);
});

Deno.test("parsePretrainConfig() refuses unknown keys at every depth, by name and place", () => {
  const cases = [
    { path: "colour", at: "its top" },
    { path: "tokenizer.merges", at: "tokenizer" },
    { path: "training.lr", at: "training" },
    { path: "training.initial.norm", at: "training.initial" },
    { path: "corpus.authors", at: "" },
    { path: "corpus.writers.nobody", at: "writers" },
  ];
  for (const { path, at } of cases) {
    const message = refusal(() => parsePretrainConfig(changed(path, 1), { where: "a.json" }), "a.json");
    assertStringIncludes(message, path.split(".").at(-1) as string);
    assertStringIncludes(message, at);
  }
});

Deno.test("parsePretrainConfig() refuses missing and impossible values, by name", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["name", ""],
    ["training.steps", 0],
    ["training.steps", 1.5],
    ["training.seed", -1],
    ["training.learningRate", 0],
    ["training.learningRate", "0.1"],
    ["training.floor", 1.1],
    ["training.betas", [0.9]],
    ["training.betas", [0.9, 1]],
    ["training.maxNorm", undefined],
    ["training.zLoss", -0.1],
    ["training.initial.embedding", 0],
    ["tokenizer.vocabSize", undefined],
    ["tokenizer.documents", 0],
  ];
  for (const [path, value] of cases) {
    const message = refusal(() => parsePretrainConfig(changed(path, value), { where: "b.json" }), "b.json");
    assertStringIncludes(message, `bad pretraining config at ${path}`);
  }
  for (const value of [null, [], "text", 3]) {
    assertStringIncludes(refusal(() => parsePretrainConfig(value, { where: "c.json" }), "c.json"), "its top");
  }
});

Deno.test("parsePretrainConfig() with from wants neither a tokenizer's size nor initial weights", async () => {
  const path = "fixtures/embedded/a-instruct.pretrain.json";
  const shippedTuned = JSON.parse(await Deno.readTextFile(new URL(`../../${path}`, import.meta.url)));
  const config = parsePretrainConfig(shippedTuned, { where: path });
  assertEquals([config.name, config.from, config.tokenizer], ["a-instruct", "base-a", {
    format: "dialogue",
  }]);
  assertEquals("initial" in config.training, false);
  assertEquals(config.model, parsePretrainConfig(shipped(), { where: SHIPPED }).model);
  const spreads = { embedding: 1, unembedding: 1, projection: 1 };
  const bad: readonly (readonly [Plain, string])[] = [
    [
      { training: { ...shippedTuned.training, initial: spreads } },
      'at training, Unrecognized key: "initial"',
    ],
    [{ tokenizer: { vocabSize: 620 } }, 'at tokenizer, Unrecognized key: "vocabSize"'],
    [{ from: "" }, "at from"],
    [{ from: 3 }, "at from"],
    [{ tokenizer: { format: "shout" } }, "at tokenizer.format"],
  ];
  for (const [change, message] of bad) {
    const parse = () => parsePretrainConfig({ ...shippedTuned, ...change }, { where: "e.json" });
    assertStringIncludes(refusal(parse, "e.json"), message);
  }
});

Deno.test("parsePretrainConfig() refuses a vocabulary that the model has no rows for", () => {
  const { vocab } = parsePretrainConfig(shipped(), { where: SHIPPED }).model;
  const message = refusal(
    () => parsePretrainConfig(changed("tokenizer.vocabSize", vocab + 1), { where: "d.json" }),
    "d.json",
  );
  assertStringIncludes(
    message,
    `tokenizer.vocabSize, it must be <= the model's vocab_size ${vocab}: current value is ${vocab + 1}`,
  );
});

Deno.test("parsePretrainConfig() takes averages that forget, and no others", () => {
  for (const betas of [[0, 0], [0.9, 0.999]] as const) {
    assertEquals(
      parsePretrainConfig(changed("training.betas", betas), { where: SHIPPED }).training.betas,
      betas,
    );
  }
  for (const betas of [[1, 0.9], [0.9, 1], [-0.1, 0.9], [0.9, -0.1]]) {
    refusal(
      () => parsePretrainConfig(changed("training.betas", betas), { where: SHIPPED }),
      "training.betas",
    );
  }
});
