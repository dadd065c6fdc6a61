const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * A token's text as figures show it: quoted, spaces at its ends as ␣, line breaks and tabs as \n, \r, \t, other
 * invisible characters as \u and their code.
 *
 * @example
 * ```ts
 * import { tokenLabel } from "./mod.ts";
 * if (tokenLabel(" To") !== '"␣To"') throw new Error(tokenLabel(" To"));
 * if (tokenLabel("\n\n") !== '"\\n\\n"') throw new Error(tokenLabel("\n\n"));
 * ```
 */
export function tokenLabel(text: string): string {
  const visible = text
    .replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length))
    .replace(/[\p{Cc}\p{Cf}\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/gu, (character) => {
      const code = (character.codePointAt(0) as number).toString(16).padStart(4, "0");
      return ESCAPES[character] ?? `\\u${code.length > 4 ? `{${code}}` : code}`;
    });
  return `"${visible}"`;
}
