import {
  type ByteSource,
  fromBfloat16,
  fromFloat16,
  memorySource,
  type ModelConfig,
  quoted,
  unpack,
  zipEntries,
} from "../checkpoint/mod.ts";
import { elementCount, InputError } from "../core/mod.ts";
import { type FoundVector, layeredVectors, matrixVectors, vectorBytes } from "./_layered_vectors.ts";
import { type PickledTensor, PickleFault, type PickleValue, readPickle } from "./_pickle.ts";
import { foreignFile, type VectorFile } from "./vector_file.ts";

const PICKLE = "data.pkl", REPAIR = "save a dictionary {layer: vector} of float32 tensors by torch.save";

/** Bytes of a pickle: one of a thousand tensors has 200 kilobytes. */
const PICKLE_LIMIT = 2 ** 22;

/** Numbers that are read of a file, and axes of a tensor: a view may show few numbers many times. */
const ELEMENT_LIMIT = 2 ** 26, AXES_LIMIT = 8;

/** How stored numbers become float32. */
const STORAGES: Readonly<
  Record<string, { readonly bytes: number; readonly read: (buffer: ArrayBuffer) => Float32Array }>
> = {
  FloatStorage: { bytes: 4, read: (buffer) => new Float32Array(buffer) },
  HalfStorage: { bytes: 2, read: (buffer) => fromFloat16(new Uint16Array(buffer)) },
  BFloat16Storage: { bytes: 2, read: (buffer) => fromBfloat16(new Uint16Array(buffer)) },
};

/** Members of the archive below its one folder. */
class TorchArchive {
  readonly #source: ByteSource;
  readonly #where: string;
  readonly #entries: ReturnType<typeof zipEntries>;
  readonly #folder: string;
  readonly #storages = new Map<string, Float32Array>();
  /** Numbers that tensors had so far. */
  #numbers = 0;

  constructor(source: ByteSource, where: string) {
    this.#source = source;
    this.#where = where;
    this.#entries = this.#located(() => zipEntries(source));
    const pickle = this.#entries.find(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickle === undefined) throw this.fault(`a zip archive without ${PICKLE}, not a PyTorch file`);
    this.#folder = pickle.name.slice(0, -PICKLE.length);
  }

  fault(what: string): InputError {
    return new InputError(what, { where: this.#where, repair: REPAIR });
  }

  /** Faults of the archive, with the file's name. */
  #located<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw error instanceof InputError ? this.fault(error.what) : error;
    }
  }

  /** The bytes of a member. torch never compresses, so what is compressed is no file of its making. */
  async member(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const entry = this.#entries.find((one) => one.name === this.#folder + name);
    if (entry === undefined) return null;
    if (entry.method !== 0 || entry.size !== entry.packedSize || entry.size > this.#source.bytes) {
      throw this.fault(`"${name}" of the PyTorch file is compressed`);
    }
    const bytes = new Uint8Array(entry.size);
    let done = 0;
    const write = (piece: Uint8Array) => {
      bytes.set(piece, done);
      done += piece.length;
    };
    await unpack(this.#source, entry, { write }).catch((error: unknown) =>
      this.#located(() => {
        throw error;
      })
    );
    return bytes;
  }

  async #storage({ type, key, count }: PickledTensor["storage"], name: string): Promise<Float32Array> {
    const known = this.#storages.get(key), kind = Object.hasOwn(STORAGES, type) ? STORAGES[type] : undefined;
    if (kind === undefined) {
      throw this.fault(`${name} is a tensor of ${quoted(type)}, where a float of 16 or 32 bits is needed`);
    }
    if (known !== undefined && known.length === count) return known;
    const bytes = await this.member(`data/${key}`);
    if (bytes === null || bytes.length !== count * kind.bytes) {
      throw this.fault(`${name} needs ${count} numbers of ${type}, which the PyTorch file does not hold`);
    }
    const values = kind.read(bytes.buffer);
    this.#storages.set(key, values);
    return values;
  }

  /** The numbers of a tensor, row-major. */
  async tensor({ storage, offset, dims, strides }: PickledTensor, name: string): Promise<Float32Array> {
    const count = elementCount(dims);
    if (dims.length > AXES_LIMIT) {
      throw this.fault(`${name} has ${dims.length} axes, more than ${AXES_LIMIT}`);
    }
    this.#numbers += count;
    if (!(this.#numbers <= ELEMENT_LIMIT)) {
      throw this.fault(`tensors up to ${name} have more than ${ELEMENT_LIMIT} numbers`);
    }
    const values = await this.#storage(storage, name), out = new Float32Array(count);
    const last = dims.reduce((sum, dim, axis) => sum + (dim - 1) * (strides[axis] as number), offset);
    if (count > 0 && last >= values.length) throw this.fault(`${name} reaches past its stored numbers`);
    for (let at = 0; at < count; at++) {
      let rest = at, place = offset;
      for (let axis = dims.length - 1; axis >= 0; axis--) {
        const dim = dims[axis] as number;
        place += (rest % dim) * (strides[axis] as number);
        rest = Math.floor(rest / dim);
      }
      out[at] = values[place] as number;
    }
    return out;
  }
}

/** The layer that a key names: a whole number, or the only number in a text. */
function layerOfKey(key: PickleValue): number | null {
  if (typeof key === "number") return Number.isInteger(key) && key >= 0 ? key : null;
  const numbers = typeof key === "string" ? key.match(/\d+/g) ?? [] : [];
  return numbers.length === 1 && /^(0|[1-9]\d{0,8})$/.test(numbers[0] as string) ? Number(numbers[0]) : null;
}

function picked(pickle: Uint8Array, archive: TorchArchive): PickleValue {
  if (pickle.length > PICKLE_LIMIT) {
    throw archive.fault(
      `the pickle of the PyTorch file has ${pickle.length} bytes, more than ${PICKLE_LIMIT}`,
    );
  }
  try {
    return readPickle(pickle);
  } catch (error) {
    if (!(error instanceof PickleFault)) throw error;
    throw archive.fault(`the pickle of the PyTorch file holds ${error.message}; tensors alone are read`);
  }
}

/**
 * Reads vectors that `torch.save` wrote: a dictionary of tensors [embed] (axes of length 1 are passed over) by layer,
 * or a matrix [layers, embed] as {@link loadNpyVectors} reads it. A key is a whole number, or a text with one number
 * in it (`"layer_3"`, `"model.layers.3.mlp.down_proj.bias"`). float32, float16 and bfloat16 are read, exactly.
 *
 * Nothing of the file is run: its pickle may hold tensors, and the dictionary around them, alone. There is no writer;
 * PyTorch reads safetensors.
 *
 * @example
 * ```ts
 * import { loadTorchVectors } from "@small-vectors/steering";
 * const { vectors } = await loadTorchVectors("./fixtures/golden/vectors/layers.pt", null);
 * if ([...vectors.keys()].join() !== "1,3") throw new Error("a vector for each of two layers");
 * ```
 *
 * @throws {InputError} for a file that is damaged, of another form or of PyTorch before 1.6, and for what does not fit.
 */
export async function loadTorchVectors(path: string, config: ModelConfig | null): Promise<VectorFile> {
  const source = { where: path, config };
  const archive = new TorchArchive(memorySource(await vectorBytes(path)), path);
  const order = await archive.member("byteorder"), pickle = await archive.member(PICKLE) as Uint8Array;
  if (order !== null && new TextDecoder().decode(order) !== "little") {
    throw archive.fault("the PyTorch file is not little-endian");
  }
  const value = picked(pickle, archive);
  if (typeof value === "object" && value?.kind === "tensor") {
    const data = await archive.tensor(value, "the tensor");
    return foreignFile("torch", matrixVectors({ dims: value.dims, data }, source));
  }
  if (typeof value !== "object" || value?.kind !== "dictionary") {
    throw archive.fault(
      "the PyTorch file holds neither a dictionary of vectors nor a matrix [layers, embed]",
    );
  }
  const found: FoundVector[] = [];
  for (const [key, tensor] of value.entries) {
    const name = typeof key === "string" || typeof key === "number" ? String(key) : "a key",
      layer = layerOfKey(key);
    const what = `${quoted(name)} of the dictionary`;
    if (typeof tensor !== "object" || tensor?.kind !== "tensor") {
      throw archive.fault(`${what} is not a tensor`);
    }
    if (layer === null) throw archive.fault(`${what} names no layer: the one number in a key says it`);
    if (tensor.dims.filter((dim) => dim !== 1).length > 1) {
      throw archive.fault(`${what} must have shape [embed], found [${tensor.dims.slice(0, 8).join(", ")}]`);
    }
    found.push({ name, layer, values: await archive.tensor(tensor, what) });
  }
  return foreignFile("torch", layeredVectors(found, source));
}
