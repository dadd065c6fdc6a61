import type { z } from "zod";
import { InputError, withoutMark } from "../core/mod.ts";

/** First fault of a value as "path: message", for a one-line error. */
export function firstFault(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "no fault";
  const path = issue.path.map((key) => typeof key === "number" ? `[${key}]` : `.${String(key)}`).join("");
  return path === "" ? issue.message : `${path.replace(/^\./, "")}: ${issue.message}`;
}

/** JSON text as a value that the schema accepts; `what` names the kind of file and `where` the file. */
export function parseJson<T>(
  text: string,
  options: {
    readonly schema: z.ZodType<T>;
    readonly what: string;
    readonly where: string;
    readonly repair: string;
  },
): T {
  const { schema, what, where, repair } = options;
  let value: unknown;
  try {
    value = JSON.parse(withoutMark(text));
  } catch (cause) {
    throw new InputError(`${what} is not JSON`, { where, repair, cause });
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new InputError(`${what} has a wrong field, ${firstFault(result.error)}`, { where, repair });
  }
  return result.data;
}

/** A JSON file as a value that the schema accepts. */
export async function readJson<T>(
  path: string,
  options: { readonly schema: z.ZodType<T>; readonly what: string; readonly repair: string },
): Promise<T> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new InputError(`cannot read ${options.what}`, { where: path, repair: options.repair, cause });
  }
  return parseJson(text, { ...options, where: path });
}
