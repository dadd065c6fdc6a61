import { InputError } from "../../lib/core/mod.ts";

/** What a command's exit code says. */
export const EXIT_CODES = {
  done: 0,
  outside: 1,
  badInput: 2,
  bug: 70,
  interrupted: 130,
  closedPipe: 141,
} as const;

/** How a failed run ends: the exit code, and what is written to standard error. */
export interface Fault {
  readonly code: number;
  readonly text: string;
}

/** What the system's error codes mean to the person who gave the path, and what to do. */
const SYSTEM_FAULTS: Readonly<Record<string, readonly [what: string, repair: string]>> = {
  ENOENT: ["no such file or folder", "check the path"],
  EACCES: ["not allowed to open", "check the owner and the mode of the path"],
  EPERM: ["not allowed to open", "check the owner and the mode of the path"],
  EROFS: ["the file system is read-only", "choose another folder"],
  ENOSPC: ["the disk is full", "free some space or choose another folder"],
  EEXIST: ["exists already", "choose another path or remove it"],
  EISDIR: ["is a folder, not a file", "check the path"],
  ENOTDIR: ["a part of the path is not a folder", "check the path"],
  ENOTEMPTY: ["the folder is not empty", "choose another folder"],
  EINTR: ["interrupted while reading or writing", "run the command again"],
};

/** Deno gives some errors no code; their class says the same. */
function systemCode(error: Error): string | undefined {
  if ("code" in error && typeof error.code === "string") return error.code;
  const classes = [
    [Deno.errors.NotFound, "ENOENT"],
    [Deno.errors.PermissionDenied, "EACCES"],
    [Deno.errors.AlreadyExists, "EEXIST"],
    [Deno.errors.IsADirectory, "EISDIR"],
    [Deno.errors.NotADirectory, "ENOTDIR"],
    [Deno.errors.Interrupted, "EINTR"],
  ] as const;
  return classes.find(([type]) => error instanceof type)?.[1];
}

/** The path in a system error, which ends in `: open 'PATH'` or `: rename 'A' -> 'B'`. */
function pathOf(message: string): string | undefined {
  return /: \w+ '([^']+)'/.exec(message)?.[1];
}

/**
 * How to end after an error. A fault of what came from outside is one line; anything else is a fault of this
 * program and keeps its stack.
 */
export function faultOf(error: unknown): Fault {
  const badInput = (line: string): Fault => ({ code: EXIT_CODES.badInput, text: `error: ${line}\n` });
  if (error instanceof InputError) return badInput(error.message);
  if (error instanceof Deno.errors.BrokenPipe) return { code: EXIT_CODES.closedPipe, text: "" };
  if (error instanceof Deno.errors.NotCapable) {
    const asked = /^Requires (.+?), run again/.exec(error.message)?.[1] ?? error.message;
    return badInput(
      new InputError(`no permission for ${asked}`, { repair: "run it through deno task" }).message,
    );
  }
  if (error instanceof Error) {
    const code = systemCode(error) ?? "", known = SYSTEM_FAULTS[code];
    const path = pathOf(error.message);
    // Without a path there is nothing a person could mend, so the stack is worth more; a full disk says enough.
    if (known !== undefined && (path !== undefined || code === "ENOSPC")) {
      const where = path === undefined ? {} : { where: path };
      return badInput(new InputError(known[0], { ...where, repair: known[1] }).message);
    }
  }
  const trace = error instanceof Error ? error.stack ?? error.message : String(error);
  return { code: EXIT_CODES.bug, text: `this is a bug of the program, please report it:\n${trace}\n` };
}
