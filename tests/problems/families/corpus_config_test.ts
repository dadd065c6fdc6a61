import { assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { DEFAULT_CORPUS, parseCorpusConfig } from "../../../lib/problems/mod.ts";

Deno.test("parseCorpusConfig() reads back the JSON of the default mixture", () => {
  assertEquals(parseCorpusConfig(JSON.parse(JSON.stringify(DEFAULT_CORPUS))), DEFAULT_CORPUS);
});

const without = ({ namedShare: _, ...rest }: typeof DEFAULT_CORPUS) => rest;
const openers = DEFAULT_CORPUS.openers;

const FAULTS: readonly (readonly [name: string, value: unknown, message: string])[] = [
  ["an unknown key", { ...DEFAULT_CORPUS, slipRate: 1 }, "slipRate"],
  [
    "an unknown inner key",
    { ...DEFAULT_CORPUS, openers: { ...openers, careful: { To: 1, Ahem: 1 } } },
    "Ahem",
  ],
  ["a missing key", without(DEFAULT_CORPUS), "namedShare"],
  ["a rate above one", { ...DEFAULT_CORPUS, namedShare: 1.5 }, "namedShare"],
  [
    "a negative weight",
    { ...DEFAULT_CORPUS, writers: { ...DEFAULT_CORPUS.writers, terse: -1 } },
    "writers.terse",
  ],
  [
    "weights that are all zero",
    { ...DEFAULT_CORPUS, openers: { ...openers, sloppy: { To: 0 } } },
    "positive",
  ],
  [
    "a boxed opener with steps",
    { ...DEFAULT_CORPUS, openers: { ...openers, sloppy: { "\\boxed": 1 } } },
    "terse",
  ],
  ["an offset of zero", { ...DEFAULT_CORPUS, slipOffsets: [{ by: 0, weight: 1 }] }, "slipOffsets.0.by"],
  [
    "leaving chances above one",
    { ...DEFAULT_CORPUS, switches: { careful: { sloppy: 0.7, foreign: 0.7 } } },
    "switches",
  ],
  ["something else", null, "corpus configuration"],
];

for (const [name, value, message] of FAULTS) {
  Deno.test(`parseCorpusConfig() refuses ${name} by name`, () => {
    const error = assertThrows(() => parseCorpusConfig(value, { where: "base.json" }), InputError, message);
    assertEquals(error.message.includes("base.json"), true);
    assertEquals(error.message.includes("\n"), false);
  });
}
