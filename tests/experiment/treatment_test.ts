import { assertEquals } from "@std/assert";
import { derivedTreatment, type Treatment, treatmentKey } from "../../lib/experiment/mod.ts";
import type { FeatureAblation } from "../../lib/probe/mod.ts";
import { withZooModel } from "./_tiny_zoo.ts";

const valuesOf = (treatment: Treatment) => treatmentKey(treatment).values;
const made = (additions: Omit<Parameters<typeof derivedTreatment>[1], "of">) =>
  derivedTreatment("made", { of: [], ...additions });

Deno.test("derivedTreatment() names every file that it came from", () =>
  withZooModel(async (zoo) => {
    const [first, second] = await zoo.trained("layer-3");
    if (first === undefined || second === undefined) throw new Error("two training seeds");
    const sum = derivedTreatment("sum", {
      of: [first, second],
      steer: new Map([[3, Float32Array.of(1, 2)]]),
    });
    assertEquals(sum.inputs, { ...first.inputs, ...second.inputs });
    assertEquals(sum.name, "sum");
  }));

Deno.test("treatmentKey() is read off the values: a treatment made of another's fields has a key of its own", () => {
  const steer = new Map([[3, Float32Array.of(1, 2)], [2, Float32Array.of(0, 1)]]);
  const first = made({ steer });
  const others: Treatment[] = [
    { ...first, steer: new Map([[3, Float32Array.of(1, 2)]]) },
    { ...first, steer: new Map([[3, Float32Array.of(1, 2)], [1, Float32Array.of(0, 1)]]) },
    { ...first, steer: new Map([[3, Float32Array.of(1, 2)], [2, Float32Array.of(0, 1 + 2 ** -23)]]) },
    { ...first, adapters: new Map([[2, { input: Float32Array.of(1), output: Float32Array.of(1, 2) }]]) },
    { ...first, adapters: new Map([[2, { input: Float32Array.of(1), output: Float32Array.of(1, 3) }]]) },
    { ...first, adapters: new Map([[2, { input: Float32Array.of(2), output: Float32Array.of(1, 2) }]]) },
    { ...first, adapters: new Map([[1, { input: Float32Array.of(1), output: Float32Array.of(1, 2) }]]) },
  ];
  const keys = [first, ...others].map(valuesOf);
  assertEquals(new Set(keys).size, keys.length);
  // Neither a name nor the order of layers says what is added.
  const again = { ...first, name: "again", inputs: { a: "1" }, steer: new Map([...steer].reverse()) };
  assertEquals(treatmentKey(again), treatmentKey(first));
});

Deno.test("treatmentKey() tells the ways of the same vectors apart, with what is not said as the default", () => {
  const first = made({ steer: new Map([[2, Float32Array.of(1)]]) });
  const route = { place: "mlp", asPublished: false, lastBlock: null } as const;
  assertEquals(treatmentKey(first).route, route);
  const others: Treatment[] = [
    { ...first, place: "attention" },
    { ...first, asPublished: true },
    { ...first, lastBlock: { mode: "skip_attn" } },
    { ...first, lastBlock: { mode: "v", head: 1 } },
  ];
  const keys = [first, ...others].map(treatmentKey);
  assertEquals(new Set(keys.map(({ values }) => values)).size, 1);
  assertEquals(new Set(keys.map((key) => JSON.stringify(key))).size, keys.length);
  assertEquals(treatmentKey({ ...first, ...route }), keys[0]);
});

Deno.test("treatmentKey() tells ablations apart by layer, features and autoencoder", () => {
  const autoencoder = {
    features: 2,
    active: 1,
    encoder: [1, 2],
    encoderBias: [0, 0],
    decoder: [1, 1],
    decoderBias: [0],
  };
  const keyOf = (ablation?: FeatureAblation) =>
    valuesOf(
      made({ steer: new Map([[0, Float32Array.of(1)]]), ...(ablation === undefined ? {} : { ablation }) }),
    );
  const first = { layer: 0, autoencoder, features: [1] };
  const changed = [
    { active: 2 },
    { encoder: [1, 3] },
    { encoderBias: [0, 1] },
    { decoder: [1, 2] },
    { decoderBias: [1] },
  ].map((change) => keyOf({ ...first, autoencoder: { ...autoencoder, ...change } }));
  const keys = [
    keyOf(),
    keyOf(first),
    keyOf({ ...first, layer: 1 }),
    keyOf({ ...first, features: [0] }),
    ...changed,
  ];
  assertEquals(new Set(keys).size, keys.length);
  assertEquals(keyOf({ ...first, autoencoder: { ...autoencoder } }), keys[1]);
});
