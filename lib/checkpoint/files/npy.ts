import { elementCount, InputError } from "../../core/mod.ts";
import { quoted } from "./_json_file.ts";
import { writeFileAtomic } from "./atomic_file.ts";
import { type ByteSource, openSource } from "./byte_source.ts";
import { fromFloat16 } from "./half_floats.ts";

/** An array of numbers from a .npy file. */
export interface NpyArray {
  /** Element type in the file. */
  readonly dtype: "float32" | "float16";
  /** Its shape. */
  readonly dims: readonly number[];
  /** Its values in float32, row-major whatever the order in the file. */
  readonly data: Float32Array;
}

/** A header describes one array in about a hundred bytes; numpy itself refuses more than this. */
const HEADER_LIMIT = 10_000;
const MAGIC = "\x93NUMPY";

function npyFault(what: string, where: string): InputError {
  const repair = "save it again with numpy.save(path, array.astype(numpy.float32), allow_pickle=False)";
  return new InputError(what, { where, repair });
}

/** What a header may say, by the name of the element type in the file. */
const DTYPES: Readonly<Record<string, { readonly dtype: NpyArray["dtype"]; readonly bytes: number }>> = {
  "<f4": { dtype: "float32", bytes: 4 },
  "<f2": { dtype: "float16", bytes: 2 },
};

interface Header {
  readonly dtype: NpyArray["dtype"];
  readonly bytes: number;
  readonly dims: readonly number[];
  readonly columnMajor: boolean;
}

/**
 * The header is a dictionary in Python's notation. Only the one form that an array of numbers has is read: three keys,
 * a text, a boolean and a tuple of counts; nothing is evaluated.
 */
function parseHeader(text: string, where: string): Header {
  const fault = (what: string) => npyFault(`the .npy header ${what}`, where);
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) throw fault("is not a dictionary");
  const found = new Map<string, string>();
  let rest = body.trim();
  while (rest !== "") {
    const entry =
      /^(['"])(\w+)\1\s*:\s*('[^'\\]*'|"[^"\\]*"|True|False|\([\d,\s]*\)|\[[^\]]*\])\s*(?:,\s*|$)/s
        .exec(rest);
    if (entry === null) throw fault(`cannot be read at ${quoted(rest)}`);
    const key = entry[2] as string;
    if (found.has(key)) throw fault(`has the key ${quoted(key)} twice`);
    found.set(key, entry[3] as string);
    rest = rest.slice(entry[0].length);
  }
  const unknown = [...found.keys()].find((key) => !["descr", "fortran_order", "shape"].includes(key));
  if (unknown !== undefined) throw fault(`has the unknown key ${quoted(unknown)}`);
  const value = (key: string, form: RegExp): string => {
    const text = found.get(key);
    if (text === undefined) throw fault(`lacks the key ${quoted(key)}`);
    const inner = form.exec(text)?.[1];
    if (inner === undefined) throw fault(`has ${quoted(text)} for ${quoted(key)}`);
    return inner;
  };
  const order = value("fortran_order", /^(True|False)$/);
  const descr = found.get("descr") ?? "";
  if (/O/.test(descr)) {
    throw npyFault("the .npy file holds Python objects, which are pickles and are not read", where);
  }
  const name = value("descr", /^['"](.*)['"]$/s),
    type = Object.hasOwn(DTYPES, name) ? DTYPES[name] : undefined;
  if (type === undefined) {
    throw fault(`has the dtype ${quoted(name)}, where one of ${Object.keys(DTYPES).join(", ")} is needed`);
  }
  const tuple = value("shape", /^\((.*)\)$/s).trim();
  // A tuple of one has a comma after it, as in (3,); one without would be a number in brackets.
  if (!/^(|\d{1,15}\s*,|\d{1,15}(\s*,\s*\d{1,15})+\s*,?)$/.test(tuple)) {
    throw fault(`has the shape (${tuple})`);
  }
  const dims = tuple === "" ? [] : tuple.split(",").map((part) => part.trim()).filter((part) => part !== "")
    .map(Number);
  return { ...type, dims, columnMajor: order === "True" };
}

/** Values laid out with the first axis fastest, as rows with the last axis fastest. */
function rowMajor(values: Float32Array, dims: readonly number[]): Float32Array {
  const out = new Float32Array(values.length);
  const strides = dims.map((_, axis) => dims.slice(0, axis).reduce((product, dim) => product * dim, 1));
  const index = dims.map(() => 0);
  for (let at = 0; at < out.length; at++) {
    out[at] = values[
      index.reduce((sum, place, axis) => sum + place * (strides[axis] as number), 0)
    ] as number;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (dims[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return out;
}

/**
 * Reads a NumPy array file of float32 or float16 numbers, versions 1 to 3 of the format, either order of axes.
 *
 * Throws `InputError` for a file that is missing, cut short, too long, of another format, version or element type, and
 * for one that holds Python objects: no pickle is ever opened. Memory is bounded by the size of the file.
 *
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @example
 * ```ts
 * import { readNpy, writeNpy } from "@small-vectors/steering/checkpoint";
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * await writeNpy(path, { dims: [1, 2], data: Float32Array.of(1.5, -2) });
 * const { dims, data } = await readNpy(path);
 * if (dims.join() !== "1,2" || data.join() !== "1.5,-2") throw new Error("one row of two numbers");
 * await Deno.remove(path);
 * ```
 */
export async function readNpy(path: string): Promise<NpyArray> {
  using source = await openSource(path);
  return parseNpy(source, { where: path });
}

/** The array of a .npy file, checked against its length; see {@link readNpy}. */
export function parseNpy(source: ByteSource, options: { readonly where: string }): NpyArray {
  const { bytes } = source, { where } = options;
  const start = source.read(0, Math.min(bytes, 12)).slice();
  if (String.fromCharCode(...start.subarray(0, 6)) !== MAGIC) {
    throw npyFault("not a .npy file", where);
  }
  const cut = () => npyFault(`the .npy file of ${bytes} bytes is cut short`, where);
  const major = start[6], minor = start[7];
  if (start.length < 12) throw cut();
  if (!(major === 1 || major === 2 || major === 3) || minor !== 0) {
    throw npyFault(`the .npy file has version ${major}.${minor}, where 1.0, 2.0 or 3.0 is needed`, where);
  }
  const view = new DataView(start.buffer);
  const headerBytes = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const headerStart = major === 1 ? 10 : 12;
  if (headerBytes > HEADER_LIMIT) {
    throw npyFault(`the .npy header claims ${headerBytes} bytes, more than ${HEADER_LIMIT}`, where);
  }
  const dataStart = headerStart + headerBytes;
  if (dataStart > bytes) throw cut();
  const text = source.read(headerStart, headerBytes);
  const header = parseHeader(new TextDecoder("latin1").decode(text), where);
  const { dtype, dims, columnMajor } = header;
  const needed = dims.reduce((product, dim) => product * dim, header.bytes);
  if (needed !== bytes - dataStart) {
    const data = `${bytes - dataStart} bytes of data, where ${dtype} [${dims.join(", ")}] needs ${needed}`;
    throw npyFault(`the .npy file has ${data}`, where);
  }
  const { buffer } = source.read(dataStart, needed).slice();
  const values = dtype === "float32" ? new Float32Array(buffer) : fromFloat16(new Uint16Array(buffer));
  return { dtype, dims, data: columnMajor && dims.length > 1 ? rowMajor(values, dims) : values };
}

/**
 * Writes float32 numbers, row-major, as a NumPy array file of version 1.0, the bytes that `numpy.save` writes. Throws
 * `RangeError` where shape and values disagree, `InputError` when the file cannot be written.
 *
 * @example
 * ```ts
 * import { writeNpy } from "@small-vectors/steering/checkpoint";
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * await writeNpy(path, { dims: [2], data: Float32Array.of(1.5, -2) });
 * if ((await Deno.stat(path)).size !== 128 + 8) throw new Error("a header and two numbers");
 * await Deno.remove(path);
 * ```
 */
export async function writeNpy(
  path: string,
  array: { readonly dims: readonly number[]; readonly data: Float32Array },
): Promise<void> {
  const { dims, data } = array, needed = elementCount(dims);
  if (needed !== data.length) {
    throw new RangeError(
      `Cannot write an array as [${dims}] needs ${needed} values: current count is ${data.length}`,
    );
  }
  const tuple = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(", ")})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version, length and header fill a multiple of 64 bytes; a line feed ends the padding.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const bytes = Uint8Array.from(MAGIC + "\x01\x00", (letter) => letter.charCodeAt(0));
  const text = new TextEncoder().encode(`${header.padEnd(length - 1)}\n`);
  const values = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  await writeFileAtomic(path, [bytes, Uint8Array.of(length & 255, length >> 8), text, values]);
}
