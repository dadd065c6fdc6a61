import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { mean } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import { attentionMoves, Laboratory, ResultStore } from "../../lib/experiment/mod.ts";
import { EMBEDDED, TINY_SIZE, withZooModel, writeVectors } from "./_tiny_zoo.ts";

Deno.test("attentionMoves() gives the share that a vector draws from everywhere to line breaks", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`, { 2: 0.1 }, { axis: "hint" });
    const [vector] = await a.trained("layer-2");
    assert(vector !== undefined);
    const lab = new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store: new ResultStore(null) });
    const settings = { zoo: a, treatments: [vector], layer: 3, texts: 3 };
    const [moves] = await attentionMoves(lab, settings);
    assertEquals(moves?.length, 3);
    const lineBreak = a.tokenizer.tokenId("\n");
    lab.problems(3).forEach(({ question }, text) => {
      const [first, ...others] = moves?.[text] ?? [];
      // Unsteered heads look everywhere alike; the first one, steered, at the m line breaks of t tokens: 1 − m / t moves.
      const prompt = promptTokens(a.tokenizer, question);
      const breaks = prompt.filter((token) => token === lineBreak).length;
      const queries = first?.queries ?? 0;
      assert(queries >= 1);
      const expected = mean(
        Array.from({ length: queries }, (_, query) => 1 - breaks / (prompt.length + query)),
      );
      assertAlmostEquals(first?.moved ?? NaN, expected, 1e-4);
      for (const head of others) assertAlmostEquals(head.moved, 0, 1e-6);
    });
    await assertRejects(
      () => attentionMoves(lab, { ...settings, treatments: [] }),
      RangeError,
      "a treatment",
    );
  }, { reader: "queries" }));
