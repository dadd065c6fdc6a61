import { basename } from "node:path";
import { type ByteSource, unpack, type ZipEntry } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";

/** The text of a small member. */
export async function memberText(wheel: ByteSource, entry: ZipEntry): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  await unpack(wheel, entry, { write: (bytes) => void (text += decoder.decode(bytes, { stream: true })) });
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
  wheel: ByteSource,
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
  const sha256 = await unpack(wheel, entry, {
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
