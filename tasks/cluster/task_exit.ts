import { z } from "zod";
import { InputError } from "../../lib/core/mod.ts";
import { EXIT_CODES } from "../command/fault.ts";
import { exists } from "../command/output_place.ts";

/** What is read of the record of an end; it also names the element and its log. */
const RECORD = z.object({ code: z.int(), node: z.string(), attempt: z.int() });

/** A task that was killed, for its memory or with its node, is tried so often again. */
export const MOST_RETRIES = 2;

/** Codes of a process that a signal ended: a kill for memory, an abort, a fault of memory. */
export const KILLED: readonly number[] = [134, 135, 137, 139];

/** Codes of a process that was told to stop: before it listens, USR2 and TERM end it as they are. */
export const STOPPED: readonly number[] = [EXIT_CODES.interrupted, 140, 143];

/**
 * What becomes of a task by its exit code: a stopped one has saved its state and goes on, a killed one is tried again a
 * bounded number of times, and what bad input, a check or a bug ended would only end so again.
 */
export function afterExit(code: number): "done" | "goes on" | "retry" | "failed" {
  if (code === EXIT_CODES.done) return "done";
  if (STOPPED.includes(code)) return "goes on";
  return KILLED.includes(code) ? "retry" : "failed";
}

/** An exit code in words. */
export function exitText(code: number): string {
  const names: Readonly<Record<number, string>> = {
    [EXIT_CODES.outside]: "something was not made",
    [EXIT_CODES.badInput]: "bad input",
    [EXIT_CODES.bug]: "a bug",
    [EXIT_CODES.interrupted]: "stopped, with its state saved",
    137: "killed, as for memory",
  };
  return names[code] === undefined ? `exit code ${code}` : `exit code ${code}, ${names[code]}`;
}

/** Where the launcher notes how a task ended. */
export function exitPath(folder: string, task: { readonly plan: string; readonly index: number }): string {
  return `${folder}/exits/${task.plan}-${task.index}.json`;
}

/** How a task ended last; null where it has not. Throws an InputError for what is no record of an end. */
export async function readExit(path: string): Promise<z.infer<typeof RECORD> | null> {
  if (!await exists(path)) return null;
  const text = await Deno.readTextFile(path);
  try {
    return RECORD.parse(JSON.parse(text));
  } catch (cause) {
    throw new InputError("this is no record of how a task ended", {
      where: path,
      repair: "remove it",
      cause,
    });
  }
}
