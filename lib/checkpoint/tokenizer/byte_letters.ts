/**
 * The 256 letters that stand for bytes in a byte-level vocabulary: printable Latin-1 as is, the rest from U+0100.
 *
 * Source: the byte-level alphabet that GPT-2 introduced and Hugging Face files use.
 *
 * @example
 * ```ts
 * import { byteLetters } from "@small-vectors/steering/checkpoint";
 * if (byteLetters()[0x20] !== "Ġ") throw new Error("a space has a letter that prints");
 * ```
 */
export function byteLetters(): readonly string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** The token that stands for one byte where a vocabulary falls back to bytes. */
export function byteName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
