import { type ModelConfig, openSource, quoted } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import type { SteeringVectors } from "../decode/mod.ts";
import { checkLayer } from "./_small_tensors.ts";

/** Bytes of a file of vectors that is read whole: 100 layers of a width of 65,536 in float64 are a fifth of it. */
const FILE_LIMIT = 2 ** 28;

/** A vector as a file has it, before it is checked. */
export interface FoundVector {
  /** Its name in the file. */
  readonly name: string;
  readonly layer: number;
  readonly values: Float32Array;
}

/** Where vectors were found, and the model that they must fit; with null their widths must agree. */
export interface VectorSource {
  readonly where: string;
  readonly config: ModelConfig | null;
}

/** All bytes of a file of vectors; `InputError` where it is missing or too long to be one. */
export async function vectorBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  using source = await openSource(path);
  if (source.bytes <= FILE_LIMIT) return source.read(0, source.bytes);
  throw new InputError(`the file has ${source.bytes} bytes, more than the limit ${FILE_LIMIT} of vectors`, {
    where: path,
  });
}

/** Vectors by rising layer, each of one width, finite, and of a layer of its own; else an `InputError` that names it. */
export function layeredVectors(
  found: Iterable<FoundVector>,
  { where, config }: VectorSource,
): SteeringVectors {
  const vectors = new Map<number, Float32Array>();
  let width = config?.embed ?? null;
  for (const { name, layer, values } of found) {
    checkLayer(layer, { what: "vector", where, config });
    if (vectors.has(layer)) {
      throw new InputError(`vector ${quoted(name)} is a second one for layer ${layer}`, { where });
    }
    if (values.length === 0 || (width !== null && values.length !== width)) {
      throw new InputError(
        `vector ${quoted(name)} must have shape [${width ?? "embed"}], found [${values.length}]`,
        { where, repair: "these vectors belong to another model" },
      );
    }
    if (!values.every(Number.isFinite)) {
      throw new InputError(`vector ${quoted(name)} holds NaN or infinity`, { where });
    }
    width ??= values.length;
    vectors.set(layer, values);
  }
  if (vectors.size === 0) throw new InputError("no steering vectors in this file", { where });
  return new Map([...vectors].sort(([a], [b]) => a - b));
}

/** Rows of a matrix [layers, embed] as the vectors of their layers; rows of zeros steer nothing and are left out. */
export function matrixVectors(
  matrix: { readonly dims: readonly number[]; readonly data: Float32Array },
  { where, config }: VectorSource,
): SteeringVectors {
  const { dims, data } = matrix, [layers, embed] = dims;
  if (layers === undefined || embed === undefined || dims.length !== 2 || data.length === 0) {
    throw new InputError(`steering vectors must be a matrix [layers, embed], found [${dims.join(", ")}]`, {
      where,
    });
  }
  if (config !== null && (layers !== config.layers || embed !== config.embed)) {
    throw new InputError(
      `steering vectors must be [${config.layers}, ${config.embed}] for this model, found [${layers}, ${embed}]`,
      { where, repair: "these vectors belong to another model" },
    );
  }
  const vectors = new Map<number, Float32Array>();
  for (let layer = 0; layer < layers; layer++) {
    const vector = data.slice(layer * embed, (layer + 1) * embed);
    if (!vector.every(Number.isFinite)) {
      throw new InputError(`the vector of layer ${layer} holds NaN or infinity`, { where });
    }
    if (vector.some((value) => value !== 0)) vectors.set(layer, vector);
  }
  if (vectors.size === 0) throw new InputError("every vector is zero", { where });
  return vectors;
}
