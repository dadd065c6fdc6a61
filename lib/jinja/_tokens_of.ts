import { TemplateFault } from "./_faults.ts";
import { escapeOf, SPACE, stripped } from "./_letters.ts";

/** A word, number, text or sign of a template; `text` is what stands outside of all tags. */
export interface Token {
  readonly kind: "text" | "open" | "close" | "name" | "integer" | "float" | "string" | "sign" | "end";
  /** The text; for `open` and `close` the bracket without its whitespace control: `{%`, `%}`, `{{`, `}}`. */
  readonly value: string;
}

const SIGNS = ["//", "**", "==", "!=", ">=", "<=", ..."+-/*%~[](){}><=.:|,;"];
const BLANK = new RegExp(`[${SPACE}]+`, "y");
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{ID_Continue}\p{M}_]+/uy;
const STRING = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const OPENING = /\{[{%#]/g;
const RAW = new RegExp(`\\{%[-+]?[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`, "y");
const RAW_END = new RegExp(
  `\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`,
  "g",
);
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?`, "g");
const ENDS = {
  "{{": new RegExp(`-\\}\\}[${SPACE}]*|\\}\\}`, "y"),
  "{%": new RegExp(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`, "y"),
};
const CLOSING: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

/** What a pattern matches at a place, or null. */
function at(pattern: RegExp, source: string, place: number): string | null {
  pattern.lastIndex = place;
  return pattern.exec(source)?.[0] ?? null;
}

/** The first match of a pattern from a place on, or null. */
function from(pattern: RegExp, source: string, place: number): RegExpExecArray | null {
  pattern.lastIndex = place;
  return pattern.exec(source);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * The text that a literal stands for. Letters beyond ASCII become escapes first, as in jinja2, so that a backslash
 * before one of them escapes the escape.
 */
function unescaped(body: string): string {
  const plain = body.replace(/\P{ASCII}/gu, escapeOf);
  return plain.replace(
    /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gs,
    (all: string, octal, byte, short, long, other: string | undefined) => {
      if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
      const hex: string | undefined = byte ?? short ?? long;
      if (hex !== undefined) {
        const code = parseInt(hex, 16);
        if (code > 0x10ffff) throw new TemplateFault("an escape of no letter in a text of the template");
        return String.fromCodePoint(code);
      }
      if (other === "x" || other === "u" || other === "U" || other === "N") {
        throw new TemplateFault(`an escape that cannot be read in a text of the template: \\${other}`);
      }
      return ESCAPES[other as string] ?? all;
    },
  );
}

/** Reads one template: what stands between tags, and the tags' parts. */
class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #place = 0;
  /** Whether nothing but a line break came before this place. */
  #lineStarts = true;

  constructor(source: string) {
    const unix = source.replace(/\r\n?/g, "\n");
    this.#source = unix.endsWith("\n") ? unix.slice(0, -1) : unix;
  }

  tokens(): readonly Token[] {
    while (this.#place < this.#source.length) this.#outside();
    this.#tokens.push({ kind: "end", value: "" });
    return this.#tokens;
  }

  #push(kind: Token["kind"], value: string): void {
    this.#tokens.push({ kind, value });
  }

  /** Takes what was matched and remembers whether it ended a line. */
  #take(length: number): void {
    this.#place += length;
    this.#lineStarts = this.#source[this.#place - 1] === "\n";
  }

  /** Text up to the next tag, then that tag. */
  #outside(): void {
    const source = this.#source, open = from(OPENING, source, this.#place);
    if (open === null) {
      this.#push("text", source.slice(this.#place));
      this.#place = source.length;
      return;
    }
    const text = source.slice(this.#place, open.index), tag = open[0];
    const after = source[open.index + 2] ?? "", control = after === "-" || after === "+" ? after : "";
    this.#text(text, { control, expression: tag === "{{" });
    this.#place = open.index;
    const raw = at(RAW, source, this.#place);
    if (raw !== null) {
      this.#take(raw.length);
      this.#raw();
      return;
    }
    this.#take(2 + control.length);
    if (tag === "{#") this.#comment();
    else this.#inside(tag as "{{" | "{%");
  }

  /** Text before a tag: white space is dropped where the tag asks for it, and blanks before a tag that begins a line. */
  #text(text: string, tag: { readonly control: string; readonly expression: boolean }): void {
    let kept = text;
    if (tag.control === "-") kept = stripped(text, { side: "right" });
    else if (tag.control === "" && !tag.expression) {
      const line = text.lastIndexOf("\n") + 1;
      if ((line > 0 || this.#lineStarts) && stripped(text.slice(line), { side: "left" }) === "") {
        kept = text.slice(0, line);
      }
    }
    if (kept !== "") this.#push("text", kept);
  }

  /** Everything up to the end of a raw block, as it stands. */
  #raw(): void {
    const found = from(RAW_END, this.#source, this.#place);
    if (found === null) throw new TemplateFault("Missing end of raw directive");
    this.#text(this.#source.slice(this.#place, found.index), { control: found[1] ?? "", expression: false });
    this.#place = found.index;
    this.#take(found[0].length);
  }

  #comment(): void {
    const found = from(COMMENT_END, this.#source, this.#place);
    if (found === null) throw new TemplateFault("Missing end of comment tag");
    this.#place = found.index;
    this.#take(found[0].length);
  }

  /** The parts of a tag and its end. */
  #inside(open: "{{" | "{%"): void {
    this.#push("open", open);
    const close = open === "{{" ? "}}" : "%}";
    const brackets: string[] = [];
    while (this.#place < this.#source.length) {
      const ended = brackets.length === 0 ? at(ENDS[open], this.#source, this.#place) : null;
      if (ended !== null) {
        this.#push("close", close);
        this.#take(ended.length);
        return;
      }
      this.#part(brackets);
    }
  }

  /** One blank, word, number, text or sign of a tag. */
  #part(brackets: string[]): void {
    const source = this.#source, place = this.#place;
    const matched = (pattern: RegExp): string | null => at(pattern, source, place);
    const blank = matched(BLANK);
    if (blank !== null) return this.#take(blank.length);
    const float = matched(FLOAT);
    const number = float ?? matched(INTEGER);
    if (number !== null) {
      this.#push(float === null ? "integer" : "float", number.replaceAll("_", ""));
      return this.#take(number.length);
    }
    const name = matched(NAME);
    if (name !== null) {
      if (!/^[\p{ID_Start}_]/u.test(name)) throw new TemplateFault("Invalid character in identifier");
      this.#push("name", name);
      return this.#take(name.length);
    }
    const text = matched(STRING);
    if (text !== null) {
      this.#push("string", unescaped(text.slice(1, -1)));
      return this.#take(text.length);
    }
    const sign = SIGNS.find((candidate) => source.startsWith(candidate, place));
    if (sign === undefined) {
      throw new TemplateFault(`unexpected char ${JSON.stringify(source[place])} at ${place}`);
    }
    if (CLOSING[sign] !== undefined) brackets.push(CLOSING[sign]);
    else if (sign === "}" || sign === ")" || sign === "]") {
      const expected = brackets.pop();
      if (expected !== sign) {
        throw new TemplateFault(
          `unexpected '${sign}'${expected === undefined ? "" : `, expected '${expected}'`}`,
        );
      }
    }
    this.#push("sign", sign);
    this.#take(sign.length);
  }
}

/**
 * A template → its tokens, as jinja2 reads it with `trim_blocks` and `lstrip_blocks`. `TemplateFault` for what is no
 * part of any template.
 */
export function tokensOf(source: string): readonly Token[] {
  return new Lexer(source).tokens();
}
