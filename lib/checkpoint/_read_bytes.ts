import { InputError } from "../core/mod.ts";
import { fileFault } from "./_file_fault.ts";

/** A range of bytes of a file. */
export interface ByteRange {
  readonly from: number;
  readonly length: number;
}

/** Bytes read at once when a file is streamed: large enough for full disk speed, small beside any model. */
export const CHUNK_BYTES = 1 << 22;

function readFault(error: unknown, path: string): unknown {
  return fileFault(error, {
    what: "cannot read the file",
    where: path,
    repair: "check the path and its permissions",
  });
}

/**
 * Streams a range of a file through one buffer of `CHUNK_BYTES`: each chunk is valid until the next one is asked
 * for. Chunks but the last are full. Throws `InputError` when the file is missing or ends before the range does.
 */
export async function* readChunks(path: string, range: ByteRange): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    using file = await Deno.open(path, { read: true });
    await file.seek(range.from, Deno.SeekMode.Start);
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, range.length));
    for (let done = 0; done < range.length;) {
      const chunk = buffer.subarray(0, Math.min(buffer.length, range.length - done));
      for (let filled = 0; filled < chunk.length;) {
        const count = await file.read(chunk.subarray(filled));
        if (count === null) {
          throw new InputError(`the file ends ${range.length - done - filled} bytes too early`, {
            where: path,
            repair: "fetch or write it again",
          });
        }
        filled += count;
      }
      yield chunk;
      done += chunk.length;
    }
  } catch (error) {
    throw readFault(error, path);
  }
}

/** A range of a file as one array, with the errors of {@link readChunks}. */
export async function readBytes(path: string, range: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(range.length);
  let done = 0;
  for await (const chunk of readChunks(path, range)) {
    bytes.set(chunk, done);
    done += chunk.length;
  }
  return bytes;
}

/** Size in bytes and real path (links resolved) of a regular file; `InputError` for anything else. */
export async function statFile(path: string): Promise<{ readonly path: string; readonly bytes: number }> {
  try {
    const stat = await Deno.stat(path);
    if (!stat.isFile) throw new InputError("not a file", { where: path, repair: "pass the path of a file" });
    return { path: await Deno.realPath(path), bytes: stat.size };
  } catch (error) {
    throw readFault(error, path);
  }
}

/** Whether a path exists. A link that leads nowhere does: reading it then says so, instead of "no such file". */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw readFault(error, path);
  }
}
