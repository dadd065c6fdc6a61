import { InputError } from "../../lib/core/mod.ts";

/** A range of a file, read from its start. */
type ReadRange = (offset: number, length: number) => Uint8Array;

/** Longest table of names that is read, in bytes; those of ONNX Runtime's libraries have some ten thousand. */
const LONGEST_TABLE = 64 * 2 ** 20;

const SEGMENT_LOAD = 1, SEGMENT_DYNAMIC = 2;
const TAG_END = 0n, TAG_NEEDED = 1n, TAG_STRINGS = 5n, TAG_STRINGS_SIZE = 10n;

/**
 * The libraries that a 64-bit little-endian ELF file asks the loader for (its NEEDED entries), in order. What it
 * opens by itself once it runs is not among them.
 *
 * @throws {InputError} for anything that is no such file, or whose tables lie outside it.
 */
export function neededLibraries(read: ReadRange, size: number): readonly string[] {
  const fault = (what: string): InputError => new InputError(`no usable shared library: ${what}`);
  const range = (offset: number, length: number): DataView => {
    if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
      throw fault("a table lies outside the file");
    }
    const bytes = read(offset, length);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const far = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));
  if (size < 64) throw fault("too short");
  const head = range(0, 64);
  if (head.getUint32(0) !== 0x7f454c46) throw fault("not an ELF file");
  if (head.getUint8(4) !== 2 || head.getUint8(5) !== 1) throw fault("not 64-bit little-endian");
  const count = head.getUint16(56, true), width = head.getUint16(54, true);
  if (width < 56) throw fault("program headers are too short");
  const table = range(far(head, 32), count * width);
  const segments = Array.from({ length: count }, (_, index) => {
    const at = index * width;
    return {
      type: table.getUint32(at, true),
      offset: far(table, at + 8),
      address: far(table, at + 16),
      length: far(table, at + 32),
    };
  });
  const dynamic = segments.find(({ type }) => type === SEGMENT_DYNAMIC);
  if (dynamic === undefined) return [];
  if (dynamic.length > LONGEST_TABLE) throw fault("a table is too long");
  const entries = range(dynamic.offset, dynamic.length);
  const names: number[] = [];
  let stringsAddress = 0, stringsSize = 0;
  for (let at = 0; at + 16 <= dynamic.length; at += 16) {
    const tag = entries.getBigInt64(at, true);
    if (tag === TAG_END) break;
    if (tag === TAG_NEEDED) names.push(far(entries, at + 8));
    if (tag === TAG_STRINGS) stringsAddress = far(entries, at + 8);
    if (tag === TAG_STRINGS_SIZE) stringsSize = far(entries, at + 8);
  }
  if (names.length === 0) return [];
  // Tables are named by their address in memory; the segment that is loaded there says where in the file they lie.
  const holder = segments.find(({ type, address, length }) =>
    type === SEGMENT_LOAD && stringsAddress >= address && stringsAddress + stringsSize <= address + length
  );
  if (holder === undefined || stringsSize > LONGEST_TABLE) {
    throw fault("its names lie outside what is loaded");
  }
  const strings = range(holder.offset + stringsAddress - holder.address, stringsSize);
  return names.map((start) => {
    let end = start;
    while (end < stringsSize && strings.getUint8(end) !== 0) end++;
    if (end >= stringsSize) throw fault("a name has no end");
    return new TextDecoder().decode(new Uint8Array(strings.buffer, strings.byteOffset + start, end - start));
  });
}

/** {@link neededLibraries} of a file, of which only the tables are read. */
export function neededByFile(path: string): readonly string[] {
  using file = Deno.openSync(path);
  const read: ReadRange = (offset, length) => {
    const bytes = new Uint8Array(length);
    file.seekSync(offset, Deno.SeekMode.Start);
    for (let at = 0; at < length;) {
      const count = file.readSync(bytes.subarray(at));
      if (count === null) throw new InputError("no usable shared library: it ends early", { where: path });
      at += count;
    }
    return bytes;
  };
  return neededLibraries(read, file.statSync().size);
}
