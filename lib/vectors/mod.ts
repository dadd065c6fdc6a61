/**
 * Files of steering vectors, adapters and autoencoders: this project's own, and those of other programs.
 *
 * @module
 */
export { loadTrained, saveAdapters, type TrainedFile } from "./adapter_file.ts";
export {
  AUTOENCODER_FORMATS,
  type AutoencoderFormat,
  readSparseAutoencoder,
  type SparseAutoencoderFile,
  writeSparseAutoencoder,
} from "./autoencoder_file.ts";
export { type BiasedForm, loadBiasVectors, saveBiasedModel } from "./biased_model.ts";
export { loadControlVector, saveControlVector } from "./control_vector.ts";
export { FILE_FORMATS, type FileFormat, formatOf } from "./file_format.ts";
export { loadVectors } from "./load_vectors.ts";
export { loadNpyVectors, saveNpyVectors } from "./npy_vectors.ts";
export type { FloatArray, SparseAutoencoder } from "./sparse_autoencoder.ts";
export { loadSvec, saveSvec } from "./svec.ts";
export { loadTorchVectors } from "./torch_vectors.ts";
export { saveSharedDirection, saveVectors, type VectorFile } from "./vector_file.ts";
