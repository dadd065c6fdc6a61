import { createHash } from "node:crypto";
import { basename } from "node:path";
import { crc32 } from "node:zlib";
import { InputError } from "../lib/core/mod.ts";

/** A member of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly crc32: number;
  readonly packedSize: number;
  readonly size: number;
  /** Where its own header begins. */
  readonly offset: number;
}

/** Largest member that is unpacked: ONNX Runtime's largest library has some 300 MB. */
const LARGEST_MEMBER = 2 ** 31;

const END_MARK = 0x06054b50, MEMBER_MARK = 0x02014b50, LOCAL_MARK = 0x04034b50;

function readAt(file: Deno.FsFile, offset: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const count = file.readSync(bytes.subarray(at));
    if (count === null) throw new InputError("the archive ends early", { repair: "download it again" });
    at += count;
  }
  return new DataView(bytes.buffer);
}

/** The members of a zip archive, by its directory. Archives of more than 4 GiB are refused. */
export function zipEntries(file: Deno.FsFile): readonly ZipEntry[] {
  const size = file.statSync().size;
  const notZip = new InputError("not a zip archive", { repair: "download it again" });
  const tail = readAt(file, Math.max(0, size - 65_557), Math.min(size, 65_557));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END_MARK) end--;
  if (end < 0) throw notZip;
  const count = tail.getUint16(end + 10, true), length = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  if (start + length > size) throw notZip;
  const directory = readAt(file, start, length);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count;) {
    if (at + 46 > length || directory.getUint32(at, true) !== MEMBER_MARK) throw notZip;
    const nameLength = directory.getUint16(at + 28, true);
    if (at + 46 + nameLength > length) throw notZip;
    entries.push({
      name: new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameLength)),
      method: directory.getUint16(at + 10, true),
      crc32: directory.getUint32(at + 16, true),
      packedSize: directory.getUint32(at + 20, true),
      size: directory.getUint32(at + 24, true),
      offset: directory.getUint32(at + 42, true),
    });
    at += 46 + nameLength + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
  }
  return entries;
}

/** The packed bytes of a member, a mebibyte at a time. */
function packedBytes(file: Deno.FsFile, entry: ZipEntry): ReadableStream<Uint8Array<ArrayBuffer>> {
  const local = readAt(file, entry.offset, 30);
  if (local.getUint32(0, true) !== LOCAL_MARK) {
    throw new InputError(`"${entry.name}" is not where it should be`);
  }
  const start = entry.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  let done = 0;
  return new ReadableStream({
    pull(controller) {
      const length = Math.min(2 ** 20, entry.packedSize - done);
      if (length === 0) return controller.close();
      controller.enqueue(new Uint8Array(readAt(file, start + done, length).buffer as ArrayBuffer));
      done += length;
    },
  });
}

/**
 * Unpacks a member piece by piece into `write`; resolves to its SHA-256, in hexadecimal. A member of another size or
 * sum than the archive's directory says is refused.
 */
export async function unpack(
  file: Deno.FsFile,
  entry: ZipEntry,
  options: { readonly write: (bytes: Uint8Array) => void },
): Promise<string> {
  const damaged = () =>
    new InputError(`"${entry.name}" is damaged`, { repair: "download the archive again" });
  if (entry.method !== 0 && entry.method !== 8) throw damaged();
  if (entry.size > LARGEST_MEMBER) throw new InputError(`"${entry.name}" is too large: ${entry.size} bytes`);
  const packed = packedBytes(file, entry);
  const plain = entry.method === 0 ? packed : packed.pipeThrough(new DecompressionStream("deflate-raw"));
  const hash = createHash("sha256");
  let size = 0, sum = 0;
  try {
    for await (const bytes of plain) {
      size += bytes.length;
      if (size > entry.size) throw damaged();
      sum = crc32(bytes, sum);
      hash.update(bytes);
      options.write(bytes);
    }
  } catch (error) {
    if (error instanceof TypeError) throw damaged(); // what the decompressor throws
    throw error;
  }
  if (size !== entry.size || sum !== entry.crc32) throw damaged();
  return hash.digest("hex");
}

/** The text of a small member. */
export async function memberText(file: Deno.FsFile, entry: ZipEntry): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  await unpack(file, entry, { write: (bytes) => void (text += decoder.decode(bytes, { stream: true })) });
  return text;
}

/** SHA-256 by member of a wheel's RECORD, in hexadecimal. */
export function recordedHashes(record: string): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const line of record.split("\n")) {
    const found = /^"?(.+?)"?,sha256=([\w-]+),\d*\r?$/.exec(line);
    if (found === null) continue;
    const base64 = (found[2] as string).replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    hashes.set(found[1] as string, Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return hashes;
}

/** The one member of an archive with a base name, or under a pattern; an InputError where there is none. */
export function memberNamed(
  entries: readonly ZipEntry[],
  options: {
    readonly name: string | RegExp;
    /** The archive that has it, in words. */
    readonly wanted: string;
  },
): ZipEntry {
  const { name, wanted } = options;
  const found = entries.find((entry) =>
    typeof name === "string" ? basename(entry.name) === name : name.test(entry.name)
  );
  if (found !== undefined) return found;
  throw new InputError(`the archive holds no ${name}`, { repair: `take ${wanted}` });
}

/**
 * Unpacks a member of a wheel into a new file; one that is not what the wheel's RECORD describes is refused. `signal`
 * stops it between pieces.
 */
export async function unpackRecorded(
  file: Deno.FsFile,
  entry: ZipEntry,
  options: {
    readonly path: string;
    /** SHA-256 by member, as {@link recordedHashes} reads it. */
    readonly record: ReadonlyMap<string, string>;
    /** The wheel in messages. */
    readonly where: string;
    readonly signal: AbortSignal;
    /** Called with the bytes of each piece. */
    readonly onBytes?: (bytes: number) => void;
  },
): Promise<void> {
  const { path, record, where, signal, onBytes } = options;
  using out = await Deno.open(path, { write: true, createNew: true });
  const sha256 = await unpack(file, entry, {
    write: (bytes) => {
      signal.throwIfAborted();
      for (let at = 0; at < bytes.length;) at += out.writeSync(bytes.subarray(at));
      onBytes?.(bytes.length);
    },
  });
  if (record.get(entry.name) !== sha256) {
    throw new InputError(`"${entry.name}" is not what the wheel's RECORD describes`, {
      where,
      repair: "download the wheel again",
    });
  }
}
