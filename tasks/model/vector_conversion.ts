import { dirname } from "node:path";
import {
  ARCHITECTURES,
  type Checkpoint,
  ensureFolder,
  openCheckpoint,
  parseJson,
} from "../../lib/checkpoint/mod.ts";
import { canonicalJson, hasEnding, InputError } from "../../lib/core/mod.ts";
import {
  type AutoencoderFormat,
  FILE_FORMATS,
  formatOf,
  loadVectors,
  readSparseAutoencoder,
  saveBiasedModel,
  saveControlVector,
  saveNpyVectors,
  saveSvec,
  saveVectors,
  type VectorFile,
  writeSparseAutoencoder,
} from "../../lib/vectors/mod.ts";
import { checkNoModel, checkWritable, exists } from "../command/output_place.ts";
import { sourceHash } from "../study/source_hash.ts";

/** How a folder is written; a file's ending says the same. */
export const FOLDER_TARGETS = ["llama", "own", "saelens", "sparsify"] as const;

type FolderTarget = typeof FOLDER_TARGETS[number];

const ENDINGS = [".safetensors", ".gguf", ".svec", ".npy"] as const;

/** What is written: a file by its ending, or a folder by name. */
type Target = typeof ENDINGS[number] | FolderTarget;

/** What a conversion is asked for. */
interface ConversionOptions {
  readonly from: string;
  readonly out: string;
  readonly to: FolderTarget | undefined;
  readonly model: string | undefined;
  readonly withoutLayerZero: boolean;
  readonly force: boolean;
}

function targetOf({ out, to }: ConversionOptions): Target {
  const ending = ENDINGS.find((one) => hasEnding(out, one));
  if (ending === undefined && to !== undefined) return to;
  if (ending === undefined) {
    throw new InputError("what to write is not clear", {
      where: out,
      repair: `give a file that ends in ${ENDINGS.join(", ")}, or a folder with --to ${
        FOLDER_TARGETS.join("|")
      }`,
    });
  }
  if (to !== undefined) {
    throw new InputError(`--to ${to} names a folder, and ${ending} a file`, { where: out });
  }
  return ending;
}

/** The place is free, or may be replaced. */
async function checkPlace({ out, force }: ConversionOptions, target: Target): Promise<void> {
  const file = ENDINGS.includes(target as typeof ENDINGS[number]);
  await checkWritable(out, { as: file ? "file" : "folder" });
  if (target === "llama" || target === "own") return await checkNoModel(out, { force });
  if (!force && await exists(file ? out : `${out}/cfg.json`)) {
    throw new InputError(`there is ${file ? "a file" : "an autoencoder"} already`, {
      where: out,
      repair: "pass --force to replace it",
    });
  }
}

const noModel = (what: string): InputError =>
  new InputError(`${what} needs to know the model`, { repair: "pass --model with the model's folder" });

/** The family of the model: what --model says, or the file that the vectors come from. */
function familyOf(file: VectorFile, checkpoint: Checkpoint | null): string | undefined {
  return checkpoint?.config.architecture ?? file.metadata.get("model_type") ??
    file.metadata.get("model_hint");
}

/** What a file that came from a .svec keeps of it; a note of another form is somebody else's. */
function variancesOf({ metadata, vectors }: VectorFile, where: string): ReadonlyMap<number, number> {
  const note = new TextEncoder().encode(metadata.get("explained_variances") ?? "{}");
  const known = parseJson(note, { what: 'the note "explained_variances"', where, kind: "config" });
  const values = new Map(Object.entries(known ?? {}));
  return new Map([...vectors.keys()].flatMap((layer) => {
    const value = values.get(String(layer));
    return typeof value === "number" ? [[layer, value]] : [];
  }));
}

/** Notes that say what a source is, which is no longer so in what is made of it. */
const OF_THE_FORM = ["kind", "place", "made", "format", "active"];

const passedOn = (notes: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries([...notes].filter(([key]) => !OF_THE_FORM.includes(key)));

async function writeVectors(
  file: VectorFile,
  target: Exclude<Target, AutoencoderFormat>,
  options: ConversionOptions & { readonly checkpoint: Checkpoint | null },
): Promise<void> {
  const { from, out, checkpoint, withoutLayerZero } = options, { vectors, place, metadata } = file;
  if (target === ".safetensors") {
    const recipe = { action: "convert", format: file.format, sources: [await sourceHash(from)] };
    const notes = { ...passedOn(metadata), made: canonicalJson(recipe) };
    return await saveVectors(out, { vectors, place, metadata: notes });
  }
  if (place !== "mlp") {
    throw new InputError(
      `vectors of the place "${place}" have no other form: other programs add to blocks' outputs`,
      {
        where: from,
      },
    );
  }
  switch (target) {
    case ".gguf": {
      const architecture = ARCHITECTURES.find((name) => name === familyOf(file, checkpoint));
      if (architecture === undefined) throw noModel("a GGUF control vector");
      if (vectors.has(0) && !withoutLayerZero) {
        throw new InputError("llama.cpp refuses a control vector of layer 0", {
          where: from,
          repair: "pass --without-layer-0 to leave that vector out",
        });
      }
      return await saveControlVector(out, { vectors, architecture, layerZero: "leave out" });
    }
    case ".svec": {
      const modelType = familyOf(file, checkpoint);
      if (modelType === undefined) throw noModel("a .svec file");
      return await saveSvec(out, { vectors, modelType, explainedVariances: variancesOf(file, from) });
    }
    case ".npy":
      if (checkpoint === null) throw noModel("a matrix [layers, embed]");
      return await saveNpyVectors(out, { vectors, layers: checkpoint.config.layers });
    case "llama":
    case "own":
      if (checkpoint === null) throw noModel("a checkpoint with vectors");
      return await saveBiasedModel(out, { checkpoint, vectors, as: target });
  }
}

/** Where an autoencoder goes, or null for a place of vectors. */
function autoencoderFormat(target: Target): AutoencoderFormat | null {
  if (target === "saelens" || target === "sparsify") return target;
  return target === ".safetensors" ? "autoencoder" : null;
}

/**
 * Writes what one file or folder holds, vectors or an autoencoder, in another format. The source is told by its
 * content, the target by its ending or by --to. Returns the lines that say what was read and written.
 */
export async function convertVectors(options: ConversionOptions): Promise<readonly string[]> {
  const { from, out, model } = options, target = targetOf(options), format = await formatOf(from);
  await checkPlace(options, target);
  const checkpoint = model === undefined ? null : await openCheckpoint(model);
  const ofAutoencoder = autoencoderFormat(target), parent = dirname(out);
  if (format === "autoencoder" || format === "saelens" || format === "sparsify") {
    if (ofAutoencoder === null) {
      throw new InputError(`${FILE_FORMATS[format]} cannot become ${target}`, {
        where: from,
        repair: "give a .safetensors file, or a folder with --to saelens or --to sparsify",
      });
    }
    const { autoencoder, metadata } = await readSparseAutoencoder(from);
    const { embed, features, active } = autoencoder;
    await ensureFolder(parent);
    await writeSparseAutoencoder(out, autoencoder, { metadata: passedOn(metadata), format: ofAutoencoder });
    return [
      `${from}: ${FILE_FORMATS[format]}, ${features} features of width ${embed}, ${active} active`,
      `${out}: ${FILE_FORMATS[ofAutoencoder]}`,
    ];
  }
  const file = await loadVectors(from, checkpoint?.config ?? null);
  if (target === "saelens" || target === "sparsify") {
    throw new InputError(`${FILE_FORMATS[format]} cannot become an autoencoder`, { where: from });
  }
  await ensureFolder(parent);
  await writeVectors(file, target, { ...options, checkpoint });
  const written = await loadVectors(out, checkpoint?.config ?? null);
  return [
    `${from}: ${FILE_FORMATS[format]}, layers ${[...file.vectors.keys()].join(", ")}`,
    `${out}: ${FILE_FORMATS[written.format]}, layers ${[...written.vectors.keys()].join(", ")}`,
  ];
}
