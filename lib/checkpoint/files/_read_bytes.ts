import { InputError } from "../../core/mod.ts";
import { openSource } from "./byte_source.ts";

/** A range of bytes of a file. */
export interface ByteRange {
  readonly from: number;
  readonly length: number;
}

/** Bytes read at once when a file is streamed: large enough for full disk speed, small beside any model. */
export const CHUNK_BYTES = 1 << 22;

/**
 * Streams a range of a file in chunks of `CHUNK_BYTES`, all but the last of them full. Throws `InputError` when the
 * file is missing or ends before the range does.
 */
export async function* readChunks(path: string, range: ByteRange): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using source = await openSource(path);
  const end = range.from + range.length;
  if (end > source.bytes) {
    throw new InputError(`the file ends ${end - source.bytes} bytes too early`, {
      where: path,
      repair: "fetch or write it again",
    });
  }
  for (let at = range.from; at < end; at += CHUNK_BYTES) {
    yield source.read(at, Math.min(CHUNK_BYTES, end - at));
  }
}

/** A range of a file as one array of its own, with the errors of {@link readChunks}. */
export async function readBytes(path: string, range: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(range.length);
  let done = 0;
  for await (const chunk of readChunks(path, range)) {
    bytes.set(chunk, done);
    done += chunk.length;
  }
  return bytes;
}
