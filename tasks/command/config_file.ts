import { InputError, withoutMark } from "../../lib/core/mod.ts";

/** A JSON file that a flag named. A file that is missing is the system's fault line, one that is no JSON ours. */
export async function readConfigFile(path: string): Promise<unknown> {
  const text = await Deno.readTextFile(path);
  try {
    return JSON.parse(withoutMark(text));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`the config is not valid JSON, ${reason}`, { where: path, cause });
  }
}
