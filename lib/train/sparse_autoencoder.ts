import type { FloatArray, SparseAutoencoder } from "../vectors/mod.ts";

/** Activations of rows, sparse: `active` entries per row, largest first. */
export interface SparseCodes {
  /** Rows. */
  readonly rows: number;
  /** Entries per row. */
  readonly active: number;
  /** Feature of each entry, [rows, active]. */
  readonly indices: Int32Array;
  /** Its activation, [rows, active]; 0 where fewer features are above 0. */
  readonly values: Float64Array;
}

/** Adjoints of the four trained values, in their shapes. */
export type SparseAutoencoderAdjoints = Pick<
  SparseAutoencoder,
  "encoder" | "encoderBias" | "decoder" | "decoderBias"
>;

function requireFit(sae: SparseAutoencoder, data: ArrayLike<number>): number {
  const { embed, features, active } = sae;
  const whole = [embed, features, active].every((size) => Number.isInteger(size) && size >= 1);
  const fits = sae.encoder.length === features * embed && sae.decoder.length === features * embed &&
    sae.encoderBias.length === features && sae.decoderBias.length === embed;
  if (!whole || !fits || active > features) {
    throw new RangeError(
      `Cannot use the autoencoder as its arrays must fit ${features} features (${active} of them active) of ${embed}: ` +
        `encoder ${sae.encoder.length}, decoder ${sae.decoder.length}, biases ${sae.encoderBias.length} and ${sae.decoderBias.length}`,
    );
  }
  if (data.length % embed !== 0) {
    throw new RangeError(
      `Cannot read rows as they must have ${embed} values each: there are ${data.length} in all`,
    );
  }
  return data.length / embed;
}

/**
 * Activations of rows x under TopK:
 *
 *     a = E (x − b) + c,   z_f = max(a_f, 0) for the K largest a_f, else 0
 *
 * Equal pre-activations go to the lower feature. Sums are float64.
 *
 * Source: TopK autoencoders after Gao et al., "Scaling and evaluating sparse autoencoders" (2024); the paper's DiffSAE
 * has no published code or size (class: review), so this form is our choice.
 *
 * @throws RangeError for arrays that do not fit each other or the rows.
 */
export function encodeTopK(sae: SparseAutoencoder, data: ArrayLike<number>): SparseCodes {
  const rows = requireFit(sae, data);
  const { embed, features, active, encoder, encoderBias, decoderBias } = sae;
  const indices = new Int32Array(rows * active), values = new Float64Array(rows * active);
  const centred = new Float64Array(embed);
  const best = new Float64Array(active), place = new Int32Array(active);
  for (let row = 0; row < rows; row++) {
    for (let e = 0; e < embed; e++) {
      centred[e] = (data[row * embed + e] as number) - (decoderBias[e] as number);
    }
    let kept = 0;
    for (let f = 0, at = 0; f < features; f++) {
      let sum = encoderBias[f] as number;
      for (let e = 0; e < embed; e++) sum += (encoder[at++] as number) * (centred[e] as number);
      if (kept === active && !(sum > (best[kept - 1] as number))) continue;
      // Insertion into the descending list of the K best; later equals stay behind earlier ones.
      let to = kept < active ? kept++ : kept - 1;
      for (; to > 0 && (best[to - 1] as number) < sum; to--) {
        best[to] = best[to - 1] as number;
        place[to] = place[to - 1] as number;
      }
      best[to] = sum;
      place[to] = f;
    }
    for (let k = 0; k < active; k++) {
      indices[row * active + k] = place[k] as number;
      values[row * active + k] = Math.max(0, best[k] as number);
    }
  }
  return { rows, active, indices, values };
}

/**
 * Rows from activations, x̂ = z D + b, [rows, embed] in float64.
 *
 * @throws RangeError for codes of another number of active features.
 */
export function decodeTopK(sae: SparseAutoencoder, codes: SparseCodes): Float64Array {
  requireFit(sae, []);
  const { embed, active, decoder, decoderBias } = sae;
  if (codes.active !== active) {
    throw new RangeError(
      `Cannot decode as rows must have ${active} active features: current count is ${codes.active}`,
    );
  }
  const result = new Float64Array(codes.rows * embed);
  for (let row = 0; row < codes.rows; row++) {
    const to = row * embed;
    for (let e = 0; e < embed; e++) result[to + e] = decoderBias[e] as number;
    for (let k = row * active; k < (row + 1) * active; k++) {
      const value = codes.values[k] as number, from = (codes.indices[k] as number) * embed;
      if (value === 0) continue;
      for (let e = 0; e < embed; e++) {
        result[to + e] = (result[to + e] as number) + value * (decoder[from + e] as number);
      }
    }
  }
  return result;
}

/** The loss of a batch with all that a training step needs. */
export interface SparseAutoencoderStep {
  /** Mean squared error per value. */
  readonly loss: number;
  /** Adjoints of the loss. */
  readonly adjoints: SparseAutoencoderAdjoints;
  /** The batch's activations. */
  readonly codes: SparseCodes;
  /** x̂ − x, [rows, embed]. */
  readonly residuals: Float64Array;
}

/**
 * Mean squared reconstruction error of a batch, and its adjoints. With r = x̂ − x and n = rows · embed:
 *
 *     L = Σ r² / n,  x̂̄ = 2 r / n
 *     D̄_f = Σ_rows z_f x̂̄,   z̄_f = x̂̄ · D_f   for the active f with z_f > 0
 *     Ē_f = Σ_rows z̄_f (x − b),   c̄_f = Σ_rows z̄_f,   b̄ = Σ_rows (x̂̄ − Σ_f z̄_f E_f)
 *
 * Which features are active is piecewise constant, so it carries no adjoint. Proof: central differences in float64,
 * tests/train/sparse_autoencoder_test.ts. Adjoints have the width of the parameters, sums are float64 per row.
 *
 * @throws RangeError for an empty batch, and as `encodeTopK`.
 */
export function sparseAutoencoderStep(
  sae: SparseAutoencoder,
  data: ArrayLike<number>,
): SparseAutoencoderStep {
  const { embed, features, active, encoder, decoder, decoderBias } = sae;
  const codes = encodeTopK(sae, data), residuals = decodeTopK(sae, codes);
  if (codes.rows === 0) {
    throw new RangeError("Cannot take a step as the batch must have a row: current count is 0");
  }
  const zeros = (length: number): FloatArray =>
    decoder instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
  const adjoints = {
    encoder: zeros(features * embed),
    encoderBias: zeros(features),
    decoder: zeros(features * embed),
    decoderBias: zeros(embed),
  };
  const scale = 2 / residuals.length;
  let loss = 0;
  for (let row = 0; row < codes.rows; row++) {
    const start = row * embed;
    for (let e = 0; e < embed; e++) {
      const residual = residuals[start + e] = (residuals[start + e] as number) - (data[start + e] as number);
      loss += residual * residual;
      adjoints.decoderBias[e] = (adjoints.decoderBias[e] as number) + scale * residual;
    }
    for (let k = row * active; k < (row + 1) * active; k++) {
      const z = codes.values[k] as number;
      if (z === 0) continue;
      const f = codes.indices[k] as number, at = f * embed;
      let zAdjoint = 0;
      for (let e = 0; e < embed; e++) {
        const out = scale * (residuals[start + e] as number);
        zAdjoint += out * (decoder[at + e] as number);
        adjoints.decoder[at + e] = (adjoints.decoder[at + e] as number) + z * out;
      }
      adjoints.encoderBias[f] = (adjoints.encoderBias[f] as number) + zAdjoint;
      for (let e = 0; e < embed; e++) {
        const centred = (data[start + e] as number) - (decoderBias[e] as number);
        adjoints.encoder[at + e] = (adjoints.encoder[at + e] as number) + zAdjoint * centred;
        adjoints.decoderBias[e] = (adjoints.decoderBias[e] as number) -
          zAdjoint * (encoder[at + e] as number);
      }
    }
  }
  return { loss: loss / residuals.length, adjoints, codes, residuals };
}

/**
 * Scales the decoder's rows to norm 1, in place, so that no feature can be small in its activations and large in its
 * direction. A row of zeros stays.
 *
 * @throws RangeError for arrays that do not fit each other.
 */
export function normaliseDecoder(sae: SparseAutoencoder): void {
  requireFit(sae, []);
  const { embed, features, decoder } = sae;
  for (let f = 0; f < features; f++) {
    let sum = 0;
    for (let at = f * embed; at < (f + 1) * embed; at++) sum += (decoder[at] as number) ** 2;
    if (sum === 0) continue;
    const scale = 1 / Math.sqrt(sum);
    for (let at = f * embed; at < (f + 1) * embed; at++) decoder[at] = (decoder[at] as number) * scale;
  }
}

/** How well an autoencoder fits rows, and how its features are used. */
export interface SparseFit {
  /** 1 − Σ ‖x − x̂‖² / Σ ‖x − x̄‖²: 0 for predicting the mean x̄, 1 for perfect; null when the rows do not vary. */
  readonly explainedVariance: number | null;
  /** Features above 0 per row, on average. */
  readonly meanActive: number;
  /** Share of the rows on which each feature is above 0, [features]. */
  readonly firingShare: Float64Array;
  /** Features that never are. */
  readonly deadFeatures: number;
}

/** Rows that are encoded at once when a fit is measured. */
const FIT_CHUNK = 1024;

/**
 * Measures the fit over all rows, in float64.
 *
 * Source: explained variance with the two anchors predict-the-mean = 0 and perfect = 1; Figure 7 reads the features
 * (class: review), the measures are ours.
 *
 * @throws RangeError without a row, and as `encodeTopK`.
 */
export function sparseFit(sae: SparseAutoencoder, data: FloatArray): SparseFit {
  const rows = requireFit(sae, data), { embed, active } = sae;
  if (rows === 0) throw new RangeError("Cannot measure a fit as there must be a row: current count is 0");
  const mean = new Float64Array(embed), fired = new Float64Array(sae.features);
  for (let at = 0; at < data.length; at++) {
    mean[at % embed] = (mean[at % embed] as number) + (data[at] as number) / rows;
  }
  let error = 0, total = 0, firings = 0;
  for (let row = 0; row < rows; row += FIT_CHUNK) {
    const chunk = data.subarray(row * embed, Math.min(rows, row + FIT_CHUNK) * embed);
    const codes = encodeTopK(sae, chunk), rebuilt = decodeTopK(sae, codes);
    for (let at = 0; at < chunk.length; at++) {
      error += ((chunk[at] as number) - (rebuilt[at] as number)) ** 2;
      total += ((chunk[at] as number) - (mean[at % embed] as number)) ** 2;
    }
    for (let k = 0; k < codes.rows * active; k++) {
      if (codes.values[k] === 0) continue;
      const feature = codes.indices[k] as number;
      fired[feature] = (fired[feature] as number) + 1;
      firings++;
    }
  }
  return {
    explainedVariance: total === 0 ? null : 1 - error / total,
    meanActive: firings / rows,
    firingShare: fired.map((count) => count / rows),
    deadFeatures: fired.filter((count) => count === 0).length,
  };
}
