import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { ablate, differenceOfMeans, principalDirections } from "../../../lib/analysis/mod.ts";
import type { Tensor } from "../../../lib/core/mod.ts";
import type { LanguageModel } from "../../../lib/decode/mod.ts";
import type { SiteName } from "../../../lib/model/mod.ts";
import { withTinyModel } from "../../decode/_tiny_model.ts";
import { assertClose } from "../../tolerances.ts";

const PAIRS = Array.from({ length: 20 }, (_, pair) => ({
  positive: [3, pair + 1, 14, 15],
  negative: [3, pair + 1, 9],
  from: 2,
}));

/** The stream behind a layer at every token of one text. */
async function streamOf(
  model: LanguageModel,
  tokens: readonly number[],
  layer: number,
): Promise<Float32Array[]> {
  const site: SiteName = `blocks.${layer}.resid_post`, { embed } = model.config;
  const { data } = (await model.run([tokens], { taps: [site] })).taps.get(site) as Tensor<"float32">;
  return tokens.map((_, t) => data.slice(t * embed, (t + 1) * embed));
}

Deno.test("differenceOfMeans() is the mean over pairs of one text's stream minus the other's, text by text", () =>
  withTinyModel(async (model) => {
    const { embed } = model.config;
    for (const at of ["last", "mean"] as const) {
      const found = await differenceOfMeans(model, PAIRS, { layers: [1], at });
      assertEquals([...found.keys()], [1]);
      const expected = new Float64Array(embed);
      for (const { positive, negative, from } of PAIRS) {
        for (const [sign, tokens] of [[1, positive], [-1, negative]] as const) {
          const read = (await streamOf(model, tokens, 1)).slice(at === "last" ? -1 : from);
          for (const row of read) {
            row.forEach((x, i) => expected[i]! += sign * x / read.length / PAIRS.length);
          }
        }
      }
      assertClose(found.get(1) ?? [], expected, "forwardFloat32");
    }
    assertEquals((await differenceOfMeans(model, PAIRS)).size, model.config.layers);
    await assertRejects(() => differenceOfMeans(model, []), RangeError, "there must be a pair");
    await assertRejects(
      () => differenceOfMeans(model, [{ positive: [1, 2], negative: [1], from: 1 }]),
      RangeError,
      "pair 0 as both texts must have tokens from 1 on",
    );
  }));

Deno.test("principalDirections() leave nothing longer: the residual's own direction explains less, and signs are the mean's", () =>
  withTinyModel(async (model) => {
    const found = (await principalDirections(model, PAIRS, { layers: [0] })).get(0);
    const mean = (await differenceOfMeans(model, PAIRS, { layers: [0] })).get(0) as Float32Array;
    const direction = found?.direction as Float32Array, rows: Float32Array[] = [];
    for (const { positive, negative } of PAIRS) {
      const [a, b] = [await streamOf(model, positive, 0), await streamOf(model, negative, 0)];
      rows.push((a.at(-1) as Float32Array).map((x, i) => x - (b.at(-1)?.[i] as number)));
    }
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a, (x, i) => x * (b[i] as number)).reduce((sum, x) => sum + x, 0);
    const total = rows.reduce((sum, row) => sum + dot(row, row), 0);
    const explained = (of: ArrayLike<number>) =>
      rows.reduce((sum, row) => sum + dot(row, of) ** 2, 0) / dot(of, of) / total;
    assertClose([dot(direction, direction)], [1], "forwardFloat32");
    assertClose([found?.explained ?? NaN], [explained(direction)], "forwardFloat32");
    assert(dot(direction, mean) > 0);
    // D D d = σ² d: an eigenvector; and none of the rows, nor the mean, explains as much.
    const image = new Float64Array(direction.length);
    for (const row of rows) row.forEach((x, i) => image[i]! += x * dot(row, direction));
    assertClose(image.map((x) => x / explained(direction) / total), direction, "steeringAdjointSplit");
    for (const other of [mean, ...rows]) assert(explained(other) <= explained(direction) + 1e-9);
  }));

Deno.test("ablate() leaves nothing of what is named, or its mean, and touches nothing else", () =>
  withTinyModel(async (model) => {
    const { heads, headDim } = model.config, texts = [[3, 14, 15, 9], [2, 6]];
    const taps = ["blocks.0.head_out", "blocks.1.mlp_out", "blocks.0.mlp_out"] as const;
    const base = await model.run([texts[0]!], { taps });
    const zeroed = await model.run([texts[0]!], {
      taps,
      patches: await ablate(model, { heads: [{ layer: 0, head: 2 }], mlp: [1] }),
    });
    const of = (run: typeof base, site: typeof taps[number]) => run.taps.get(site)?.data as Float32Array;
    of(zeroed, taps[0]).forEach((x, at) =>
      assertEquals(x, Math.floor(at / headDim) % heads === 2 ? 0 : of(base, taps[0])[at])
    );
    assert(of(zeroed, taps[1]).every((x) => x === 0));
    assertNotEquals(of(zeroed, taps[2]), of(base, taps[2]));
    const meant = await model.run([texts[0]!], {
      taps,
      patches: await ablate(model, { mlp: [0], mode: "mean", over: texts }),
    });
    const { embed } = model.config, expected = new Float64Array(embed);
    for (const text of texts) {
      of(await model.run([text], { taps }), taps[2]).forEach((x, at) => expected[at % embed]! += x / 6);
    }
    for (let t = 0; t < 4; t++) {
      assertClose(of(meant, taps[2]).slice(t * embed, (t + 1) * embed), expected, "forwardFloat32");
    }
    for (
      const [parts, message] of [
        [{ heads: [{ layer: 0, head: 4 }] }, "head 4 must lie in [0, 2) and [0, 4)"],
        [{ mlp: [2] }, "current layers are 2"],
        [{}, "a head or an MLP must be named"],
        [{ mlp: [0], mode: "mean" }, "give over"],
      ] as const
    ) await assertRejects(() => ablate(model, parts), RangeError, message);
  }));
