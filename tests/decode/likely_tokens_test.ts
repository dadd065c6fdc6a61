import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { assertLikeReference, requestsOf, STOPPING } from "./_reference.ts";
import { withTinyModel } from "./_tiny_model.ts";

Deno.test("draws under topK and topP are those of a sort in float64, and reference the same uniforms", () =>
  withTinyModel(async (model) => {
    for (
      const filter of [{ topK: 1 }, { topK: 3 }, { topK: 40 }, { topP: 0.1 }, { topP: 0.6 }, {
        topK: 20,
        topP: 0.5,
      }]
    ) {
      await assertLikeReference(model, { maxNewTokens: 8, seed: 5, ...filter });
    }
  }, STOPPING));

Deno.test("a filter that lets every token through draws what no filter draws, and log-probabilities stay those of all", () =>
  withTinyModel(async (model) => {
    const requests = requestsOf(model), plain = await model.generate(requests, { maxNewTokens: 8, seed: 5 });
    const { vocab } = model.config;
    assertEquals(await model.generate(requests, { maxNewTokens: 8, seed: 5, topK: vocab }), plain);
    assertEquals(await model.generate(requests, { maxNewTokens: 8, seed: 5, topP: 1 }), plain);
    const greedy = await model.generate(requests, { maxNewTokens: 8, temperature: 0 });
    const likeliest = await model.generate(requests, { maxNewTokens: 8, topK: 1, seed: 9 });
    assertEquals(likeliest, greedy);
    assert(likeliest.every(({ logProbs }) => logProbs.every((value) => value < 0)));
    assertNotEquals(plain.map(({ tokens }) => tokens), greedy.map(({ tokens }) => tokens));
  }, STOPPING));

Deno.test("filters out of range, and options that there are not, are refused by name", () =>
  withTinyModel(async (model) => {
    const generate = (options: object) => model.generate([{ tokens: [1] }], { maxNewTokens: 2, ...options });
    await assertRejects(
      () => generate({ topK: 0 }),
      RangeError,
      "topK must be at least 1: current value is 0",
    );
    await assertRejects(
      () => generate({ topP: 1.5 }),
      RangeError,
      "topP must lie in (0, 1]: current value is 1.5",
    );
    await assertRejects(() => generate({ top_k: 5 }), TypeError, 'no option "top_k": did you mean "topK"?');
    await assertRejects(
      () => model.run([[1]], { tap: [] } as object),
      TypeError,
      'Cannot run as there must be no option "tap": did you mean "taps"?',
    );
  }));
