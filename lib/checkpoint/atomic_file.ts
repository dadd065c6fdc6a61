import { InputError } from "../core/mod.ts";
import { fileFault } from "./_file_fault.ts";

/** What a file may be written from: whole, or chunk by chunk so that large content never sits in memory. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

let writes = 0;

/** The temporary neighbour of a file; process and count keep two writers apart. */
function temporaryPath(path: string): string {
  const cut = path.lastIndexOf("/") + 1;
  return `${path.slice(0, cut)}.${path.slice(cut)}.${Deno.pid}.${writes++}.part`;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part: the content goes into a temporary
 * file of the same folder, which then takes the name. The folder must exist (see {@link ensureFolder}).
 *
 * Throws `InputError` when the folder is missing or cannot be written; nothing is left behind then. Errors that
 * `content` itself throws pass through unchanged.
 *
 * @example
 * ```ts
 * import { writeFileAtomic } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * await writeFileAtomic(`${folder}/a.txt`, "one");
 * await writeFileAtomic(`${folder}/a.txt`, "two");
 * if (await Deno.readTextFile(`${folder}/a.txt`) !== "two") throw new Error("not replaced");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  const chunks = typeof content === "string"
    ? [new TextEncoder().encode(content)]
    : content instanceof Uint8Array
    ? [content]
    : content;
  const temporary = temporaryPath(path);
  const fault = (error: unknown) =>
    fileFault(error, {
      what: "cannot write the file",
      where: path,
      repair: "choose a folder that can be written",
    });
  const file = await Deno.open(temporary, { write: true, createNew: true }).catch((error) => {
    throw fault(error);
  });
  try {
    try {
      for await (const chunk of chunks) {
        await writeAll(file, chunk).catch((error) => {
          throw fault(error);
        });
      }
      // Without it, a power cut after the rename could leave the new name on an empty file.
      await file.syncData();
    } finally {
      file.close();
    }
    await Deno.rename(temporary, path).catch((error) => {
      throw fault(error);
    });
  } catch (error) {
    await Deno.remove(temporary);
    throw error;
  }
}

/**
 * Makes a folder and its parents; one that exists already is kept. Throws `InputError` when it cannot be made, or
 * when a file stands in its place.
 *
 * @example
 * ```ts
 * import { ensureFolder } from "./mod.ts";
 * const folder = await Deno.makeTempDir();
 * await ensureFolder(`${folder}/a/b`);
 * if (!(await Deno.stat(`${folder}/a/b`)).isDirectory) throw new Error("no folder");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new InputError("a file stands where a folder is needed", {
        where: path,
        repair: "choose another folder",
        cause: error,
      });
    }
    throw fileFault(error, { what: "cannot make the folder", where: path, repair: "choose another place" });
  }
}
