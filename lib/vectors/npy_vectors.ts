import { type ModelConfig, readNpy } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import type { SteeringVectors } from "../decode/mod.ts";

/**
 * Reads the authors' `steering_vectors.npy`: a matrix [layers, embed] whose row l is s_l. A row of zeros steers
 * nothing and is left out, so a run of one layer comes out as one vector. With a model (null: with none), layers and
 * width must be those of the model.
 *
 * A matrix of zeros alone is refused: the authors' extraction writes one, without a word, for a shared direction in
 * several files.
 * Source: `extract_steering_vectors` in the code of the paper (class: code).
 *
 * @example
 * ```ts
 * import { loadNpyVectors } from "./mod.ts";
 * const folder = await Deno.makeTempDir(), path = `${folder}/steering_vectors.npy`;
 * const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }".padEnd(117) + "\n";
 * const start = Uint8Array.of(0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, 118, 0);
 * const rows = new Uint8Array(Float32Array.of(0, 0, 1, 2, 3, 0).buffer);
 * await Deno.writeFile(path, Uint8Array.of(...start, ...new TextEncoder().encode(header), ...rows));
 * const vectors = await loadNpyVectors(path, null);
 * if ([...vectors.keys()].join() !== "1,2" || vectors.get(1)?.join() !== "1,2") throw new Error("row l is layer l");
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @throws {InputError} for a file that is no such matrix, that does not fit the model, or that holds NaN or infinity.
 */
export async function loadNpyVectors(path: string, config: ModelConfig | null): Promise<SteeringVectors> {
  const { dims, data } = await readNpy(path);
  const [layers, embed] = dims;
  if (layers === undefined || embed === undefined || dims.length !== 2 || data.length === 0) {
    throw new InputError(`steering vectors must be a matrix [layers, embed], found [${dims.join(", ")}]`, {
      where: path,
    });
  }
  if (config !== null && (layers !== config.layers || embed !== config.embed)) {
    throw new InputError(
      `steering vectors must be [${config.layers}, ${config.embed}] for this model, found [${layers}, ${embed}]`,
      { where: path, repair: "these vectors belong to another model" },
    );
  }
  const vectors = new Map<number, Float32Array>();
  for (let layer = 0; layer < layers; layer++) {
    const vector = data.slice(layer * embed, (layer + 1) * embed);
    if (!vector.every(Number.isFinite)) {
      throw new InputError(`the vector of layer ${layer} holds NaN or infinity`, { where: path });
    }
    if (vector.some((value) => value !== 0)) vectors.set(layer, vector);
  }
  if (vectors.size === 0) throw new InputError("every vector is zero", { where: path });
  return vectors;
}
