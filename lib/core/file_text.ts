/** The text of a file without the byte order mark that some editors put before it. */
export function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** Whether a path ends with a file name's ending, in small letters or capitals. */
export function hasEnding(path: string, ending: string): boolean {
  return path.toLowerCase().endsWith(ending);
}
