import { InputError } from "../../core/mod.ts";
import { fileFault } from "./_file_fault.ts";

/** What a file may be written from: whole, or chunk by chunk so that large content never sits in memory. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

let writes = 0;

/** The temporary neighbour of a file; process and count keep two writers apart. */
function temporaryPath(path: string): string {
  const cut = path.lastIndexOf("/") + 1;
  return `${path.slice(0, cut)}.${path.slice(cut)}.${Deno.pid}.${writes++}.part`;
}

function writeFault(error: unknown, path: string): unknown {
  return fileFault(error, {
    what: "cannot write the file",
    where: path,
    repair: "choose a folder that can be written",
  });
}

/**
 * A file that is written piece by piece: the pieces go into a temporary neighbour, which takes the name when all are
 * there, so that a reader sees the old content or the new, never a part. The folder must exist (see
 * {@link ensureFolder}).
 *
 * @example
 * ```ts
 * import { FileReplacement } from "@small-vectors/steering/checkpoint";
 * const path = await Deno.makeTempFile(), file = await FileReplacement.begin(path);
 * await file.write("one\n");
 * await file.write("two\n");
 * await file.commit();
 * if (await Deno.readTextFile(path) !== "one\ntwo\n") throw new Error("not written");
 * await Deno.remove(path);
 * ```
 */
export class FileReplacement {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, options: { readonly temporary: string; readonly file: Deno.FsFile }) {
    this.#path = path;
    this.#temporary = options.temporary;
    this.#file = options.file;
  }

  /** Opens the temporary file. Throws `InputError` when the folder is missing or cannot be written. */
  static async begin(path: string): Promise<FileReplacement> {
    const temporary = temporaryPath(path);
    const file = await Deno.open(temporary, { write: true, createNew: true }).catch((error) => {
      throw writeFault(error, path);
    });
    return new FileReplacement(path, { temporary, file });
  }

  /** Adds to the content, before {@link commit} or {@link discard}. Throws `InputError` when it cannot be written. */
  async write(content: string | Uint8Array): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    try {
      for (let done = 0; done < bytes.length;) done += await this.#file.write(bytes.subarray(done));
    } catch (error) {
      throw writeFault(error, this.#path);
    }
  }

  /** Gives the content its name. Throws `InputError` when that cannot be done. */
  async commit(): Promise<void> {
    try {
      // Without it, a power cut after the rename could leave the new name on an empty file.
      await this.#file.syncData();
      this.#file.close();
      await Deno.rename(this.#temporary, this.#path);
    } catch (error) {
      throw writeFault(error, this.#path);
    }
  }

  /** Removes what was written, after a fault; what had the name before stays. */
  async discard(): Promise<void> {
    try {
      this.#file.close();
    } catch (error) {
      // A commit that failed may have closed it.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Deno.remove(this.#temporary);
  }
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part: see {@link FileReplacement}.
 *
 * Throws `InputError` when the folder is missing or cannot be written; nothing is left behind then. Errors that
 * `content` itself throws pass through unchanged.
 *
 * @example
 * ```ts
 * import { writeFileAtomic } from "@small-vectors/steering/checkpoint";
 * const path = await Deno.makeTempFile();
 * await writeFileAtomic(path, "two");
 * if (await Deno.readTextFile(path) !== "two") throw new Error("not replaced");
 * await Deno.remove(path);
 * ```
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  const chunks = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
  const file = await FileReplacement.begin(path);
  try {
    for await (const chunk of chunks) await file.write(chunk);
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/**
 * A value as the text of a JSON file: indented by two spaces, with a line feed at the end.
 *
 * @example
 * ```ts
 * import { jsonText } from "@small-vectors/steering/checkpoint";
 * if (jsonText([1]) !== "[\n  1\n]\n") throw new Error("a value a line");
 * ```
 */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Makes a folder and its parents; one that exists already is kept. Throws `InputError` when it cannot be made, or
 * when a file stands in its place.
 *
 * @example
 * ```ts
 * import { ensureFolder } from "@small-vectors/steering/checkpoint";
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
