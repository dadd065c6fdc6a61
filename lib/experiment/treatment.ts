import { canonicalJson, sha256 } from "../core/mod.ts";
import type { Adapters, Additions, SteeringVectors } from "../decode/mod.ts";
import { type DifferenceAutoencoder, routeOf, type SteeringRoute } from "../probe/mod.ts";

/** What a condition may add: everywhere, and with no operator. */
export interface TreatmentAdditions extends Omit<Additions, "steer" | "adapters" | "operators" | "steerAt"> {
  /** Vectors by layer. `@default none` */
  readonly steer?: SteeringVectors;
  /** Adapters by layer. `@default none` */
  readonly adapters?: Adapters;
}

/** What a condition adds to a model: what one training run made, or something made of it. */
export interface Treatment extends TreatmentAdditions {
  /** In messages: `layer-3.seed-0`. */
  readonly name: string;
  /** Hashes of the files that it was made of, by name; they become inputs of the metrics. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** What a treatment adds, without its name and hashes; nothing for the base model. */
export function additionsOf(treatment: Treatment | null): TreatmentAdditions {
  if (treatment === null) return {};
  const { name: _, inputs: __, ...additions } = treatment;
  return additions;
}

/** What identifies a treatment in the key of a measurement: all that it adds, and on which way. */
export interface TreatmentKey {
  /** SHA-256 of the values that are added. */
  readonly values: string;
  /** The same vectors may go several ways. */
  readonly route: Required<SteeringRoute>;
}

/** The bytes of numbers as float32, in which they are fed to graphs. */
function bytesHash(values: ArrayLike<number>): string {
  return sha256(new Uint8Array(Float32Array.from(values).buffer));
}

/** SHA-256 of an autoencoder's values. */
export function autoencoderHash(autoencoder: DifferenceAutoencoder): string {
  const { encoder, encoderBias, decoder, decoderBias, active, features } = autoencoder;
  const weights = [encoder, encoderBias, decoder, decoderBias].map(bytesHash);
  return sha256(canonicalJson({ active, features, weights }));
}

/** The key of a treatment, read off its values, so that a treatment that is made of another's fields has its own. */
export function treatmentKey(treatment: Treatment): TreatmentKey {
  const { steer = new Map(), adapters = new Map(), ablation } = treatment;
  const byLayer = <T>(entries: ReadonlyMap<number, T>, hash: (value: T) => readonly string[]) =>
    [...entries].map(([layer, value]) => [layer, ...hash(value)] as const).sort(([a], [b]) => a - b);
  const values = {
    steer: byLayer(steer, (vector) => [bytesHash(vector)]),
    adapters: byLayer(adapters, ({ input, output }) => [bytesHash(input), bytesHash(output)]),
    ablation: ablation === undefined ? null : {
      layer: ablation.layer,
      autoencoder: autoencoderHash(ablation.autoencoder),
      features: [...ablation.features],
    },
  };
  return { values: sha256(canonicalJson(values)), route: routeOf(treatment) };
}

/**
 * A treatment made of others: sums, merged sets, random directions of equal norm, ablated features. A treatment that only goes another
 * way needs no derivation: `{ ...treatment, lastBlock }` is one.
 */
export function derivedTreatment(
  name: string,
  made: TreatmentAdditions & {
    /** What it was made of. */
    readonly of: readonly Treatment[];
  },
): Treatment {
  const { of, ...additions } = made;
  return { ...additions, name, inputs: Object.assign({}, ...of.map(({ inputs }) => inputs)) };
}
