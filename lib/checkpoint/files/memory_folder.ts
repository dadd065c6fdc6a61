import { InputError } from "../../core/mod.ts";

const SCHEME = "memory:";

/** Folders in memory by name, each with its files by name. */
const folders = new Map<string, ReadonlyMap<string, Uint8Array<ArrayBuffer>>>();

/**
 * Puts files into memory as a folder, and returns its path: every reader of this module takes it in place of a folder
 * of a disk, in a page too. A folder of the same name is replaced.
 *
 * @example
 * ```ts
 * import { memoryFolder, readModelConfig } from "@small-vectors/steering/checkpoint";
 * const config = await Deno.readFile("./fixtures/embedded/base-a/config.json");
 * const folder = memoryFolder("base-a", new Map([["config.json", config]]));
 * if ((await readModelConfig(`${folder}/config.json`)).layers !== 8) throw new Error("read as from a disk");
 * ```
 *
 * @throws {RangeError} for a name that is not one word, or of which a path could be made.
 */
export function memoryFolder(name: string, files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): string {
  const wrong = [name, ...files.keys()].find((word) => word === "" || /[/\\]/.test(word));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot keep files in memory as names must have no slash: current value is "${wrong}"`,
    );
  }
  folders.set(name, files);
  return `${SCHEME}${name}`;
}

/**
 * What lies in memory at a path: a file's bytes, or that it is a folder; null for a path of a disk.
 *
 * @throws {Error} named NotFound, as of a disk, where nothing does.
 */
export function memoryEntry(path: string): Uint8Array<ArrayBuffer> | "folder" | null {
  if (!path.startsWith(SCHEME)) return null;
  const [name = "", file] = path.slice(SCHEME.length).split("/"), folder = folders.get(name);
  const entry = file === undefined ? folder && "folder" : folder?.get(file);
  if (entry !== undefined) return entry;
  throw Object.assign(new Error(`${path} does not exist`), { name: "NotFound", code: "ENOENT" });
}

/** How files are brought into memory. */
export interface FetchFolderOptions {
  /** Names of the files. */
  readonly files: readonly string[];
  /** Told how many bytes have come, over all files. `@default` nobody */
  readonly onBytes?: (bytes: number) => void;
  /** What fetches, such as from a cache. `@default {globalThis.fetch}` */
  readonly fetch?: (url: string) => Promise<Response>;
}

/**
 * Brings files of a server into memory; resolves to the path of their {@link memoryFolder}, whose name is that of the
 * server's folder.
 *
 * @throws {InputError} for a file that does not come whole.
 *
 * @example
 * ```ts
 * import { fetchFolder, pathExists } from "@small-vectors/steering/checkpoint";
 * const folder = await fetchFolder("https://example.org/tiny/", {
 *   files: ["config.json"],
 *   fetch: () => Promise.resolve(new Response("{}")),
 * });
 * if (folder !== "memory:tiny" || !await pathExists(`${folder}/config.json`)) throw new Error("the file is there");
 * ```
 */
export async function fetchFolder(url: string, options: FetchFolderOptions): Promise<string> {
  const { files, onBytes = () => {}, fetch = globalThis.fetch } = options, base = url.replace(/\/+$/, "");
  const brought = await Promise.all(files.map(async (file) => {
    const where = `${base}/${file}`;
    try {
      const response = await fetch(where);
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      const counting = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          onBytes(chunk.length);
          controller.enqueue(chunk);
        },
      });
      const bytes = await new Response(response.body.pipeThrough(counting)).arrayBuffer();
      return [file, new Uint8Array(bytes)] as const;
    } catch (cause) {
      const repair = "check the connection and load it again";
      throw new InputError("cannot fetch the file", { where, repair, cause });
    }
  }));
  return memoryFolder(base.slice(base.lastIndexOf("/") + 1), new Map(brought));
}
