import { canonicalJson, sha256 } from "../core/mod.ts";
import type { Adapters, Additions, SteeringVectors } from "../decode/mod.ts";
import { type FeatureAblation, routeOf, type SteeringRoute } from "../probe/mod.ts";

/** What a condition adds to a model: what one training run made, or something made of it. */
export interface Treatment extends Additions {
  /** In messages: `layer-3.seed-0`. */
  readonly name: string;
  /** SHA-256 of the values that are added. The route is no part of it: the same vectors may go several ways. */
  readonly hash: string;
  /** Hashes of the files that it was made of, by name; they become inputs of the metrics. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** What identifies a treatment in the key of a measurement. */
export function treatmentKey(
  treatment: Treatment,
): { readonly hash: string; readonly route: Required<SteeringRoute> } {
  return { hash: treatment.hash, route: routeOf(treatment) };
}

function rows(vectors: SteeringVectors): Record<string, readonly number[]> {
  return Object.fromEntries([...vectors].map(([layer, vector]) => [String(layer), [...vector]]));
}

function adapterRows(adapters: Adapters) {
  return Object.fromEntries(
    [...adapters].map(([layer, { input, output }]) => [
      String(layer),
      { input: [...input], output: [...output] },
    ]),
  );
}

function ablationValues({ layer, autoencoder, features }: FeatureAblation) {
  const { encoder, encoderBias, decoder, decoderBias, active } = autoencoder;
  const weights = [encoder, encoderBias, decoder, decoderBias].map((values) =>
    sha256(new Uint8Array(Float32Array.from(values).buffer))
  );
  return { layer, active, weights, features: [...features] };
}

/**
 * A treatment made of others: sums, merged sets, random directions of equal norm, ablated features. A treatment that only goes another
 * way needs no derivation: `{ ...treatment, lastBlock }` is one.
 *
 * @example
 * ```ts
 * import { derivedTreatment, type Treatment } from "./mod.ts";
 * const parent: Treatment = {
 *   name: "layer-0.seed-0", hash: "ab", inputs: { "vectors.base-a.layer-0.seed-0": "ab" },
 *   steer: new Map([[0, Float32Array.of(1, 2)]]),
 * };
 * const twice = derivedTreatment("twice", { of: [parent], steer: new Map([[0, Float32Array.of(2, 4)]]) });
 * if (twice.hash === parent.hash) throw new Error("other values, another hash");
 * if (!("vectors.base-a.layer-0.seed-0" in twice.inputs)) throw new Error("what it was made of is named");
 * ```
 */
export function derivedTreatment(
  name: string,
  made: Additions & {
    /** What it was made of. */
    readonly of: readonly Treatment[];
  },
): Treatment {
  const { of, ...additions } = made;
  const { steer = new Map(), adapters = new Map(), ablation } = additions;
  // Without an ablation the hash is what it was before there were any.
  const without = ablation === undefined ? {} : { ablation: ablationValues(ablation) };
  return {
    ...additions,
    name,
    hash: sha256(canonicalJson({ steer: rows(steer), adapters: adapterRows(adapters), ...without })),
    inputs: Object.assign({}, ...of.map(({ inputs }) => inputs)),
  };
}
