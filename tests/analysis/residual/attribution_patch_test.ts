import { assert, assertEquals, assertRejects } from "@std/assert";
import { attributionPatch, saliency } from "../../../lib/analysis/mod.ts";
import { type Tensor, tensor } from "../../../lib/core/mod.ts";
import type { ObjectiveRow, Patch } from "../../../lib/decode/mod.ts";
import type { SiteName } from "../../../lib/model/mod.ts";
import { allLayers, withTinyModel } from "../../decode/_tiny_model.ts";

const CORRUPT: ObjectiveRow = {
  tokens: [3, 14, 15, 9, 26, 5],
  targets: [{ position: 2, token: 9, weight: 0.5 }, { position: 5, token: 35, weight: -2 }],
};

Deno.test("attributionPatch() is the slope of exact patching at every site and position", () =>
  withTinyModel(async (model) => {
    const clean = [9, 14, 3, 9, 26, 7], corrupt = CORRUPT;
    const sites = allLayers(model.config).flatMap((
      layer,
    ): SiteName[] => [`blocks.${layer}.resid_mid`, `blocks.${layer}.head_out`]);
    const found = await attributionPatch(model, { clean, corrupt }, { sites });
    const { taps: target } = await model.run([clean], { taps: sites, logits: false });
    const { taps: start } = await model.siteAdjoints([corrupt], { sites });
    const objective = async (patches: ReadonlyMap<SiteName, Patch>) => {
      const { logits } = await model.run([corrupt.tokens], { patches });
      const { vocab } = model.config;
      return corrupt.targets.reduce((sum, { position, token, weight }) => {
        const scores = Array.from(logits?.data.subarray(position * vocab, (position + 1) * vocab) ?? []);
        return sum +
          weight * ((scores[token] as number) - Math.log(scores.reduce((a, b) => a + Math.exp(b), 0)));
      }, 0);
    };
    for (const site of sites) {
      const from = start.get(site) as Tensor<"float32">, to = target.get(site) as Tensor<"float32">;
      const { values, dims } = found.get(site) ?? { values: new Float32Array(), dims: [] };
      assertEquals(dims, site.endsWith("head_out") ? [6, model.config.heads] : [6]);
      const perPosition = values.length / 6, width = from.data.length / 6;
      for (let position = 0; position < 6; position++) {
        const share = 0.01, holds = new Uint8Array(6);
        holds[position] = 1;
        const along = async (way: number) => {
          const value = tensor(
            "float32",
            from.dims,
            from.data.map((x, i) => x + way * ((to.data[i] as number) - x)),
          );
          return await objective(new Map([[site, { value, mask: tensor("bool", [1, 6], holds) }]]));
        };
        const slope = ((await along(share)) - (await along(-share))) / (2 * share);
        const expected = values.subarray(position * perPosition, (position + 1) * perPosition).reduce(
          (a, b) => a + b,
          0,
        );
        assert(
          Math.abs(slope - expected) < 2e-3 * (1 + Math.abs(expected)),
          `${site} ${position}: ${slope}, ${expected}`,
        );
        assert(width > 0);
      }
    }
    await assertRejects(
      () => attributionPatch(model, { clean: [1], corrupt }, { sites }),
      RangeError,
      "1 and 6",
    );
  }));

Deno.test("saliency() is value times adjoint, by position and head", () =>
  withTinyModel(async (model) => {
    const sites: SiteName[] = ["blocks.0.resid_pre", "blocks.1.head_out"];
    const found = await saliency(model, CORRUPT, { sites });
    const { taps, adjoints } = await model.siteAdjoints([CORRUPT], { sites });
    for (const site of sites) {
      const { values, dims } = found.get(site) ?? { values: new Float32Array(), dims: [] };
      assertEquals(dims, site.endsWith("head_out") ? [6, model.config.heads] : [6]);
      const value = taps.get(site)?.data as Float32Array, adjoint = adjoints.get(site)?.data as Float32Array;
      const width = value.length / values.length;
      values.forEach((sum, at) => {
        let expected = 0;
        for (let i = at * width; i < (at + 1) * width; i++) {
          expected += (value[i] as number) * (adjoint[i] as number);
        }
        assert(
          Math.abs(sum - expected) < 1e-6 * (1 + Math.abs(expected)),
          `${site} ${at}: ${sum}, ${expected}`,
        );
      });
    }
  }));
