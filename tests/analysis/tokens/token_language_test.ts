import { assertEquals } from "@std/assert";
import {
  NON_ENGLISH_LANGUAGES,
  TOKEN_LANGUAGES,
  type TokenLanguage,
  tokenLanguage,
  vocabularyLanguages,
} from "../../../lib/analysis/mod.ts";
import { ChatTokenizer } from "../../../lib/checkpoint/mod.ts";

const CASES: readonly (readonly [TokenLanguage, readonly string[]])[] = [
  ["latin", ["To", " answer", "x", "boxed", "2x", " don't", "a\ufffd", "αx", "ℝx"]],
  ["latin_extended", ["é", "e\u0301", " naïve", "ß", "đ", " được", "Ĝ"]],
  ["cyrillic", ["Найдём", " ответ", "т\ufffd", "ъ", "Реши", ", затем "]],
  ["han", ["答案", "的", " 所以", "答a", "答."]],
  ["kana", ["こたえ", "コ", "答えは"]],
  ["hangul", ["답", "입니다"]],
  ["arabic", ["الجواب", " هو"]],
  ["devanagari", ["उत्तर", "ि"]],
  ["greek", ["απ", " λόγος"]],
  ["hebrew", ["תשובה"]],
  ["thai", ["คำตอบ", "ั"]],
  ["other_script", ["პასუხი", "பதில்", "պատ"]],
  ["latex", ["\\frac", " \\boxed", "\\cdot ", "\\frac{", "\\left("]],
  ["digits", ["0", " 12", "½", "٣", "Ⅳ", "3)"]],
  ["symbols", ["+", " ", "\n\n", "α", "π ", "=", "，", "\\", "}{", "\\(", "ℝ", "µ", "∑", "😀", "\u0301"]],
  ["bytes", ["\ufffd", " \ufffd", "3\ufffd"]],
  ["none", [""]],
];

Deno.test("tokenLanguage() labels by the script of most letters", () => {
  for (const [label, texts] of CASES) {
    for (const text of texts) assertEquals([text, tokenLanguage(text)], [text, label]);
  }
});

Deno.test("every label has a case, a place in the order and one side", () => {
  const tested = new Set<TokenLanguage>([...CASES.map(([label]) => label), "special"]);
  assertEquals([...tested].sort(), TOKEN_LANGUAGES.toSorted());
  assertEquals(new Set(TOKEN_LANGUAGES).size, TOKEN_LANGUAGES.length);
  const english = TOKEN_LANGUAGES.filter((label) => !NON_ENGLISH_LANGUAGES.has(label));
  assertEquals(english, ["latin", "latex", "digits", "symbols", "bytes", "special", "none"]);
});

Deno.test("tokenLanguage() takes the first script where two have as many letters", () => {
  assertEquals([tokenLanguage("aя"), tokenLanguage("яa"), tokenLanguage("яaa")], [
    "latin",
    "cyrillic",
    "latin",
  ]);
});

Deno.test("vocabularyLanguages() knows special tokens by their ids alone", () => {
  const texts = ["<|im_end|>", "<|im_end|>", "答", ""];
  assertEquals(vocabularyLanguages(texts, { special: new Set([1, 2]) }), [
    "latin",
    "special",
    "special",
    "none",
  ]);
});

Deno.test("vocabularyLanguages() finds the two languages of the embedded tokenizer and nothing else", async () => {
  const tokenizer = await ChatTokenizer.open("fixtures/embedded/base-a");
  const texts = Array.from({ length: tokenizer.vocab }, (_, id) => tokenizer.tokenText(id));
  const labels = vocabularyLanguages(texts, { special: tokenizer.specialTokenIds });
  const found = new Map<TokenLanguage, string[]>();
  labels.forEach((label, id) => found.set(label, [...found.get(label) ?? [], texts[id] as string]));
  assertEquals([...found.keys()].sort(), [
    "bytes",
    "cyrillic",
    "digits",
    "latex",
    "latin",
    "special",
    "symbols",
  ]);
  assertEquals(found.get("special")?.length, 3);
  assertEquals(found.get("digits"), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  // The corpus is English and Russian: no Cyrillic token has a letter from a to z, no Latin one another.
  assertEquals(found.get("cyrillic")?.filter((text) => /[a-z]/i.test(text) || !/[а-яё]/i.test(text)), []);
  assertEquals(found.get("latin")?.filter((text) => !/^[\x20-\x7e]*$/.test(text)), []);
  for (const opener of ["Найдём", "Сначала", "Решим"]) {
    assertEquals(found.get("cyrillic")?.includes(opener), true);
  }
});
