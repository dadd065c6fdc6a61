import { assert, assertEquals, assertThrows } from "@std/assert";
import { classShifts, TOKEN_CLASSES, type TokenClass, tokenClass } from "../../../lib/analysis/mod.ts";

const EXPECTED: { readonly [Class in TokenClass]: readonly string[] } = {
  "special": ["<|im_end|>", "<|eot_id|>", "<s>", "<pad>"],
  "process word": [" Therefore", "to", "To", "Step", " first", "Let", " we", "THEN"],
  "structure symbol": [
    "\n",
    "\n\n",
    ".\n",
    ":",
    " **",
    "###",
    "}",
    "\\boxed",
    "\\[",
    "$",
    " ",
    "(",
    "- \n",
    "\\begin{",
  ],
  "operator": [" =", "+", "-", "*", " * ", "×", "\\frac", "/", "<", "\\times", "^"],
  "number": ["0", "42", " 7", "½"],
  "word": ["apples", " Anna", "ных", "数学", "x", "2x", "don't"],
  "other": ["\ufffd", "🙂", "@", "3.5"],
};

Deno.test("tokenClass() sorts tokens by spelling alone", () => {
  for (const [name, texts] of Object.entries(EXPECTED)) {
    assertEquals(texts.map((text) => [text, tokenClass(text)]), texts.map((text) => [text, name]));
  }
  assertEquals(Object.keys(EXPECTED), [...TOKEN_CLASSES]);
});

Deno.test("classShifts() adds up each class, and the classes cancel as their tokens do", () => {
  const texts = ["So", "Then", "7", "8", "\n"], shifts = [0.5, -0.125, 0.25, -0.75, 0.125];
  const classes = classShifts(shifts, { text: (token) => texts[token] as string });
  const of = (name: TokenClass) => classes.find((row) => row.class === name);
  assertEquals(of("process word"), {
    class: "process word",
    tokens: 2,
    rising: 0.5,
    falling: -0.125,
    net: 0.375,
  });
  assertEquals(of("number")?.net, -0.5);
  assertEquals(of("structure symbol")?.net, 0.125);
  assertEquals(of("word"), { class: "word", tokens: 0, rising: 0, falling: 0, net: 0 });
  assertEquals(classes.reduce((sum, row) => sum + row.net, 0), 0);
  assert(classes.length === TOKEN_CLASSES.length);
  assertThrows(() => classShifts([NaN], { text: () => "a" }), RangeError, "token 0 has NaN");
});
