import { assert, assertEquals } from "@std/assert";
import { agreementOf, documents, isError, judgedPairs } from "./_grader_agreement.ts";

Deno.test("the mode math-verify agrees with math-verify on 97 % of the pairs held out, and rewards nothing false", async () => {
  const { version, pairs } = await judgedPairs();
  assertEquals(version, "0.9.0");
  const held = agreementOf(pairs.filter(({ heldOut }) => heldOut)), all = agreementOf(pairs);
  assert(all.pairs >= 1500 && held.pairs >= 500, `${all.pairs} pairs, ${held.pairs} held out`);
  assertEquals(all.falseRewards, 0);
  assert(held.agreed / held.comparable >= 0.97, `${held.agreed} of ${held.comparable}`);
  assert(all.agreed / all.comparable >= 0.97, `${all.agreed} of ${all.comparable}`);
  // Where math-verify is plainly wrong, the mode is right.
  const missed = pairs.filter((pair) => isError(pair) && pair.ours !== pair.truth);
  assert(
    missed.length <= 0.03 * all.errors,
    missed.map(({ gold, completion }) => `${gold} | ${completion}`).join("\n"),
  );
  for (const truth of [true, false]) {
    assert(pairs.some((pair) => isError(pair) && pair.truth === truth), `no error with the truth ${truth}`);
  }
});

Deno.test("the golds of different problems earn nothing, in either mode", async () => {
  const { pairs } = await judgedPairs();
  const others = pairs.filter(({ kind }) => kind === "golds of other problems");
  assert(others.length > 200, `${others.length}`);
  assertEquals(others.filter(({ ours }) => ours), []);
});

Deno.test("docs/grading.md and README.md have the tables of the stored verdicts", async () => {
  const loose = (text: string): string => text.replace(/-+/g, "-").replace(/ +/g, " ");
  for (const [path, text] of await documents()) {
    const repair = "deno run --allow-read --allow-write tests/problems/_grader_agreement.ts";
    assertEquals(loose(await Deno.readTextFile(path)), loose(text), `${path} is not up to date: ${repair}`);
  }
});
