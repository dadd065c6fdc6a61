/**
 * The text of a file without the byte order mark that some editors put before it.
 *
 * @example
 * ```ts
 * import { withoutMark } from "./mod.ts";
 * if (JSON.parse(withoutMark("\ufeff[1]"))[0] !== 1) throw new Error("the mark is no part of the JSON");
 * ```
 */
export function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/**
 * Whether a path ends with a file name's ending, in small letters or capitals.
 *
 * @example
 * ```ts
 * import { hasEnding } from "./mod.ts";
 * if (!hasEnding("./AMC.JSONL", ".jsonl") || hasEnding("./jsonl", ".jsonl")) throw new Error("wrong ending");
 * ```
 */
export function hasEnding(path: string, ending: string): boolean {
  return path.toLowerCase().endsWith(ending);
}
