import { assertEquals, assertRejects } from "@std/assert";
import { withTinyModel } from "./_tiny_model.ts";

const row = (length: number) => Array.from({ length }, (_, index) => index % 60);

Deno.test("texts as long as the model's positions run; longer ones are refused, in every call", () =>
  withTinyModel(async (model) => {
    const target = (length: number) => ({ tokens: row(length), from: 1, weight: 1 });
    const request = (length: number) => ({ tokens: row(length), prompt: 0, sample: 0 });
    const steer = new Map([[0, new Float32Array(model.config.embed)]]);
    assertEquals((await model.run([row(12)])).logits?.dims[1], 12);
    assertEquals((await model.logProbs([target(13)]))[0]?.length, 12);
    assertEquals((await model.steeringAdjoint([target(13)], { steer })).logProbs[0]?.length, 12);
    await model.generate([request(8)], { maxNewTokens: 4 });
    const refused = async (call: () => Promise<unknown>, message: string) =>
      void await assertRejects(call, RangeError, message);
    await refused(
      () => model.run([row(3), row(13)]),
      "Cannot run row 1 as it must fit the model's 12 positions: current length is 13",
    );
    const scored = "Cannot score row 0 as it must fit the model's 12 positions: current length is 13";
    await refused(() => model.logProbs([target(14)]), scored);
    await refused(() => model.steeringAdjoint([target(14)], { steer }), scored);
    await refused(
      () => model.generate([request(8)], { maxNewTokens: 5 }),
      "must fit the model's 12 positions: longest prompt 8 + maxNewTokens 5",
    );
  }, { maxPositions: 12 }));

Deno.test("a text longer than the sliding window is refused by the window's name", () =>
  withTinyModel(
    async (model) => {
      await model.run([row(12)]);
      await assertRejects(
        () => model.run([row(13)]),
        RangeError,
        `the model's 12 positions, its config.json's "sliding_window": current length is 13`,
      );
    },
    { architecture: "mistral", maxPositions: 12, slidingWindow: 12 },
  ));
