import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { LanguageModel } from "../../lib/decode/mod.ts";
import { SITE_KINDS, type SiteName, siteName } from "../../lib/model/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { randomVectors, withTinyModel } from "./_tiny_model.ts";

const ROWS = [[5, 17, 40], [2]];

Deno.test("LanguageModel.open() is an InputError for a folder without a model", () =>
  withFolder(async (folder) => {
    await assertRejects(() => LanguageModel.open(`${folder}/none`), InputError, `${folder}/none`);
    await assertRejects(() => LanguageModel.open(folder), InputError, folder);
  }));

Deno.test("run() gives the same bits again, after other graphs pushed its session out, and after release()", () =>
  withTinyModel(async (model) => {
    const first = await model.run(ROWS);
    const taps = SITE_KINDS.map((kind): SiteName => siteName({ layer: 0, kind }));
    const tapped = [];
    for (const site of taps) tapped.push((await model.run(ROWS, { taps: [site] })).taps.get(site)?.data);
    assertEquals(await model.run(ROWS), first);
    await model.release();
    assertEquals(await model.run(ROWS), first);
    for (const [index, site] of taps.entries()) {
      assertEquals((await model.run(ROWS, { taps: [site] })).taps.get(site)?.data, tapped[index]);
    }
  }));

Deno.test("calls made at once run in turn: more graphs than sessions, and a fault, disturb nobody", () =>
  withTinyModel(async (model) => {
    const taps = SITE_KINDS.map((kind): SiteName => siteName({ layer: 0, kind }));
    const faulty = model.run([[61]]);
    const together = taps.map((site) => model.run(ROWS, { taps: [site] }));
    const rollout = model.generate([{ tokens: [3], prompt: 0, sample: 0 }], { maxNewTokens: 2 });
    await assertRejects(() => faulty, RangeError, "token ids");
    const results = await Promise.all(together);
    for (const [index, site] of taps.entries()) {
      assertEquals(results[index], await model.run(ROWS, { taps: [site] }));
    }
    assertEquals((await rollout).length, 1);
  }));

Deno.test("run() does not depend on the order in which vectors, taps and patches are given", () =>
  withTinyModel(async (model) => {
    const vectors = [...randomVectors(model.config, [0, 1])];
    const taps: SiteName[] = ["blocks.1.v", "blocks.0.resid_post"];
    const forth = await model.run(ROWS, { steer: new Map(vectors), taps });
    const back = await model.run(ROWS, { steer: new Map(vectors.toReversed()), taps: taps.toReversed() });
    assertEquals(back.logits, forth.logits);
    for (const site of taps) assertEquals(back.taps.get(site), forth.taps.get(site));
  }));

Deno.test("run() without logits gives taps alone; lengths are those of the rows", () =>
  withTinyModel(async (model) => {
    const { logits, taps, lengths } = await model.run(ROWS, { logits: false, taps: ["blocks.1.resid_mid"] });
    assertEquals([logits, [...taps.keys()], lengths], [null, ["blocks.1.resid_mid"], [3, 1]]);
    assertEquals(taps.get("blocks.1.resid_mid")?.dims, [2, 3, model.config.embed]);
  }));

Deno.test("run() refuses empty input, ids outside the vocabulary, sites and vectors that the model lacks", () =>
  withTinyModel(async (model) => {
    await assertRejects(() => model.run([]), RangeError, "it needs rows of at least one token: got 0 rows");
    await assertRejects(
      () => model.run([[1], []]),
      RangeError,
      "it needs rows of at least one token: got 2 rows",
    );
    await assertRejects(
      () => model.run([[1], [61]]),
      RangeError,
      "Cannot lay out row 1 as token ids must be whole numbers in [0, 61)",
    );
    await assertRejects(
      () => model.run(ROWS, { taps: ["blocks.2.q"] }),
      RangeError,
      'Cannot tap "blocks.2.q" as layer must be < 2',
    );
    await assertRejects(
      () => model.run(ROWS, { steer: new Map([[0, new Float32Array(3)]]) }),
      RangeError,
      "Cannot steer layer 0 as its vector must have 32 values: current count is 3",
    );
  }));

Deno.test("run() works for head widths that the fused kernel refuses", () =>
  withTinyModel(async (model) => {
    assertEquals((await model.run(ROWS)).logits?.dims, [2, 3, 61]);
  }, { headDim: 6 }));
