import { z } from "zod";
import { type ModelConfig, parseJson, validateJson, writeFileAtomic } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import type { SteeringVectors } from "../decode/mod.ts";
import { layeredVectors, vectorBytes } from "./_layered_vectors.ts";
import { foreignFile, type VectorFile } from "./vector_file.ts";

const layer = z.string().regex(/^(0|[1-9]\d{0,8})$/, "must be a layer, counted from zero");
const numbers = z.array(z.number("must be a number")).min(1);

/** One row in a list of its own is how later programs write a direction for every position. */
const row = z.tuple([numbers], "must be a list of numbers, or one such list in a list").transform(([one]) =>
  one
);

const schema = z.strictObject({
  model_type: z.string("must be text").max(1000),
  directions: z.record(
    layer,
    z.union([numbers, row], "must be a list of numbers, or one such list in a list"),
  ),
  explained_variances: z.record(layer, z.number("must be a number").nullable()).optional(),
});

/**
 * Reads the JSON of activation-steering: `model_type`, `directions` by layer, `explained_variances`. A direction is
 * read as the vector of the layer that it is named by, whose output it was measured at. The notes hold `model_type`,
 * and `explained_variances` as JSON.
 * Source: `SteeringVector.save` of IBM's activation-steering.
 *
 * @example
 * ```ts
 * import { loadSvec, saveSvec } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".svec" }), vectors = new Map([[3, Float32Array.of(0.5, 2)]]);
 * await saveSvec(path, { vectors, modelType: "llama", explainedVariances: new Map([[3, 0.75]]) });
 * const { metadata } = await loadSvec(path, null);
 * if (metadata.get("explained_variances") !== '{"3":0.75}') throw new Error("comes back");
 * await Deno.remove(path);
 * ```
 *
 * @throws {InputError} for a file of another form, and for numbers that float32 cannot hold.
 */
export async function loadSvec(path: string, config: ModelConfig | null): Promise<VectorFile> {
  const where = path, what = "the .svec file";
  const raw = parseJson(await vectorBytes(path), { what, where, kind: "vectors" });
  const json = validateJson(raw, { schema, what, where });
  // A record of zod passes over one key, and a vector that is passed over would be missed in silence.
  const { directions } = raw as { readonly directions: object };
  if (Object.hasOwn(directions, "__proto__")) {
    throw new InputError(`"__proto__" in "directions" of ${what}: must be a layer, counted from zero`, {
      where,
    });
  }
  const found = Object.entries(json.directions).map(([name, values]) => {
    return { name, layer: Number(name), values: Float32Array.from(values) };
  });
  const { explained_variances: variances } = json;
  const metadata = new Map([["model_type", json.model_type]]);
  if (variances !== undefined) metadata.set("explained_variances", JSON.stringify(variances));
  return foreignFile("svec", layeredVectors(found, { where, config }), metadata);
}

/**
 * Writes vectors as the JSON of activation-steering; see {@link loadSvec}. Every float32 comes back to the bit.
 *
 * @example
 * ```ts
 * import { loadSvec, saveSvec } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".svec" });
 * await saveSvec(path, { vectors: new Map([[0, Float32Array.of(0.1, -3e-9)]]), modelType: "qwen2" });
 * if ((await loadSvec(path, null)).vectors.get(0)?.[1] !== Math.fround(-3e-9)) throw new Error("every bit");
 * await Deno.remove(path);
 * ```
 *
 * @throws {InputError} for NaN or infinity, which JSON cannot say.
 */
export async function saveSvec(
  path: string,
  content: {
    readonly vectors: SteeringVectors;
    /** `model_type` of the model's config.json. */
    readonly modelType: string;
    /** What share of the variance each direction explains, by layer. `@default` none is known */
    readonly explainedVariances?: ReadonlyMap<number, number>;
  },
): Promise<void> {
  const { vectors, modelType, explainedVariances = new Map<number, number>() } = content;
  const directions: Record<string, number[]> = {};
  for (const [at, vector] of vectors) {
    if (!vector.every(Number.isFinite)) {
      throw new InputError(`the vector of layer ${at} holds NaN or infinity`, { where: path });
    }
    directions[at] = [...vector];
  }
  const json = {
    model_type: modelType,
    directions,
    explained_variances: Object.fromEntries(explainedVariances),
  };
  await writeFileAtomic(path, JSON.stringify(json));
}
