import { DTYPE_BYTES, elementCount, RandomStream } from "../core/mod.ts";
import { weightScale } from "./_weight_scale.ts";
import { ensureFolder, jsonText, writeFileAtomic } from "./files/atomic_file.ts";
import { configJson, type ModelConfig } from "./config.ts";
import { weightShapes } from "./weight_shapes.ts";
import { type WeightDType, type WritableTensor, writeSafetensors } from "./files/write_safetensors.ts";

/** How to write a checkpoint. */
export interface WriteCheckpointOptions {
  /** What goes into config.json. */
  readonly config: ModelConfig;
  /** The dtype of every weight in the file. */
  readonly dtype: WeightDType;
  /** Values of every tensor by Hugging Face name, in float32, row-major. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Notes for the header of the weights. @default {{}} */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Number of weight files; above one, an index names them. @default {1} */
  readonly shards?: number;
}

/** How to write a random checkpoint. */
export interface RandomCheckpointOptions extends Pick<WriteCheckpointOptions, "config" | "dtype" | "shards"> {
  /** Key of the random streams: equal seeds give equal bytes. */
  readonly seed: number;
}

/**
 * Writes a Hugging Face model folder (config.json and weights, no tokenizer), making the folder if need be. Each
 * file is atomic and the weights come first, so a folder with a config.json is whole. Throws `RangeError` when the
 * weights are not those of the config, `InputError` when the folder cannot be written.
 *
 * @example
 * ```ts
 * import { openCheckpoint, randomWeights, readModelConfig, writeCheckpoint } from "@small-vectors/steering/checkpoint";
 * const folder = await Deno.makeTempDir(), config = await readModelConfig("./fixtures/embedded/base-a/config.json");
 * await writeCheckpoint(folder, { config, dtype: "float32", weights: randomWeights(config, { seed: 3 }) });
 * if ((await openCheckpoint(folder)).config.embed !== config.embed) throw new Error("opens as any model");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeCheckpoint(folder: string, options: WriteCheckpointOptions): Promise<void> {
  const { config, dtype, weights, metadata = {}, shards = 1 } = options;
  const shapes = weightShapes(config);
  const stray = [...weights.keys()].find((name) => !shapes.has(name));
  if (stray !== undefined) {
    throw new RangeError(
      `Cannot write a checkpoint as its weights must be those of the config: current extra is "${stray}"`,
    );
  }
  const entries = [...shapes].map(([name, dims]): [string, WritableTensor] => {
    const data = weights.get(name);
    if (data === undefined) {
      throw new RangeError(
        `Cannot write a checkpoint as "${name}" must be among its weights: current value is none`,
      );
    }
    return [name, { dtype, dims, data }];
  });
  if (!(Number.isInteger(shards) && shards >= 1 && shards <= entries.length)) {
    throw new RangeError(
      `Cannot write a checkpoint as shards must be in [1, ${entries.length}]: current value is ${shards}`,
    );
  }
  await ensureFolder(folder);
  const notes = { format: "pt", ...metadata };
  if (shards === 1) {
    await writeSafetensors(`${folder}/model.safetensors`, {
      tensors: Object.fromEntries(entries),
      metadata: notes,
    });
  } else {
    const digits = (value: number) => String(value).padStart(5, "0");
    const weightMap: Record<string, string> = {};
    for (let shard = 0; shard < shards; shard++) {
      const file = `model-${digits(shard + 1)}-of-${digits(shards)}.safetensors`;
      const part = entries.filter((_, index) => Math.floor(index * shards / entries.length) === shard);
      for (const [name] of part) weightMap[name] = file;
      await writeSafetensors(`${folder}/${file}`, { tensors: Object.fromEntries(part), metadata: notes });
    }
    const total_size = entries.reduce((sum, [, { data }]) => sum + data.length * DTYPE_BYTES[dtype], 0);
    const index = { metadata: { total_size }, weight_map: weightMap };
    await writeFileAtomic(`${folder}/model.safetensors.index.json`, jsonText(index));
  }
  await writeFileAtomic(`${folder}/config.json`, jsonText(configJson(config, { dtype })));
}

/**
 * Random weights for a config, by Hugging Face name. Nothing is at a value that would hide a fault: norm gains
 * scatter around 1, biases differ from 0. Each tensor has its own stream, so changing one width leaves the others.
 *
 * @example
 * ```ts
 * import { randomWeights, readModelConfig } from "@small-vectors/steering/checkpoint";
 * const config = await readModelConfig("./fixtures/embedded/base-a/config.json");
 * const gains = randomWeights(config, { seed: 0 }).get("model.norm.weight");
 * if (gains?.length !== config.embed) throw new Error("one for each place of the stream");
 * ```
 */
export function randomWeights(
  config: ModelConfig,
  options: { readonly seed: number },
): ReadonlyMap<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const [name, dims] of weightShapes(config)) {
    const stream = new RandomStream(options.seed, "weights", name);
    const { centre, scale } = weightScale(name, dims);
    weights.set(
      name,
      Float32Array.from({ length: elementCount(dims) }, () => centre + scale * stream.normal()),
    );
  }
  return weights;
}

/**
 * Writes a small random model for tests and examples; see {@link randomWeights} and {@link writeCheckpoint}. The
 * same options give the same bytes.
 *
 * @example
 * ```ts
 * import { openCheckpoint, readModelConfig, writeRandomCheckpoint } from "@small-vectors/steering/checkpoint";
 * const folder = await Deno.makeTempDir(), config = await readModelConfig("./fixtures/embedded/base-a/config.json");
 * await writeRandomCheckpoint(folder, { config, dtype: "float16", seed: 1, shards: 2 });
 * if ((await openCheckpoint(folder)).weights.get("model.norm.weight")?.dtype !== "float16") throw new Error("in half");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeRandomCheckpoint(folder: string, options: RandomCheckpointOptions): Promise<void> {
  const weights = randomWeights(options.config, options);
  await writeCheckpoint(folder, { ...options, weights, metadata: { seed: String(options.seed) } });
}
