import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Tensor, tensor } from "../core/mod.ts";
import {
  accurateDType,
  accurateSum,
  checkLayer,
  type ComputeDType,
  type SiteName,
  siteName,
} from "../model/mod.ts";
import { type GraphBuilder, isIndex, type Value } from "../onnx/mod.ts";

/** A TopK sparse autoencoder of residual differences, as far as an ablation needs it. */
export interface DifferenceAutoencoder {
  /** Size of its dictionary. */
  readonly features: number;
  /** Features that may be active per position. */
  readonly active: number;
  /** E, [features, embed]. */
  readonly encoder: ArrayLike<number>;
  /** c, [features]. */
  readonly encoderBias: ArrayLike<number>;
  /** D, [features, embed]. */
  readonly decoder: ArrayLike<number>;
  /** b, [embed]. */
  readonly decoderBias: ArrayLike<number>;
}

/** Features that are taken out of what additions change in the residual stream. */
export interface FeatureAblation {
  /** Read and taken out at `blocks.LAYER.resid_post`. */
  readonly layer: number;
  /** What encodes the difference there. */
  readonly autoencoder: DifferenceAutoencoder;
  /** The features that are taken out. */
  readonly features: readonly number[];
}

/** What of an ablation decides a graph: its features are fed. */
export interface AblationShape {
  /** Layer whose `resid_post` is changed. */
  readonly layer: number;
  /** Size of the dictionary. */
  readonly features: number;
  /** Features that may be active per position. */
  readonly active: number;
}

/** Names of the inputs that an ablation adds to a graph. */
const ABLATION_NAMES = {
  /** E, float [features, embed]. */
  encoder: "ablation.encoder",
  /** c, float [features]. */
  encoderBias: "ablation.encoder_bias",
  /** D, float [features, embed]. */
  decoder: "ablation.decoder",
  /** b, float [embed]. */
  decoderBias: "ablation.decoder_bias",
  /** 1 for every feature that is taken out, else 0, float [features]. */
  mask: "ablation.mask",
} as const;

/** What of an ablation decides a graph; null without one. */
export function ablationShape(ablation: FeatureAblation | undefined): AblationShape | null {
  if (ablation === undefined) return null;
  const { layer, autoencoder: { features, active } } = ablation;
  return { layer, features, active };
}

/**
 * Checks that an ablation fits a model and that there is a difference to take it out of.
 *
 * @throws {RangeError} for a layer or a feature that is not there, arrays that do not fit the model, and without
 * additions: the difference would be nothing.
 */
export function checkAblation(
  ablation: FeatureAblation | undefined,
  options: {
    readonly config: Pick<ModelConfig, "layers" | "embed">;
    /** How many vectors and adapters there are. */
    readonly additions: number;
  },
): void {
  if (ablation === undefined) return;
  const { layer, autoencoder, features: ablated } = ablation;
  const { config: { layers, embed }, additions } = options;
  const { features, active, encoder, encoderBias, decoder, decoderBias } = autoencoder;
  checkLayer(layer, { layers, action: "ablate at" });
  const fits = Number.isInteger(active) && active >= 1 && active <= features &&
    encoder.length === features * embed && decoder.length === features * embed &&
    encoderBias.length === features && decoderBias.length === embed;
  if (!fits) {
    throw new RangeError(
      `Cannot ablate as the autoencoder must have ${features} features (${active} active) of ${embed} values: ` +
        `encoder ${encoder.length}, decoder ${decoder.length}, biases ${encoderBias.length} and ${decoderBias.length}`,
    );
  }
  const wrong = ablated.find((feature) => !isIndex(feature, features));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot ablate feature ${wrong} as it must lie in [0, ${features})`);
  }
  if (additions === 0) {
    throw new RangeError(
      "Cannot ablate features of a difference as a vector or an adapter must make one: current count is 0",
    );
  }
}

/** What a graph with an ablation is fed, by input name; nothing without one. */
export function ablationFeeds(ablation: FeatureAblation | undefined): Record<string, Tensor<"float32">> {
  if (ablation === undefined) return {};
  const { autoencoder: { features, encoder, encoderBias, decoder, decoderBias } } = ablation;
  const embed = decoderBias.length, mask = new Float32Array(features);
  for (const feature of ablation.features) mask[feature] = 1;
  const floats = (dims: readonly number[], values: ArrayLike<number>) =>
    tensor("float32", dims, Float32Array.from(values));
  return {
    [ABLATION_NAMES.encoder]: floats([features, embed], encoder),
    [ABLATION_NAMES.encoderBias]: floats([features], encoderBias),
    [ABLATION_NAMES.decoder]: floats([features, embed], decoder),
    [ABLATION_NAMES.decoderBias]: floats([embed], decoderBias),
    [ABLATION_NAMES.mask]: tensor("float32", [features], mask),
  };
}

/** An ablation of a graph at work. */
export interface AppliedAblation {
  /** Blocks that the unchanged model runs through to the site. */
  readonly blocks: number;
  /** Where it is applied. */
  readonly site: SiteName;
  /** The changed stream without the features, both [batch, seq, embed]. */
  readonly apply: (
    g: GraphBuilder,
    streams: { readonly changed: Value; readonly base: Value },
  ) => Value;
}

/** Below every pre-activation: a feature that was picked is not picked again. */
const PICKED = -1e30;

/**
 * Adds the inputs of an ablation to a graph and returns what applies it to a stream h and the base model's stream h₀
 * at the same site:
 *
 *     a = E (h − h₀ − b) + c,   h ← h − Σ_{f among the K largest of a, f ablated} max(a_f, 0) D_f
 *
 * The K largest are found one after the other, equal ones from the lower feature up, as the encoder of the
 * autoencoder does. In a 16-bit graph all of it is a float32 island.
 * Source: the control of the paper's DiffSAE features that reviewers asked for (class: review; the form is ours).
 */
export function applyAblation(
  g: GraphBuilder,
  shape: AblationShape,
  options: { readonly embed: number; readonly compute: ComputeDType },
): AppliedAblation {
  const { embed, compute } = options, accurate = accurateDType(compute);
  const { layer, features, active } = shape;
  const input = (name: string, dims: readonly number[]) => g.input(name, accurate, dims);
  const encoder = input(ABLATION_NAMES.encoder, [features, embed]);
  const encoderBias = input(ABLATION_NAMES.encoderBias, [features]);
  const decoder = input(ABLATION_NAMES.decoder, [features, embed]);
  const decoderBias = input(ABLATION_NAMES.decoderBias, [embed]);
  const mask = input(ABLATION_NAMES.mask, [features]);
  const apply: AppliedAblation["apply"] = (inner, { changed, base }) =>
    inner.within("ablation", () => {
      const difference = inner.sub(inner.cast(changed, accurate), inner.cast(base, accurate));
      const centred = inner.sub(difference, decoderBias);
      let rest = inner.add(inner.matMul(centred, encoder, { transB: true }), encoderBias); // [batch, seq, features]
      let taken: Value | null = null;
      for (let k = 0; k < active; k++) {
        const feature = inner.apply("ArgMax", [rest], { attributes: { axis: 2 } }); // [batch, seq]
        const place = inner.unsqueeze(feature, [2]); // [batch, seq, 1]
        const value = inner.gatherElements(rest, place, { axis: 2 });
        const strength = inner.mul(
          inner.apply("Max", [value, inner.scalar(accurate, 0)]),
          inner.gather(mask, place, { axis: 0 }),
        );
        const part = inner.mul(strength, inner.gather(decoder, feature, { axis: 0 })); // [batch, seq, embed]
        taken = taken === null ? part : inner.add(taken, part);
        if (k + 1 === active) break;
        const low = inner.add(inner.mul(value, inner.scalar(accurate, 0)), inner.scalar(accurate, PICKED));
        rest = inner.apply("ScatterElements", [rest, place, low], { attributes: { axis: 2 } });
      }
      return accurateSum(inner, changed, { added: inner.apply("Neg", [taken as Value]) });
    });
  return { blocks: layer + 1, site: siteName({ layer, kind: "resid_post" }), apply };
}
