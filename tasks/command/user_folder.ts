import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../lib/core/mod.ts";

/** Set by `deno task`, which runs a command in the folder of deno.json: where it was called. */
const CALLED_IN = "INIT_CWD";

/** The folder where the user called the command, or null where that is the current one. */
export function userFolder(env: { readonly get: (name: string) => string | undefined }): string | null {
  try {
    const folder = env.get(CALLED_IN);
    return folder === undefined || folder === "" ? null : folder;
  } catch (error) {
    // Started without deno task and without the permission: then nothing moved to another folder before.
    if (error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
}

/**
 * Makes the folder where the user called the command the current one, so that paths mean what they say there, and
 * messages name them as they were written. What belongs to the project is found by {@link projectPath}.
 */
export function enterUserFolder(): void {
  const folder = userFolder(Deno.env);
  if (folder === null) return;
  try {
    Deno.chdir(folder);
  } catch (cause) {
    throw new InputError(`the variable ${CALLED_IN} names a folder that cannot be entered`, {
      where: folder,
      repair: `call the command in a folder that exists, or unset ${CALLED_IN}`,
      cause,
    });
  }
}

/** A file or folder of the project by its path there: short where it lies below the current folder, else whole. */
export function projectPath(path: string): string {
  const whole = fileURLToPath(new URL(`../../${path}`, import.meta.url)), short = relative(Deno.cwd(), whole);
  return short === "" || short.startsWith("..") ? whole : short;
}
