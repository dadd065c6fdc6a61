import { type ModelConfig, readSafetensorsHeader, readTensor, writeSafetensors } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { VECTOR_PLACES, type VectorPlace } from "../probe/mod.ts";
import type { SteeringVectors } from "./steering.ts";

const PREFIX = "steering.";

/** Vectors read from a file, with the notes of what made them. */
export interface VectorFile {
  /** By layer, from the lowest up. */
  readonly vectors: SteeringVectors;
  /** Where in their blocks they belong; `mlp` where the file does not say. */
  readonly place: VectorPlace;
  /** What was written beside them, and `kind`: "steering". */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Writes steering vectors as safetensors: one float32 tensor [embed] per layer, `steering.LAYER`, and their place in
 * the metadata where it is given.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { loadVectors, saveVectors } from "./mod.ts";
 * const folder = await Deno.makeTempDir(), path = `${folder}/vectors.safetensors`;
 * const config = tinyConfig();
 * await saveVectors(path, { vectors: new Map([[1, new Float32Array(config.embed).fill(2)]]), metadata: { seed: "0" } });
 * const { vectors } = await loadVectors(path, config);
 * if (vectors.get(1)?.[0] !== 2) throw new Error("a vector comes back as it was");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function saveVectors(
  path: string,
  content: {
    readonly vectors: SteeringVectors;
    /** Where in their blocks they belong. `@default "mlp"` */
    readonly place?: VectorPlace;
    readonly metadata: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const tensors = Object.fromEntries(
    [...content.vectors].map(([layer, data]) =>
      [`${PREFIX}${layer}`, { dtype: "float32" as const, dims: [data.length], data }] as const
    ),
  );
  const place = content.place === undefined ? {} : { place: content.place };
  await writeSafetensors(path, { tensors, metadata: { kind: "steering", ...content.metadata, ...place } });
}

/**
 * Reads steering vectors for a model. A vector that does not fit, in name, layer, width or value, is an `InputError`
 * that names it, as is a file without any, or one of an unknown place.
 *
 * @example
 * ```ts
 * import { tinyConfig } from "../checkpoint/mod.ts";
 * import { loadVectors, saveVectors } from "./mod.ts";
 * const folder = await Deno.makeTempDir(), path = `${folder}/vectors.safetensors`;
 * const vectors = new Map([[0, Float32Array.of(1, 2)]]);
 * await saveVectors(path, { vectors, metadata: { model: "another, of width 2" } });
 * const refused = await loadVectors(path, tinyConfig()).then(() => "", (error) => String(error));
 * if (!refused.includes('"steering.0" must have shape [32], found [2]')) throw new Error(refused);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function loadVectors(path: string, config: ModelConfig): Promise<VectorFile> {
  const file = await readSafetensorsHeader(path);
  const vectors = new Map<number, Float32Array>();
  for (const [name, entry] of file.tensors) {
    const layer = /^steering\.(\d+)$/.exec(name)?.[1];
    if (layer === undefined) {
      throw new InputError(`tensor "${name}" is not a steering vector`, {
        where: path,
        repair: `vectors are named ${PREFIX}LAYER`,
      });
    }
    if (Number(layer) >= config.layers) {
      throw new InputError(`vector for layer ${layer} does not fit a model of ${config.layers} layers`, {
        where: path,
      });
    }
    if (entry.dims.length !== 1 || entry.dims[0] !== config.embed) {
      throw new InputError(
        `vector "${name}" must have shape [${config.embed}], found [${entry.dims.join(", ")}]`,
        {
          where: path,
          repair: "these vectors belong to another model",
        },
      );
    }
    const values = await readTensor(entry);
    if (!values.every(Number.isFinite)) {
      throw new InputError(`vector "${name}" holds NaN or infinity`, { where: path });
    }
    vectors.set(Number(layer), values);
  }
  if (vectors.size === 0) throw new InputError("no steering vectors in this file", { where: path });
  const named = file.metadata.get("place") ?? "mlp";
  const place = VECTOR_PLACES.find((known) => known === named);
  if (place === undefined) {
    throw new InputError(`these vectors belong to the unknown place "${named}"`, {
      where: path,
      repair: `places are ${VECTOR_PLACES.join(", ")}`,
    });
  }
  return { place, vectors: new Map([...vectors].sort(([a], [b]) => a - b)), metadata: file.metadata };
}
