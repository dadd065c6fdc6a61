/**
 * Files of steering vectors, adapters and autoencoders: this project's own, and those of other programs.
 *
 * @module
 */
export { loadTrained, saveAdapters, type TrainedFile } from "./adapter_file.ts";
export {
  type FloatArray,
  readSparseAutoencoder,
  type SparseAutoencoder,
  type SparseAutoencoderFile,
  writeSparseAutoencoder,
} from "./autoencoder_file.ts";
export { loadNpyVectors } from "./npy_vectors.ts";
export { loadVectors, saveSharedDirection, saveVectors, type VectorFile } from "./vector_file.ts";
