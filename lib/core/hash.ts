import { createHash } from "node:crypto";

/**
 * SHA-256 of bytes or of UTF-8 text, in hexadecimal.
 *
 * @example
 * ```ts
 * import { assertMatch } from "@std/assert";
 * import { sha256 } from "./mod.ts";
 *
 * assertMatch(sha256("abc"), /^ba7816bf/);
 * ```
 */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Any value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * JSON with sorted keys and no spaces: equal values give equal text, so its hash names the value. Keys whose value
 * is `undefined` are left out; NaN and infinities are refused, since JSON would turn them into null.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { canonicalJson } from "./mod.ts";
 *
 * assertEquals(canonicalJson({ b: 1, a: [true] }), '{"a":[true],"b":1}');
 * ```
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`Cannot write JSON as numbers must be finite: current value is ${value}`);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
