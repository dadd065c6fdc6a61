import type { ModelConfig } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { loadBiasVectors } from "./biased_model.ts";
import { loadControlVector } from "./control_vector.ts";
import { FILE_FORMATS, type FileFormat, formatOf } from "./file_format.ts";
import { loadNpyVectors } from "./npy_vectors.ts";
import { loadSvec } from "./svec.ts";
import { loadTorchVectors } from "./torch_vectors.ts";
import { foreignFile, readVectorFile, type VectorFile } from "./vector_file.ts";

type Reader = (path: string, config: ModelConfig | null) => Promise<VectorFile>;

/** What reads each format; null for those that hold no vectors. */
const READERS: { readonly [Format in FileFormat]: Reader | null } = {
  vectors: readVectorFile,
  adapters: null,
  autoencoder: null,
  gguf: loadControlVector,
  biases: loadBiasVectors,
  svec: loadSvec,
  torch: loadTorchVectors,
  npy: async (path, config) => foreignFile("npy", await loadNpyVectors(path, config)),
  saelens: null,
  sparsify: null,
};

/**
 * Reads steering vectors for a model, or for none (null: then their widths must agree). What the file or folder is, is
 * told by its content, and `format` says it: this project's safetensors, a GGUF control vector, a Hugging Face
 * checkpoint that carries vectors as biases, .svec, a dictionary of torch.save, or .npy.
 *
 * A vector that does not fit, in name, layer, width or value, is an `InputError` that names it, as is a file without
 * any, or one of an unknown place.
 *
 * @example
 * ```ts
 * import { loadVectors } from "@small-vectors/steering";
 * const { format, vectors } = await loadVectors("./fixtures/golden/vectors/layers.pt", null);
 * if (format !== "torch" || [...vectors.keys()].join() !== "1,3") throw new Error("a vector for each of two layers");
 * ```
 */
export async function loadVectors(path: string, config: ModelConfig | null): Promise<VectorFile> {
  const format = await formatOf(path), read = READERS[format];
  if (read !== null) return await read(path, config);
  throw new InputError(`${FILE_FORMATS[format]}, not vectors`, { where: path });
}
