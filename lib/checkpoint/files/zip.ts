import { InputError, Sha256 } from "../../core/mod.ts";
import type { ByteSource } from "./byte_source.ts";

/** A member of a zip archive. */
export interface ZipEntry {
  /** Its path in the archive. */
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  /** Of its bytes as they were before packing. */
  readonly crc32: number;
  /** Bytes that it takes in the archive. */
  readonly packedSize: number;
  /** Bytes that it has. */
  readonly size: number;
  /** Where its own header begins. */
  readonly offset: number;
}

/** Largest member that is unpacked: ONNX Runtime's largest library has some 300 MB. */
const LARGEST_MEMBER = 2 ** 31;

const END_MARK = 0x06054b50, MEMBER_MARK = 0x02014b50, LOCAL_MARK = 0x04034b50;

const REPAIR = "download or write it again";

function readAt(source: ByteSource, offset: number, length: number): DataView {
  if (offset + length > source.bytes) throw new InputError("the archive ends early", { repair: REPAIR });
  const bytes = source.read(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

/**
 * The members of a zip archive, by its directory. Names that stand twice, encrypted members and archives of more than
 * 4 GiB are refused by an `InputError`.
 *
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7 to 4.3.16. Libraries take more:
 * fflate members whose sums are wrong, zip.js names that stand twice and bytes behind the end.
 */
export function zipEntries(source: ByteSource): readonly ZipEntry[] {
  const size = source.bytes;
  const notZip = new InputError("not a zip archive", { repair: REPAIR });
  const tail = readAt(source, Math.max(0, size - 65_557), Math.min(size, 65_557));
  let end = tail.byteLength - 22;
  // The archive ends with the comment whose length its last record states.
  const isEnd = (at: number) =>
    tail.getUint32(at, true) === END_MARK && at + 22 + tail.getUint16(at + 20, true) === tail.byteLength;
  while (end >= 0 && !isEnd(end)) end--;
  if (end < 0) throw notZip;
  const count = tail.getUint16(end + 10, true), length = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  if (start + length > size) throw notZip;
  const directory = readAt(source, start, length);
  const entries = new Map<string, ZipEntry>();
  for (let at = 0, read = 0; read < count; read++) {
    if (at + 46 > length || directory.getUint32(at, true) !== MEMBER_MARK) throw notZip;
    const nameLength = directory.getUint16(at + 28, true);
    if (at + 46 + nameLength > length) throw notZip;
    const name = new TextDecoder().decode(
      new Uint8Array(directory.buffer, directory.byteOffset + at + 46, nameLength),
    );
    if (entries.has(name)) {
      throw new InputError(`the archive has ${JSON.stringify(name)} twice`, { repair: REPAIR });
    }
    if ((directory.getUint16(at + 8, true) & 1) === 1) throw new InputError("the archive is encrypted");
    entries.set(name, {
      name,
      method: directory.getUint16(at + 10, true),
      crc32: directory.getUint32(at + 16, true),
      packedSize: directory.getUint32(at + 20, true),
      size: directory.getUint32(at + 24, true),
      offset: directory.getUint32(at + 42, true),
    });
    at += 46 + nameLength + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
  }
  return [...entries.values()];
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = (byte & 1) === 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

/** The sum of an archive's member, gone on with from that of the bytes before. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let sum = ~before;
  for (const byte of bytes) sum = (CRC_TABLE[(sum ^ byte) & 0xff] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** The packed bytes of a member, a mebibyte at a time. */
function packedBytes(source: ByteSource, entry: ZipEntry): ReadableStream<Uint8Array<ArrayBuffer>> {
  const local = readAt(source, entry.offset, 30);
  if (local.getUint32(0, true) !== LOCAL_MARK) {
    throw new InputError(`"${entry.name}" is not where it should be`, { repair: REPAIR });
  }
  const start = entry.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  let done = 0;
  return new ReadableStream({
    pull(controller) {
      const length = Math.min(2 ** 20, entry.packedSize - done);
      if (length === 0) return controller.close();
      const view = readAt(source, start + done, length);
      controller.enqueue(new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, length).slice());
      done += length;
    },
  });
}

/**
 * Unpacks a member piece by piece into `write`; resolves to its SHA-256, in hexadecimal. A member of another size or
 * sum than the archive's directory says is refused.
 */
export async function unpack(
  source: ByteSource,
  entry: ZipEntry,
  options: { readonly write: (bytes: Uint8Array) => void },
): Promise<string> {
  const damaged = () => new InputError(`"${entry.name}" is damaged`, { repair: REPAIR });
  if (entry.method !== 0 && entry.method !== 8) throw damaged();
  if (entry.size > LARGEST_MEMBER) throw new InputError(`"${entry.name}" is too large: ${entry.size} bytes`);
  const packed = packedBytes(source, entry);
  const plain = entry.method === 0 ? packed : packed.pipeThrough(new DecompressionStream("deflate-raw"));
  const hash = new Sha256();
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
  return hash.hex();
}
