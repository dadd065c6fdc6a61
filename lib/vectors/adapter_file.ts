import {
  float32Tensor,
  type ModelConfig,
  readSafetensorsHeader,
  writeSafetensors,
} from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import type { VectorPlace } from "../probe/mod.ts";
import { checkLayer, checkWritable, layerOf, readWidth } from "./_small_tensors.ts";
import type { Adapter, Adapters, SteeringVectors } from "../decode/mod.ts";
import { formatOf } from "./file_format.ts";
import { loadVectors } from "./load_vectors.ts";

const INPUT = "adapter_in", OUTPUT = "adapter_out";

/** What an RL run of small parameters wrote: vectors, or adapters; the other is empty. */
export interface TrainedFile {
  /** By layer, from the lowest up. */
  readonly vectors: SteeringVectors;
  /** By layer, from the lowest up. */
  readonly adapters: Adapters;
  /** Where in their blocks the vectors belong. */
  readonly place: VectorPlace;
  /** What was written beside them, and `kind`: "steering", "rank1" or "adapter". */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Writes rank-1 adapters as safetensors: float32 `adapter_in.LAYER` [neurons] and `adapter_out.LAYER` [embed].
 *
 * @example
 * ```ts
 * import { formatOf, saveAdapters } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const adapter = { input: Float32Array.of(1, 2, 3), output: Float32Array.of(4, 5) };
 * await saveAdapters(path, { adapters: new Map([[1, adapter]]), metadata: { seed: "0" } });
 * if (await formatOf(path) !== "adapters") throw new Error("known by its tensors");
 * await Deno.remove(path);
 * ```
 */
export async function saveAdapters(
  path: string,
  content: { readonly adapters: Adapters; readonly metadata: Readonly<Record<string, string>> },
): Promise<void> {
  for (const side of ["input", "output"] as const) {
    const values = new Map([...content.adapters].map(([layer, adapter]) => [layer, adapter[side]]));
    checkWritable(values, { what: `adapters' ${side}s` });
  }
  const tensors = Object.fromEntries(
    [...content.adapters].flatMap(([layer, { input, output }]) => [
      [`${INPUT}.${layer}`, float32Tensor(input)],
      [`${OUTPUT}.${layer}`, float32Tensor(output)],
    ]),
  );
  await writeSafetensors(path, { tensors, metadata: { kind: "adapter", ...content.metadata } });
}

/**
 * Reads what an RL run wrote, adapters, or vectors in any format of {@link loadVectors}, for a model. Anything that
 * does not fit it is an `InputError` that names the tensor.
 *
 * @example
 * ```ts
 * import { loadModel, loadTrained } from "@small-vectors/steering";
 * const model = await loadModel("./fixtures/embedded/base-a");
 * const path = "./fixtures/embedded/vectors/base-a/layer-3.seed-0.safetensors";
 * const { adapters, vectors } = await loadTrained(path, model.config);
 * if (!vectors.has(3) || adapters.size !== 0) throw new Error("a file of vectors");
 * await model.release();
 * ```
 */
export async function loadTrained(path: string, config: ModelConfig): Promise<TrainedFile> {
  if (await formatOf(path) !== "adapters") {
    const { vectors, place, metadata } = await loadVectors(path, config);
    return { vectors, adapters: new Map(), place, metadata };
  }
  const adapters = new Map<number, Partial<Adapter>>(), file = await readSafetensorsHeader(path);
  for (const [name, entry] of file.tensors) {
    const input = layerOf(name, INPUT), layer = input ?? layerOf(name, OUTPUT);
    if (layer === null) {
      throw new InputError(`tensor "${name}" is not of an adapter`, {
        where: path,
        repair: `adapters are named ${INPUT}.LAYER and ${OUTPUT}.LAYER`,
      });
    }
    checkLayer(layer, { what: "adapter", where: path, config });
    const side = input === null ? "output" : "input";
    const width = side === "input" ? config.neurons : config.embed;
    const values = await readWidth(entry, { what: "adapter", where: path, width, these: "these adapters" });
    adapters.set(layer, { ...adapters.get(layer), [side]: values });
  }
  const whole = [...adapters].sort(([a], [b]) => a - b).map(([layer, { input, output }]) => {
    if (input === undefined || output === undefined) {
      const lacking = input === undefined ? INPUT : OUTPUT;
      throw new InputError(`the adapter of layer ${layer} lacks "${lacking}.${layer}"`, { where: path });
    }
    return [layer, { input, output }] as const;
  });
  return { vectors: new Map(), adapters: new Map(whole), place: "mlp", metadata: file.metadata };
}
