import { closingBrace } from "./_closing_brace.ts";
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

/** Tokens of one answer that are read. */
export const TOKEN_LIMIT = 1000;

const PIECE =
  /\\([A-Za-z]+)|(\d+(?:\.\d+)?|\.\d+)(?:[eE]([-+]?\d+)(?![A-Za-z\d]))?|(\p{L}[\p{L}\p{M}]*)|\\([{}|%$&#_])|(\*\*|<=|>=|=<|!=|:=|==|\+-|[-+*/^_!|',&;:=<>()[\]{}%?°#@.])/uy;

/** Words that stand for a comma, or bind two conditions. */
function joint(word: string): string | null {
  const plain = word.trim().toLowerCase().replace(/^,\s*|\s*,$/g, "");
  return plain === "and" || plain === "or" ? plain : plain === "," || plain === ";" ? "," : null;
}

/** Single upright letters behind a number that are units and not names. */
const UNIT_LETTER = /^[msghNJWVAKCFLTMH]$/;

/** A unit of several parts: `m/s`, `cm^2`, `kg m^{-3}`. */
const MEASURE = /^\p{L}+(?:[\p{L} /]|\^\{?-?\d\}?)+$/u;

/** What a stroke before a sign makes of it. */
const ESCAPED: Readonly<Record<string, string>> = { "$": "¤", "|": "‖", "&": "and" };

const MARK_SPELLING: Readonly<Record<string, string>> = {
  "**": "^",
  "=<": "<=",
  ":=": "=",
  "==": "=",
  "+-": "±",
};

/** Digits that repeat: `0.\overline{3}`, `0.1\dot{6}`, `0.(3)`. */
const REPEATED = /\.?\\overline\s*\{\s*(\d+)\s*\}|\.?\\dot\s*\{\s*(\d)\s*\}|\.\((\d+)\)/y;

/** The length of a break's own space behind `\\`: `[4pt]`. */
const ROW_SPACE = /\s*\[[^\]]{0,8}(?:pt|em|ex|mm|cm)\]/y;

/** What says how columns are set: `{cc}`, `[t]`. */
const COLUMNS = /\s*(?:\[[a-z]\])?\s*(?:\{[lcr|@. ]*\})?/y;

const DELIMITER = /\s*(\.|\\\||\||\\[lr]?[vV]ert(?![A-Za-z]))/y;

/** Takes a text apart from left to right. */
export class TokenScanner {
  readonly tokens: Token[] = [];
  #text: string;
  readonly #hasRows: boolean;
  #at = 0;
  #spaced = false;

  /** The text is in ASCII as far as mathematics goes. */
  constructor(text: string) {
    this.#text = text;
    this.#hasRows = text.includes("\\begin");
  }

  /** Scans to the end, or until there are more tokens than are read. */
  scan(): void {
    while (this.#at < this.#text.length && this.tokens.length <= TOKEN_LIMIT) this.#next();
  }

  #push(kind: Token["kind"], text: string): void {
    this.tokens.push({ kind, text, spaced: this.#spaced });
    this.#spaced = false;
  }

  /** Passes what a sticky pattern finds here; null where it finds nothing. */
  #pass(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  /** The text between the braces after a command, which is then passed; null where there is none. */
  #argument(): string | null {
    let open = this.#at;
    while (/\s/.test(this.#text[open] ?? "")) open++;
    if (this.#text[open] !== "{") return null;
    const close = closingBrace(this.#text, open);
    if (close < 0) return null;
    this.#at = close + 1;
    return this.#text.slice(open + 1, close);
  }

  /** Scans a text in place of the command that held it. */
  #inner(text: string): void {
    const [outer, at] = [this.#text, this.#at];
    [this.#text, this.#at] = [text, 0];
    this.scan();
    [this.#text, this.#at] = [outer, at];
  }

  #group(text: string): void {
    this.#push("open", "{");
    this.#inner(text);
    this.#push("close", "}");
  }

  get #isBehindNumber(): boolean {
    return this.tokens.at(-1)?.kind === "number";
  }

  /** What a command of text holds: words, a number, or a joint of two answers. */
  #words(inside: string): void {
    const word = inside.replace(/~|\\[ ,;:!]/g, " ").trim(), sign = joint(word);
    if (word === "") return;
    if (sign !== null) this.#push("mark", sign);
    else if (/^\p{L}$/u.test(word)) this.#push("letter", word);
    else if (Object.hasOwn(KNOWN_WORDS, word) && !/^(?:min|max|sec|mod|inf|oo)$/.test(word)) {
      this.#push("command", KNOWN_WORDS[word] as string);
    } else if (/^[-+]?\s*[\d$.]/.test(word)) this.#inner(inside);
    else this.#push("text", word);
  }

  /** What an upright font holds: a name, a function, a unit, or a formula. */
  #upright(inside: string): void {
    const word = inside.replace(/~|\\[ ,;:!]/g, " ").trim();
    if (word === "") return;
    if (/^\p{L}$/u.test(word)) {
      this.#push(UNIT_LETTER.test(word) && this.#isBehindNumber ? "text" : "letter", word);
    } else if (Object.hasOwn(KNOWN_WORDS, word)) this.#push("command", KNOWN_WORDS[word] as string);
    else if (/^[\p{L} ]+$/u.test(word) || (this.#isBehindNumber && MEASURE.test(word))) {
      this.#push("text", word);
    } else this.#group(inside);
  }

  #environment(kind: "begin" | "end"): void {
    const name = (this.#argument() ?? "").replace("*", "");
    if (kind === "begin" && (name === "array" || name === "tabular" || name.endsWith("aligned"))) {
      this.#pass(COLUMNS);
    }
    this.#push(kind, name);
  }

  /** The delimiter behind `\left` or `\right`: a dot is none, a bar knows its side. */
  #delimiter(side: "left" | "right"): void {
    const found = this.#pass(DELIMITER);
    if (found === null || found[1] === ".") return;
    this.#push(side === "left" ? "open" : "close", side === "left" ? "⟨|" : "|⟩");
  }

  #command(name: string): void {
    if (name === "left" || name === "right") return this.#delimiter(name);
    if (name === "begin" || name === "end") return this.#environment(name);
    if (TEXTS.has(name) || FONTS.has(name)) {
      const inside = this.#argument();
      if (inside === null) return;
      return TEXTS.has(name)
        ? this.#words(inside)
        : SHAPES.has(name)
        ? this.#group(inside)
        : this.#upright(inside);
    }
    if (SPACES.has(name)) {
      if (/^(?:[hv]space|phantom|label|tag|color|textcolor)$/.test(name)) this.#argument();
      this.#spaced = true;
    } else if (name === "mathbb") {
      const letter = this.#argument() ?? this.#pass(/\s*[A-Za-z]/y)?.[0] ?? "";
      this.#push("command", `mathbb{${letter.trim()}}`);
    } else if (!IDLE.has(name)) this.#sign(name);
  }

  /** A command that is one sign, or a name. */
  #sign(name: string): void {
    const mark = entryOf(MARKS, name), open = entryOf(OPENERS, name), close = entryOf(CLOSERS, name);
    if (mark !== undefined) return this.#push("mark", mark);
    if (open !== undefined) return this.#push("open", open);
    if (close !== undefined) return this.#push("close", close);
    // `\lceiln`: a space lost between a command and the letter behind it.
    const head = isKnown(name) ? undefined : [1, 2].map((length) => name.slice(0, -length)).find(isKnown);
    if (head === undefined) return this.#push("command", entryOf(COMMANDS, name) ?? name);
    this.#command(head);
    this.#letters(name.slice(head.length));
  }

  #letters(word: string): void {
    const sign = joint(word), known = entryOf(KNOWN_WORDS, word);
    if (sign !== null && (this.#spaced || this.tokens.length === 0)) return this.#push("mark", sign);
    if ([...word].length === 1) return this.#push("letter", word);
    if (known !== undefined) return this.#push("command", known);
    // `sinx`, `lnx`: a function and its one letter.
    const glued = /^(sin|cos|tan|ln|log|sqrt)([a-z])$/.exec(word);
    if (glued === null) return this.#push("word", word);
    this.#push("command", KNOWN_WORDS[glued[1] as string] as string);
    this.#push("letter", glued[2] as string);
  }

  #next(): void {
    const letter = this.#text[this.#at] as string, next = this.#text[this.#at + 1] ?? "";
    if (/[\s~]/.test(letter) || (letter === "\\" && /[ ,;:>\n]/.test(next))) {
      this.#spaced = true;
      this.#at += letter === "\\" ? 2 : 1;
    } else if (letter === "$") this.#at++;
    else if (letter === "\\" && /[!()[\]]/.test(next)) this.#at += 2;
    else if (letter === "\\" && next === "\\") this.#stroke();
    else this.#piece();
  }

  /** Two strokes: the end of a row, or, where there are no rows, a command with a stroke too many. */
  #stroke(): void {
    const isCommand = !this.#hasRows && /[A-Za-z]/.test(this.#text[this.#at + 2] ?? "");
    this.#at += isCommand ? 1 : 2;
    if (isCommand) return;
    this.#pass(ROW_SPACE);
    this.#push("mark", "\\\\");
  }

  #piece(): void {
    const found = this.#pass(PIECE);
    if (found === null) {
      this.#at++;
      return this.#push("mark", "?");
    }
    const [whole, name, number, exponent, word, escaped, mark = ""] = found;
    if (name !== undefined) this.#command(name);
    else if (number !== undefined) this.#number(number, exponent);
    else if (word !== undefined) this.#letters(word);
    else if (escaped === "{" || escaped === "}") this.#push(escaped === "{" ? "open" : "close", whole);
    else if (escaped !== undefined) this.#push("mark", entryOf(ESCAPED, escaped) ?? escaped);
    else this.#mark(entryOf(MARK_SPELLING, mark) ?? mark);
  }

  #number(number: string, exponent: string | undefined): void {
    REPEATED.lastIndex = this.#at;
    const repeated = REPEATED.exec(this.#text);
    if (repeated !== null && number.includes(".") !== repeated[0].startsWith(".")) {
      const [whole, first, second, third] = repeated;
      this.#at += whole.length;
      return this.#push(
        "number",
        `${number}${whole.startsWith(".") ? "." : ""}(${first ?? second ?? third})`,
      );
    }
    // A point behind the last digit says nothing; three of them do.
    const isEnd = this.#text[this.#at] === "." && !/[\d.]/.test(this.#text[this.#at + 1] ?? "");
    if (isEnd && !number.includes(".")) this.#at++;
    this.#push("number", exponent === undefined ? number : `${number}e${exponent}`);
  }

  /** Whether a brace was opened just now where no command waits for what it holds. */
  get #isEmptyGroup(): boolean {
    const before = this.tokens.at(-2);
    return this.tokens.at(-1)?.text === "{" && before?.kind !== "command" &&
      !/^[_^}]$/.test(before?.text ?? "");
  }

  #mark(mark: string): void {
    if ("([{".includes(mark)) this.#push("open", mark);
    else if (mark === "}" && this.#isEmptyGroup) this.tokens.pop();
    else this.#push(")]}".includes(mark) ? "close" : "mark", mark);
  }
}
