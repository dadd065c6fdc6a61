/** Index after the last `\boxed` (or, when there is none, the last `\fbox`); null without one. */
export function lastBox(completion: string): number | null {
  const boxed = [...completion.matchAll(/\\boxed(?![A-Za-z])/g)].at(-1);
  const box = boxed ?? [...completion.matchAll(/\\fbox(?![A-Za-z])/g)].at(-1);
  return box === undefined ? null : box.index + box[0].length;
}

/** Text from the brace at or after `from` to the one that closes it; null when it never closes. */
export function bracedText(text: string, from: number): string | null {
  let open = from;
  while (text[open] === " ") open++;
  if (text[open] !== "{") return null;
  let depth = 0;
  for (let index = open; index < text.length; index++) {
    const letter = text[index];
    if (letter === "\\") index++;
    else if (letter === "{") depth++;
    else if (letter === "}" && --depth === 0) return text.slice(open + 1, index);
  }
  return null;
}
