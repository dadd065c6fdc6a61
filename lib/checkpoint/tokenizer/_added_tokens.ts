/** An added token: its text becomes one id wherever it stands, before anything else looks at it. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Only where no letter or digit touches it. */
  readonly singleWord: boolean;
  /** White space before it belongs to it. */
  readonly lstrip: boolean;
  /** White space after it belongs to it. */
  readonly rstrip: boolean;
  /** It is looked for in the normalized text instead of the text as it came. */
  readonly normalized: boolean;
  /** It is never part of ordinary text. */
  readonly special: boolean;
}

/** A part of a text: what an added token stood for, or what lies between two of them. */
export type Piece =
  | { readonly kind: "token"; readonly id: number }
  | { readonly kind: "text"; readonly text: string; readonly from: number };

interface Node {
  readonly next: Map<string, Node>;
  token: AddedToken | null;
}

// What the reference takes for a letter of a word: the `\w` of its regular expressions.
const ENDS_WITH_WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const STARTS_WITH_WORD = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const SPACE_AT_START = /^\p{White_Space}+/u;
const SPACE = /\p{White_Space}/u;

/** Finds added tokens in a text, from the left, of several that begin at one place the longest. */
export class AddedTokenFinder {
  readonly #root: Node = { next: new Map(), token: null };
  readonly #empty: boolean;

  /** `texts` are what is looked for; of two tokens with one text the first counts. */
  constructor(texts: Iterable<readonly [text: string, token: AddedToken]>) {
    let count = 0;
    for (const [text, token] of texts) {
      if (text === "") continue;
      count++;
      let node = this.#root;
      for (const unit of text.split("")) {
        const next = node.next.get(unit) ?? { next: new Map(), token: null };
        node.next.set(unit, next);
        node = next;
      }
      node.token ??= token;
    }
    this.#empty = count === 0;
  }

  #longestAt(text: string, start: number): { readonly token: AddedToken; readonly stop: number } | null {
    let found: { token: AddedToken; stop: number } | null = null;
    let node = this.#root.next.get(text[start] as string);
    for (let at = start + 1; node !== undefined; at++) {
      if (node.token !== null) found = { token: node.token, stop: at };
      node = node.next.get(text[at] ?? "");
    }
    return found;
  }

  /** The parts of a text, tokens and what is between them; empty parts are left out. */
  split(text: string): Piece[] {
    if (this.#empty || text === "") return text === "" ? [] : [{ kind: "text", text, from: 0 }];
    const pieces: Piece[] = [];
    let done = 0;
    for (let at = 0; at < text.length;) {
      const found = this.#longestAt(text, at);
      if (found === null) {
        at++;
        continue;
      }
      const { token } = found, start = at;
      let stop = found.stop;
      // What was found is passed over even where its neighbours forbid it: nothing shorter is tried inside.
      at = stop;
      const touched = ENDS_WITH_WORD.test(text.slice(Math.max(start - 2, 0), start)) ||
        STARTS_WITH_WORD.test(text.slice(stop, stop + 2));
      if (token.singleWord && touched) continue;
      let from = start;
      if (token.lstrip) { while (from > done && SPACE.test(text[from - 1] as string)) from--; }
      if (token.rstrip) stop += SPACE_AT_START.exec(text.slice(stop))?.[0].length ?? 0;
      if (done < from) pieces.push({ kind: "text", text: text.slice(done, from), from: done });
      pieces.push({ kind: "token", id: token.id });
      done = stop;
    }
    if (done < text.length) pieces.push({ kind: "text", text: text.slice(done), from: done });
    return pieces;
  }
}
