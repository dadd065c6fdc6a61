import { memorySource, type ModelConfig, parseNpy, writeNpy } from "../checkpoint/mod.ts";
import type { SteeringVectors } from "../decode/mod.ts";
import { matrixVectors, vectorBytes } from "./_layered_vectors.ts";
import { checkWritable } from "./_small_tensors.ts";

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
 * import { loadNpyVectors, saveNpyVectors } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * await saveNpyVectors(path, { vectors: new Map([[1, Float32Array.of(1, 2)]]), layers: 3 });
 * if ([...await loadNpyVectors(path, null)].join() !== "1,1,2") throw new Error("row l is layer l");
 * await Deno.remove(path);
 * ```
 *
 * @throws {InputError} for a file that is no such matrix, that does not fit the model, or that holds NaN or infinity.
 */
export async function loadNpyVectors(path: string, config: ModelConfig | null): Promise<SteeringVectors> {
  const source = { where: path, config };
  return matrixVectors(parseNpy(memorySource(await vectorBytes(path)), source), source);
}

/**
 * Writes vectors as the authors' programs read them: a float32 matrix [layers, embed] whose row l is s_l, zeros for
 * layers without a vector.
 *
 * @example
 * ```ts
 * import { formatOf, saveNpyVectors } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * await saveNpyVectors(path, { vectors: new Map([[1, Float32Array.of(1, 2)]]), layers: 2 });
 * if (await formatOf(path) !== "npy") throw new Error("a NumPy array");
 * await Deno.remove(path);
 * ```
 *
 * @throws {RangeError} for vectors of unlike widths, and for a layer outside the matrix.
 */
export async function saveNpyVectors(
  path: string,
  content: {
    readonly vectors: SteeringVectors;
    /** Rows of the matrix: the layers of the model. */
    readonly layers: number;
  },
): Promise<void> {
  checkWritable(content.vectors, { what: "steering vectors" });
  const { vectors, layers } = content, [embed = 0] = [...vectors.values()].map(({ length }) => length);
  const data = new Float32Array(layers * embed);
  for (const [layer, vector] of vectors) {
    if (!(layer >= 0 && layer < layers) || vector.length !== embed) {
      throw new RangeError(
        `Cannot write the vector of layer ${layer} as it must be a row of [${layers}, ${embed}]: ` +
          `current width is ${vector.length}`,
      );
    }
    data.set(vector, layer * embed);
  }
  await writeNpy(path, { dims: [layers, embed], data });
}
