import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LanguageModel, type RunOptions } from "../../lib/decode/mod.ts";
import { parseSite, SITE_KINDS, type SiteName, siteName } from "../../lib/model/mod.ts";
import { randomVectors, withTinyModel } from "./_tiny_model.ts";

Deno.test("what a caller without types would pass is answered by what it should have been", () =>
  withTinyModel(async (model) => {
    const run = (rows: unknown, options: object = {}) => model.run(rows as number[][], options as RunOptions);
    await assertRejects(
      () => run(["a text"]),
      TypeError,
      'row 0 as it must be a list of token ids: current value is "a text"',
    );
    await assertRejects(
      () => run([1, 2, 3]),
      TypeError,
      "row 0 as it must be a list of token ids: current value is 1",
    );
    await assertRejects(
      () => run([[1]], { taps: "blocks.0.q" }),
      TypeError,
      'taps must be a list: current value is "blocks.0.q"',
    );
    await assertRejects(
      () => run([[1]], { steer: [new Float32Array(32)] }),
      TypeError,
      "steer as it must be a Map or an object keyed by layer",
    );
    await assertRejects(
      () => run([[1]], { steer: { "layer-1": [] } }),
      TypeError,
      "current value has layer-1",
    );
    await assertRejects(() => run([[1]], { vectors: {} }), TypeError, 'no option "vectors"');
    await assertRejects(
      () => model.generate([{ tokens: "a text" as unknown as number[] }], { maxNewTokens: 2 }),
      TypeError,
      "must be a list of token ids",
    );
    await assertRejects(
      () => LanguageModel.open("nowhere", { threds: 2 } as object),
      TypeError,
      'Cannot open a model as there must be no option "threds": did you mean "threads"?',
    );
    await assertRejects(
      () => model.logProbs([{ tokens: [1, 2], from: 1 }], { max_tokens: 3 } as object),
      TypeError,
      'Cannot score as there must be no option "max_tokens"',
    );
  }));

Deno.test("objects keyed by layer, and by site, are as good as maps", () =>
  withTinyModel(async (model) => {
    const vectors = randomVectors(model.config, [0, 1]), rows = [[3, 1, 4]];
    const steered = await model.run(rows, { steer: vectors });
    assertEquals(await model.run(rows, { steer: Object.fromEntries(vectors) }), steered);
    const request = [{ tokens: [3, 1, 4] }];
    assertEquals(
      await model.generate(request, { maxNewTokens: 5, steer: Object.fromEntries(vectors) }),
      await model.generate(request, { maxNewTokens: 5, steer: vectors }),
    );
  }));

Deno.test("names of TransformerLens and of modules of transformers are answered with ours", () => {
  const asked: readonly (readonly [string, SiteName])[] = [
    ["blocks.3.hook_resid_post", "blocks.3.resid_post"],
    ["blocks.11.attn.hook_z", "blocks.11.head_out"],
    ["blocks.0.attn.hook_pattern", "blocks.0.attn_weights"],
    ["blocks.0.ln2.hook_normalized", "blocks.0.post_attention_norm"],
    ["model.layers.2.mlp", "blocks.2.mlp_out"],
    ["model.layers.2", "blocks.2.resid_post"],
  ];
  for (const [name, ours] of asked) {
    assertThrows(
      () => parseSite(name, { layers: 12, action: "tap" }),
      RangeError,
      `"${name}" as sites have other names here: that one is "${ours}"`,
    );
  }
  for (const kind of SITE_KINDS) {
    assertEquals(parseSite(siteName({ layer: 1, kind }), { layers: 2, action: "tap" }).kind, kind);
  }
  assertThrows(
    () => parseSite("blocks.3.hook_scale", { layers: 12, action: "tap" }),
    RangeError,
    "a site is blocks.LAYER.KIND",
  );
});
