import type { Token } from "./_token_scanner.ts";
import type { Expression } from "./_expression.ts";
import type { Matrix } from "./_matrix.ts";

/** What an expression is the value of: a number, or a matrix of numbers. */
export type Quantity = Expression | Matrix;

/** Whether a quantity is a matrix. */
export function isMatrix(value: Quantity): value is Matrix {
  return value.kind === "matrix";
}

/** The brackets that close each bracket of an answer, by place; null where they do not pair, or are nested too deep. */
export function closingPlaces(tokens: readonly Token[], depthLimit: number): readonly number[] | null {
  const closes: number[] = [], open: number[] = [];
  const partner: Readonly<Record<string, string>> = {
    "(": ")]",
    "[": ")]",
    "{": "}",
    "\\{": "\\}",
    "⌊": "⌋",
    "⌈": "⌉",
    "⟨|": "|⟩",
  };
  for (const [place, { kind, text }] of tokens.entries()) {
    if (kind === "open" || kind === "begin") {
      if (open.push(place) > depthLimit) return null;
    } else if (kind === "close" || kind === "end") {
      const from = open.pop(), opener = from === undefined ? undefined : tokens[from];
      if (from === undefined || opener === undefined) return null;
      const fits = kind === "end"
        ? opener.kind === "begin" && opener.text === text
        : opener.kind === "open" && (partner[opener.text] === text ||
          (partner[opener.text] === ")]" && (text === ")" || text === "]")));
      if (!fits) return null;
      closes[from] = place;
    }
  }
  return open.length === 0 ? closes : null;
}

/** A place in a run of tokens, and what may be asked of what comes next. */
export abstract class TokenRun {
  protected at = 0;
  protected end = 0;
  /** Bars that are open in this bracket. */
  protected bars = 0;
  /** What `±` stands for. */
  protected sign: 1 | -1 = 1;
  /** Whether the argument of a function is read, in which degrees are a number. */
  protected isArgument = false;

  /** `closes` has the place of the bracket that closes each bracket. */
  constructor(protected readonly tokens: readonly Token[], protected readonly closes: readonly number[]) {}

  /** Reads a sum as far as it goes. */
  protected abstract sum(): Quantity | null;

  protected get next(): Token | undefined {
    return this.at < this.end ? this.tokens[this.at] : undefined;
  }

  protected isMark(text: string): boolean {
    const next = this.next;
    return next !== undefined && next.kind === "mark" && next.text === text;
  }

  /** Reads all of what lies between two places. */
  protected within(from: number, to: number, isArgument = this.isArgument): Quantity | null {
    const saved = [this.end, this.bars, this.isArgument] as const;
    [this.at, this.end, this.bars, this.isArgument] = [from, to, 0, isArgument];
    const value = from === to ? null : this.sum(), isWhole = this.at === to;
    [this.end, this.bars, this.isArgument] = saved;
    this.at = to + 1;
    return isWhole ? value : null;
  }

  /** What the bracket at this place holds. */
  protected bracket(isArgument = this.isArgument): Quantity | null {
    return this.within(this.at + 1, this.closes[this.at] as number, isArgument);
  }

  /** Signs before a term: −1 for an odd number of minus signs, null where there is none. */
  protected signs(): 1 | -1 {
    let sign: 1 | -1 = 1;
    for (let turn = 0; turn < 3; turn++) {
      if (this.isMark("-")) sign = sign === 1 ? -1 : 1;
      else if (this.isMark("±")) sign = sign === this.sign ? 1 : -1;
      else if (this.isMark("∓")) sign = sign === this.sign ? -1 : 1;
      else if (!this.isMark("+")) break;
      this.at++;
    }
    return sign;
  }
}
