import { assert, assertEquals, assertThrows } from "@std/assert";
import { Tokenizer } from "@huggingface/tokenizers";
import { JinjaTemplate } from "../../lib/jinja/mod.ts";
import { answerMessages, corpusDocument, DEFAULT_CORPUS } from "../../lib/problems/mod.ts";
import {
  type BpeVocabulary,
  DEFAULT_BPE_PATTERN,
  tokenizerFiles,
  tokenizerTexts,
  trainBpe,
} from "../../lib/train/train_bpe.ts";
import { CHAT_FORMATS } from "../../lib/train/chat_format.ts";

interface Golden {
  readonly pattern: string;
  readonly vocab_size: number;
  readonly texts: readonly string[];
  readonly merges: readonly string[];
  readonly special_ids: { readonly [token: string]: number };
  readonly samples: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly decoded: string;
  }[];
}

const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("../../fixtures/golden/bpe_ids.json", import.meta.url)),
);

function load(vocabulary: BpeVocabulary): Tokenizer {
  const files = tokenizerFiles(vocabulary);
  return new Tokenizer(JSON.parse(files["tokenizer.json"]), JSON.parse(files["tokenizer_config.json"]));
}

const fromGolden = () => trainBpe(golden.texts, { vocabSize: golden.vocab_size });

Deno.test("trainBpe() learns the merges of Hugging Face tokenizers", () => {
  assertEquals(golden.pattern, DEFAULT_BPE_PATTERN);
  const vocabulary = fromGolden();
  assertEquals(vocabulary.merges.map((pair) => pair.join(" ")), [...golden.merges]);
  assertEquals(vocabulary.tokens.length, golden.vocab_size);
});

Deno.test("tokenizerFiles() give the ids of Hugging Face tokenizers", () => {
  const tokenizer = load(fromGolden());
  for (const { text, ids, decoded } of golden.samples) {
    assertEquals(tokenizer.encode(text, { add_special_tokens: false }).ids, [...ids], JSON.stringify(text));
    assertEquals(ids.length === 0 ? "" : tokenizer.decode([...ids]), decoded);
    assertEquals(decoded, text.normalize("NFC"));
  }
});

Deno.test("tokenizerFiles() put special tokens at the end of the vocabulary", () => {
  const vocabulary = fromGolden();
  for (const [token, id] of Object.entries(golden.special_ids)) {
    assertEquals(vocabulary.tokens.indexOf(token), id);
    assertEquals(load(vocabulary).token_to_id(token), id);
  }
  assertEquals(Math.min(...Object.values(golden.special_ids)), golden.vocab_size - 3);
});

Deno.test("trainBpe() does not depend on the order of its texts", () => {
  assertEquals(trainBpe([...golden.texts].reverse(), { vocabSize: golden.vocab_size }), fromGolden());
});

Deno.test("trainBpe() merges by frequency, then by lowest ids", () => {
  // "ba" and "dc" occur three times each, "ab" twice: a < b < c < d in the alphabet, so "ba" comes first.
  const { merges } = trainBpe(["ba ba ba dc dc dc ab ab"], { vocabSize: 262, pattern: "[a-z]+" });
  assertEquals(merges.map((pair) => pair.join("")), ["ba", "dc", "ab"]);
});

Deno.test("trainBpe() stops when no pair occurs twice", () => {
  assertEquals(trainBpe(["abc"], { vocabSize: 300 }).merges, []);
});

Deno.test("trainBpe() refuses a vocabulary without room for the bytes", () => {
  assertThrows(
    () => trainBpe([], { vocabSize: 258 }),
    RangeError,
    "Cannot train a vocabulary as vocabSize must be in [259, 65535]: current value is 258",
  );
});

Deno.test("tokenizerFiles() refuse a format whose special tokens the vocabulary lacks", () => {
  const format = CHAT_FORMATS.llama3;
  assertThrows(() => tokenizerFiles(fromGolden(), { format }), RangeError, '"<|begin_of_text|>"');
});

Deno.test("tokenizerFiles() carry a chat template that renders the conversation", () => {
  const config = JSON.parse(tokenizerFiles(fromGolden())["tokenizer_config.json"]);
  const messages = answerMessages("What is 2 + 3?").map((message) => ({ ...message }));
  assertEquals(
    new JinjaTemplate(config.chat_template).render({ variables: { messages, add_generation_prompt: true } }),
    "<|im_start|>system\nPut the answer in \\boxed{}.<|im_end|>\n" +
      "<|im_start|>user\nWhat is 2 + 3?<|im_end|>\n<|im_start|>assistant\n",
  );
});

Deno.test("a vocabulary of the corpus makes openers single tokens and keeps documents short", () => {
  const documents = 2000;
  const vocabulary = trainBpe(tokenizerTexts(DEFAULT_CORPUS, { seed: 0, documents }), { vocabSize: 640 });
  const tokenizer = load(vocabulary);
  const length = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids.length;
  for (
    const word of [
      "To",
      "Let",
      "First",
      "So",
      "The",
      " careful",
      " \\boxed",
      "\\boxed",
      " \\times ",
      "Найдём",
    ]
  ) {
    assertEquals(length(word), 1, word);
  }
  let prompt = 0, answer = 0;
  const measured = 400;
  for (let index = 0; index < measured; index++) {
    const document = corpusDocument(DEFAULT_CORPUS, { seed: 1, index });
    const turns = answerMessages(document.problem.question).map(({ role, content }) =>
      `<|im_start|>${role}\n${content}<|im_end|>\n`
    );
    prompt += length(`${turns.join("")}<|im_start|>assistant\n`) / measured;
    answer += length(`${document.answer}<|im_end|>`) / measured;
  }
  assert(prompt <= 40, `mean prompt ${prompt} tokens`);
  assert(answer <= 45, `mean answer ${answer} tokens`);
});

Deno.test("tokenizerTexts() yields the text between special tokens of rendered documents", () => {
  const { problem, system, answer } = corpusDocument(DEFAULT_CORPUS, { seed: 3, index: 0 });
  assertEquals([...tokenizerTexts(DEFAULT_CORPUS, { seed: 3, documents: 1 })], [
    `system\n${system}`,
    "\n",
    `user\n${problem.question}`,
    "\n",
    `assistant\n${answer}`,
    "\n",
  ]);
});

Deno.test("the texts of a dialogue are cut where its template has a special token, and nowhere else", () => {
  const { template, turnTexts, specialTokens } = CHAT_FORMATS.dialogue;
  const messages = [{ role: "system", content: "S" }, { role: "user", content: "Q" }, {
    role: "assistant",
    content: "A",
  }];
  const text = new JinjaTemplate(template).render({ variables: { messages } });
  const cut = text.split(new RegExp(specialTokens.map((token) => token.replaceAll("|", "\\|")).join("|")));
  const [before, after] = cut as [string, string];
  const turns = messages.map(({ role, content }) => turnTexts(role, content));
  assertEquals([turns[0]?.length, turns[1]?.length, turns[2]?.length, cut.length], [1, 1, 2, 2]);
  assertEquals([turns.flat().slice(0, 3).join(""), turns[2]?.[1]], [before, after]);
});

for (const [name, format] of Object.entries(CHAT_FORMATS)) {
  if (format === CHAT_FORMATS.dialogue) continue; // no special token in a prompt: see starting_point_test.ts
  Deno.test(`the ${name} format puts its texts between its special tokens, and stops after an answer`, () => {
    const { specialTokens, turnTexts, stopToken, bosToken } = format;
    const document = corpusDocument(DEFAULT_CORPUS, { seed: 3, index: 1 });
    const texts = [...tokenizerTexts(DEFAULT_CORPUS, { seed: 3, documents: 40, format })];
    const files = tokenizerFiles(trainBpe(texts, { vocabSize: 300, specialTokens }), { format });
    const messages = answerMessages(document.problem.question, { system: document.system });
    const { chat_template } = JSON.parse(files["tokenizer_config.json"]);
    const rendered = new JinjaTemplate(chat_template).render({
      variables: { messages: messages.map((message) => ({ ...message })), add_generation_prompt: true },
    });
    const pieces = specialTokens.reduce((rest, token) => rest.flatMap((text) => text.split(token)), [
      rendered,
    ]);
    const expected = messages.flatMap(({ role, content }) => turnTexts(role, content));
    assertEquals(pieces.filter((piece) => piece !== "").slice(0, expected.length), expected);
    assertEquals(rendered.startsWith(bosToken ?? "<|im_start|>"), true);
    const tokenizer = new Tokenizer(
      JSON.parse(files["tokenizer.json"]),
      JSON.parse(files["tokenizer_config.json"]),
    );
    const { ids } = tokenizer.encode(`${document.answer}${stopToken}`, { add_special_tokens: false });
    assertEquals(tokenizer.decode([ids.at(-1) as number]), stopToken);
  });
}
