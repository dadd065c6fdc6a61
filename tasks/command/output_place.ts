import { basename, dirname, resolve } from "node:path";
import { ensureFolder, writeFileAtomic } from "../../lib/checkpoint/mod.ts";
import { canonicalJson, InputError } from "../../lib/core/mod.ts";

async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

/** Whether there is a file or folder at a path. */
export async function exists(path: string): Promise<boolean> {
  return await statOrNull(path) !== null;
}

/** Removes a file that need not be there. */
export async function removeIfThere(path: string): Promise<void> {
  if (await exists(path)) await Deno.remove(path);
}

/**
 * Throws an InputError unless a file or folder can be written at a path. Long work asks before it starts: the
 * nearest folder that exists gets a file that goes away at once, and nothing else is made.
 */
export async function checkWritable(
  path: string,
  options: {
    readonly as: "file" | "folder";
    /** The flag that names the path. `@default "out"` */
    readonly flag?: string;
  },
): Promise<void> {
  const repair = `choose another --${options.flag ?? "out"}`;
  const inFolder = options.as === "file" ? dirname(resolve(path)) : resolve(path);
  if (options.as === "file" && (await statOrNull(path))?.isDirectory) {
    throw new InputError("a folder stands where a file is needed", { where: path, repair });
  }
  let folder = inFolder, found = await statOrNull(folder);
  while (found === null) {
    folder = dirname(folder);
    found = await statOrNull(folder);
  }
  if (!found.isDirectory) {
    throw new InputError("a file stands where a folder is needed", { where: folder, repair });
  }
  try {
    await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: ".writable-" }));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.name : String(cause);
    throw new InputError(`cannot write to the output folder, ${reason}`, { where: folder, repair, cause });
  }
}

/** Writes a report of a command to its `--out`. */
export async function writeReport(path: string, report: unknown): Promise<void> {
  await ensureFolder(dirname(path));
  await writeFileAtomic(path, `${canonicalJson(report)}\n`);
}

/**
 * Where work for a folder is kept until it is done: in it where it exists, since it may be a disk of its own, else
 * beside its place.
 */
export async function scratchFolder(out: string, name: string): Promise<string> {
  return await exists(out) ? `${out}/.${name}` : `${dirname(out)}/.${basename(out)}.${name}`;
}

/** Throws an InputError where a folder has a model already, unless it may be replaced. */
export async function checkNoModel(out: string, options: { readonly force: boolean }): Promise<void> {
  if (options.force) return;
  for (const name of ["config.json", "model.safetensors"]) {
    if (!await exists(`${out}/${name}`)) continue;
    throw new InputError("there is another model", {
      where: out,
      repair: "pass --force to replace it, or another --out",
    });
  }
}
