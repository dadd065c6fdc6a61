import { z } from "zod";
import {
  modelConfigFrom,
  readSafetensorsHeader,
  readTensor,
  type SafetensorsFile,
  writeRandomCheckpoint,
} from "../checkpoint/mod.ts";
import { InputError, type Tensor, tensor } from "../core/mod.ts";
import type { LanguageModel, SteeringVectors, WeightedRow } from "../decode/mod.ts";

/** What another program says about a model: inputs, and what it made of them. */
export interface ParityGolden {
  /** Sequences; tokens from `from` on are targets with the weight `weight`. */
  readonly rows: readonly WeightedRow[];
  /** Vectors of every layer for the steered values. */
  readonly steering: SteeringVectors;
  /** Most tokens of a greedy completion of each row's first `from` tokens. */
  readonly maxNewTokens: number;
  /** Those completions. */
  readonly completions: readonly (readonly number[])[];
  /** The same under steering. */
  readonly steeredCompletions: readonly (readonly number[])[];
  /**
   * Values by name: `logits`, `log_probs` of the targets, `tap.SITE`, `decode.log_probs` of the completions, ditto
   * with `steered.` before them, and `steered.adjoint` [layers, embed].
   */
  readonly values: ReadonlyMap<string, Tensor<"float32">>;
}

const ids = z.array(z.int().min(0));
const inputsSchema = z.strictObject({
  rows: z.array(z.strictObject({ tokens: ids, from: z.int().min(1), weight: z.number() })).min(1),
  maxNewTokens: z.int().min(1),
  completions: z.array(ids),
  steeredCompletions: z.array(ids),
});

/** Names of the values that every golden file has, besides its taps. */
export const PARITY_VALUES = [
  "logits",
  "log_probs",
  "decode.log_probs",
  "steered.logits",
  "steered.log_probs",
  "steered.adjoint",
  "steered.decode.log_probs",
] as const;

const recipeSchema = z.strictObject({
  config: z.unknown(),
  dtype: z.enum(["float32", "float16", "bfloat16"]),
  seed: z.int(),
  shards: z.int().min(1).optional(),
});

const REPAIR = "make the golden file again: fixtures/golden/parity.py";

/**
 * Reads a golden file of `fixtures/golden/parity.py` for a model. Throws an `InputError` when it is not one, is not
 * whole, or was made from another model.
 */
export async function readParityGolden(path: string, model: LanguageModel): Promise<ParityGolden> {
  const file = await readGoldenHeader(path);
  const fault = (what: string, repair = REPAIR) => new InputError(what, { where: path, repair });
  if (file.metadata.get("model") !== await model.checkpoint.hash()) {
    throw fault("this golden file was made from another model", "pass the model that it was made from");
  }
  const inputs = inputsSchema.safeParse(jsonOrNull(file.metadata.get("inputs") ?? "null"));
  if (!inputs.success) {
    throw fault(`the inputs in this golden file are damaged at "${inputs.error.issues[0]?.path.join(".")}"`);
  }
  const values = new Map<string, Tensor<"float32">>();
  for (const [name, entry] of file.tensors) {
    values.set(name, tensor("float32", entry.dims, await readTensor(entry)));
  }
  const missing = [...PARITY_VALUES, "steering"].find((name) => !values.has(name));
  if (missing !== undefined) throw fault(`this golden file has no "${missing}"`);
  const { layers, embed } = model.config, steering = values.get("steering") as Tensor<"float32">;
  if (steering.dims.join() !== [layers, embed].join()) {
    throw fault(`"steering" must have shape [${layers}, ${embed}], found [${steering.dims.join(", ")}]`);
  }
  values.delete("steering");
  const vectors = Array.from(
    { length: layers },
    (_, layer) => [layer, steering.data.subarray(layer * embed, (layer + 1) * embed)] as const,
  );
  return { ...inputs.data, steering: new Map(vectors), values };
}

async function readGoldenHeader(path: string): Promise<SafetensorsFile> {
  const file = await readSafetensorsHeader(path);
  if (file.metadata.get("kind") === "parity") return file;
  throw new InputError("this is not a golden file of a model", { where: path, repair: REPAIR });
}

/**
 * Makes the random model of a golden file again, in a folder; an `InputError` where the golden is of another kind
 * of model.
 */
export async function writeGoldenModel(path: string, folder: string): Promise<void> {
  const text = (await readGoldenHeader(path)).metadata.get("recipe");
  if (text === undefined) {
    throw new InputError("this golden file does not say how its model was made", {
      where: path,
      repair: "pass --model with the model that it was made from",
    });
  }
  const recipe = recipeSchema.safeParse(jsonOrNull(text));
  if (!recipe.success) {
    throw new InputError("the recipe of the model in this golden file is damaged", {
      where: path,
      repair: REPAIR,
    });
  }
  const { config, dtype, seed, shards = 1 } = recipe.data;
  await writeRandomCheckpoint(folder, {
    config: modelConfigFrom(config, { where: path }),
    dtype,
    seed,
    shards,
  });
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // refused by the schema, in the words of the file
  }
}
