import { drawable } from "./_drawable.ts";

/**
 * A token's text as figures show it: quoted, spaces at its ends as ␣, line breaks and tabs as \n, \r, \t, other
 * invisible characters and those of scripts that the figures' font lacks (Han, Kana, Hangul, …) as \u and their code.
 * A label longer than `most` characters keeps its beginning and its end around …
 *
 * @throws RangeError when `most` leaves no room for both ends.
 *
 * @example
 * ```ts
 * import { tokenLabel } from "../mod.ts";
 * if (tokenLabel(" To") !== '"␣To"') throw new Error(tokenLabel(" To"));
 * if (tokenLabel("\n\n") !== '"\\n\\n"') throw new Error(tokenLabel("\n\n"));
 * if (tokenLabel("解") !== '"\\u89e3"') throw new Error(tokenLabel("解"));
 * if (tokenLabel("\\displaystyle", { most: 9 }) !== '"\\di…yle"') throw new Error(tokenLabel("\\displaystyle", { most: 9 }));
 * ```
 */
export function tokenLabel(text: string, options: { readonly most?: number } = {}): string {
  const { most = Infinity } = options;
  if (!(most >= 5)) {
    throw new RangeError(`Cannot shorten a label as most must be >= 5: current value is ${most}`);
  }
  const visible = [...drawable(text.replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length)))];
  // Two quotation marks and the ellipsis belong to the length.
  const room = most - 3;
  const whole = visible.length + 2 <= most;
  const head = Math.ceil(room / 2), tail = Math.floor(room / 2);
  return whole
    ? `"${visible.join("")}"`
    : `"${visible.slice(0, head).join("")}…${visible.slice(visible.length - tail).join("")}"`;
}
