import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { ChatTokenizer, type ChatTurn } from "../../../lib/checkpoint/mod.ts";
import { repeatsRepetition } from "../../../lib/checkpoint/tokenizer/_tokenizer_files.ts";
import { golden, withFolder } from "../_folder.ts";

interface GoldenTokenizer {
  readonly vocab: number;
  readonly bos: number | null;
  readonly eos: number | null;
  readonly pad: number | null;
  readonly added_special: number[];
  readonly variables: Record<string, string>;
  readonly texts: { text: string; ids: number[]; decoded: string; without_special: string }[];
  readonly chats: { messages: ChatTurn[]; generation: boolean; text: string; ids: number[] }[];
  readonly pieces: string[];
}

const KINDS = ["qwen", "llama"] as const;
const FOLDER = new URL("../../../fixtures/golden/tokenizers/", import.meta.url).pathname;
const read = () => golden<Record<(typeof KINDS)[number], GoldenTokenizer>>("chat_tokenizer.json");

Deno.test("ChatTokenizer encodes and decodes as transformers does", async () => {
  const expected = await read();
  for (const kind of KINDS) {
    const tokenizer = await ChatTokenizer.open(`${FOLDER}${kind}`);
    for (const { text, ids, decoded, without_special } of expected[kind].texts) {
      assertEquals(tokenizer.encode(text), ids, `${kind}: ${JSON.stringify(text)}`);
      assertEquals(tokenizer.decode(ids), decoded);
      assertEquals(tokenizer.decode(ids, { specialTokens: "skip" }), without_special);
    }
  }
});

Deno.test("ChatTokenizer renders and encodes conversations as transformers does", async () => {
  const expected = await read();
  for (const kind of KINDS) {
    const { chats, variables } = expected[kind];
    const tokenizer = await ChatTokenizer.open(`${FOLDER}${kind}`);
    for (const { messages, generation, text, ids } of chats) {
      const options = { addGenerationPrompt: generation, variables };
      assertEquals(tokenizer.renderChat(messages, options), text);
      assertEquals(tokenizer.encodeChat(messages, options), ids);
    }
  }
});

Deno.test("ChatTokenizer knows its vocabulary as transformers does", async () => {
  const expected = await read();
  for (const kind of KINDS) {
    const { vocab, bos, eos, pad, added_special, pieces } = expected[kind];
    const tokenizer = await ChatTokenizer.open(`${FOLDER}${kind}`);
    assertEquals(tokenizer.vocab, vocab);
    assertEquals([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.padTokenId], [bos, eos, pad]);
    assertEquals([...tokenizer.specialTokenIds].sort((a, b) => a - b), added_special);
    assertEquals(pieces.map((_, id) => tokenizer.tokenText(id)), pieces);
  }
});

Deno.test("ChatTokenizer adds no token in silence, though the post-processor of the file would", async () => {
  const tokenizer = await ChatTokenizer.open(`${FOLDER}llama`);
  assertEquals(tokenizer.encode("To").includes(tokenizer.bosTokenId!), false);
  assertEquals(tokenizer.encode("<|begin_of_text|>To")[0], tokenizer.bosTokenId);
});

Deno.test("tokenId() is an id for exactly one token", async () => {
  const tokenizer = await ChatTokenizer.open(`${FOLDER}qwen`);
  assertEquals(tokenizer.tokenId("<|im_end|>"), tokenizer.eosTokenId);
  assertEquals(tokenizer.tokenText(tokenizer.tokenId("7")!), "7");
  assertEquals(tokenizer.tokenId("77"), null);
  assertEquals(tokenizer.tokenId(""), null);
});

Deno.test("decode() gives nothing for rows of embedding without a token and refuses what is no id", async () => {
  const tokenizer = await ChatTokenizer.open(`${FOLDER}qwen`);
  const [seven] = tokenizer.encode("7");
  assertEquals(tokenizer.decode([tokenizer.vocab, seven!, 99_999]), "7");
  assertEquals(tokenizer.decode([]), "");
  for (const id of [-1, 0.5, NaN]) {
    assertThrows(() => tokenizer.decode([id]), RangeError, `current value is ${id}`);
  }
});

Deno.test("renderChat() never reads the clock", async () => {
  const tokenizer = await ChatTokenizer.open(`${FOLDER}llama`);
  const messages = [{ role: "user", content: "hi" }];
  assertThrows(() => tokenizer.renderChat(messages), InputError, "asks for today's date");
  // The day that is given is the day that is shown: 29 February 2024 was a Thursday.
  const template = "{{ strftime_now('%d %b %Y, %A') }}";
  await withTokenizer({ config: { chat_template: template } }, async (folder) => {
    const dated = await ChatTokenizer.open(folder, { date: "2024-02-29" });
    assertEquals(dated.renderChat(messages), "29 Feb 2024, Thursday");
    for (const date of ["2023-02-29", "today", "", "2024-2-9"]) {
      await assertRejects(
        () => ChatTokenizer.open(folder, { date }),
        InputError,
        `the date must be a day like 2024-07-26: got "${date}"`,
      );
    }
  });
});

Deno.test("renderChat() says why a template refuses, and when there is none", async () => {
  const tokenizer = await ChatTokenizer.open(`${FOLDER}qwen`);
  const strange = [{ role: "user", content: "hi" }, { role: "robot", content: "hi" }];
  assertThrows(() => tokenizer.renderChat(strange), InputError, "refuses these messages, unknown role robot");
  await withTokenizer({ config: { chat_template: undefined } }, async (folder) => {
    const bare = await ChatTokenizer.open(folder);
    assertThrows(() => tokenizer.renderChat([]), InputError, "a conversation needs a turn");
    assertEquals(bare.hasChatTemplate, false);
    assertThrows(() => bare.renderChat(strange), InputError, "no chat template");
  });
});

type Edits = { tokenizer?: (json: EditableTokenizer) => void; config?: Record<string, unknown> };
interface EditableTokenizer {
  model: { type: string; vocab: Record<string, number>; merges?: unknown[]; unk_token?: string };
  added_tokens: { id: number; content: string }[];
  pre_tokenizer: { pretokenizers: Record<string, unknown>[] };
  decoder?: unknown;
}

/** Runs a test body with an edited copy of the qwen-like tokenizer. */
async function withTokenizer(edits: Edits, body: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const tokenizer = await golden<EditableTokenizer>("tokenizers/qwen/tokenizer.json");
    const config = await golden<Record<string, unknown>>("tokenizers/qwen/tokenizer_config.json");
    edits.tokenizer?.(tokenizer);
    await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify(tokenizer));
    await Deno.writeTextFile(
      `${folder}/tokenizer_config.json`,
      JSON.stringify({ ...config, ...edits.config }),
    );
    await body(folder);
  });
}

function assertRefused(edits: Edits, message: string): Promise<void> {
  return withTokenizer(edits, async (folder) => {
    const error = await assertRejects(() => ChatTokenizer.open(folder), InputError, message);
    assertEquals(
      [error.message.includes("\n"), error.message.includes(folder)],
      [false, true],
      error.message,
    );
  });
}

Deno.test("ChatTokenizer.open() refuses damaged tokenizers", async () => {
  await assertRefused(
    { tokenizer: (json) => delete json.model.merges },
    '"model.merges" is missing in tokenizer.json',
  );
  await assertRefused(
    { tokenizer: (json) => void (json.model.merges = [["a"]]) },
    "must be a pair of tokens",
  );
  await assertRefused({ tokenizer: (json) => void (json.model.type = "Unigram") }, 'only "BPE" is supported');
  await assertRefused({ tokenizer: (json) => void (json.model.vocab["!"] = -1) }, "must be a token id");
  await assertRefused({ tokenizer: (json) => void (json.model.vocab["!"] = 5) }, "share the id 5");
  await assertRefused(
    { tokenizer: (json) => void (json.decoder = { type: "Magic" }) },
    'decoder has a step "Magic", which is not supported',
  );
  await assertRefused({ tokenizer: (json) => delete json.decoder }, '"decoder" is missing');
  await assertRefused({ config: { eos_token: "<|gone|>" } }, 'eos_token "<|gone|>" is not in the vocabulary');
  await assertRefused({ config: { chat_template: "{% if %}" } }, "cannot parse the chat template");
});

Deno.test("ChatTokenizer.open() refuses what would split or merge text differently", async () => {
  const split = (changes: Record<string, unknown>) => (json: EditableTokenizer) =>
    void Object.assign(json.pre_tokenizer.pretokenizers[0]!, changes);
  await assertRefused(
    { tokenizer: split({ behavior: "MergedWithPrevious" }) },
    'splits by "MergedWithPrevious"',
  );
  await assertRefused({ tokenizer: split({ invert: true }) }, 'splits by "Isolated, inverted"');
  const step = (type: string) => (json: EditableTokenizer) =>
    void json.pre_tokenizer.pretokenizers.push({ type });
  await assertRefused({ tokenizer: step("Whitespace") }, 'pre_tokenizer has a step "Whitespace"');
  await assertRefused({ tokenizer: step("Punctuation") }, 'splits punctuation by "Isolated"');
  const model = (changes: Record<string, unknown>) => (json: EditableTokenizer) =>
    void Object.assign(json.model, changes);
  await assertRefused({ tokenizer: model({ end_of_word_suffix: "</w>" }) }, "marks at the end of words");
  await assertRefused({ tokenizer: model({ continuing_subword_prefix: "##" }) }, "marks inside words");
  await assertRefused(
    { config: { split_special_tokens: true } },
    "special tokens in texts are always their ids",
  );
  const rules = { "7": { content: "<|gone|>", special: true } };
  await assertRefused(
    { config: { added_tokens_decoder: rules } },
    'the added token "<|gone|>" is not in the vocabulary',
  );
});

Deno.test("ChatTokenizer.open() refuses merges that are missing or of tokens that are", async () => {
  const merges = (change: (list: unknown[]) => unknown[]) => (json: EditableTokenizer) =>
    void Object.assign(json.model, {
      merges: change((json.model as unknown as { merges: unknown[] }).merges),
    });
  await assertRefused({ tokenizer: merges(() => []) }, "the tokenizer has tokens but no merges");
  await assertRefused(
    { tokenizer: merges(([, ...rest]) => [["a", "§§"], ...rest]) },
    'merge 0 needs the token "§§"',
  );
  await assertRefused({ tokenizer: merges((list) => [...list, "a b c"]) }, "is no pair of tokens");
  await assertRefused({ tokenizer: merges((list) => [...list, ["", "a"]]) }, "is no pair of tokens");
});

Deno.test("ChatTokenizer.open() refuses patterns that can take exponential time", async () => {
  const pattern = (Regex: string) => (json: EditableTokenizer) =>
    void Object.assign(json.pre_tokenizer.pretokenizers[0]!, { pattern: { Regex } });
  for (const endless of ["(a+)+$", "(?:a|a)*b", "((a{2,})b?)+", "(\\w*\\s)*x", "([ab]+){3,}"]) {
    await assertRefused({ tokenizer: pattern(endless) }, "can take endless time");
  }
  await assertRefused({ tokenizer: pattern("a".repeat(2001)) }, "can take endless time");
  const published = [
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}]*[\\p{Ll}\\p{Lm}]+(?i:'s|'t|'re)?|[()|+*]+|\\(a+\\)+",
  ];
  assertEquals(published.map(repeatsRepetition), [false, false]);
});

Deno.test("ChatTokenizer.open() names missing files and a tokenizer too large for the model", async () => {
  await withTokenizer({}, async (folder) => {
    await assertRejects(
      () => ChatTokenizer.open(folder, { vocab: 422 }),
      InputError,
      "ids up to 422, the model only 422",
    );
    assertEquals((await ChatTokenizer.open(folder, { vocab: 423 })).vocab, 423);
    await Deno.remove(`${folder}/tokenizer_config.json`);
    await assertRejects(() => ChatTokenizer.open(folder), InputError, "tokenizer_config.json");
    await Deno.remove(`${folder}/tokenizer.json`);
    await assertRejects(() => ChatTokenizer.open(folder), InputError, "does not exist");
  });
});

Deno.test("ChatTokenizer takes the named default of several templates, and a file of its own before any key", async () => {
  const chat_template = [{ name: "tool_use", template: "tool" }, {
    name: "default",
    template: "from the key",
  }];
  const turns = [{ role: "user", content: "hi" }];
  await withTokenizer({ config: { chat_template } }, async (folder) => {
    const fromKey = await ChatTokenizer.open(folder);
    assertEquals(fromKey.renderChat(turns), "from the key");
    await Deno.writeTextFile(`${folder}/chat_template.jinja`, "\n  from the file\n");
    const fromFile = await ChatTokenizer.open(folder);
    assertEquals(fromFile.renderChat(turns), "\n  from the file");
    assertEquals(fromKey.hash === fromFile.hash, false);
    await Deno.writeTextFile(`${folder}/chat_template.jinja`, "\ufeff\n  from the file\n");
    assertEquals((await ChatTokenizer.open(folder)).renderChat(turns), "\n  from the file");
    await Deno.writeTextFile(`${folder}/chat_template.jinja`, "\n  from the file\n");
    assertEquals(fromFile.hash, (await ChatTokenizer.open(folder)).hash);
  });
});
