import {
  float32Tensor,
  type ModelConfig,
  readSafetensorsHeader,
  readTensor,
  type SafetensorsFile,
  writeSafetensors,
} from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { VECTOR_PLACES, type VectorPlace } from "../probe/mod.ts";
import { type FoundVector, layeredVectors } from "./_layered_vectors.ts";
import { checkLayer, checkWritable, layerOf, readWidth } from "./_small_tensors.ts";
import type { FileFormat } from "./file_format.ts";
import { type SharedDirection, sharedVectors, type SteeringVectors } from "../decode/mod.ts";

const PREFIX = "steering", SCALE = "scale", DIRECTION = "direction";

/** Vectors read from a file, with the notes of what made them. */
export interface VectorFile {
  /** What the file or folder is. */
  readonly format: FileFormat;
  /** By layer, from the lowest up. */
  readonly vectors: SteeringVectors;
  /** Where in their blocks they belong; `mlp` where the file does not say. */
  readonly place: VectorPlace;
  /** The direction that all of them share, where the file says so; null where each layer has its own. */
  readonly shared: SharedDirection | null;
  /**
   * What was written beside them: in files of this project `kind` ("steering", or "rank1" for a shared direction) and
   * what made them, in others `model_hint`, or `model_type` and `explained_variances`.
   */
  readonly metadata: ReadonlyMap<string, string>;
}

/** A file of another program: its vectors are added where the paper adds them, each with a direction of its own. */
export function foreignFile(
  format: FileFormat,
  vectors: SteeringVectors,
  metadata: ReadonlyMap<string, string> = new Map(),
): VectorFile {
  return { format, vectors, place: "mlp", shared: null, metadata };
}

/**
 * Writes steering vectors as safetensors: one float32 tensor [embed] per layer, `steering.LAYER`, and their place in
 * the metadata where it is given.
 *
 * @throws {RangeError} for what {@link loadVectors} would refuse.
 *
 * @example
 * ```ts
 * import { loadVectors, saveVectors } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await saveVectors(path, { vectors: new Map([[1, Float32Array.of(1, 2)]]), metadata: { seed: "0" } });
 * if ((await loadVectors(path, null)).vectors.get(1)?.join() !== "1,2") throw new Error("comes back as it was");
 * await Deno.remove(path);
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
  const { vectors, place, metadata } = content;
  checkWritable(vectors, { what: "steering vectors" });
  const tensors = Object.fromEntries(
    [...vectors].map(([layer, data]) => [`${PREFIX}.${layer}`, float32Tensor(data)]),
  );
  await writeSafetensors(path, {
    tensors,
    metadata: { kind: "steering", ...metadata, ...(place === undefined ? {} : { place }) },
  });
}

/**
 * Writes vectors along one direction by their factors: a float32 `scale.LAYER` per layer and `direction` [embed].
 * {@link loadVectors} reads them as the vectors that they stand for.
 *
 * @example
 * ```ts
 * import { loadVectors, saveSharedDirection } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const shared = { scales: new Map([[0, 2], [1, -1]]), direction: Float32Array.of(1, 3) };
 * await saveSharedDirection(path, { shared, metadata: {} });
 * if ((await loadVectors(path, null)).vectors.get(1)?.join() !== "-1,-3") throw new Error("factor times direction");
 * await Deno.remove(path);
 * ```
 */
export async function saveSharedDirection(
  path: string,
  content: {
    readonly shared: SharedDirection;
    /** `@default` unsaid, which is `mlp` */
    readonly place?: VectorPlace;
    readonly metadata: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { shared: { scales, direction }, place, metadata } = content;
  const layers = new Map([...scales].map(([layer, scale]) => [layer, Float32Array.of(scale)]));
  checkWritable(layers, { what: "the factors of a direction" });
  checkWritable(new Map([[0, direction]]), { what: "a direction" });
  const tensors = Object.fromEntries([
    ...[...scales].map(([layer, scale]) => [`${SCALE}.${layer}`, float32Tensor([scale], [])] as const),
    [DIRECTION, float32Tensor(direction)],
  ]);
  await writeSafetensors(path, {
    tensors,
    metadata: { kind: "rank1", ...metadata, ...(place === undefined ? {} : { place }) },
  });
}

/** Reads this project's own file of vectors; see {@link loadVectors}. */
export async function readVectorFile(path: string, config: ModelConfig | null): Promise<VectorFile> {
  const file = await readSafetensorsHeader(path);
  const shared = file.tensors.has(DIRECTION) ? await readShared(file, { path, config }) : null;
  const vectors = shared === null ? await readEach(file, { path, config }) : sharedVectors(shared);
  return { format: "vectors", place: placeIn(file, path), vectors, shared, metadata: file.metadata };
}

function placeIn(file: SafetensorsFile, where: string): VectorPlace {
  const named = file.metadata.get("place") ?? "mlp";
  const place = VECTOR_PLACES.find((known) => known === named);
  if (place !== undefined) return place;
  throw new InputError(`these vectors belong to the unknown place "${named}"`, {
    where,
    repair: `places are ${VECTOR_PLACES.join(", ")}`,
  });
}

interface Source {
  readonly path: string;
  readonly config: ModelConfig | null;
}

async function readEach(file: SafetensorsFile, { path, config }: Source): Promise<SteeringVectors> {
  const found: FoundVector[] = [], width = config?.embed ?? null;
  for (const [name, entry] of file.tensors) {
    const layer = layerOf(name, PREFIX);
    if (layer === null) {
      throw new InputError(`tensor "${name}" is not a steering vector`, {
        where: path,
        repair: `vectors are named ${PREFIX}.LAYER`,
      });
    }
    checkLayer(layer, { what: "vector", where: path, config });
    const values = await readWidth(entry, { what: "vector", where: path, width, these: "these vectors" });
    found.push({ name, layer, values });
  }
  return layeredVectors(found, { where: path, config });
}

async function readShared(file: SafetensorsFile, { path, config }: Source): Promise<SharedDirection> {
  const scales = new Map<number, number>();
  let direction: Float32Array = new Float32Array();
  for (const [name, entry] of file.tensors) {
    if (name === DIRECTION) {
      const width = config?.embed ?? null;
      direction = await readWidth(entry, { what: "vector", where: path, width, these: "these vectors" });
      continue;
    }
    const layer = layerOf(name, SCALE);
    if (layer === null || entry.dims.length !== 0) {
      throw new InputError(`tensor "${name}" is not the factor of a layer`, {
        where: path,
        repair: `beside ${DIRECTION} a file holds scalars named ${SCALE}.LAYER`,
      });
    }
    checkLayer(layer, { what: "vector", where: path, config });
    const scale = (await readTensor(entry))[0] as number;
    if (!Number.isFinite(scale)) throw new InputError(`factor "${name}" is not finite`, { where: path });
    scales.set(layer, scale);
  }
  if (scales.size === 0) throw new InputError("no steering vectors in this file", { where: path });
  return { scales: new Map([...scales].sort(([a], [b]) => a - b)), direction };
}
