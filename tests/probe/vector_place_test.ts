import { assertEquals, assertThrows } from "@std/assert";
import { type Tensor, tensor } from "../../lib/core/mod.ts";
import type { LanguageModel, Patch, RunOptions, RunResult, SteeringVectors } from "../../lib/decode/mod.ts";
import { type SiteKind, type SiteName, siteName } from "../../lib/model/mod.ts";
import { placeKinds, type SteeringRoute, VECTOR_PLACES, type VectorPlace } from "../../lib/probe/mod.ts";
import { ROUTE_MODELS } from "../decode/_routes.ts";
import { allLayers, randomVectors, withTinyModel } from "../decode/_tiny_model.ts";
import { assertClose } from "../tolerances.ts";

const ROWS = [[5, 17, 40, 2, 9], [33, 8, 8, 60, 1]];
const VISIBLE = 1e-3;

const dataOf = (value: Tensor<"float32"> | null | undefined): Float32Array =>
  value?.data ?? new Float32Array();
const logitsOf = async (model: LanguageModel, options: RunOptions) =>
  dataOf((await model.run(ROWS, options)).logits);
const gap = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] as number))), 0);

/** A site's value with a vector added at every position. */
function plus(run: RunResult, site: SiteName, vector: Float32Array): Tensor<"float32"> {
  const value = run.taps.get(site) as Tensor<"float32">;
  const moved = value.data.map((item, index) => item + (vector[index % vector.length] as number));
  return tensor("float32", value.dims, moved);
}

Deno.test("placeKinds() names the sites of a place, and the double ones as published", () => {
  const kinds = (place: VectorPlace, asPublished: boolean) => placeKinds(place, { asPublished });
  assertEquals(VECTOR_PLACES.map((place) => kinds(place, false)), [
    ["resid_post"],
    ["attn_out"],
    ["input_norm"],
    ["post_attention_norm"],
  ]);
  assertEquals(kinds("input_norm", true), ["input_norm", "attn_out"]);
  assertEquals(kinds("post_attention_norm", true), ["post_attention_norm", "resid_post"]);
  for (const place of ["mlp", "attention"] as const) {
    assertThrows(
      () => kinds(place, true),
      RangeError,
      `Cannot steer as published as place must be input_norm or post_attention_norm: current value is "${place}"`,
    );
  }
  assertThrows(
    () => placeKinds("residual" as VectorPlace),
    RangeError,
    'Cannot steer at "residual" as place must be mlp, attention, input_norm, post_attention_norm',
  );
});

for (const [name, overrides] of Object.entries(ROUTE_MODELS)) {
  const withModel = (body: (model: LanguageModel, steer: SteeringVectors) => Promise<void>) =>
    withTinyModel((model) => body(model, randomVectors(model.config, allLayers(model.config))), overrides);

  Deno.test(`${name}: the place mlp is the bias after the MLP`, () =>
    withModel(async (model, steer) => {
      assertEquals(await logitsOf(model, { steer, place: "mlp" }), await logitsOf(model, { steer }));
    }));

  Deno.test(`${name}: a vector at a place is its sites' values plus the vector, once or as published twice`, () =>
    withModel(async (model, steer) => {
      const routes: (SteeringRoute & { readonly place: VectorPlace })[] = [
        ...VECTOR_PLACES.map((place) => ({ place })),
        { place: "input_norm", asPublished: true },
        { place: "post_attention_norm", asPublished: true },
      ];
      const seen: Float32Array[] = [];
      for (const route of routes) {
        for (const layer of [0, model.config.layers - 1]) {
          const vector = steer.get(layer) as Float32Array;
          const steered = await logitsOf(model, { steer: new Map([[layer, vector]]), ...route });
          // Each site is read after the ones before it are replaced, as the block would come to it.
          const patches = new Map<SiteName, Patch>();
          for (const kind of placeKinds(route.place, route)) {
            const site = siteName({ layer, kind });
            const run = await model.run(ROWS, { taps: [site], patches, logits: false });
            patches.set(site, { value: plus(run, site, vector) });
          }
          assertClose(await logitsOf(model, { patches }), steered, "rewrittenGraphFloat32");
          if (layer === 0) seen.push(steered);
        }
      }
      seen.forEach((one, index) =>
        seen.slice(0, index).forEach((other) => assertEquals(gap(one, other) > VISIBLE, true))
      );
    }));

  Deno.test(`${name}: a vector of zeros at any place changes nothing, and a tap of the place sees the vector`, () =>
    withModel(async (model, steer) => {
      const { embed } = model.config;
      const zero = new Map(allLayers(model.config).map((layer) => [layer, new Float32Array(embed)]));
      const plain = await logitsOf(model, {});
      const layer = 0, vector = steer.get(layer) as Float32Array;
      const kinds: { readonly [Place in VectorPlace]: SiteKind } = {
        mlp: "resid_post",
        attention: "attn_out",
        input_norm: "input_norm",
        post_attention_norm: "post_attention_norm",
      };
      for (const place of VECTOR_PLACES) {
        assertClose(await logitsOf(model, { steer: zero, place }), plain, "rewrittenGraphFloat32");
        const site = siteName({ layer, kind: kinds[place] });
        const clean = await model.run(ROWS, { taps: [site], logits: false });
        const one = new Map([[layer, vector]]);
        const steered = await model.run(ROWS, { taps: [site], steer: one, place, logits: false });
        assertClose(
          dataOf(steered.taps.get(site)),
          plus(clean, site, vector).data,
          "rewrittenGraphFloat32",
        );
        const factors = tensor("float32", [2, 5], new Array(10).fill(0.5));
        const half = new Map([[layer, vector.map((value) => value / 2)]]);
        assertClose(
          await logitsOf(model, { steer: one, steerFactors: factors, place }),
          await logitsOf(model, { steer: half, place }),
          "rewrittenGraphFloat32",
        );
      }
    }));
}
