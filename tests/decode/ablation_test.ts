import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import type { ModelConfig } from "../../lib/checkpoint/mod.ts";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import { type LanguageModel, rolloutGraph, type RunResult } from "../../lib/decode/mod.ts";
import { siteName } from "../../lib/model/mod.ts";
import { type FeatureAblation, sequenceGraph } from "../../lib/probe/mod.ts";
import { placement } from "../../lib/runtime/mod.ts";
import { encodeTopK } from "../../lib/train/mod.ts";
import { type SparseAutoencoder } from "../../lib/vectors/mod.ts";
import { assertClose } from "../tolerances.ts";
import { assertLikeReference, requestsOf, STOPPING } from "./_reference.ts";
import { allLayers, randomVectors, withTinyModel } from "./_tiny_model.ts";

const ROWS = [[5, 17, 40, 2, 9], [33, 8, 8, 60, 1]];
const MODELS: readonly Partial<ModelConfig>[] = [
  { layers: 3, headDim: 16 },
  { layers: 3, architecture: "llama", headDim: 8, tiedEmbeddings: true }, // no fused kernel
];
const FEATURES = 24, ACTIVE = 3;

function randomAutoencoder(embed: number): SparseAutoencoder {
  const random = new RandomStream(3, "autoencoder");
  const values = (length: number) => Float32Array.from({ length }, () => random.normal() / 4);
  return {
    embed,
    features: FEATURES,
    active: ACTIVE,
    encoder: values(FEATURES * embed),
    encoderBias: values(FEATURES),
    decoder: values(FEATURES * embed),
    decoderBias: values(embed),
  };
}

const logitsOf = (result: RunResult): Float32Array => (result.logits as Tensor<"float32">).data;

async function onEach(
  body: (
    model: LanguageModel,
    parts: { readonly autoencoder: SparseAutoencoder; readonly steer: ReturnType<typeof randomVectors> },
  ) => Promise<void>,
  more: Partial<ModelConfig> = {},
): Promise<void> {
  for (const config of MODELS) {
    await withTinyModel(async (model) => {
      const autoencoder = randomAutoencoder(model.config.embed);
      await body(model, { autoencoder, steer: randomVectors(model.config, allLayers(model.config)) });
    }, { ...config, ...more });
  }
}

Deno.test("an ablation takes out what the autoencoder's own encoder finds of its features", () =>
  onEach(async (model, { autoencoder, steer }) => {
    const layer = 1, site = siteName({ layer, kind: "resid_post" }), { embed } = model.config;
    const features = Array.from({ length: FEATURES / 2 }, (_, f) => 2 * f);
    const read = async (steered: boolean) =>
      (await model.run(ROWS, { ...(steered ? { steer } : {}), taps: [site] })).taps.get(site) as Tensor<
        "float32"
      >;
    const base = await read(false), changed = await read(true);
    const codes = encodeTopK(autoencoder, changed.data.map((value, at) => value - (base.data[at] as number)));
    let hits = 0;
    const expected = Float32Array.from(changed.data, (value, at) => {
      const row = Math.floor(at / embed);
      for (let k = row * ACTIVE; k < (row + 1) * ACTIVE; k++) {
        const feature = codes.indices[k] as number, strength = codes.values[k] as number;
        if (!features.includes(feature)) continue;
        hits += strength > 0 ? 1 : 0;
        value -= strength * (autoencoder.decoder[feature * embed + at % embed] as number);
      }
      return value;
    });
    assert(hits > 0, "some of the features must be active");
    const ablation: FeatureAblation = { layer, autoencoder, features };
    const ablated = await model.run(ROWS, { steer, ablation, taps: [site] });
    assertClose((ablated.taps.get(site) as Tensor<"float32">).data, expected, "forwardFloat32");
    const patches = new Map([[site, { value: tensor("float32", changed.dims, expected) }]]);
    const patched = logitsOf(await model.run(ROWS, { steer, patches }));
    assertClose(logitsOf(ablated), patched, "rewrittenGraphFloat32");
    assertNotEquals(patched, logitsOf(await model.run(ROWS, { steer })));
  }));

Deno.test("an ablation of no feature changes nothing", () =>
  onEach(async (model, { autoencoder, steer }) => {
    const ablation: FeatureAblation = { layer: 0, autoencoder, features: [] };
    const plain = logitsOf(await model.run(ROWS, { steer }));
    assertClose(logitsOf(await model.run(ROWS, { steer, ablation })), plain, "rewrittenGraphFloat32");
  }));

Deno.test("generate() under an ablation samples what the slow loop over whole sequences samples", () =>
  onEach(async (model, { autoencoder, steer }) => {
    for (const layer of [0, 2]) {
      const features = Array.from({ length: FEATURES }, (_, f) => f);
      const ablation: FeatureAblation = { layer, autoencoder, features };
      await assertLikeReference(model, { maxNewTokens: 8, seed: 2, steer, ablation });
    }
  }, STOPPING));

Deno.test("generate() under an ablation of other features uses the same graph", () =>
  withTinyModel((model) => {
    const autoencoder = randomAutoencoder(model.config.embed);
    const hashOf = (layer: number, features: readonly number[]) =>
      model.graphHash({ ablation: { layer, autoencoder, features } });
    assertEquals(hashOf(1, [1]), hashOf(1, [2, 3]));
    assertNotEquals(hashOf(1, [1]), hashOf(0, [1]));
    assertNotEquals(hashOf(1, [1]), model.graphHash());
    return Promise.resolve();
  }));

Deno.test("an ablation that fits nothing is refused", () =>
  withTinyModel(async (model) => {
    const autoencoder = randomAutoencoder(model.config.embed), steer = randomVectors(model.config, [0]);
    const run = async (ablation: FeatureAblation, more: object = { steer }) =>
      await model.run(ROWS, { ...more, ablation });
    const good = { layer: 1, autoencoder, features: [0] };
    await assertRejects(() => run({ ...good, layer: 9 }), RangeError, "ablate at layer 9");
    await assertRejects(() => run({ ...good, features: [FEATURES] }), RangeError, `feature ${FEATURES}`);
    await assertRejects(() => run(good, {}), RangeError, "current count is 0");
    const narrow = { ...autoencoder, decoderBias: new Float32Array(3) };
    await assertRejects(() => run({ ...good, autoencoder: narrow }), RangeError, "biases 24 and 3");
    await assertRejects(
      async () => await model.generate(requestsOf(model, 1), { maxNewTokens: 2, ablation: good }),
      RangeError,
      "current count is 0",
    );
    await assertRejects(
      async () =>
        await model.steeringAdjoint([{ tokens: [1, 2, 3], from: 1, weight: 1 }], { steer, ablation: good }),
      RangeError,
      "no feature may be ablated",
    );
    assertThrows(() => model.graphHash({ ablation: { ...good, layer: 9 } }), RangeError);
  }));

Deno.test("every node of graphs with an ablation has a CUDA kernel, and none is put on the CPU", () =>
  withTinyModel((model) => {
    const { checkpoint, config } = model, ablation = { layer: 1, features: FEATURES, active: ACTIVE };
    const edits = { steer: [0, 1], ablation };
    for (const compute of ["float32", "bfloat16", "float16"] as const) {
      const graphs = [
        rolloutGraph({ config, checkpoint, stopTokens: [0], edits, compute }),
        sequenceGraph({
          config,
          weights: checkpoint,
          edits,
          compute,
          outputs: { logits: true, logProbs: true },
        }),
      ];
      for (const graph of graphs) {
        const { faults } = placement(graph, { device: "cuda" });
        assertEquals(faults, [], compute);
      }
    }
    return Promise.resolve();
  }));
