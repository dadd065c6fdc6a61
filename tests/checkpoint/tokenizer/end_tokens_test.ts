import { assertEquals, assertRejects } from "@std/assert";
import {
  ChatTokenizer,
  type EndToken,
  openCheckpoint,
  writeRandomCheckpoint,
} from "../../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../_tiny_config.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { golden, withFolder } from "../_folder.ts";

interface Families {
  readonly templates: Readonly<Record<string, string>>;
}

interface TokenizerJson {
  added_tokens: Record<string, unknown>[];
  model: { vocab: Record<string, number> };
}

/** A folder of a tiny model with the qwen-like tokenizer, more added tokens, a template and what its files say. */
async function withModel(
  files: {
    readonly tokens: readonly (string | { readonly content: string; readonly special: boolean })[];
    readonly template?: string | null;
    readonly eosToken?: string | null;
    readonly config?: unknown;
    readonly generation?: unknown;
  },
  body: (folder: string, idOf: (text: string) => number) => Promise<void>,
): Promise<void> {
  const tokenizer = await golden<TokenizerJson>("tokenizers/qwen/tokenizer.json");
  const first = Object.keys(tokenizer.model.vocab).length + tokenizer.added_tokens.length;
  const ids = new Map<string, number>();
  for (const token of tokenizer.added_tokens) ids.set(token.content as string, token.id as number);
  files.tokens.forEach((token, place) => {
    const { content, special } = typeof token === "string" ? { content: token, special: true } : token;
    ids.set(content, first + place);
    tokenizer.added_tokens.push({
      id: first + place,
      content,
      special,
      normalized: false,
      single_word: false,
      lstrip: false,
      rstrip: false,
    });
  });
  const config = tinyConfig({ vocab: first + files.tokens.length, eosTokenIds: [], headDim: 8 });
  await withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config, dtype: "float32", seed: 0 });
    const configJson = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
    const write = (name: string, json: unknown) =>
      Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(json));
    await write("config.json", { ...configJson, eos_token_id: files.config ?? null });
    if (files.generation !== undefined) {
      await write("generation_config.json", { eos_token_id: files.generation });
    }
    await write("tokenizer.json", tokenizer);
    await write("tokenizer_config.json", {
      eos_token: files.eosToken ?? null,
      chat_template: files.template ?? null,
    });
    await body(folder, (text) => ids.get(text)!);
  });
}

/** What is said of end tokens, in short: `text: source, source`, a star where it opens a turn. */
function shown(tokens: readonly EndToken[]): string[] {
  return tokens.map(({ text, sources, opensTurn }) =>
    `${text}${opensTurn ? "*" : ""}: ${sources.join(", ")}`
  );
}

Deno.test("every file that names another end token adds it, and says so", async () => {
  const tokens = ["<|a|>", "<|b|>", "<|c|>", "<|d|>"];
  const template =
    "{% for m in messages %}{{ '<|d|>' + m.role + '\n' + m.content + '<|c|>' + '\n' }}{% endfor %}";
  await withModel(
    { tokens, template, eosToken: "<|b|>", config: 0, generation: [424, 0] },
    async (folder, idOf) => {
      const { config, endTokens } = await openCheckpoint(folder);
      assertEquals(idOf("<|b|>"), 424);
      assertEquals(shown(endTokens), [
        "!: config.json, generation_config.json",
        "<|b|>: generation_config.json, tokenizer_config.json",
        "<|c|>: chat template",
        "<|d|>*: chat template",
      ]);
      assertEquals(config.eosTokenIds, [0, 424, 425, 426]);
    },
  );
  await withModel({ tokens, eosToken: "<|a|>", config: null }, async (folder) => {
    assertEquals(shown((await openCheckpoint(folder)).endTokens), ["<|a|>: tokenizer_config.json"]);
  });
});

Deno.test("turnTokens() reads the end of an answer and the start of the next turn off the families' templates", async () => {
  const { templates } = await golden<Families>("chat_templates.json");
  const expected: Readonly<Record<string, readonly [string | null, string | null]>> = {
    smollm2: ["<|im_end|>", "<|im_start|>"],
    "qwen2.5": ["<|im_end|>", "<|im_start|>"],
    qwen3: ["<|im_end|>", "<|im_start|>"],
    llama3: ["<|eot_id|>", "<|start_header_id|>"],
    mistral: ["</s>", "[INST]"],
    glm: ["<|user|>", null],
    "deepseek-r1": ["<｜end▁of▁sentence｜>", "<｜User｜>"],
    marked: ["</s>", null],
  };
  assertEquals(Object.keys(templates).sort(), Object.keys(expected).sort());
  const ordinary = ["<｜User｜>", "[INST]", "[/INST]"].map((content) => ({ content, special: false }));
  const special = [
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|user|>",
    "<|assistant|>",
    "</s>",
  ];
  const tokens = [...ordinary, ...special, "<｜end▁of▁sentence｜>", "<think>", "</think>"];
  for (const [name, template] of Object.entries(templates)) {
    const eosToken = "</s>";
    await withModel({ tokens, template, eosToken }, async (folder) => {
      // A template that asks for the day is read with some day: the tokens do not depend on it.
      const tokenizer = await ChatTokenizer.open(folder), { closing, opening } = tokenizer.turnTokens();
      const text = (id: number | null) => id === null ? null : tokenizer.tokenText(id);
      assertEquals([text(closing), text(opening)], expected[name], name);
    });
  }
});

Deno.test("blanks that are added tokens end no answer, and a template without tokens adds none", async () => {
  const tokens = [{ content: "\n\n", special: false }, { content: "  ", special: false }, "<|x|>"];
  const spaced = "{% for m in messages %}{{ m.role }}:\n\n{{ m.content }}\n\n{% endfor %}";
  await withModel({ tokens, template: spaced, config: 7 }, async (folder) => {
    assertEquals((await openCheckpoint(folder)).config.eosTokenIds, [7]);
  });
  const refusing = "{% if messages | length > 1 %}{{ raise_exception('one question') }}{% endif %}<|x|>";
  await withModel({ tokens, template: refusing, config: 7 }, async (folder) => {
    assertEquals((await openCheckpoint(folder)).config.eosTokenIds, [7]);
  });
  const oneAnswer = "{% if messages | length > 2 %}{{ raise_exception('one answer') }}{% endif %}" +
    "{% for m in messages %}{{ m.content }}<|x|>{% endfor %}";
  await withModel({ tokens, template: oneAnswer, config: 7 }, async (folder, idOf) => {
    assertEquals((await openCheckpoint(folder)).config.eosTokenIds, [7, idOf("<|x|>")]);
  });
});

Deno.test("a model opens beside a tokenizer that cannot be used; who asks for that hears why", async () => {
  await withModel({ tokens: [], config: 7 }, async (folder) => {
    await Deno.writeTextFile(`${folder}/tokenizer.json`, '{"model": {"type": "Unigram"}}');
    const checkpoint = await openCheckpoint(folder);
    assertEquals(checkpoint.endTokens, [{ id: 7, text: null, sources: ["config.json"], opensTurn: false }]);
    await assertRejects(() => checkpoint.tokenizer(), InputError, 'only "BPE" is supported');
    await Deno.remove(`${folder}/tokenizer.json`);
    await assertRejects(
      async () => await (await openCheckpoint(folder)).tokenizer(),
      InputError,
      "does not exist",
    );
  });
});
