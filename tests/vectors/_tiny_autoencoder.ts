import type { SparseAutoencoder } from "../../lib/vectors/mod.ts";

/** Three features of width 2, two of them active. */
export const SAE: SparseAutoencoder = {
  embed: 2,
  features: 3,
  active: 2,
  encoder: Float32Array.of(1, 2, 3, 4, 5, 6),
  encoderBias: Float32Array.of(-1, -2, -3),
  decoder: Float32Array.of(0.5, 0.25, 1, 0, 0, 1),
  decoderBias: Float32Array.of(7, 8),
};
