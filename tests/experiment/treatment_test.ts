import { assertEquals, assertNotEquals } from "@std/assert";
import { canonicalJson, sha256 } from "../../lib/core/mod.ts";
import { derivedTreatment } from "../../lib/experiment/mod.ts";
import type { FeatureAblation } from "../../lib/probe/mod.ts";
import { withZooModel } from "./_tiny_zoo.ts";

Deno.test("derivedTreatment() has a hash of its values alone, and names every file it came from", () =>
  withZooModel(async (zoo) => {
    const [first, second] = await zoo.trained("layer-3");
    if (first === undefined || second === undefined) throw new Error("two training seeds");
    const steer = new Map([[3, Float32Array.of(1, 2)]]);
    const sum = derivedTreatment("sum", { of: [first, second], steer });
    const same = derivedTreatment("another name", { of: [first], steer: new Map(steer) });
    const other = derivedTreatment("sum", {
      of: [first, second],
      steer: new Map([[2, Float32Array.of(1, 2)]]),
    });
    assertEquals(sum.hash, same.hash);
    assertNotEquals(sum.hash, other.hash);
    assertEquals(Object.keys(sum.inputs), ["vectors.base-a.layer-3.seed-0", "vectors.base-a.layer-3.seed-1"]);
    assertEquals(sum.inputs["vectors.base-a.layer-3.seed-1"], second.hash);
  }));

Deno.test("derivedTreatment() tells ablations apart by layer, features and autoencoder, and leaves others' hashes alone", () => {
  const steer = new Map([[0, Float32Array.of(1)]]);
  const autoencoder = {
    features: 2,
    active: 1,
    encoder: [1, 2],
    encoderBias: [0, 0],
    decoder: [1, 1],
    decoderBias: [0],
  };
  const hashOf = (ablation?: FeatureAblation) =>
    derivedTreatment("made", { of: [], steer, ...(ablation === undefined ? {} : { ablation }) }).hash;
  const first = { layer: 0, autoencoder, features: [1] };
  const hashes = [
    hashOf(),
    hashOf(first),
    hashOf({ ...first, layer: 1 }),
    hashOf({ ...first, features: [0] }),
    hashOf({ ...first, autoencoder: { ...autoencoder, decoder: [1, 2] } }),
  ];
  assertEquals(new Set(hashes).size, hashes.length);
  assertEquals(hashOf({ ...first, autoencoder: { ...autoencoder } }), hashes[1]);
  // What it was before there were ablations.
  assertEquals(hashes[0], sha256(canonicalJson({ steer: { 0: [1] }, adapters: {} })));
});
