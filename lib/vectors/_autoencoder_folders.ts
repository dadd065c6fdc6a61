import { z } from "zod";
import {
  ensureFolder,
  float32Tensor,
  jsonText,
  quoted,
  readJsonFile,
  readSafetensorsHeader,
  readTensor,
  validateJson,
  writeFileAtomic,
  writeSafetensors,
} from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";
import type { FloatArray, SparseAutoencoder } from "./sparse_autoencoder.ts";

/** An autoencoder of a folder, and what the folder says of it. */
interface FolderContent {
  readonly autoencoder: SparseAutoencoder;
  readonly metadata: ReadonlyMap<string, string>;
}

type Notes = Readonly<Record<string, string>>;

/** How other programs write an autoencoder's folder: one file of settings, one of weights. */
export interface FolderFormat {
  readonly read: (folder: string) => Promise<FolderContent>;
  readonly write: (folder: string, autoencoder: SparseAutoencoder, notes: Notes) => Promise<void>;
}

const count = z.int("must be a whole number").min(1, "must be at least 1").max(
  2 ** 24,
  "must be at most 2^24",
);

function fault(what: string, where: string): InputError {
  return new InputError(what, { where, repair: "TopK autoencoders of the residual stream alone are read" });
}

async function settings<T>(folder: string, schema: z.ZodType<T>): Promise<T> {
  const where = `${folder}/cfg.json`, what = "cfg.json";
  return validateJson(await readJsonFile(where, { what, kind: "config" }), { schema, what, where });
}

/** Weights of a folder, and what their file says beside them. */
interface FolderWeights<Name extends string> {
  readonly embed: number;
  readonly features: number;
  readonly tensors: Record<Name, Float32Array>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The tensors of exactly these names, finite, with shapes that sizes decide once they are known. */
async function weightsOf<Name extends string>(
  path: string,
  names: readonly Name[],
  shapes: (sizes: { readonly embed: number; readonly features: number }) => Record<Name, readonly number[]>,
): Promise<FolderWeights<Name>> {
  const { tensors, metadata } = await readSafetensorsHeader(path);
  const odd = [...tensors.keys()].find((name) => !names.includes(name as Name));
  if (odd !== undefined) throw fault(`tensor ${quoted(odd)} is not one of ${names.join(", ")}`, path);
  // The encoder's bias says how many features there are, the decoder's how wide the stream is.
  const sizeOf = (end: string) => tensors.get(names.find((name) => name.endsWith(end)) ?? "")?.dims[0] ?? 0;
  const sizes = { features: sizeOf("b_enc") || sizeOf("encoder.bias"), embed: sizeOf("b_dec") };
  const read = {} as Record<Name, Float32Array>, wanted = shapes(sizes);
  for (const name of names) {
    const entry = tensors.get(name), dims = wanted[name];
    if (entry === undefined || entry.dims.join() !== dims.join() || dims.includes(0)) {
      const found = entry === undefined ? "it is missing" : `found [${entry.dims.slice(0, 8).join(", ")}]`;
      throw fault(`tensor ${quoted(name)} must have shape [${dims.join(", ")}], ${found}`, path);
    }
    const values = await readTensor(entry);
    if (!values.every(Number.isFinite)) throw fault(`tensor ${quoted(name)} holds NaN or infinity`, path);
    read[name] = values;
  }
  return { ...sizes, tensors: read, metadata };
}

/** A matrix [rows, columns] as [columns, rows]. */
function transposed(values: FloatArray, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out[column * rows + row] = values[row * columns + column] as number;
    }
  }
  return out;
}

/** Features that may be active, of those that there are. */
function activeOf(
  k: number,
  { features, where }: { readonly features: number; readonly where: string },
): number {
  if (k <= features) return k;
  throw fault(`cfg.json lets ${k} features of ${features} be active`, where);
}

/** That program's word for the site of an activation; before version 6 it stood beside the settings. */
const LENS_SITE = "hook_name";

const lensSettings = z.looseObject({
  architecture: z.string("must be text").optional(),
  activation_fn: z.string("must be text").optional(),
  activation_fn_kwargs: z.looseObject({ k: count.optional() }).optional(),
  k: count.optional(),
  d_in: count,
  d_sae: count,
  apply_b_dec_to_input: z.boolean("must be true or false").optional(),
  rescale_acts_by_decoder_norm: z.boolean("must be true or false").optional(),
  normalize_activations: z.union([z.string(), z.boolean()], "must be text").nullish(),
  reshape_activations: z.string("must be text").optional(),
  [LENS_SITE]: z.string("must be text").optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});

const LENS_WEIGHTS = "sae_weights.safetensors", LENS_NAMES = ["W_enc", "W_dec", "b_enc", "b_dec"] as const;
/** Without it the notes are read as those of a version before 6, which had none. */
const LENS_VERSION = "sae_lens_version";

/** `blocks.4.hook_resid_post` is `blocks.4.resid_post` here. */
function lensNotes(metadata: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const notes = new Map<string, string>();
  for (const [key, value] of Object.entries(metadata)) {
    const told = typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
    if (told && !key.startsWith("sae_lens_")) notes.set(key, String(value));
  }
  const layer = /^blocks\.(\d{1,9})\.hook_resid_post$/.exec(notes.get(LENS_SITE) ?? "")?.[1];
  if (layer !== undefined) notes.set("site", `blocks.${layer}.resid_post`).set("layer", layer);
  return notes;
}

/**
 * SAELens: W_enc is E transposed. Two of its settings are folded into the weights, which changes nothing but rounding:
 * without `apply_b_dec_to_input`, a = E x + c = E (x − b) + (c + E b); with `rescale_acts_by_decoder_norm` the norm of
 * D_f, by which a_f is multiplied and z_f divided, goes from D_f into E_f and c_f.
 * Source: `TopKSAE` of SAELens 6.
 */
const saelens: FolderFormat = {
  async read(folder) {
    const cfg = await settings(folder, lensSettings), where = `${folder}/cfg.json`;
    const kind = cfg.architecture ?? cfg.activation_fn, k = cfg.k ?? cfg.activation_fn_kwargs?.k;
    if (kind !== "topk" && cfg.activation_fn !== "topk") {
      throw fault(`cfg.json has the architecture ${quoted(String(kind))}, where "topk" is needed`, where);
    }
    for (const key of ["normalize_activations", "reshape_activations"] as const) {
      const value = cfg[key] ?? "none";
      if (value !== "none" && value !== false) {
        throw fault(`cfg.json has ${quoted(String(value))} for "${key}", where "none" is needed`, where);
      }
    }
    if (k === undefined) throw fault('"k" is missing in cfg.json', where);
    const { embed, features, tensors } = await weightsOf(
      `${folder}/${LENS_WEIGHTS}`,
      LENS_NAMES,
      ({ embed, features }) => ({
        W_enc: [embed, features],
        W_dec: [features, embed],
        b_enc: [features],
        b_dec: [embed],
      }),
    );
    if (cfg.d_in !== embed || cfg.d_sae !== features) {
      throw fault(
        `cfg.json says ${cfg.d_sae} features of ${cfg.d_in}, the weights ${features} of ${embed}`,
        where,
      );
    }
    const encoder = transposed(tensors.W_enc, embed, features), decoder = tensors.W_dec;
    const encoderBias = tensors.b_enc, decoderBias = tensors.b_dec;
    for (let f = 0; f < features; f++) {
      const from = f * embed;
      if (cfg.apply_b_dec_to_input === false) {
        let sum = encoderBias[f] as number;
        for (let e = 0; e < embed; e++) sum += (encoder[from + e] as number) * (decoderBias[e] as number);
        encoderBias[f] = sum;
      }
      if (cfg.rescale_acts_by_decoder_norm !== true) continue;
      const norm = Math.hypot(...decoder.subarray(from, from + embed));
      if (norm === 0) throw fault(`feature ${f} has a decoder of norm 0 to be scaled by`, where);
      encoderBias[f] = (encoderBias[f] as number) * norm;
      for (let e = from; e < from + embed; e++) {
        encoder[e] = (encoder[e] as number) * norm;
        decoder[e] = (decoder[e] as number) / norm;
      }
    }
    const sizes = { embed, features, active: activeOf(k, { features, where }) };
    return {
      autoencoder: { ...sizes, encoder, encoderBias, decoder, decoderBias },
      metadata: lensNotes({ [LENS_SITE]: cfg[LENS_SITE], ...cfg.metadata }),
    };
  },
  async write(folder, { embed, features, active, encoder, encoderBias, decoder, decoderBias }, notes) {
    const layer = /^blocks\.(\d+)\.resid_post$/.exec(notes["site"] ?? "")?.[1];
    const cfg = {
      architecture: "topk",
      d_in: embed,
      d_sae: features,
      k: active,
      dtype: "float32",
      device: "cpu",
      apply_b_dec_to_input: true,
      rescale_acts_by_decoder_norm: false,
      normalize_activations: "none",
      reshape_activations: "none",
      metadata: {
        [LENS_VERSION]: "6.0.0",
        ...notes,
        ...(layer === undefined ? {} : { [LENS_SITE]: `blocks.${layer}.hook_resid_post` }),
      },
    };
    const tensors = {
      W_enc: float32Tensor(transposed(encoder, features, embed), [embed, features]),
      W_dec: float32Tensor(decoder, [features, embed]),
      b_enc: float32Tensor(encoderBias, [features]),
      b_dec: float32Tensor(decoderBias, [embed]),
    };
    await ensureFolder(folder);
    await writeSafetensors(`${folder}/${LENS_WEIGHTS}`, { tensors });
    await writeFileAtomic(`${folder}/cfg.json`, jsonText(cfg));
  },
};

const sparsifySettings = z.looseObject({
  activation: z.string("must be text").optional(),
  signed: z.boolean("must be true or false").optional(),
  skip_connection: z.boolean("must be true or false").optional(),
  transcode: z.boolean("must be true or false").optional(),
  k: count,
  d_in: count,
});

const SPARSIFY_WEIGHTS = "sae.safetensors";
const SPARSIFY_NAMES = ["encoder.weight", "encoder.bias", "W_dec", "b_dec"] as const;

/** EleutherAI's sparsify: the same arrays as here. Source: `SparseCoder` of eai-sparsify 1. */
const sparsify: FolderFormat = {
  async read(folder) {
    const cfg = await settings(folder, sparsifySettings), where = `${folder}/cfg.json`;
    if ((cfg.activation ?? "topk") !== "topk") {
      throw fault(
        `cfg.json has the activation ${quoted(String(cfg.activation))}, where "topk" is needed`,
        where,
      );
    }
    for (const key of ["signed", "skip_connection", "transcode"] as const) {
      if (cfg[key] === true) throw fault(`cfg.json has true for "${key}", where false is needed`, where);
    }
    const { embed, features, tensors, metadata } = await weightsOf(
      `${folder}/${SPARSIFY_WEIGHTS}`,
      SPARSIFY_NAMES,
      ({ embed, features }) => ({
        "encoder.weight": [features, embed],
        "encoder.bias": [features],
        "W_dec": [features, embed],
        "b_dec": [embed],
      }),
    );
    if (cfg.d_in !== embed) throw fault(`cfg.json says a width of ${cfg.d_in}, the weights ${embed}`, where);
    return {
      autoencoder: {
        embed,
        features,
        active: activeOf(cfg.k, { features, where }),
        encoder: tensors["encoder.weight"],
        encoderBias: tensors["encoder.bias"],
        decoder: tensors.W_dec,
        decoderBias: tensors.b_dec,
      },
      metadata,
    };
  },
  async write(folder, { embed, features, active, encoder, encoderBias, decoder, decoderBias }, notes) {
    const cfg = {
      activation: "topk",
      expansion_factor: Math.max(1, Math.floor(features / embed)),
      normalize_decoder: true,
      num_latents: features,
      k: active,
      multi_topk: false,
      skip_connection: false,
      transcode: false,
      d_in: embed,
    };
    const tensors = {
      "encoder.weight": float32Tensor(encoder, [features, embed]),
      "encoder.bias": float32Tensor(encoderBias, [features]),
      "W_dec": float32Tensor(decoder, [features, embed]),
      "b_dec": float32Tensor(decoderBias, [embed]),
    };
    await ensureFolder(folder);
    await writeSafetensors(`${folder}/${SPARSIFY_WEIGHTS}`, { tensors, metadata: notes });
    await writeFileAtomic(`${folder}/cfg.json`, jsonText(cfg));
  },
};

/** The folders of other programs, by format. */
export const AUTOENCODER_FOLDERS = { saelens, sparsify } as const;
