import { float32Tensor, readSafetensorsHeader, readTensor, writeSafetensors } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import { AUTOENCODER_FOLDERS } from "./_autoencoder_folders.ts";
import { FILE_FORMATS, formatOf } from "./file_format.ts";
import type { SparseAutoencoder } from "./sparse_autoencoder.ts";

/** Formats that an autoencoder is read and written in: this project's file, and the folders of two programs. */
export const AUTOENCODER_FORMATS = ["autoencoder", "saelens", "sparsify"] as const;

/** One of those formats. */
export type AutoencoderFormat = typeof AUTOENCODER_FORMATS[number];

/** What kind of file it is, so that no other safetensors passes for one. */
const FORMAT = "topk-sparse-autoencoder-1";

/**
 * Writes an autoencoder, float32, with `metadata` (free text: what it was trained on and how): as a safetensors file
 * of this project, or as a folder that SAELens or sparsify loads. Equal values give equal bytes. Throws an `InputError`
 * when it cannot be written.
 *
 * @example
 * ```ts
 * import { readSparseAutoencoder, writeSparseAutoencoder } from "@small-vectors/steering";
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const matrix = Float32Array.of(1, 0, 0, 1), biases = new Float32Array(2);
 * const sae = { embed: 2, features: 2, active: 1, encoder: matrix, decoder: matrix, encoderBias: biases, decoderBias: biases };
 * await writeSparseAutoencoder(path, sae, { metadata: { site: "blocks.4.resid_post" } });
 * if ((await readSparseAutoencoder(path)).metadata.get("site") !== "blocks.4.resid_post") throw new Error("comes back");
 * await Deno.remove(path);
 * ```
 */
export async function writeSparseAutoencoder(
  path: string,
  autoencoder: SparseAutoencoder,
  options: {
    /** `@default {}` */
    readonly metadata?: Readonly<Record<string, string>>;
    /** `@default "autoencoder"`, this project's own */
    readonly format?: AutoencoderFormat;
  } = {},
): Promise<void> {
  const { format = "autoencoder", metadata = {} } = options;
  if (format !== "autoencoder") return await AUTOENCODER_FOLDERS[format].write(path, autoencoder, metadata);
  const { embed, features, active, encoder, encoderBias, decoder, decoderBias } = autoencoder;
  await writeSafetensors(path, {
    tensors: {
      encoder: float32Tensor(encoder, [features, embed]),
      encoder_bias: float32Tensor(encoderBias),
      decoder: float32Tensor(decoder, [features, embed]),
      decoder_bias: float32Tensor(decoderBias),
    },
    metadata: { ...metadata, format: FORMAT, active: String(active) },
  });
}

/** An autoencoder from a file, and what the file says of it. */
export interface SparseAutoencoderFile {
  /** What the file or folder is. */
  readonly format: AutoencoderFormat;
  /** The values, float32. */
  readonly autoencoder: SparseAutoencoder;
  /** What is noted beside it; in files of this project `format` and `active` too. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads and checks a TopK autoencoder: a file of this project, or a folder of SAELens or sparsify, told by its content.
 * Throws an `InputError` for what is not there, is not one, is of another kind, or whose tensors do not fit each other.
 *
 * @example
 * ```ts
 * import { readSparseAutoencoder } from "@small-vectors/steering";
 * const fault = await readSparseAutoencoder("./no/such.safetensors").catch((error: Error) => error.message);
 * if (!String(fault).includes("./no/such.safetensors")) throw new Error("the error must name the file");
 * ```
 */
export async function readSparseAutoencoder(path: string): Promise<SparseAutoencoderFile> {
  const found = await formatOf(path);
  if (found === "saelens" || found === "sparsify") {
    return { format: found, ...await AUTOENCODER_FOLDERS[found].read(path) };
  }
  if (found !== "autoencoder" && found !== "vectors") {
    throw new InputError(`${FILE_FORMATS[found]}, not a sparse autoencoder`, { where: path });
  }
  const { tensors, metadata } = await readSafetensorsHeader(path);
  const fault = (what: string) =>
    new InputError(`not a sparse autoencoder, ${what}`, { where: path, repair: "train it again" });
  if (metadata.get("format") !== FORMAT) throw fault(`its format is not "${FORMAT}"`);
  const text = metadata.get("active") ?? "", active = /^[1-9]\d*$/.test(text) ? Number(text) : NaN;
  const [features, embed, ...rest] = tensors.get("encoder")?.dims ?? [];
  if (features === undefined || embed === undefined || rest.length > 0) {
    throw fault("its encoder has no two axes");
  }
  if (!(active <= features)) throw fault(`"${text}" of its ${features} features are active`);
  const shapes = {
    encoder: [features, embed],
    encoder_bias: [features],
    decoder: [features, embed],
    decoder_bias: [embed],
  };
  const odd = [...tensors.keys()].find((name) => !(name in shapes));
  if (odd !== undefined) throw fault(`it holds "${odd}"`);
  const read = async (name: keyof typeof shapes): Promise<Float32Array> => {
    const entry = tensors.get(name);
    if (entry === undefined || entry.dims.join() !== shapes[name].join()) {
      throw fault(
        `"${name}" must be [${shapes[name]}] and is ${entry === undefined ? "missing" : `[${entry.dims}]`}`,
      );
    }
    const values = await readTensor(entry);
    if (!values.every(Number.isFinite)) throw fault(`"${name}" holds numbers that are not finite`);
    return values;
  };
  return {
    format: "autoencoder",
    autoencoder: {
      embed,
      features,
      active,
      encoder: await read("encoder"),
      encoderBias: await read("encoder_bias"),
      decoder: await read("decoder"),
      decoderBias: await read("decoder_bias"),
    },
    metadata,
  };
}
