/** Numbers of either width: training uses float32, checks float64. */
export type FloatArray = Float32Array | Float64Array;

/** Trained values of a TopK sparse autoencoder. */
export interface SparseAutoencoder {
  /** Width of what it reads. */
  readonly embed: number;
  /** Size of its dictionary. */
  readonly features: number;
  /** Most features that are active per row: the K of TopK. */
  readonly active: number;
  /** E, [features, embed]. */
  readonly encoder: FloatArray;
  /** c, [features]. */
  readonly encoderBias: FloatArray;
  /** D, [features, embed], rows of norm 1: the features' directions. */
  readonly decoder: FloatArray;
  /** b, [embed]: what is left when no feature is active. */
  readonly decoderBias: FloatArray;
}
