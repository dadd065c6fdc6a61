import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import { differenceRows, parseAutoencoderConfig } from "../../lib/experiment/mod.ts";
import { FAMILIES, trainProblem } from "../../lib/problems/mod.ts";
import { withChainModel } from "../train/_tiny_models.ts";

const DIGITS = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
const CHAIN = { boxShare: 0.6, digitWeights: DIGITS, noise: 0.05 };

Deno.test("differenceRows() are changed minus unchanged residuals of both models' answers", () =>
  withChainModel(CHAIN, async (model) => {
    const { embed } = model.config;
    // Half of a unit along the axis that pushes the box: answers become longer.
    const vector = new Float32Array(embed);
    vector[7] = 0.5;
    const steer = new Map([[0, vector]]), sampling = { maxNewTokens: 8, seed: 4 };
    const rows = await differenceRows(model, { steer }, { layer: 1, problems: 7, ...sampling });
    // The same from first principles: one text at a time.
    const tokenizer = await model.tokenizer();
    const requests = Array.from({ length: 7 }, (_, prompt) => {
      const problem = trainProblem(FAMILIES[prompt % 6]!, { seed: 4, index: Math.floor(prompt / 6) });
      return { tokens: promptTokens(tokenizer, problem.question), prompt, sample: 0 };
    });
    const plain = await model.generate(requests, sampling);
    const changed = await model.generate(requests, { ...sampling, steer });
    assert(changed.some(({ tokens }, i) => tokens.length !== plain[i]?.tokens.length));
    const expected: number[] = [];
    for (const { promptTokens, tokens } of [...plain, ...changed]) {
      const text = [...promptTokens, ...tokens], taps = ["blocks.1.resid_post"] as const;
      const [a, b] = await Promise.all([model.run([text], { taps, steer }), model.run([text], { taps })]);
      for (let i = promptTokens.length * embed; i < text.length * embed; i++) {
        expected.push((a.taps.get(taps[0])?.data[i] as number) - (b.taps.get(taps[0])?.data[i] as number));
      }
    }
    assertEquals(rows.length, expected.length);
    // Residuals are near 1 in float32, and batches sum in another order.
    rows.forEach((value, i) => assertAlmostEquals(value, expected[i] as number, 1e-5));
    assert(rows.some((value) => Math.abs(value) > 0.01));
  }));

Deno.test("differenceRows() are zero below the layer that is changed", () =>
  withChainModel(CHAIN, async (model) => {
    const steer = new Map([[1, new Float32Array(model.config.embed).fill(0.3)]]);
    const options = { problems: 2, maxNewTokens: 4, seed: 0 };
    const below = await differenceRows(model, { steer }, { ...options, layer: 0 });
    assert(below.length > 0 && below.every((value) => value === 0));
    const at = await differenceRows(model, { steer }, { ...options, layer: 1 });
    at.forEach((value) => assertAlmostEquals(value, 0.3, 1e-5));
  }));

Deno.test("differenceRows() stop when asked to", () =>
  withChainModel(CHAIN, async (model) => {
    const stop = new AbortController();
    stop.abort();
    const options = { layer: 0, problems: 1, maxNewTokens: 1, seed: 0, signal: stop.signal };
    await assertRejects(() => differenceRows(model, {}, options), DOMException);
  }));

Deno.test("parseAutoencoderConfig() refuses what is no config, by name", async () => {
  const text = await Deno.readTextFile(new URL("../../fixtures/embedded/diff-sae.json", import.meta.url));
  const config = parseAutoencoderConfig(JSON.parse(text), { where: "s.json" });
  assertEquals(config, JSON.parse(text));
  const refused = (change: object, message: string) =>
    void assertThrows(
      () => parseAutoencoderConfig({ ...config, ...change }, { where: "s.json" }),
      InputError,
      message,
    );
  refused({ problems: 0 }, "at problems");
  refused({ samples: 3 }, 'Unrecognized key: "samples"');
  refused({ training: { ...config.training, active: 0 } }, "at active");
  refused({ training: undefined }, "at its top");
});
