import { plainSpelling } from "./_plain_spelling.ts";
import { type Token, TOKEN_LIMIT, TokenScanner } from "./_token_scanner.ts";

/** How commas between digits are read: as what parts values, as thousands marks, or as a decimal point. */
export type Commas = "list" | "thousands" | "decimal";

/** Digits in groups of three lose what parts them, where that can be nothing but a thousands mark. */
function withoutSureMarks(text: string): string {
  // Names of a library before its functions: `np.arcsin(1/2)`.
  let plain = text.replace(/(?<![A-Za-z\\])(?:np|math)\.(?=[a-z])/g, "");
  if (/[{,\\~]/.test(plain)) {
    plain = plain.replace(/,\s*\\!\s*/g, "{,}").replace(/(?<=\d)\s*\{\s*,\s*\}\s*(?=\d{3}(?!\d))/g, "")
      .replace(/^([^,]*\d)\{,\}(\d[^,]*)$/, "$1.$2").replace(/\{\s*,\s*\}/g, ",")
      .replace(/(?<![\d.])\d{1,3}(?:(?:\\,|~)\d{3})+(?![\d])/g, (run) => run.replace(/\\,|~/g, ""));
  }
  return plain.replace(
    /(?<![\d.])\d{1,3}(?:\.\d{3}){2,}(?![\d.])/g,
    (run) => run.replaceAll(".", ""),
  ).replace(
    /^(\s*-?\s*\d{1,3})((?:['\s]\d{3})+)(?=\s*(?:$|[.\\%A-Za-z]))/,
    (_, head: string, rest: string) => head + rest.replace(/['\s]/g, ""),
  );
}

const GROUPED = /(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])/g;

/** Whether a place of a text lies within no bracket. */
function isOutside(text: string, place: number): boolean {
  let depth = 0;
  for (let index = 0; index < place; index++) {
    if ("([{".includes(text[index] as string)) depth++;
    else if (")]}".includes(text[index] as string)) depth--;
  }
  return depth === 0;
}

/** Text with its commas between digits as `commas` has them. */
function withCommas(text: string, commas: Commas): string {
  if (commas === "list") return text;
  if (commas === "thousands") {
    return text.replace(GROUPED, (run, at: number) => isOutside(text, at) ? run.replaceAll(",", "") : run);
  }
  return text.replace(
    /(?<![\d.,])(\d{1,3}(?:\.\d{3})+|\d+),(\d+)(?![\d.,])/g,
    (_, head: string, rest: string) => `${head.replaceAll(".", "")}.${rest}`,
  );
}

/** The ways of reading a text's commas, the usual one first. */
export function commaReadings(text: string): readonly Commas[] {
  if (!/\d,\d/.test(text)) return ["list"];
  const plain = plainSpelling(text), isGrouped = withCommas(plain, "thousands") !== plain;
  if (isGrouped) {
    const others = plain.replace(GROUPED, "");
    return others.includes(",") ? ["list", "thousands"] : ["thousands", "list"];
  }
  if ((plain.match(/\d,\d/g) ?? []).length !== 1 || /,\s|\s,|[([{]/.test(plain)) return ["list"];
  return /(?<!\d)0,\d/.test(plain) ? ["decimal", "list"] : ["list", "decimal"];
}

/** `3 x 10^8`: a letter between a number and a power of ten is a sign of multiplication. */
function timesOf(tokens: readonly Token[], place: number): Token | null {
  const [before, letter, ten, power] = tokens.slice(Math.max(0, place - 1), place + 3);
  const isTimes = place > 0 && letter?.kind === "letter" && /^[xX]$/.test(letter.text) && letter.spaced &&
    before?.kind === "number" && ten?.text === "10" && ten.spaced && power?.text === "^";
  return isTimes ? { kind: "mark", text: "*", spaced: true } : null;
}

/** The pieces of an answer; null where there are more than are read. Takes time in proportion to the length. */
export function answerTokens(text: string, commas: Commas = "list"): readonly Token[] | null {
  const plain = withCommas(withoutSureMarks(plainSpelling(text)), commas);
  const scanner = new TokenScanner(plain);
  scanner.scan();
  const { tokens } = scanner;
  return tokens.length > TOKEN_LIMIT ? null : tokens.map((token, place) => timesOf(tokens, place) ?? token);
}

/** One spelling of a run of tokens: equal where texts differ in nothing that counts. */
export function spellingOf(tokens: readonly Token[]): string {
  let spelled = "", last = "";
  for (const { kind, text } of tokens) {
    const isWord = kind === "number" || kind === "letter" || kind === "word" || kind === "text" ||
      kind === "command";
    // Two letters side by side are a product whether or not a space parts them.
    const parted = isWord && last !== "" && !(kind === "letter" && last === "letter");
    spelled += `${parted ? " " : ""}${kind === "command" ? "\\" : ""}${text}`;
    last = isWord ? kind : "";
  }
  return spelled;
}
