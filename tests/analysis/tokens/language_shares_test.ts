import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  compareNonEnglish,
  type LanguageControl,
  languageShares,
  type TokenLanguage,
  TokenLens,
} from "../../../lib/analysis/mod.ts";
import { RandomStream, tensor } from "../../../lib/core/mod.ts";

/** 200 tokens, the first 20 Han, the rest Latin. */
const languages: readonly TokenLanguage[] = Array.from({ length: 200 }, (_, id) => id < 20 ? "han" : "latin");

const compare = (tokens: readonly number[], control: LanguageControl, draws = 2000) =>
  compareNonEnglish(tokens, { languages, control, draws });

/** Tokens 0 … count − 1, or from another first one. */
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, place) => from + place);

Deno.test("languageShares() counts labels, and non-English tokens among all and among those with letters", () => {
  const labels: TokenLanguage[] = ["latin", "han", "cyrillic", "digits", "bytes", "latex", "latin_listed"];
  const { count, counts, nonEnglish, nonEnglishOfLettered } = languageShares(
    [0, 1, 1, 2, 3, 4, 5, 6],
    labels,
  );
  assertEquals([count, counts.han, counts.latin, counts.thai], [8, 2, 1, 0]);
  assertEquals([nonEnglish, nonEnglishOfLettered], [4 / 8, 4 / 5]);
  assertEquals(languageShares([3], labels).nonEnglishOfLettered, null);
});

Deno.test("compareNonEnglish() against the vocabulary has the hypergeometric p-value", () => {
  // P(at least 2 Han of 5 drawn from 20 Han and 180 others), by counting.
  const choose = (n: number, k: number): number => k === 0 ? 1 : choose(n - 1, k - 1) * n / k;
  const none = choose(180, 5) / choose(200, 5), one = 20 * choose(180, 4) / choose(200, 5);
  const draws = 20000;
  const { share, control, difference, pValue } = compare([0, 1, 30, 31, 32], { kind: "vocabulary" }, draws);
  assertEquals([share, control], [0.4, 0.1]);
  assertAlmostEquals(difference, 0.3, 1e-15);
  const exact = 1 - none - one;
  assertAlmostEquals(pValue, exact, 4 * Math.sqrt(exact * (1 - exact) / draws));
});

Deno.test("compareNonEnglish() against the vocabulary never draws a row without a token", () => {
  // Every token that has a name is Han: any list of them has share 1.
  const labels = languages.map((_, id): TokenLanguage => id < 20 ? "han" : "none");
  const { control, pValue } = compareNonEnglish(ids(5), {
    languages: labels,
    control: { kind: "vocabulary" },
  });
  assertEquals([control, pValue], [1, 1]);
});

Deno.test("compareNonEnglish() has the binomial interval of a share", () => {
  // 40 of 100 tokens, against a fixed tenth: 0.3 ± 1.96 · sqrt(0.4 · 0.6 / 100).
  const tokens = [...ids(20), ...ids(20), ...ids(60, 100)];
  const { low, high } = compare(tokens, { kind: "vocabulary" });
  assertAlmostEquals(low, 0.3 - 0.096, 0.011);
  assertAlmostEquals(high, 0.3 + 0.096, 0.011);
});

Deno.test("compareNonEnglish() against another list permutes tokens between the two", () => {
  // 3 Han of 3 against 0 of 3: one of the 20 ways to part six tokens reaches that difference.
  const { share, control, difference, pValue, low, high } = compare(ids(3), {
    kind: "tokens",
    tokens: ids(3, 50),
  });
  assertEquals([share, control, difference], [1, 0, 1]);
  assertAlmostEquals(pValue, 1 / 20, 4 * Math.sqrt(0.05 * 0.95 / 2000));
  assertEquals([low, high], [1, 1]); // either list is all of one kind, and so is every resample
});

Deno.test("compareNonEnglish() finds nothing between a list and itself", () => {
  const tokens = [...ids(10), ...ids(10, 100)];
  const { difference, low, high, pValue } = compare(tokens, { kind: "tokens", tokens });
  assertEquals(difference, 0);
  assert(low < 0 && high > 0 && pValue > 0.4);
});

/** Rows of 200 tokens: normal, Han ones moved along the first axis. */
function lensWith(offset: number): TokenLens {
  const stream = new RandomStream(1, "language lens"), embed = 16;
  const rows = languages.flatMap((label) =>
    Array.from(
      { length: embed },
      (_, column) => stream.normal() + (label === "han" && column === 0 ? offset : 0),
    )
  );
  return new TokenLens(tensor("float32", [200, embed], rows));
}

Deno.test("compareNonEnglish() against random directions takes their lists from the same end of the lens", () => {
  const lens = lensWith(0), control = { kind: "directions", lens, norm: 3, side: "bottom" } as const;
  const result = compare(ids(10), control, 300);
  assertEquals(result.share, 1);
  // Rows do not depend on the language, so a random direction lists as many Han tokens as there are: a tenth.
  assertAlmostEquals(result.control, 0.1, 0.03);
  assertEquals(result.pValue, 1 / 301);
  assert(result.low > 0.5 && result.high <= 1);
});

Deno.test("random directions know that rows of one language lie together, where the vocabulary does not", () => {
  // Han rows lie twelve out on one axis of sixteen, the others' products are normal: a random direction whose first
  // entry is below −0.2, every fifth, has Han rows alone at the bottom.
  const lens = lensWith(12), tokens = ids(10);
  const vocabulary = compare(tokens, { kind: "vocabulary" }, 300);
  const directions = compare(
    tokens,
    { kind: "directions", lens, norm: 1, side: "bottom", rankBy: "dot" },
    300,
  );
  assert(vocabulary.pValue < 0.01);
  assert(directions.pValue > 0.1, `${directions.pValue}`);
});

Deno.test("compareNonEnglish() with random directions does not depend on their norm, and is deterministic", () => {
  const lens = lensWith(0), draws = 40;
  const at = (norm: number) => compare(ids(10), { kind: "directions", lens, norm, side: "top" }, draws);
  assertEquals(at(1), at(1));
  assertEquals(at(8), at(1));
  assert(
    at(1).control !== compare(ids(10), { kind: "directions", lens, norm: 1, side: "bottom" }, draws).control,
  );
});

Deno.test("compareNonEnglish() refuses lists and controls that make no sense", () => {
  const lens = lensWith(0);
  assertThrows(() => compare([], { kind: "vocabulary" }), RangeError, "current count is 0");
  assertThrows(() => compare([200], { kind: "vocabulary" }), RangeError, "< 200: current value is 200");
  assertThrows(
    () => compare([0], { kind: "directions", lens, norm: 0, side: "top" }),
    RangeError,
    "200, 0",
  );
  assertThrows(
    () => compareNonEnglish([0, 1], { languages: ["han", "none"], control: { kind: "vocabulary" } }),
    RangeError,
    "at least 2 tokens: current count is 1",
  );
  assertThrows(() => compare([0], { kind: "vocabulary" }, 0), RangeError, "draws");
});
