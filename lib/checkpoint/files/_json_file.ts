import { InputError } from "../../core/mod.ts";
import { readBytes } from "./_read_bytes.ts";
import { statFile } from "./stat_place.ts";

/** What a JSON file may ask for before anything of it is parsed; past it, it is damage or mischief. */
export interface JsonLimits {
  /** Length of the text. */
  readonly bytes: number;
  /** Brackets open at once. */
  readonly depth: number;
  /** Commas and brackets: no text has more values than that and one. */
  readonly values: number;
}

/** The kind of a JSON file, which sets its limits. */
export type JsonKind = "config" | "header" | "index" | "tokenizer" | "vectors";

/** The limits of each kind of file, each several times what the largest published models have. */
export const JSON_LIMITS = {
  /** config.json, generation_config.json: a few kilobytes. */
  config: { bytes: 2 ** 20, depth: 16, values: 2 ** 16 },
  /** 405 billion parameters in one header are 150 kilobytes; sixty thousand tensors would fit. */
  header: { bytes: 2 ** 24, depth: 3, values: 2 ** 19 },
  /** The index of shards has one line per tensor. */
  index: { bytes: 2 ** 24, depth: 8, values: 2 ** 18 },
  /** The largest vocabularies, of 260 thousand tokens, make 35 megabytes with their merges. */
  tokenizer: { bytes: 2 ** 26, depth: 32, values: 2 ** 22 },
  /** A hundred layers of a width of 40,000, a number each. */
  vectors: { bytes: 2 ** 27, depth: 4, values: 2 ** 22 },
} as const satisfies { readonly [Kind in JsonKind]: JsonLimits };

/** The fault of a file that cannot be as its writer left it. */
export function damaged(what: string, where: string, cause?: unknown): InputError {
  return new InputError(what, { where, repair: "fetch or write the file again", cause });
}

/** Whether a JSON value is an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

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

/** UTF-8 bytes → text, without a byte order mark before it; `InputError` where they are no UTF-8. */
export function decodeUtf8(
  bytes: Uint8Array,
  options: { readonly what: string; readonly where: string },
): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw damaged(`${options.what} is not valid UTF-8`, options.where, cause);
  }
}

/** Counts brackets and commas outside of texts, so that nothing is built that would not be used. */
function checkLimits(
  bytes: Uint8Array,
  options: { readonly what: string; readonly where: string; readonly kind: JsonKind },
): void {
  const limits: JsonLimits = JSON_LIMITS[options.kind];
  let depth = 0, deepest = 0, values = 0, inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inText) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x2c) values++;
    else if (byte === 0x7b || byte === 0x5b) {
      values++;
      if (++depth > deepest) deepest = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  const { what, where } = options;
  if (deepest > limits.depth) {
    throw damaged(`${what} nests ${deepest} deep, more than the limit ${limits.depth}`, where);
  }
  if (values > limits.values) {
    throw damaged(`${what} has ${values} values, more than the limit ${limits.values}`, where);
  }
}

/** UTF-8 bytes → JSON value; `InputError` past the limits, on bad UTF-8, bad JSON and keys that stand twice. */
export function parseJson(
  bytes: Uint8Array,
  options: { readonly what: string; readonly where: string; readonly kind: JsonKind },
): unknown {
  const { what, where } = options;
  checkLimits(bytes, options);
  const text = decodeUtf8(bytes, options);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(`${what} is not valid JSON`, where, cause);
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw damaged(`${what} has the key ${quoted(twice)} twice`, where);
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

/** What a schema of zod finds wrong. */
export interface SchemaIssue {
  /** Kind of the fault. */
  readonly code?: string;
  /** Keys and indices that lead to the value. */
  readonly path: readonly PropertyKey[];
  /** The rule. */
  readonly message: string;
  /** The value. */
  readonly input?: unknown;
  /** Of unknown keys. */
  readonly keys?: readonly string[];
}

/** What checks a JSON value: a schema of zod. */
export interface JsonSchema<T> {
  /** The value as the schema makes it, or what is wrong with it. */
  readonly safeParse: (value: unknown, options: { readonly reportInput: true }) =>
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } };
}

/**
 * A JSON value checked by a schema. The first fault becomes one line: the key, the rule, the current value; keys
 * the schema does not know are refused by name.
 */
export function validateJson<T>(
  value: unknown,
  options: { readonly schema: JsonSchema<T>; readonly what: string; readonly where: string },
): T {
  const { schema, what, where } = options;
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0] as SchemaIssue;
  const more = result.error.issues.length > 1 ? `, and ${result.error.issues.length - 1} more faults` : "";
  const place = placeOf(issue.path);
  if (issue.code === "unrecognized_keys") {
    const keys = (issue.keys ?? []).map(quoted).join(", ");
    throw new InputError(`${what} has unknown keys ${keys}${place ? ` in "${place}"` : ""}${more}`, {
      where,
      repair: "they may change the computation: use a file without them",
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
export async function readWholeFile(
  path: string,
  options: { readonly what: string; readonly kind: JsonKind },
): Promise<Uint8Array> {
  const file = await statFile(path), limit = JSON_LIMITS[options.kind].bytes;
  if (file.bytes > limit) {
    throw damaged(`${options.what} has ${file.bytes} bytes, more than the limit ${limit}`, path);
  }
  return await readBytes(file.path, { from: 0, length: file.bytes });
}

/** A JSON file, parsed; `InputError` when it is missing, too long or not JSON. */
export async function readJsonFile(
  path: string,
  options: { readonly what: string; readonly kind: JsonKind },
): Promise<unknown> {
  return parseJson(await readWholeFile(path, options), { ...options, where: path });
}
