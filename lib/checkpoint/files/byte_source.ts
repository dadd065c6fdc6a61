import { InputError } from "../../core/mod.ts";
import { memoryEntry } from "./memory_folder.ts";
import { readFault, statFile } from "./stat_place.ts";

/** A file to be parsed: its length, and any part of it. */
export interface ByteSource {
  /** Length of the whole. */
  readonly bytes: number;
  /** The bytes from an offset; never asked for what lies past the end. Valid until the next call. */
  readonly read: (offset: number, length: number) => Uint8Array<ArrayBuffer>;
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array<ArrayBuffer>): ByteSource {
  return { bytes: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** A file that is open for reading. */
export interface FileSource extends ByteSource, Disposable {
  /** Real path of the file, links resolved. */
  readonly file: string;
}

/** Opens a file of a disk or of memory for reading any part of it; `using` closes it. `InputError` where it cannot. */
export async function openSource(path: string): Promise<FileSource> {
  const { path: real, bytes } = await statFile(path);
  const entry = memoryEntry(real);
  if (entry !== null && entry !== "folder") {
    return { file: real, ...memorySource(entry), [Symbol.dispose]: () => {} };
  }
  let open: Deno.FsFile;
  try {
    open = await Deno.open(real, { read: true });
  } catch (error) {
    throw readFault(error, path);
  }
  return {
    file: real,
    bytes,
    [Symbol.dispose]: () => open.close(),
    read(offset, length) {
      const buffer = new Uint8Array(length);
      try {
        open.seekSync(offset, Deno.SeekMode.Start);
        for (let done = 0; done < length;) {
          const count = open.readSync(buffer.subarray(done));
          if (count === null) {
            throw new InputError("the file became shorter while it was read", { where: path });
          }
          done += count;
        }
      } catch (error) {
        throw readFault(error, path);
      }
      return buffer;
    },
  };
}
