import {
  type Architecture,
  memorySource,
  type ModelConfig,
  parseGgufHeader,
  quoted,
  readGgufTensor,
  writeGguf,
} from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import type { SteeringVectors } from "../decode/mod.ts";
import { layeredVectors, vectorBytes } from "./_layered_vectors.ts";
import { checkWritable, layerOf } from "./_small_tensors.ts";
import { foreignFile, type VectorFile } from "./vector_file.ts";

const KIND = "controlvector", DIRECTION = "direction";

/**
 * Reads a control vector of llama.cpp: a GGUF file with tensors `direction.N`, F32 [embed], added to the output of
 * block N as {@link saveControlVector} says. With a model (null: with none), layers and width must be the model's.
 *
 * @example
 * ```ts
 * import { loadControlVector, saveControlVector } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".gguf" });
 * await saveControlVector(path, { vectors: new Map([[3, Float32Array.of(1, 2)]]), architecture: "qwen2" });
 * const { vectors, metadata } = await loadControlVector(path, null);
 * if (vectors.get(3)?.join() !== "1,2" || metadata.get("model_hint") !== "qwen2") throw new Error("comes back");
 * await Deno.remove(path);
 * ```
 *
 * @throws {InputError} for a file that is damaged, is a model, or holds tensors that are no control vectors.
 */
export async function loadControlVector(path: string, config: ModelConfig | null): Promise<VectorFile> {
  const memory = memorySource(await vectorBytes(path)), where = path;
  const { metadata, tensors } = parseGgufHeader(memory, { where });
  const kind = metadata.get("general.architecture"), hint = metadata.get(`${KIND}.model_hint`);
  if (kind !== KIND) {
    throw new InputError(
      `the GGUF file has the architecture ${quoted(String(kind))}, where ${quoted(KIND)} is needed`,
      { where, repair: "a model in GGUF becomes a folder by: deno task import-gguf" },
    );
  }
  const found = [...tensors.values()].map((tensor) => {
    const { name, type, dims } = tensor, layer = layerOf(name, DIRECTION);
    if (layer === null || type !== "F32" || dims.length !== 1) {
      throw new InputError(`tensor ${quoted(name)} of ${type} [${dims.join(", ")}] is not a control vector`, {
        where,
        repair: `vectors are named ${DIRECTION}.LAYER and are F32 [embed]`,
      });
    }
    return { name, layer, values: readGgufTensor(tensor, memory) };
  });
  const notes = typeof hint === "string" ? [["model_hint", hint] as const] : [];
  return foreignFile("gguf", layeredVectors(found, { where, config }), new Map(notes));
}

/** llama.cpp runs Mistral's models as its "llama". */
const HINTS: { readonly [Family in Architecture]: string } = {
  llama: "llama",
  mistral: "llama",
  qwen2: "qwen2",
  qwen3: "qwen3",
};

/**
 * Writes vectors as a control vector of llama.cpp (`--control-vector FILE`): `direction.N`, F32 [embed], is added to
 * the output of block N, counted from zero, at every position. That is our `blocks.N.resid_post`.
 *
 * llama.cpp has no place for block 0 and refuses a whole file that names it, so a vector of layer 0 is refused here,
 * or left out where `layerZero` says so.
 * Source: `common_control_vector_load_one` and `llama_adapter_cvec` of llama.cpp.
 *
 * @example
 * ```ts
 * import { loadControlVector, saveControlVector } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".gguf" });
 * const vectors = new Map([[0, Float32Array.of(9, 9)], [1, Float32Array.of(1, 2)]]);
 * await saveControlVector(path, { vectors, architecture: "llama", layerZero: "leave out" });
 * if ((await loadControlVector(path, null)).vectors.size !== 1) throw new Error("layer 1 alone");
 * await Deno.remove(path);
 * ```
 *
 * @throws {InputError} for a vector of layer 0, unless it is left out, and where no other is left.
 */
export async function saveControlVector(
  path: string,
  content: {
    readonly vectors: SteeringVectors;
    /** Family of the model, which readers show. */
    readonly architecture: Architecture;
    /** What becomes of a vector of layer 0. `@default "refuse"` */
    readonly layerZero?: "refuse" | "leave out";
  },
): Promise<void> {
  const { vectors, architecture, layerZero = "refuse" } = content;
  checkWritable(vectors, { what: "a control vector" });
  if (vectors.has(0) && layerZero === "refuse") {
    throw new InputError("llama.cpp refuses a control vector of layer 0", {
      where: path,
      repair: "leave that vector out, or write another format",
    });
  }
  const written = [...vectors].filter(([layer]) => layer !== 0).sort(([a], [b]) => a - b);
  if (written.length === 0) throw new InputError("no vector is left to write", { where: path });
  const tensors = new Map(
    written.map(([layer, data]) => [`${DIRECTION}.${layer}`, { dims: [data.length], data }]),
  );
  const metadata = new Map<string, string | number>([
    ["general.architecture", KIND],
    [`${KIND}.model_hint`, HINTS[architecture]],
    [`${KIND}.layer_count`, written.length],
  ]);
  await writeGguf(path, { metadata, tensors });
}
