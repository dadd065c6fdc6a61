import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { LanguageModel, Rollout, SteeringVectors } from "../../../lib/decode/mod.ts";
import {
  type LastBlockPatch,
  lastBlockPatchText,
  type SteeringRoute,
  VECTOR_PLACES,
} from "../../../lib/probe/mod.ts";
import { assertClose } from "../../tolerances.ts";
import { assertLikeReference, requestsOf, STOPPING } from "../../decode/_reference.ts";
import { everyPatch, firstOf, ROUTE_MODELS } from "../../decode/_routes.ts";
import { allLayers, randomVectors, withTinyModel } from "../../decode/_tiny_model.ts";

const SAMPLING = { maxNewTokens: 7, seed: 3, batchSize: 4, stragglerShare: 0.5 };

/** Both sampled the same, token by token. */
function assertSame(actual: readonly Rollout[], expected: readonly Rollout[], what: string): void {
  for (const [index, rollout] of actual.entries()) {
    const other = expected[index] as Rollout;
    assertEquals({ what, ...rollout, logProbs: [] }, { what, ...other, logProbs: [] });
    assertClose(rollout.logProbs, other.logProbs, "logProbabilityFloat32");
  }
  assertEquals(actual.length, expected.length);
}

const sample = (model: LanguageModel, steer: SteeringVectors, route: SteeringRoute = {}) =>
  model.generate(requestsOf(model, 5), { ...SAMPLING, steer, ...route });

for (const [name, overrides] of Object.entries(ROUTE_MODELS)) {
  Deno.test(`${name}: generate() equals the token loop under every patch of the last block`, () =>
    withTinyModel(async (model) => {
      const steer = randomVectors(model.config, allLayers(model.config));
      const seen = new Set<string>();
      for (const lastBlock of everyPatch(model.config)) {
        const requests = requestsOf(model, 5);
        const rollouts = await assertLikeReference(model, { ...SAMPLING, requests, steer, lastBlock });
        seen.add(JSON.stringify(rollouts.map(({ logProbs }) => logProbs.map((p) => p.toFixed(4)))));
      }
      // No patch is silently another. By definition four are with one key head, since it is all of them, and two
      // with a key head per query head, since a group is a head then.
      const { heads, kvHeads } = model.config;
      assertEquals(seen.size >= 20 - (kvHeads === 1 ? 4 : kvHeads === heads ? 2 : 0), true);
    }, { ...STOPPING, ...overrides }));

  Deno.test(`${name}: generate() equals the token loop at every place of the vectors`, () =>
    withTinyModel(async (model) => {
      const steer = randomVectors(model.config, allLayers(model.config)), requests = requestsOf(model, 4);
      const published = ["input_norm", "post_attention_norm"] as const;
      const routes = [
        ...VECTOR_PLACES.map((place) => ({ place })),
        ...published.map((place) => ({ place, asPublished: true })),
      ];
      const texts = [];
      for (const route of routes) {
        const rollouts = await assertLikeReference(model, { ...SAMPLING, requests, steer, ...route });
        texts.push(JSON.stringify(rollouts));
      }
      assertEquals(new Set(texts).size, routes.length);
    }, { ...STOPPING, ...overrides }));

  Deno.test(`${name}: patches of the last block that must sample alike do`, () =>
    withTinyModel(async (model) => {
      const { heads, kvHeads, layers } = model.config;
      const steer = new Map(randomVectors(model.config, allLayers(model.config)));
      const vector = steer.get(layers - 2) as Float32Array, last = steer.get(layers - 1) as Float32Array;
      const under = (lastBlock: LastBlockPatch) => sample(model, steer, { lastBlock });
      const like = async (patch: LastBlockPatch, expected: readonly Rollout[]) =>
        assertSame(await under(patch), expected, lastBlockPatchText(patch));
      const all = firstOf(heads), groups = firstOf(kvHeads);
      const without = new Map([...steer].filter(([layer]) => layer !== layers - 2));
      const moved = new Map([...without, [
        layers - 1,
        last.map((value, i) => value + (vector[i] as number)),
      ]]);
      const ordinary = await sample(model, steer), skipped = await under({ mode: "skip_attn" });
      assertNotEquals(JSON.stringify(skipped), JSON.stringify(ordinary));
      await like({ mode: "no_patch" }, ordinary);
      await like({ mode: "head", head: all, inverse: true }, ordinary);
      await like({ mode: "group", head: groups, inverse: true }, ordinary);
      await like({ mode: "head", head: all }, skipped);
      await like({ mode: "group", head: groups }, skipped);
      await like({ mode: "base" }, await sample(model, without));
      await like({ mode: "skip_layer" }, await sample(model, moved));
      for (const inverse of [false, true]) {
        await like({ mode: "v", head: groups, inverse }, await under({ mode: "all_v", inverse }));
        const members = firstOf(heads).filter((head) => Math.floor(head / (heads / kvHeads)) === kvHeads - 1);
        await like(
          { mode: "group", head: kvHeads - 1, inverse },
          await under({ mode: "head", head: members, inverse }),
        );
      }
    }, { ...STOPPING, ...overrides }));
}

Deno.test("generate() refuses a patch of the last block without the vector that it routes", () =>
  withTinyModel(async (model) => {
    const lastBlock = { mode: "skip_attn" } as const;
    await assertRejects(
      () => sample(model, randomVectors(model.config, [1]), { lastBlock }),
      RangeError,
      "Cannot patch the last block as the vector of layer 0 must be given: current layers are 1",
    );
    await assertRejects(
      () => sample(model, randomVectors(model.config, [0]), { lastBlock, place: "attention" }),
      RangeError,
      'place must be "mlp": current value is "attention"',
    );
    await assertRejects(
      () => sample(model, randomVectors(model.config, [0]), { lastBlock: { mode: "k", head: 2 } }),
      RangeError,
      'Cannot patch "k" as head must be < 2: current value is 2',
    );
  }));

Deno.test("graphHash() tells routes apart, and is one for all heads of a mode", () =>
  withTinyModel((model) => {
    const hash = (lastBlock: LastBlockPatch) => model.graphHash({ lastBlock });
    assertEquals(hash({ mode: "v", head: 0 }), hash({ mode: "v", head: [0, 1] }));
    assertEquals(model.graphHash(), model.graphHash({ place: "mlp" }));
    const hashes = [
      model.graphHash(),
      model.graphHash({ place: "attention" }),
      model.graphHash({ place: "input_norm" }),
      model.graphHash({ place: "input_norm", asPublished: true }),
      ...everyPatch(model.config).filter(({ mode }) => mode !== "group").map(hash),
      hash({ mode: "group", head: 0 }),
    ];
    // The graph of head mixing is the same both ways: only its mask says which heads are steered.
    assertEquals(new Set(hashes).size, hashes.length - 3);
    return Promise.resolve();
  }));
