import { openSource, pathExists, readSafetensorsHeader, statPlace } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";

/** Formats of files and folders of vectors, adapters and autoencoders, with what they are called in messages. */
export const FILE_FORMATS = {
  vectors: "steering vectors in safetensors",
  adapters: "rank-1 adapters in safetensors",
  autoencoder: "a sparse autoencoder in safetensors",
  gguf: "a GGUF control vector",
  biases: "a Hugging Face checkpoint with vectors as biases",
  svec: "a .svec file",
  torch: "a PyTorch file",
  npy: "a NumPy array",
  saelens: "a SAELens autoencoder",
  sparsify: "a sparsify autoencoder",
} as const;

/** One of those formats. */
export type FileFormat = keyof typeof FILE_FORMATS;

const KNOWN = "vectors are read from .safetensors, .gguf, .svec, .npy and .pt files and from model folders";

/** Vectors as biases of the MLP's last map, in a checkpoint; group 1 is the layer. */
export const DOWN_BIAS = /^model\.layers\.(0|[1-9]\d{0,8})\.mlp\.down_proj\.bias$/;

/** Which of a folder's files say what it is, the most telling first. */
const FOLDERS: readonly (readonly [file: string, format: FileFormat])[] = [
  ["sae_weights.safetensors", "saelens"],
  ["sae.safetensors", "sparsify"],
  ["model.safetensors", "biases"],
  ["model.safetensors.index.json", "biases"],
];

async function folderFormat(path: string): Promise<FileFormat> {
  for (const [file, format] of FOLDERS) if (await pathExists(`${path}/${file}`)) return format;
  throw new InputError(
    `neither vectors nor an autoencoder: none of ${FOLDERS.map(([file]) => file).join(", ")}`,
    { where: path, repair: KNOWN },
  );
}

async function safetensorsFormat(path: string): Promise<FileFormat> {
  const { tensors, metadata } = await readSafetensorsHeader(path), names = [...tensors.keys()];
  if (metadata.get("format")?.endsWith("sparse-autoencoder-1") === true) return "autoencoder";
  if (names.some((name) => DOWN_BIAS.test(name))) return "biases";
  return names.some((name) => /^adapter_(in|out)\./.test(name)) ? "adapters" : "vectors";
}

/**
 * What a file or folder is, by its content; its name counts for nothing. `InputError` where it is missing, cannot be
 * read, or is nothing that vectors come in.
 *
 * @example
 * ```ts
 * import { formatOf } from "@small-vectors/steering";
 * if (await formatOf("./fixtures/golden/vectors/layers.pt") !== "torch") throw new Error("known by its first bytes");
 * ```
 */
export async function formatOf(path: string): Promise<FileFormat> {
  const stat = await statPlace(path).catch(() => null);
  if (stat?.kind === "folder") return await folderFormat(path);
  let start: string;
  {
    using source = await openSource(path);
    start = String.fromCharCode(...source.read(0, Math.min(source.bytes, 64)));
  }
  // A length below 4 GiB and a brace: no other format has both, but lengths look like the first letters of others.
  if (/^.{4}\0{4}\{/s.test(start)) return await safetensorsFormat(path);
  if (start.startsWith("GGUF")) return "gguf";
  if (start.startsWith("\x93NUMPY")) return "npy";
  if (start.startsWith("PK\x03\x04")) return "torch";
  if (/^(\xef\xbb\xbf)?\s*\{/.test(start)) return "svec";
  if (start.startsWith("\x80")) {
    throw new InputError("a pickle, which is a program and is not run", {
      where: path,
      repair: "save the vectors again by torch.save of PyTorch 1.6 or later, or by numpy.save",
    });
  }
  return await safetensorsFormat(path);
}
