import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  languageShares,
  randomLanguageShares,
  type TokenLanguage,
  TokenLens,
} from "../../../lib/analysis/mod.ts";
import { RandomStream, tensor } from "../../../lib/core/mod.ts";

/** 200 tokens, the first 20 Han, the rest Latin. */
const languages: readonly TokenLanguage[] = Array.from({ length: 200 }, (_, id) => id < 20 ? "han" : "latin");

Deno.test("languageShares() counts labels, and non-English tokens among all and among those with letters", () => {
  const labels: TokenLanguage[] = ["latin", "han", "cyrillic", "digits", "bytes", "latex", "greek"];
  const { count, counts, nonEnglish, nonEnglishOfLettered } = languageShares(
    [0, 1, 1, 2, 3, 4, 5, 6],
    labels,
  );
  assertEquals([count, counts.han, counts.latin, counts.thai], [8, 2, 1, 0]);
  assertEquals([nonEnglish, nonEnglishOfLettered], [4 / 8, 4 / 5]);
  assertEquals(languageShares([3], labels).nonEnglishOfLettered, null);
  assertThrows(() => languageShares([], labels), RangeError, "current count is 0");
  assertThrows(() => languageShares([7], labels), RangeError, "< 7: current value is 7");
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

Deno.test("randomLanguageShares() lists as many tokens of a language as there are, where rows do not tell them apart", () => {
  const lens = lensWith(0), end = { lens, languages, count: 10, draws: 300 };
  const shares = randomLanguageShares({ ...end, norm: 3 }).map(({ nonEnglish }) => nonEnglish);
  assertAlmostEquals(shares.reduce((sum, share) => sum + share, 0) / 300, 0.1, 0.03);
  assertEquals(randomLanguageShares({ ...end, norm: 8 }).map(({ nonEnglish }) => nonEnglish), shares);
  // Han rows lie far out on one axis: some directions list them alone, many none.
  const apart = randomLanguageShares({ ...end, lens: lensWith(12), norm: 1 }).map(({ nonEnglish }) =>
    nonEnglish
  );
  const count = (values: readonly number[], share: number) =>
    values.filter((value) => value === share).length;
  assertEquals([Math.max(...apart), Math.max(...shares) < 0.7], [1, true]);
  assert(count(apart, 0) > 2 * count(shares, 0), `${count(apart, 0)} and ${count(shares, 0)}`);
});

Deno.test("randomLanguageShares() never lists a row without a token, and refuses what makes no sense", () => {
  const lens = lensWith(0),
    unnamed = languages.map((label): TokenLanguage => label === "han" ? "han" : "none");
  const [list] = randomLanguageShares({ lens, languages: unnamed, norm: 1, count: 10, draws: 1 });
  assertEquals(list?.nonEnglish, 1);
  const of = (norm: number, labels = languages) => () =>
    randomLanguageShares({ lens, languages: labels, norm, count: 10, draws: 1 });
  assertThrows(of(0), RangeError, "200, 0");
  assertThrows(of(1, ["han"]), RangeError, "200, 1");
});
