import type { z } from "zod";
import { InputError } from "../core/mod.ts";
import { readBytes, statFile } from "./_read_bytes.ts";

/**
 * Upper bound for JSON of any kind. The safetensors format itself stops at 100 MB, and the largest tokenizers in
 * use are a third of that; past it, the length is damage or mischief and must not be allocated.
 */
export const JSON_BYTES_LIMIT = 100_000_000;

const REPAIR = "fetch or write the file again";

/** Text from outside as it may stand in a one-line message: quoted, control characters escaped, cut. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/**
 * The first key that stands twice in one object of *valid* JSON text, or null. `JSON.parse` keeps the last and
 * says nothing, so two readers of one file could see two different values.
 */
export function duplicateKey(text: string): string | null {
  // One entry per open bracket: the keys seen, or null inside an array.
  const open: (Set<string> | null)[] = [];
  let keyNext = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') {
      const start = at;
      while (text[++at] !== '"') if (text[at] === "\\") at++;
      const keys = open.at(-1);
      if (!keyNext || keys === undefined || keys === null) continue;
      const key = JSON.parse(text.slice(start, at + 1)) as string;
      if (keys.has(key)) return key;
      keys.add(key);
      keyNext = false;
    } else if (letter === "{") {
      open.push(new Set());
      keyNext = true;
    } else if (letter === "[") {
      open.push(null);
      keyNext = false;
    } else if (letter === "}" || letter === "]") {
      open.pop();
      keyNext = false;
    } else if (letter === ",") {
      keyNext = open.at(-1) instanceof Set;
    }
  }
  return null;
}

/** UTF-8 bytes → text; `InputError` where they are no UTF-8. */
export function decodeUtf8(
  bytes: Uint8Array,
  options: { readonly what: string; readonly where: string },
): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(`${options.what} is not valid UTF-8`, {
      where: options.where,
      repair: REPAIR,
      cause,
    });
  }
}

/** UTF-8 bytes → JSON value; `InputError` on bad UTF-8, bad JSON and keys that stand twice. */
export function parseJson(
  bytes: Uint8Array,
  options: { readonly what: string; readonly where: string },
): unknown {
  const { what, where } = options;
  const text = decodeUtf8(bytes, options);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${what} is not valid JSON`, { where, repair: REPAIR, cause });
  }
  const twice = duplicateKey(text);
  if (twice !== null) {
    throw new InputError(`${what} has the key ${quoted(twice)} twice`, { where, repair: REPAIR });
  }
  return value;
}

/** `a.b[2]`, the place of a value in a JSON file. */
function placeOf(path: readonly PropertyKey[]): string {
  return path.map((key, index) => typeof key === "number" ? `[${key}]` : `${index ? "." : ""}${String(key)}`)
    .join("");
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/**
 * A JSON value checked by a schema. The first fault becomes one line: the key, the rule, the current value; keys
 * the schema does not know are refused by name.
 */
export function validateJson<T>(
  value: unknown,
  options: { readonly schema: z.ZodType<T>; readonly what: string; readonly where: string },
): T {
  const { schema, what, where } = options;
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  const more = result.error.issues.length > 1 ? `, and ${result.error.issues.length - 1} more faults` : "";
  const place = placeOf(issue.path);
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.map(quoted).join(", ");
    throw new InputError(`${what} has unknown keys ${keys}${place ? ` in "${place}"` : ""}${more}`, {
      where,
      repair: "they may change the computation: use a model without them",
    });
  }
  if (issue.input === undefined) {
    throw new InputError(`${quoted(place)} is missing in ${what}${more}`, { where });
  }
  const subject = place ? `${quoted(place)} in ${what}` : what;
  throw new InputError(`${subject}: ${issue.message}: current value is ${shown(issue.input)}${more}`, {
    where,
  });
}

/** All bytes of a file that should be of modest size; `InputError` when it is missing or too long. */
export async function readWholeFile(path: string, options: { readonly what: string }): Promise<Uint8Array> {
  const file = await statFile(path);
  if (file.bytes > JSON_BYTES_LIMIT) {
    throw new InputError(`${options.what} has ${file.bytes} bytes, more than the limit ${JSON_BYTES_LIMIT}`, {
      where: path,
      repair: REPAIR,
    });
  }
  return await readBytes(file.path, { from: 0, length: file.bytes });
}

/** A JSON file, parsed; `InputError` when it is missing, too long or not JSON. */
export async function readJsonFile(path: string, options: { readonly what: string }): Promise<unknown> {
  return parseJson(await readWholeFile(path, options), { ...options, where: path });
}
