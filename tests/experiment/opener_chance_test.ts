import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { Laboratory, openerChances, ResultStore } from "../../lib/experiment/mod.ts";
import { EMBEDDED, openerProbability, TINY_SIZE, withZooModel } from "./_tiny_zoo.ts";

const lab = () => new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store: new ResultStore(null) });

Deno.test("openerChances() gives what the weights put at the first position, problem by problem", () =>
  withZooModel(async (zoo) => {
    const token = (text: string) => zoo.tokenizer.tokenId(text) ?? NaN;
    const opener = await openerChances(lab(), { zoo, token: token("To") });
    assertEquals(opener.length, TINY_SIZE.traced);
    for (const { probability, leads } of opener) {
      assertAlmostEquals(probability, openerProbability(0), 1e-5);
      assertEquals(leads, false);
    }
    // The likeliest first token ends the answer at once.
    const [stop = NaN] = zoo.model.config.eosTokenIds;
    const ends = await openerChances(lab(), { zoo, token: stop });
    assertAlmostEquals(ends[0]?.probability ?? NaN, 0.7, 1e-5);
    assertEquals(ends.map(({ leads }) => leads), ends.map(() => true));
    // Padding of shorter prompts beside longer ones changes nothing.
    assertEquals(new Set(opener.map(({ probability }) => probability.toFixed(6))).size, 1);
    await assertRejects(
      () => openerChances(lab(), { zoo, token: 423 }),
      RangeError,
      "its token must be < 423",
    );
  }));
