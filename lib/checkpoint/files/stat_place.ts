import { InputError } from "../../core/mod.ts";
import { fileFault } from "./_file_fault.ts";
import { memoryEntry } from "./memory_folder.ts";

/** What lies at a path, links resolved. */
export interface PlaceStat {
  /** What it is. */
  readonly kind: "file" | "folder" | "other";
  /** Size of a file. */
  readonly bytes: number;
}

/** What lies at a path of a disk or of a {@link memoryFolder}; rejects with the system's error where nothing does. */
export async function statPlace(path: string): Promise<PlaceStat> {
  const entry = memoryEntry(path);
  if (entry === "folder") return { kind: "folder", bytes: 0 };
  if (entry !== null) return { kind: "file", bytes: entry.length };
  const { isFile, isDirectory, size } = await Deno.stat(path);
  return { kind: isFile ? "file" : isDirectory ? "folder" : "other", bytes: size };
}

/** The `InputError` of a file that cannot be read. */
export function readFault(error: unknown, path: string): unknown {
  return fileFault(error, {
    what: "cannot read the file",
    where: path,
    repair: "check the path and its permissions",
  });
}

/** Size in bytes and real path (links resolved) of a regular file; `InputError` for anything else. */
export async function statFile(path: string): Promise<{ readonly path: string; readonly bytes: number }> {
  try {
    const { kind, bytes } = await statPlace(path);
    if (kind !== "file") {
      throw new InputError("not a file", { where: path, repair: "pass the path of a file" });
    }
    return { path: memoryEntry(path) === null ? await Deno.realPath(path) : path, bytes };
  } catch (error) {
    throw readFault(error, path);
  }
}

/** Whether a path exists. A link that leads nowhere does: reading it then says so, instead of "no such file". */
export async function pathExists(path: string): Promise<boolean> {
  try {
    if (memoryEntry(path) === null) await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "NotFound") return false;
    throw readFault(error, path);
  }
}
