import { plainSpelling } from "./_plain_spelling.ts";
import {
  CLOSERS,
  COMMANDS,
  entryOf,
  FONTS,
  IDLE,
  isKnown,
  KNOWN_WORDS,
  MARKS,
  OPENERS,
  SHAPES,
  SPACES,
  TEXTS,
} from "./_tex_names.ts";

/** A piece of an answer. */
export interface Token {
  readonly kind:
    | "number"
    | "letter"
    | "word"
    | "command"
    | "open"
    | "close"
    | "mark"
    | "text"
    | "begin"
    | "end";
  /** In one spelling: `<=` for `\le`, `leq` for no command at all. */
  readonly text: string;
  /** Whether a space stands before it. */
  readonly spaced: boolean;
}

/** How commas between digits are read: as what parts values, as thousands marks, or as a decimal point. */
export type Commas = "list" | "thousands" | "decimal";

/** Tokens of one answer that are read. */
export const TOKEN_LIMIT = 1000;

const PIECE =
  /\\([A-Za-z]+)|(\d+(?:\.\d+)?|\.\d+)(?:[eE]([-+]?\d+)(?![A-Za-z\d]))?|(\p{L}[\p{L}\p{M}]*)|\\([{}|%$&#_])|(\*\*|<=|>=|=<|!=|:=|==|\+-|[-+*/^_!|',&;:=<>()[\]{}%?°#@.])/uy;

/** Where the brace that opens at `open` closes; -1 where it never does. */
export function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let index = open; index < text.length; index++) {
    if (text[index] === "\\") index++;
    else if (text[index] === "{") depth++;
    else if (text[index] === "}" && --depth === 0) return index;
  }
  return -1;
}

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

/** Words that stand for a comma, or bind two conditions. */
function joint(word: string): string | null {
  const plain = word.trim().toLowerCase().replace(/^,\s*|\s*,$/g, "");
  return plain === "and" || plain === "or" ? plain : plain === "," || plain === ";" ? "," : null;
}

interface Scan {
  readonly text: string;
  readonly hasRows: boolean;
  readonly tokens: Token[];
  at: number;
  spaced: boolean;
}

function push(scan: Scan, kind: Token["kind"], text: string): void {
  scan.tokens.push({ kind, text, spaced: scan.spaced });
  scan.spaced = false;
}

/** The text between the braces after a command, which is then passed; null where there is none. */
function argument(scan: Scan): string | null {
  let open = scan.at;
  while (/\s/.test(scan.text[open] ?? "")) open++;
  if (scan.text[open] !== "{") return null;
  const close = closingBrace(scan.text, open);
  if (close < 0) return null;
  scan.at = close + 1;
  return scan.text.slice(open + 1, close);
}

function pushAll(scan: Scan, text: string, wrap: boolean): void {
  if (wrap) push(scan, "open", "{");
  const inner: Scan = { text, hasRows: scan.hasRows, tokens: scan.tokens, at: 0, spaced: scan.spaced };
  scanAll(inner);
  scan.spaced = inner.spaced;
  if (wrap) push(scan, "close", "}");
}

/** Single upright letters behind a number that are units and not names. */
const UNIT_LETTER = /^[msghNJWVAKCFLTMH]$/;

/** A unit of several parts: `m/s`, `cm^2`, `kg m^{-3}`. */
const MEASURE = /^\p{L}+(?:[\p{L} /]|\^\{?-?\d\}?)+$/u;

function wordsOrFormula(scan: Scan, inside: string, isFont: boolean): void {
  const word = inside.replace(/~|\\[ ,;:!]/g, " ").trim(), sign = joint(word);
  if (word === "") return;
  if (sign !== null && !isFont) push(scan, "mark", sign);
  else if (/^\p{L}$/u.test(word)) {
    const isUnit = UNIT_LETTER.test(word) && scan.tokens.at(-1)?.kind === "number" && isFont;
    push(scan, isUnit ? "text" : "letter", word);
  } else if (Object.hasOwn(KNOWN_WORDS, word) && (isFont || !/^(?:min|max|sec|mod|inf|oo)$/.test(word))) {
    push(scan, "command", KNOWN_WORDS[word] as string);
  } else if (isFont && scan.tokens.at(-1)?.kind === "number" && MEASURE.test(word)) push(scan, "text", word);
  else if (isFont ? !/^[\p{L} ]+$/u.test(word) : /^[-+]?\s*[\d$.]/.test(word)) pushAll(scan, inside, isFont);
  else push(scan, "text", word);
}

function environment(scan: Scan, kind: "begin" | "end"): void {
  const name = (argument(scan) ?? "").replace("*", "");
  // What says how columns are set: `{cc}`, `[t]`.
  if (kind === "begin" && (name === "array" || name === "tabular" || name.endsWith("aligned"))) {
    scan.at += /^\s*(?:\[[a-z]\])?\s*(?:\{[lcr|@. ]*\})?/.exec(scan.text.slice(scan.at))?.[0].length ?? 0;
  }
  push(scan, kind, name);
}

/** The delimiter behind `\left` or `\right`: a dot is none, a bar knows its side. */
function delimiter(scan: Scan, side: "left" | "right"): void {
  const next = /^\s*(\.|\\\||\||\\[lr]?[vV]ert(?![A-Za-z]))/.exec(scan.text.slice(scan.at));
  if (next === null) return;
  scan.at += next[0].length;
  if (next[1] !== ".") push(scan, side === "left" ? "open" : "close", side === "left" ? "⟨|" : "|⟩");
}

function command(scan: Scan, name: string): void {
  if (name === "left" || name === "right") return delimiter(scan, name);
  if (TEXTS.has(name)) {
    const inside = argument(scan);
    return inside === null ? undefined : wordsOrFormula(scan, inside, false);
  }
  if (FONTS.has(name)) {
    const inside = argument(scan);
    if (inside === null) return;
    return SHAPES.has(name) ? pushAll(scan, inside, true) : wordsOrFormula(scan, inside, true);
  }
  if (name === "begin" || name === "end") return environment(scan, name);
  if (name === "textcolor") return void argument(scan);
  if (SPACES.has(name)) {
    if (!name.endsWith("quad") && !name.endsWith("space") || name === "hspace" || name === "vspace") {
      argument(scan);
    }
    scan.spaced = true;
  } else if (IDLE.has(name)) return;
  else if (name === "mathbb") {
    push(scan, "command", `mathbb{${(argument(scan) ?? scan.text[scan.at++] ?? "").trim()}}`);
  } else if (Object.hasOwn(MARKS, name)) push(scan, "mark", MARKS[name] as string);
  else if (Object.hasOwn(OPENERS, name)) push(scan, "open", OPENERS[name] as string);
  else if (Object.hasOwn(CLOSERS, name)) push(scan, "close", CLOSERS[name] as string);
  else {
    // `\lceiln`: a space lost between a command and the letter behind it.
    const head = [1, 2].map((length) => name.slice(0, -length)).find((part) => isKnown(part));
    if (head === undefined || isKnown(name)) return push(scan, "command", entryOf(COMMANDS, name) ?? name);
    command(scan, head);
    letters(scan, name.slice(head.length));
  }
}

function letters(scan: Scan, word: string): void {
  const sign = joint(word);
  if (sign !== null && (scan.spaced || scan.tokens.length === 0)) push(scan, "mark", sign);
  else if ([...word].length === 1) push(scan, "letter", word);
  else if (Object.hasOwn(KNOWN_WORDS, word)) push(scan, "command", KNOWN_WORDS[word] as string);
  else {
    // `sinx`, `lnx`: a function and its one letter.
    const glued = /^(sin|cos|tan|ln|log|sqrt)([a-z])$/.exec(word);
    if (glued === null) return push(scan, "word", word);
    push(scan, "command", glued[1] as string);
    push(scan, "letter", glued[2] as string);
  }
}

/** What a stroke before a sign makes of it. */
const ESCAPED: Readonly<Record<string, string>> = { "$": "¤", "|": "‖", "&": "and" };

const MARK_SPELLING: Readonly<Record<string, string>> = {
  "**": "^",
  "=<": "<=",
  ":=": "=",
  "==": "=",
  "+-": "±",
};

function scanOne(scan: Scan): void {
  const { text } = scan;
  const letter = text[scan.at] as string, next = text[scan.at + 1] ?? "";
  if (/[\s~]/.test(letter) || (letter === "\\" && /[ ,;:>\n]/.test(next))) {
    scan.spaced = true;
    scan.at += letter === "\\" ? 2 : 1;
  } else if (letter === "$" || (letter === "\\" && /[!()[\]]/.test(next))) scan.at += letter === "$" ? 1 : 2;
  else if (letter === "\\" && next === "\\") {
    // A doubled stroke before a name is a slip of escaping, save where rows end.
    const isCommand = /[A-Za-z]/.test(text[scan.at + 2] ?? "") && !scan.hasRows;
    scan.at += isCommand ? 1 : 2;
    if (!isCommand) {
      scan.at += /^\s*\[[^\]]{0,8}(?:pt|em|ex|mm|cm)\]/.exec(text.slice(scan.at))?.[0].length ?? 0;
      push(scan, "mark", "\\\\");
    }
  } else {
    PIECE.lastIndex = scan.at;
    const found = PIECE.exec(text);
    if (found === null) {
      scan.at++;
      return push(scan, "mark", "?");
    }
    scan.at += found[0].length;
    const [whole, name, number, exponent, word, escaped, mark] = found;
    if (name !== undefined) command(scan, name);
    else if (number !== undefined) pushNumber(scan, number, exponent);
    else if (word !== undefined) letters(scan, word);
    else if (escaped !== undefined) {
      if (escaped === "{" || escaped === "}") push(scan, escaped === "{" ? "open" : "close", whole);
      else push(scan, "mark", entryOf(ESCAPED, escaped) ?? escaped);
    } else pushMark(scan, entryOf(MARK_SPELLING, mark as string) ?? mark as string);
  }
}

/** Digits that repeat: `0.\overline{3}`, `0.1\dot{6}`, `0.(3)`. */
const REPEATED = /\.?\\overline\s*\{\s*(\d+)\s*\}|\.?\\dot\s*\{\s*(\d)\s*\}|\.\((\d+)\)/y;

function pushNumber(scan: Scan, number: string, exponent: string | undefined): void {
  REPEATED.lastIndex = scan.at;
  const repeated = REPEATED.exec(scan.text);
  if (repeated !== null && number.includes(".") !== repeated[0].startsWith(".")) {
    const [whole, first, second, third] = repeated;
    scan.at += whole.length;
    return push(scan, "number", `${number}${whole.startsWith(".") ? "." : ""}(${first ?? second ?? third})`);
  }
  // A point behind the last digit says nothing; three of them do.
  if (scan.text[scan.at] === "." && !/[\d.]/.test(scan.text[scan.at + 1] ?? "") && !number.includes(".")) {
    scan.at++;
  }
  push(scan, "number", exponent === undefined ? number : `${number}e${exponent}`);
}

/** Whether a brace was opened just now where no command waits for what it holds. */
function isEmptyGroup(tokens: readonly Token[]): boolean {
  const before = tokens.at(-2);
  return tokens.at(-1)?.text === "{" && before?.kind !== "command" && !/^[_^}]$/.test(before?.text ?? "");
}

function pushMark(scan: Scan, mark: string): void {
  if ("([{".includes(mark)) push(scan, "open", mark);
  else if (mark === "}" && isEmptyGroup(scan.tokens)) scan.tokens.pop();
  else if (")]}".includes(mark)) push(scan, "close", mark);
  else push(scan, "mark", mark);
}

function scanAll(scan: Scan): void {
  while (scan.at < scan.text.length && scan.tokens.length <= TOKEN_LIMIT) scanOne(scan);
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
  const scan: Scan = { text: plain, hasRows: plain.includes("\\begin"), tokens: [], at: 0, spaced: false };
  scanAll(scan);
  return scan.tokens.length > TOKEN_LIMIT
    ? null
    : scan.tokens.map((token, place) => timesOf(scan.tokens, place) ?? token);
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
